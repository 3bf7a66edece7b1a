from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.accounts import (
    Authenticator,
    SessionSigner,
    create_link,
    create_token,
    redeem_link,
    register_token,
    session_signer,
    token_text,
    verify_token,
)
from chalicelib.accounts.authenticate import REMEMBERED_FOR
from chalicelib.accounts.sessions import SESSION_TTL
from chalicelib.errors import NotFound, Unauthenticated
from chalicelib.state.ids import TenantId
from chalicelib.store import Store, memory_store
from chalicelib.store.records import User

NOW = datetime.now(UTC)
ACME, OTHER = TenantId("acme"), TenantId("other")
KEY = b"k" * 32


@pytest.fixture
def store() -> Store:
    made = memory_store()
    made.users.add(ACME, User(id="ada", name="Ada", role="operator"))
    return made


def a_token(store: Store, role: str = "operator", random_bytes: bytes = b"r" * 32) -> str:
    return create_token(store, ACME, "ada", role, name="ci", now=NOW, random_bytes=random_bytes)


def test_a_token_stands_for_its_user(store: Store) -> None:
    principal = verify_token(store, a_token(store))

    assert (principal.tenant, principal.user, principal.name, principal.role) == (ACME, "ada", "Ada", "operator")


def test_the_text_of_a_token_is_kept_nowhere(store: Store) -> None:
    text = a_token(store)

    kept = [item.sort.encode() + item.body for table in store.tables.values() for _, item in table.scan()]
    assert kept
    assert not any(part.encode() in stored for stored in kept for part in (text, text.rsplit("_")[-1]))


def test_a_token_never_exceeds_its_users_role(store: Store) -> None:
    assert verify_token(store, a_token(store, role="admin")).role == "operator"
    assert verify_token(store, a_token(store, role="viewer", random_bytes=b"s" * 32)).role == "viewer"


def test_a_token_ends_with_its_user(store: Store) -> None:
    text = a_token(store)
    store.users.remove(ACME, "ada")

    with pytest.raises(Unauthenticated):
        verify_token(store, text)


def test_a_token_is_of_no_use_in_another_tenant(store: Store) -> None:
    text = a_token(store)
    store.users.add(OTHER, User(id="ada", name="Ada", role="admin"))

    with pytest.raises(Unauthenticated):
        verify_token(store, text.replace("acme", "other"))


def test_a_token_needs_a_user_and_enough_randomness(store: Store) -> None:
    with pytest.raises(NotFound):
        create_token(store, ACME, "bob", "viewer", name="x", now=NOW, random_bytes=b"r" * 32)
    with pytest.raises(ValueError, match="random"):
        token_text(ACME, b"short")


def test_a_text_from_a_file_becomes_a_token_again_after_the_store_was_lost(store: Store) -> None:
    text = token_text(ACME, b"f" * 32)
    for _ in range(2):
        register_token(store, text, "ada", "operator", name="local", now=NOW)

    assert verify_token(store, text).user == "ada"
    assert len(store.tokens.list(ACME)) == 1


@given(st.one_of(st.text(), st.from_regex(r"kbl_[a-z]+_[A-Za-z0-9_-]{40,45}", fullmatch=True)))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(Unauthenticated):
        verify_token(memory_store(), text)


def test_a_link_signs_in_once_and_is_no_token(store: Store) -> None:
    text = create_link(store, ACME, "ada", now=NOW, random_bytes=b"l" * 32)

    with pytest.raises(Unauthenticated):
        verify_token(store, text)
    assert redeem_link(store, text, now=NOW).user == "ada"
    with pytest.raises(Unauthenticated) as refused:
        redeem_link(store, text, now=NOW)
    assert refused.value.code == "invalid_link"


def test_a_link_expires(store: Store) -> None:
    text = create_link(store, ACME, "ada", now=NOW, random_bytes=b"l" * 32)

    with pytest.raises(Unauthenticated):
        redeem_link(store, text, now=NOW + timedelta(minutes=16))


def test_a_session_is_bound_to_its_user_and_expires() -> None:
    signer = SessionSigner(KEY)
    value = signer.issue(ACME, "ada", NOW)

    session = signer.verify(value, NOW + SESSION_TTL - timedelta(seconds=2))
    assert (session.tenant, session.user) == (ACME, "ada")
    with pytest.raises(Unauthenticated) as refused:
        signer.verify(value, NOW + SESSION_TTL + timedelta(seconds=1))
    assert refused.value.code == "session_expired"


def test_a_session_of_another_key_is_refused() -> None:
    with pytest.raises(Unauthenticated) as refused:
        SessionSigner(b"x" * 32).verify(SessionSigner(KEY).issue(ACME, "ada", NOW), NOW)
    assert refused.value.code == "invalid_session"


@given(position=st.integers(0, 10_000), character=st.sampled_from("AZaz09-_.=%\u00e9"))
def test_a_session_with_any_character_changed_is_refused(position: int, character: str) -> None:
    value = SessionSigner(KEY).issue(ACME, "ada", NOW)
    at = position % len(value)
    forged = value[:at] + character + value[at + 1 :]
    if forged == value:
        return
    with pytest.raises(Unauthenticated):
        SessionSigner(KEY).verify(forged, NOW)


@given(st.text())
def test_any_text_as_a_session_is_refused(text: str) -> None:
    with pytest.raises(Unauthenticated):
        SessionSigner(KEY).verify(text, NOW)


def test_the_signing_key_is_made_once_and_stays(store: Store) -> None:
    value = session_signer(store.secrets, ACME, b"1" * 32).issue(ACME, "ada", NOW)

    assert session_signer(store.secrets, ACME, b"2" * 32).verify(value, NOW).user == "ada"


def test_a_revoked_token_stops_working_within_half_a_minute(store: Store) -> None:
    authenticator = Authenticator(store, SessionSigner(KEY))
    text = a_token(store)
    assert authenticator.bearer(text, NOW).user == "ada"
    store.tokens.remove(ACME, store.tokens.list(ACME)[0].hash)

    with pytest.raises(Unauthenticated):
        authenticator.bearer(text, NOW + REMEMBERED_FOR)
    authenticator.forget()
    with pytest.raises(Unauthenticated):
        authenticator.bearer(text, NOW)


def test_a_session_has_the_users_present_role(store: Store) -> None:
    signer = SessionSigner(KEY)
    authenticator = Authenticator(store, signer)
    cookie = signer.issue(ACME, "ada", NOW)
    assert authenticator.session(cookie, NOW).role == "operator"

    store.users.remove(ACME, "ada")
    with pytest.raises(Unauthenticated):
        authenticator.session(cookie, NOW + REMEMBERED_FOR)


def test_an_expired_session_is_refused_though_it_was_remembered(store: Store) -> None:
    signer = SessionSigner(KEY)
    authenticator = Authenticator(store, signer)
    cookie = signer.issue(ACME, "ada", NOW, ttl=timedelta(seconds=10))
    authenticator.session(cookie, NOW)

    with pytest.raises(Unauthenticated):
        authenticator.session(cookie, NOW + timedelta(seconds=11))
