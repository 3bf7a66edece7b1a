from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from a_store import NOW as LONG_AGO

from chalicelib.errors import Conflict, NotFound
from chalicelib.state.ids import TenantId
from chalicelib.store import Store
from chalicelib.store.records import ApiToken, SignInLink, SocketConnection, Tenant, User


@pytest.fixture(autouse=True)
def _now() -> None:
    """Each test has its own present: the store's own clock forgets what has expired meanwhile."""
    global NOW
    NOW = datetime.now(UTC)


NOW = datetime.now(UTC)


def test_tenants_are_listed_for_jobs_and_added_once(store: Store, tenant: TenantId) -> None:
    record = Tenant(id=tenant, name="Acme", plan="free", created_at=NOW)
    added = store.tenants.ensure(tenant, record)

    assert store.tenants.ensure(tenant, record) == added == store.tenants.get(tenant)
    assert tenant in store.tenants.ids()
    with pytest.raises(Conflict):
        store.tenants.add(tenant, record)


def test_users_are_added_once_found_listed_and_removed(store: Store, tenant: TenantId) -> None:
    ada = store.users.add(tenant, User(id="ada", name="Ada", role="admin"))
    with pytest.raises(Conflict):
        store.users.add(tenant, User(id="ada", name="Other", role="viewer"))

    assert store.users.get(tenant, "ada") == ada
    assert list(store.users.list(tenant)) == [ada]
    store.users.remove(tenant, "ada")
    assert store.users.find(tenant, "ada") is None
    with pytest.raises(NotFound):
        store.users.get(tenant, "ada")


def test_a_token_is_found_by_its_hash_until_it_is_revoked(store: Store, tenant: TenantId) -> None:
    token = ApiToken(hash="ab" * 32, user="ada", role="viewer", created_at=NOW, name="ci")
    store.tokens.add(tenant, token)

    assert store.tokens.find(tenant, token.hash) == token
    assert list(store.tokens.list(tenant)) == [token]
    assert store.tokens.remove(tenant, token.hash) is True
    assert store.tokens.remove(tenant, token.hash) is False
    assert store.tokens.find(tenant, token.hash) is None


def test_a_link_works_for_one_caller_before_it_expires(shared_store: Store, tenant: TenantId) -> None:
    shared_store.links.add(tenant, SignInLink(hash="aa", user="ada", expires_at=NOW + timedelta(minutes=5)))
    shared_store.links.add(tenant, SignInLink(hash="bb", user="ada", expires_at=NOW + timedelta(minutes=5)))

    with ThreadPoolExecutor(4) as pool:
        redeemed = list(pool.map(lambda _: shared_store.links.redeem(tenant, "aa", NOW), range(4)))

    assert len([link for link in redeemed if link]) == 1
    assert shared_store.links.redeem(tenant, "bb", NOW + timedelta(minutes=6)) is None
    assert shared_store.links.redeem(tenant, "cc", NOW) is None


def test_a_cached_value_is_there_until_its_expiry(store: Store, tenant: TenantId) -> None:
    store.cache.put(tenant, "k" * 3000, b"\x00\xff", ttl_s=60, now=NOW)

    assert store.cache.get(tenant, "k" * 3000, NOW + timedelta(seconds=59)) == b"\x00\xff"
    assert store.cache.get(tenant, "k" * 3000, NOW + timedelta(seconds=61)) is None
    assert store.cache.get(tenant, "other", NOW) is None


def test_an_expired_value_that_the_table_still_holds_is_not_given_out(store: Store, tenant: TenantId) -> None:
    store.cache.put(tenant, "key", b"old", ttl_s=60, now=LONG_AGO)

    assert store.cache.get(tenant, "key", LONG_AGO) is None


def test_a_large_cached_value_reads_back_whole(store: Store, tenant: TenantId) -> None:
    value = random.Random(3).randbytes(900_000)
    store.cache.put(tenant, "key", value, ttl_s=60, now=NOW)

    assert store.cache.get(tenant, "key", NOW) == value
    store.cache.remove(tenant, "key")
    assert store.cache.get(tenant, "key", NOW) is None


def test_sockets_are_found_by_the_conversation_that_they_show(store: Store, tenant: TenantId) -> None:
    for name in ("s1", "s2"):
        store.connections.add(tenant, SocketConnection(id=name, user="ada", created_at=NOW))
    store.connections.show(tenant, "s1", "co_1")
    store.connections.show(tenant, "s2", "co_1")
    store.connections.show(tenant, "s2", "co_2")

    assert _sockets(store, tenant, "co_1") == ["s1"]
    assert _sockets(store, tenant, "co_2") == ["s2"]
    store.connections.remove(tenant, "s2")
    store.connections.remove(tenant, "s2")
    assert _sockets(store, tenant, "co_2") == []
    assert store.connections.find(tenant, "s2") is None
    assert store.connections.show(tenant, "s2", "co_1") is None


def test_a_socket_is_forgotten_after_two_hours(store: Store, tenant: TenantId) -> None:
    opened = NOW - timedelta(hours=2, seconds=1)
    store.connections.add(tenant, SocketConnection(id="s", user="ada", created_at=opened, conversation="co"))

    assert store.connections.find(tenant, "s") is None
    assert _sockets(store, tenant, "co") == []


def _sockets(store: Store, tenant: TenantId, conversation: str) -> list[str]:
    return [socket.id for socket in store.connections.list_for_conversation(tenant, conversation)]
