"""Stored clusters are opened from credentials and uploads, over the in-memory store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import msgspec
import pytest

from chalicelib.clusters.connect import Connections, new_connection
from chalicelib.clusters.connection import decode_connection, encode_connection
from chalicelib.clusters.live import LiveCluster
from chalicelib.clusters.recorded import RecordedCluster
from chalicelib.errors import Conflict, InvalidRequest, TooLarge
from chalicelib.settings import Settings
from chalicelib.state.ids import TenantId
from chalicelib.store.memory import memory_store
from chalicelib.store.records import ClusterRecord
from tests.unit.clusters.archives import DATA, a_list, a_pod, a_tar
from tests.unit.clusters.kubeconfigs import TOKEN, a_kubeconfig

TENANT = TenantId("acme")
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def a_record(**more) -> ClusterRecord:
    fields = {"id": "cl_1", "tenant": TENANT, "name": "prod", "source": "recorded", "created_at": NOW}
    return ClusterRecord(**(fields | {"connection": {"upload": "cl_1/recording/upload"}} | more))


@pytest.fixture
def store():
    return memory_store(clock=NOW.timestamp)


@pytest.fixture
def connections(store):
    return Connections(store, Settings())


def test_an_uploaded_recording_is_opened_and_kept_open(store, connections):
    store.objects.put(TENANT, "cl_1/recording/upload", (DATA / "incidents.tar.xz").read_bytes())
    source = connections.open(TENANT, a_record())
    assert isinstance(source, RecordedCluster)
    assert len(source.snapshot().of("Pod")) == 98
    assert connections.open(TENANT, a_record()) is source


def test_a_recording_that_was_uploaded_again_is_read_when_it_is_checked(store, connections):
    store.objects.put(TENANT, "cl_1/recording/upload", a_tar({"pods.json": a_list("Pod", a_pod("a"))}))
    assert len(connections.open(TENANT, a_record()).snapshot(now=NOW).of("Pod")) == 1
    store.objects.put(TENANT, "cl_1/recording/upload", a_tar({"pods.json": a_list("Pod", a_pod("a"), a_pod("b"))}))
    assert len(connections.open(TENANT, a_record(), anew=True).snapshot(now=NOW).of("Pod")) == 2


def test_a_recording_that_was_not_uploaded_says_what_to_do(connections):
    with pytest.raises(Conflict) as caught:
        connections.open(TENANT, a_record())
    assert caught.value.code == "recording_not_uploaded"
    assert "PUT" in caught.value.remedy


def test_an_upload_beyond_the_limit_is_refused_before_it_is_read(store):
    store.objects.put(TENANT, "cl_1/recording/upload", bytes(2000))
    with pytest.raises(TooLarge):
        Connections(store, Settings(upload_limit_bytes=1024)).open(TENANT, a_record())


def test_a_kubeconfig_cluster_is_opened_with_its_stored_secret(store):
    url = "https://127.0.0.1:6443"
    new = new_connection({"type": "kubeconfig", "kubeconfig": a_kubeconfig(cluster={"server": url})}, hosted=False)
    for name, value in new.secrets.items():
        store.secrets.put(TENANT, "cl_1", name, value)
    source = Connections(store, Settings()).open(TENANT, a_record(source="kubeconfig", connection=new.facts))
    assert isinstance(source, LiveCluster)
    assert source.server.url == url
    assert source.server._credential.headers() == {"Authorization": f"Bearer {TOKEN}"}


def test_the_network_rules_of_hosted_mode_hold_when_a_stored_cluster_is_opened(store):
    new = new_connection(
        {"type": "kubeconfig", "kubeconfig": a_kubeconfig(cluster={"server": "https://127.0.0.1"})}, hosted=False
    )
    store.secrets.put(TENANT, "cl_1", "connection", new.secrets["connection"])
    with pytest.raises(InvalidRequest) as caught:
        Connections(store, Settings(hosted=True)).open(TENANT, a_record(source="kubeconfig"))
    assert caught.value.code == "address_refused"


def test_only_so_many_clusters_stay_open(store, connections):
    store.objects.put(TENANT, "x", a_tar({"pods.json": a_list("Pod", a_pod("a"))}))
    records = [a_record(id=f"cl_{n}", connection={"upload": "x"}) for n in range(10)]
    opened = [connections.open(TENANT, record) for record in records]
    assert connections.open(TENANT, records[9]) is opened[9]
    assert connections.open(TENANT, records[0]) is not opened[0]


def test_one_tenant_never_gets_what_another_has_open(store, connections):
    store.objects.put(TENANT, "cl_1/recording/upload", a_tar({"pods.json": a_list("Pod", a_pod("a"))}))
    connections.open(TENANT, a_record())
    with pytest.raises(Conflict):
        connections.open(TenantId("other"), a_record())


def test_of_many_who_ask_at_once_one_opens_the_cluster(store, connections):
    store.objects.put(TENANT, "cl_1/recording/upload", (DATA / "incidents.tar.xz").read_bytes())
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: connections.open(TENANT, a_record()), range(16)))
    assert len({id(source) for source in opened}) == 1


def test_a_forgotten_cluster_is_not_kept_open(store, connections):
    store.objects.put(TENANT, "cl_1/recording/upload", a_tar({"pods.json": a_list("Pod", a_pod("a"))}))
    source = connections.open(TENANT, a_record())
    connections.forget(TENANT, "cl_1")
    assert connections.open(TENANT, a_record()) is not source


def test_a_stored_connection_that_cannot_be_read_says_what_to_do():
    for text in ("", "{}", '{"type":"static"}', "null", '{"type":"ssh"}'):
        with pytest.raises(InvalidRequest) as caught:
            decode_connection(text)
        assert caught.value.code == "connection_unreadable"


def test_connections_survive_storage():
    source = {"role_arn": "arn:aws:iam::123456789012:role/k", "external_id": "x", "region": "eu-west-1", "cluster": "p"}
    for given in (
        {"type": "kubeconfig", "kubeconfig": a_kubeconfig()},
        {"type": "eks"} | source,
    ):
        text = new_connection(given, hosted=True).secrets["connection"]
        assert encode_connection(decode_connection(text)) == text
        assert msgspec.json.decode(text)["type"] in ("static", "eks")
