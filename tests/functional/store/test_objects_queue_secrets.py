from __future__ import annotations

import io
from urllib.parse import urlsplit

import pytest

from chalicelib.errors import NotFound, TooLarge
from chalicelib.state.ids import TenantId
from chalicelib.store import Store


def test_an_object_reads_back_whole_or_into_a_file(store: Store, tenant: TenantId) -> None:
    store.objects.put(tenant, "cl_1/snapshots/1", b"abc")
    store.objects.put(tenant, "cl_1/upload", io.BytesIO(b"defg"))
    sink = io.BytesIO()
    store.objects.download(tenant, "cl_1/upload", sink)

    assert (store.objects.get(tenant, "cl_1/snapshots/1"), sink.getvalue()) == (b"abc", b"defg")
    assert (store.objects.size(tenant, "cl_1/upload"), store.objects.size(tenant, "cl_1/none")) == (4, None)


def test_an_object_that_is_not_there_is_not_found(store: Store, tenant: TenantId) -> None:
    for key in ("none", "../other/secret", "a//b", "", "/", "x" * 2000, "a/\ud800", "a b"):
        with pytest.raises(NotFound) as refused:
            store.objects.get(tenant, key)
        assert refused.value.code == "unknown_object"


def test_objects_are_listed_and_deleted_by_prefix(store: Store, tenant: TenantId) -> None:
    for key in ("cl_1/a", "cl_1/b", "cl_10/a"):
        store.objects.put(tenant, key, b"1")

    assert [info.key for info in store.objects.list(tenant, "cl_1/")] == ["cl_1/a", "cl_1/b"]
    assert store.objects.delete_prefix(tenant, "cl_1/") == 2
    assert [(info.key, info.size) for info in store.objects.list(tenant)] == [("cl_10/a", 1)]
    store.objects.delete(tenant, "cl_10/a")
    store.objects.delete(tenant, "cl_10/a")
    assert list(store.objects.list(tenant)) == []


def test_everything_of_a_tenant_is_never_deleted_at_once(store: Store, tenant: TenantId) -> None:
    with pytest.raises(ValueError, match="everything"):
        store.objects.delete_prefix(tenant, "")


def test_an_upload_address_is_for_one_object(store: Store, tenant: TenantId) -> None:
    upload = store.objects.presign_put(
        tenant, "cl_1/upload", expires_s=600, content_type="application/x-tar", max_bytes=1024
    )

    assert urlsplit(upload.url).path.endswith(f"{tenant}/cl_1/upload")
    assert (upload.method, upload.headers, upload.max_bytes) == ("PUT", {"Content-Type": "application/x-tar"}, 1024)


def test_messages_of_a_group_come_in_order_and_one_hand_at_a_time(store: Store, tenant: TenantId) -> None:
    for n in range(3):
        store.queue.send(tenant, {"type": "turn", "n": n}, group="co_1", dedup_id=f"{tenant}{n}")

    first = store.queue.receive(1)
    assert [(m.tenant, m.body["n"], m.body["tenant"], m.attempts) for m in first] == [(tenant, 0, tenant, 1)]
    assert store.queue.receive(1) == []

    store.queue.ack(first[0])
    assert [m.body["n"] for m in drain(store)] == [1, 2]


def test_a_message_sent_twice_is_delivered_once(store: Store, tenant: TenantId, other_tenant: TenantId) -> None:
    for owner in (tenant, tenant, other_tenant):
        store.queue.send(owner, {"n": 1}, group="g", dedup_id="same")

    assert sorted(message.tenant for message in drain(store)) == sorted([tenant, other_tenant])


def test_a_message_that_is_given_back_comes_again(store: Store, tenant: TenantId) -> None:
    store.queue.send(tenant, {"n": 1}, group="g", dedup_id="again")
    (message,) = store.queue.receive()
    store.queue.extend(message, 0)

    (again,) = store.queue.receive()
    assert (again.body["n"], again.attempts) == (1, 2)
    store.queue.ack(again)


def test_any_text_may_name_a_group(store: Store, tenant: TenantId) -> None:
    for group in ("a b", "é", "x" * 500, ""):
        store.queue.send(tenant, {}, group=group, dedup_id=group)

    assert len(drain(store)) == 4


def test_a_message_that_is_too_large_is_refused(store: Store, tenant: TenantId) -> None:
    with pytest.raises(TooLarge):
        store.queue.send(tenant, {"text": "x" * 300_000}, group="g", dedup_id="large")


def test_a_secret_is_written_over_read_and_deleted(store: Store, tenant: TenantId) -> None:
    store.secrets.put(tenant, "cl_1", "kubeconfig", "one")
    store.secrets.put(tenant, "cl_1", "kubeconfig", "two")
    store.secrets.put(tenant, "cl_11", "token", "three")

    assert store.secrets.get(tenant, "cl_1", "kubeconfig") == "two"
    assert store.secrets.names(tenant, "cl_1") == ["kubeconfig"]
    assert (tenant, "cl_11", "token") in list(store.secrets.all())

    store.secrets.delete(tenant, "cl_1", "kubeconfig")
    store.secrets.delete(tenant, "cl_1", "kubeconfig")
    with pytest.raises(NotFound):
        store.secrets.get(tenant, "cl_1", "kubeconfig")
    store.secrets.put(tenant, "cl_1", "kubeconfig", "four")
    assert store.secrets.get(tenant, "cl_1", "kubeconfig") == "four"


def test_a_scope_that_reaches_out_of_the_tenant_has_no_secrets(store: Store, tenant: TenantId) -> None:
    for scope in ("../other", "a/b", "", "*"):
        with pytest.raises(NotFound) as refused:
            store.secrets.get(tenant, scope, "token")
        assert refused.value.code == "unknown_secret"


def drain(store: Store) -> list:
    """Take and acknowledge everything, as a worker does."""
    taken = []
    while messages := store.queue.receive():
        for message in messages:
            store.queue.ack(message)
        taken += messages
    return taken
