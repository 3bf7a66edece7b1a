"""Reading over HTTP from the paged server, well and unwell."""

from __future__ import annotations

import functools
import gzip
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from chalicelib.clusters.connect import connect
from chalicelib.clusters.connection import StaticConnection
from chalicelib.errors import ClusterError, ClusterTimeout, NotFound
from chalicelib.state.kinds import KINDS
from chalicelib.state.snapshot import ApiResource
from tests.functional.clusters.conftest import NOW, RenewableToken, cluster_with


def gap(snapshot, kind):
    found = [g for g in snapshot.gaps if g.kind == kind]
    assert len(found) <= 1
    return found[0] if found else None


# A cluster that is well


def test_every_kind_of_the_registry_is_read_without_a_gap(cluster, estate):
    snapshot = cluster.snapshot(now=NOW)
    assert snapshot.gaps == ()
    assert set(snapshot.objects) == {e.kind for e in KINDS}
    assert len(snapshot.of("Pod")) == 1200
    for entry in KINDS:
        resource = f"{entry.plural}.{entry.group}" if entry.group else entry.plural
        assert len(snapshot.of(entry.kind)) == estate.count(resource), entry.kind
    assert snapshot.version == "v1.36.2-scale"
    assert snapshot.now == NOW


def test_lists_are_asked_for_in_gzipped_pages_of_500(cluster, server):
    cluster.snapshot(kinds=["Pod"], now=NOW)
    asked = [r for r in server.requests if r.path == "/api/v1/pods"]
    assert [r.query for r in asked] == [
        {"limit": "500"}, {"limit": "500", "continue": "v1:500"}, {"limit": "500", "continue": "v1:1000"},
    ]  # fmt: skip
    assert all(r.headers["Accept-Encoding"] == "gzip" for r in asked)


def test_objects_are_in_the_order_every_snapshot_keeps(cluster):
    names = [(p.metadata.namespace, p.metadata.name) for p in cluster.snapshot(kinds=["Pod"], now=NOW).of("Pod")]
    assert names == sorted(names)


def test_use_of_pods_and_nodes_comes_from_metrics(cluster):
    snapshot = cluster.snapshot(now=NOW)
    assert len(snapshot.node_usage) == 20
    assert all(0.99 < u.cpu < 15.01 and u.memory == 24312 * 2**20 for u in snapshot.node_usage.values())
    assert len(snapshot.pod_usage) > 1000


def test_one_namespace_is_read_by_requests_for_that_namespace_only(cluster, server):
    snapshot = cluster.snapshot(namespace="team-01", now=NOW)
    assert {o.metadata.namespace for k in snapshot.objects for o in snapshot.of(k)} == {"team-01"}
    assert "Node" not in snapshot.objects
    assert all("/namespaces/team-01/" in r.path for r in server.requests if r.path != "/version")


def test_some_kinds_are_read_by_requests_for_those_only(cluster, server):
    snapshot = cluster.snapshot(kinds=["Deployment", "events"], now=NOW)
    assert set(snapshot.objects) == {"Deployment", "Event"}
    assert {r.path for r in server.requests} == {"/version", "/apis/apps/v1/deployments", "/api/v1/events"}


def test_kinds_beyond_the_registry_are_discovered_and_listed_on_demand(cluster):
    assert [r.name for r in cluster.discover()] == ["things0.example.com"]
    snapshot = cluster.snapshot(kinds=["things0.example.com"], now=NOW)
    assert len(snapshot.of("things0.example.com")) == 20


def test_discovery_falls_back_to_the_older_form(cluster, server):
    aggregated = cluster.discover()
    server.faults.legacy_discovery = True
    assert [r.name for r in cluster.discover()] == [r.name for r in aggregated]


def test_an_unknown_kind_names_the_valid_ones(cluster):
    with pytest.raises(NotFound) as caught:
        cluster.snapshot(kinds=["unicorns"], now=NOW)
    assert "Pod" in caught.value.details["valid"] or caught.value.details["valid_total"] > 38


# Secrets


def test_of_secrets_only_rows_without_objects_cross_the_wire(cluster, server):
    secrets = cluster.snapshot(now=NOW).of("Secret")
    assert secrets
    assert {(s.type, s.key_count) for s in secrets} == {("Opaque", 2)}
    asked = [r for r in server.requests if r.path.endswith("/secrets")]
    assert asked
    assert all(r.query["includeObject"] == "None" and "as=Table" in r.headers["Accept"] for r in asked)


def test_a_server_that_sends_objects_where_rows_were_asked_for_is_not_listened_to(cluster, server):
    server.faults.plain_tables = True
    snapshot = cluster.snapshot(kinds=["Namespace", "Secret"], now=NOW)
    assert "Secret" not in snapshot.objects
    assert {g.reason for g in snapshot.gaps} == {"error"}


def test_secrets_that_may_not_be_listed_are_one_gap(cluster, server):
    server.faults.forbidden = {"secrets"}
    snapshot = cluster.snapshot(now=NOW)
    assert gap(snapshot, "Secret").reason == "forbidden"
    assert not snapshot.was_read("Secret")


def test_a_raw_secret_is_its_name_type_and_key_count(cluster, estate):
    item = estate.lists["secrets"][0]
    assert cluster.raw("Secret", item.namespace, item.name) == {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": item.name, "namespace": item.namespace},
        "type": "Opaque", "keys": 2,
    }  # fmt: skip


def test_a_secret_is_not_read_under_any_name_of_its_kind(cluster, server, estate):
    item = estate.lists["secrets"][0]
    disguised = ApiResource(kind="Credential", plural="secrets", version="v1")
    for kind in ("secret", "secrets", "Secret", disguised):
        assert "data" not in cluster.raw(kind, item.namespace, item.name)


@pytest.mark.parametrize("name", ["../secrets/app-000-db", "..", "a/b", "a%2Fb", "a?x=1", "a b", "x" * 300, "\n"])
def test_a_name_that_would_lead_to_another_path_is_not_found_and_not_asked_for(cluster, server, name):
    for ask in (
        lambda: cluster.raw("Pod", "team-00", name),
        lambda: cluster.raw("Pod", name, "app"),
        lambda: cluster.logs("team-00", name, "app"),
        lambda: cluster.snapshot(kinds=["Pod"], namespace=name, now=NOW),
    ):
        with pytest.raises(NotFound):
            ask()
    assert {r.path for r in server.requests} <= {"/version"}


# Single objects and logs


def test_a_raw_object_is_what_the_api_gives(cluster, estate):
    item = estate.lists["pods"][0]
    plain = cluster.raw(KINDS["Pod"], item.namespace, item.name)
    assert plain == {"kind": "Pod", "apiVersion": "v1"} | json.loads(item.body)
    thing = estate.lists["things0.example.com"][0]
    assert cluster.raw("things0.example.com", thing.namespace, thing.name)["kind"] == "Thing0"


def test_an_object_that_is_gone_is_not_found(cluster):
    with pytest.raises(NotFound) as caught:
        cluster.raw("Pod", "team-00", "gone")
    assert caught.value.code == "object_not_found"


def test_logs_are_asked_for_with_their_bounds(cluster, server, estate):
    pod = estate.lists["pods"][0]
    text = cluster.logs(pod.namespace, pod.name, "app", tail=3, since_s=60, limit_bytes=5000)
    assert text.count("\n") == 3
    assert server.requests[-1].query == {
        "container": "app", "limitBytes": "5000", "previous": "false", "tailLines": "3", "sinceSeconds": "60",
    }  # fmt: skip


def test_a_previous_log_that_does_not_exist_is_not_found_in_the_servers_own_words(cluster, estate):
    pod = estate.lists["pods"][0]
    with pytest.raises(NotFound, match="previous terminated container"):
        cluster.logs(pod.namespace, pod.name, "app", previous=True)


def test_logs_that_may_not_be_read_say_which_right_is_missing(cluster, server, estate):
    server.faults.forbidden = {"pods"}
    pod = estate.lists["pods"][0]
    with pytest.raises(ClusterError) as caught:
        cluster.logs(pod.namespace, pod.name, "app")
    assert caught.value.details == {"missing": "get pods/log"}


# Lists that go wrong


def test_a_list_that_expires_in_the_middle_is_read_again_from_its_start(cluster, server):
    server.faults.gone = {"pods": 1}
    snapshot = cluster.snapshot(kinds=["Pod"], now=NOW)
    assert len(snapshot.of("Pod")) == 1200
    assert gap(snapshot, "Pod") is None
    asked = [r.query.get("continue") for r in server.requests if r.path == "/api/v1/pods"]
    assert asked == [None, "v1:500", None, "v1:500", "v1:1000"]


def test_a_list_that_expires_again_and_again_goes_on_at_the_newer_version_and_says_so(cluster, server):
    server.faults.gone = {"pods": 3}
    snapshot = cluster.snapshot(kinds=["Pod"], now=NOW)
    assert len(snapshot.of("Pod")) == 1200
    assert gap(snapshot, "Pod").reason == "partial"
    assert "different moments" in gap(snapshot, "Pod").message
    assert not snapshot.was_read("Pod")


def test_a_server_that_says_429_is_waited_for_as_it_asks(cluster, server):
    server.faults.too_many = 2
    snapshot = cluster.snapshot(kinds=["Pod"], now=NOW)
    assert len(snapshot.of("Pod")) == 1200
    assert snapshot.gaps == ()


def test_a_wait_beyond_the_deadline_is_not_begun(cluster, server):
    cluster.snapshot(kinds=["Pod"], now=NOW)
    server.faults.too_many, server.faults.retry_after = 1000, "3600"
    with pytest.raises(ClusterError):
        cluster.snapshot(kinds=["Pod"], deadline_s=2, now=NOW)


def test_a_429_without_retry_after_is_a_labelled_gap_and_no_storm_of_requests(cluster, server):
    cluster.snapshot(kinds=["Pod", "Node"], now=NOW)
    before = len(server.requests)
    server.faults.too_many, server.faults.retry_after = 1000, None
    with pytest.raises(ClusterError):
        cluster.snapshot(kinds=["Pod"], now=NOW)
    assert len(server.requests) - before <= 3


def test_a_kind_that_may_not_be_listed_is_a_gap_that_names_verb_and_resource(cluster, server):
    server.faults.forbidden = {"nodes", "deployments.apps"}
    snapshot = cluster.snapshot(now=NOW)
    assert gap(snapshot, "Node").reason == "forbidden"
    assert "list nodes" in gap(snapshot, "Node").message
    assert "list deployments.apps" in gap(snapshot, "Deployment").message
    assert "Node" not in snapshot.objects
    assert len(snapshot.of("Pod")) == 1200


def test_where_the_cluster_may_not_be_listed_the_namespace_of_the_context_is(server):
    server.faults.forbidden_cluster_wide = {"pods"}
    snapshot = cluster_with(server, RenewableToken(["good"]), namespace="team-01").snapshot(kinds=["Pod"], now=NOW)
    assert {p.metadata.namespace for p in snapshot.of("Pod")} == {"team-01"}
    assert "Only namespace team-01 was read" in gap(snapshot, "Pod").message


def test_a_kind_that_is_not_offered_is_not_installed(cluster, server):
    server.faults.missing = {"gateways.gateway.networking.k8s.io", "pods.metrics.k8s.io"}
    snapshot = cluster.snapshot(now=NOW)
    assert gap(snapshot, "Gateway").reason == "not_installed"
    assert gap(snapshot, "pod_metrics").reason == "not_installed"
    assert snapshot.pod_usage is None
    assert snapshot.node_usage


def test_a_slow_server_gives_what_was_read_in_time_and_says_how_much_that_is(cluster, server):
    server.faults.slow_s = 3
    snapshot = cluster.snapshot(kinds=["Pod"], deadline_s=1, now=NOW)
    assert len(snapshot.of("Pod")) == 500
    assert gap(snapshot, "Pod").reason == "timeout"
    assert "500 of 1200 were read" in gap(snapshot, "Pod").message
    assert not snapshot.was_read("Pod")


def test_a_server_that_drips_bytes_does_not_outlast_the_deadline(cluster, server):
    server.faults.drip = {"nodes"}
    snapshot = cluster.snapshot(kinds=["Pod", "Node"], deadline_s=1.5, now=NOW)
    assert gap(snapshot, "Node").reason == "timeout"
    assert len(snapshot.of("Pod")) == 1200


def test_a_cluster_that_goes_away_in_the_middle_gives_a_partial_labelled_snapshot(cluster, server):
    server.faults.cut_after = 12
    snapshot = cluster.snapshot(now=NOW)
    assert snapshot.objects
    lost = {g.kind for g in snapshot.gaps if g.reason == "error"}
    assert lost
    for kind in lost & {e.kind for e in KINDS}:
        assert not snapshot.was_read(kind)


@pytest.mark.parametrize(
    "body", [b"<html>login</html>", b"[1,2]", b"{", b'{"items":5}', b'{"items":[' + b"[" * 100_000, b"\xff\xfe", b""]
)
def test_an_answer_that_is_no_list_is_a_gap(cluster, server, body):
    server.faults.broken = {"services": body}
    snapshot = cluster.snapshot(kinds=["Pod", "Service"], now=NOW)
    assert gap(snapshot, "Service").reason == "error"
    assert len(snapshot.of("Pod")) == 1200


def test_objects_that_do_not_fit_are_named_and_the_rest_is_read(cluster, server):
    body = b'{"kind":"ServiceList","items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"},"spec":7},null]}'
    server.faults.broken = {"services": body}
    snapshot = cluster.snapshot(kinds=["Service"], now=NOW)
    assert [s.metadata.name for s in snapshot.of("Service")] == ["a"]
    assert gap(snapshot, "Service").reason == "partial"
    assert "b" in gap(snapshot, "Service").message


def test_an_answer_larger_than_the_limit_is_not_taken(cluster, server, monkeypatch):
    server.faults.broken = {"services": b'{"items":[' + b" " * 3_000_000 + b"]}"}
    get = cluster.server.get
    monkeypatch.setattr(cluster.server, "get", lambda *a, **k: get(*a, **k, limit_bytes=2_900_000))
    assert "larger than" in gap(cluster.snapshot(kinds=["Pod", "Service"], now=NOW), "Service").message


def test_a_page_of_huge_objects_is_read_in_smaller_pages(cluster, server, estate, monkeypatch):
    monkeypatch.setattr(cluster.server, "get", functools.partial(cluster.server.get, limit_bytes=300_000))
    snapshot = cluster.snapshot(kinds=["Pod"], now=NOW)
    assert len(snapshot.of("Pod")) == 1200
    assert gap(snapshot, "Pod") is None
    assert {r.query["limit"] for r in server.requests if r.path == "/api/v1/pods"} == {"500", "50"}


def test_an_answer_that_unpacks_to_far_more_than_its_size_is_not_taken(cluster, server, monkeypatch):
    bomb = gzip.compress(bytes(100_000_000), 9)
    monkeypatch.setattr(server, "page", lambda name, *rest: bomb if name == "services" else server._page(name, *rest))
    snapshot = cluster.snapshot(kinds=["Node", "Service"], now=NOW)
    assert gap(snapshot, "Service").reason == "error"
    assert "larger than" in gap(snapshot, "Service").message


# Credentials and connections


def test_an_expired_token_is_renewed_once_and_the_reading_goes_on(server):
    token = RenewableToken(["expired", "good"])
    assert len(cluster_with(server, token).snapshot(kinds=["Pod"], now=NOW).of("Pod")) == 1200
    assert token.renewals == 1


def test_a_token_that_expires_in_the_middle_is_renewed(cluster, server):
    token = RenewableToken(["good", "good"])
    reader = cluster_with(server, token)
    server.faults.unauthorized = 1
    assert len(reader.snapshot(kinds=["Pod"], now=NOW).of("Pod")) == 1200
    assert token.renewals == 1


def test_a_fresh_token_that_is_refused_too_is_an_error_and_not_a_loop(server):
    token = RenewableToken(["expired", "also expired"])
    with pytest.raises(ClusterError) as caught:
        cluster_with(server, token).snapshot(now=NOW)
    assert caught.value.code == "cluster_unauthorized"
    assert token.renewals == 1


def test_a_static_token_that_is_refused_asks_for_a_new_one(server):
    cluster = connect(StaticConnection(server=server.url, token="bad"), hosted=False)
    with pytest.raises(ClusterError) as caught:
        cluster.snapshot(now=NOW)
    assert caught.value.code == "cluster_unauthorized"
    assert "new one" in caught.value.remedy


def test_a_redirect_is_not_followed(cluster, server):
    server.faults.redirect_to = "http://169.254.169.254/latest/meta-data/"
    with pytest.raises(ClusterError) as caught:
        cluster.snapshot(now=NOW)
    assert caught.value.code == "cluster_redirect"


def a_closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_refused_connection_is_a_cluster_error():
    cluster = connect(StaticConnection(server=f"http://127.0.0.1:{a_closed_port()}"), hosted=False)
    with pytest.raises(ClusterError) as caught:
        cluster.snapshot(now=NOW)
    assert caught.value.code == "cluster_refused"


def test_a_server_that_accepts_and_says_nothing_is_a_timeout():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ClusterTimeout):
            connect(StaticConnection(server=url), hosted=False).snapshot(deadline_s=0.5, now=NOW)


def test_a_web_server_that_is_no_kubernetes_says_so(tmp_path):
    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "13")
            self.end_headers()
            self.wfile.write(b"<html></html>")

        def log_message(self, format, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as web:
        threading.Thread(target=web.handle_request, daemon=True).start()
        cluster = connect(StaticConnection(server=f"http://127.0.0.1:{web.server_port}"), hosted=False)
        with pytest.raises(ClusterError) as caught:
            cluster.snapshot(now=NOW)
    assert caught.value.code == "not_kubernetes"


def test_the_kubernetes_client_reads_through_the_same_pool(cluster, server):
    from kubernetes import client

    core = client.CoreV1Api(cluster.server.api_client())
    assert len(core.list_namespaced_pod("team-01").items) == len(server.items("pods", "team-01"))
    assert server.requests[-1].headers["Authorization"] == "Bearer good"


# The connection check


def test_the_check_of_a_good_connection_misses_nothing(cluster):
    report = cluster.check(NOW)
    assert report.reachable
    assert report.version == "v1.36.2-scale"
    assert report.metrics
    assert all(p.granted for p in report.permissions)
    assert {"workloads", "logs", "events", "nodes", "access"} <= {p.feature for p in report.permissions}


def test_the_check_names_the_missing_rights_of_each_feature(cluster, server):
    denied = {("nodes", ""), ("pods", "log"), ("secrets", "")}
    server.allowed = lambda a: (a["resource"], a["subresource"]) not in denied or a["group"] == "metrics.k8s.io"
    missing = {p.feature: p.missing for p in cluster.check(NOW).permissions if p.missing}
    assert missing == {"nodes": ["list nodes"], "logs": ["get pods/log"], "secret names": ["list secrets"]}


def test_rights_that_cannot_be_reviewed_are_taken_from_the_rules_review_and_marked(cluster, server):
    server.faults.reviews_broken = True
    report = cluster.check(NOW)
    missing = {p.feature: p.missing for p in report.permissions}
    assert missing["workloads"] == ["list jobs.batch", "list cronjobs.batch"]
    assert "may be incomplete" in report.message
    assert report.gaps[0].reason == "partial"


def test_the_check_says_whether_metrics_are_there(cluster, server):
    server.faults.missing = {"nodes.metrics.k8s.io"}
    report = cluster.check(NOW)
    assert not report.metrics
    assert [(g.kind, g.reason) for g in report.gaps] == [("node_metrics", "not_installed")]


def test_the_check_of_an_unreachable_cluster_is_a_report_that_says_why():
    cluster = connect(StaticConnection(server=f"http://127.0.0.1:{a_closed_port()}"), hosted=False)
    report = cluster.check(NOW)
    assert not report.reachable
    assert "does not accept connections" in report.message
