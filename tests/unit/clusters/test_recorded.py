from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from functools import cache

import pytest

from chalicelib.clusters.recorded import RecordedCluster, read_recording
from chalicelib.errors import InvalidRequest, NotFound
from chalicelib.state.snapshot import Gap, LogKey, decode_snapshot, encode_snapshot
from tests.unit.clusters.archives import DATA, Files, a_list, a_mixed_list, a_pod, a_tar, a_zip, an_object

NOW = datetime(2026, 12, 1, tzinfo=UTC)
VALUE = "c3VwZXItc2VjcmV0LXZhbHVl"


@cache
def recorded(name: str) -> RecordedCluster:
    return read_recording(DATA / f"{name}.tar.xz", cluster=name)


def of(files: Files) -> RecordedCluster:
    return read_recording(a_tar(files), cluster="test")


def gaps_of(cluster: RecordedCluster, kind: str) -> list[tuple[str, str]]:
    return [(g.reason, g.namespace) for g in cluster.gaps if g.kind == kind]


# Our own recordings


def test_the_incidents_recording_holds_what_its_readme_says():
    snapshot = recorded("incidents").snapshot(now=NOW)
    assert len(snapshot.of("Pod")) == 98
    assert len(snapshot.of("Node")) == 8
    assert snapshot.version == "v1.36.2"
    assert snapshot.now == datetime(2026, 11, 22, 8, 56, 29, tzinfo=UTC)
    assert snapshot.recorded


def test_the_healthy_recording_holds_89_pods_and_metrics_of_its_8_nodes():
    snapshot = recorded("healthy").snapshot(now=NOW)
    assert len(snapshot.of("Pod")) == 89
    assert len(snapshot.node_usage or {}) == 8
    assert snapshot.node_usage is not None
    assert all(0 < u.cpu < 64 and u.memory > 1e8 for u in snapshot.node_usage.values())


def test_the_scale_recording_holds_1000_nodes_and_10000_pods_and_names_what_it_lacks():
    cluster = recorded("scale")
    snapshot = cluster.snapshot(now=NOW)
    assert (len(snapshot.of("Node")), len(snapshot.of("Pod"))) == (1000, 10_000)
    assert gaps_of(cluster, "Service") == [("not_recorded", "")]
    assert ("not_recorded", "kube-system") in gaps_of(cluster, "Pod")
    assert snapshot.was_read("Pod", "team-00")
    assert not snapshot.was_read("Pod", "kube-system")
    assert gaps_of(cluster, "Log") == [("not_recorded", "")]


def test_a_list_without_items_is_read_and_empty_which_is_not_the_same_as_missing():
    snapshot = recorded("incidents").snapshot(now=NOW)
    assert snapshot.of("MutatingWebhookConfiguration") == ()
    assert snapshot.was_read("MutatingWebhookConfiguration")
    assert "VerticalPodAutoscaler" not in snapshot.objects


def test_an_optional_kind_whose_crd_is_absent_is_not_installed():
    assert gaps_of(recorded("incidents"), "Gateway") == [("not_installed", "")]


def test_optional_evidence_that_is_absent_is_a_named_gap():
    assert gaps_of(recorded("incidents"), "alerts") == [("not_recorded", "")]


def test_custom_resources_are_listed_under_their_resource_name():
    snapshot = recorded("incidents").snapshot(now=NOW)
    tenant = snapshot.get("tenants.platform.example.com", "legacy", "acme")
    assert tenant is not None
    assert tenant.metadata.finalizers == ["tenants.platform.example.com/teardown"]
    resource = next(r for r in snapshot.discovered if r.kind == "Tenant")
    assert (resource.name, resource.namespaced) == ("tenants.platform.example.com", True)


def test_logs_are_split_by_container_without_kubectls_headers():
    log = recorded("incidents").logs("shop", "cart-85c4c786bc-b8vxk", "cart", tail=None)
    assert log.startswith("2026-11-22T")
    assert "====" not in log


def test_a_log_that_kubectl_could_not_read_is_a_gap_and_not_a_log():
    cluster = recorded("incidents")
    assert not any(text.startswith("Request log error") for text in cluster.snapshot(now=NOW).logs.values())
    assert gaps_of(cluster, "Log") == [("partial", "")]


def test_a_snapshot_of_a_recording_survives_storage():
    snapshot = recorded("incidents").snapshot(now=NOW)
    assert encode_snapshot(decode_snapshot(encode_snapshot(snapshot))) == encode_snapshot(snapshot)


def test_the_same_recording_is_the_same_snapshot_from_a_folder_a_zip_and_a_tar(tmp_path):
    import tarfile

    with tarfile.open(DATA / "incidents.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    files = {p.relative_to(tmp_path / "incidents").as_posix(): p.read_bytes()
             for p in sorted((tmp_path / "incidents").rglob("*")) if p.is_file()}  # fmt: skip
    expected = encode_snapshot(read_recording(DATA / "incidents.tar.xz", cluster="x").snapshot())
    for source in (tmp_path / "incidents", tmp_path, a_zip(files), a_tar(files, "gz")):
        assert encode_snapshot(read_recording(source, cluster="x").snapshot()) == expected


# Parts and single objects


def test_a_raw_object_has_its_kind_and_all_its_fields():
    cluster = recorded("incidents")
    plain = cluster.raw("Pod", "shop", "cart-85c4c786bc-b8vxk")
    assert (plain["kind"], plain["apiVersion"]) == ("Pod", "v1")
    assert plain["spec"]["containers"][0]["terminationMessagePath"] == "/dev/termination-log"
    assert cluster.raw("tenants.platform.example.com", "legacy", "acme")["spec"] == {"plan": "gold"}


def test_a_raw_object_that_was_not_recorded_is_not_found():
    with pytest.raises(NotFound) as caught:
        recorded("incidents").raw("Pod", "shop", "absent")
    assert caught.value.code == "object_not_found"


def test_a_part_of_the_snapshot_is_some_kinds_or_the_namespaced_objects_of_one_namespace():
    cluster = recorded("incidents")
    assert set(cluster.snapshot(kinds=["pods", "deploy"], now=NOW).objects) == {"Pod", "Deployment"}
    shop = cluster.snapshot(namespace="shop", now=NOW)
    assert {p.metadata.namespace for p in shop.of("Pod")} == {"shop"}
    assert "Node" not in shop.objects


def test_a_log_that_was_not_recorded_names_those_that_were():
    with pytest.raises(NotFound) as caught:
        recorded("incidents").logs("shop", "cart-85c4c786bc-b8vxk", "sidecar")
    assert caught.value.details["valid"] == ["cart"]


def test_the_end_of_a_log_is_given_by_lines_and_bytes():
    files = {
        "d/shop/a/logs.txt": "".join(f"line {n}\n" for n in range(100)).encode(),
        "d/shop/pods.json": a_list("Pod", a_pod("a")),
    }
    cluster = of(files)
    assert cluster.logs("shop", "a", "app", tail=2) == "line 98\nline 99\n"
    assert cluster.logs("shop", "a", "app", tail=None, limit_bytes=20) == "line 98\nline 99\n"
    assert cluster.logs("shop", "a", "app", tail=0) == ""


def test_the_check_of_a_recording_counts_what_it_holds():
    report = recorded("incidents").check(NOW)
    assert report.reachable
    assert report.counts["Pod"] == 98
    assert report.version == "v1.36.2"
    assert report.metrics


# Layouts


def test_a_support_bundle_is_read_in_its_old_form_of_plain_arrays():
    cluster = of(
        {
            "bundle/cluster-resources/pods/shop.json": json.dumps([a_pod("a")]).encode(),
            "bundle/cluster-resources/nodes.json": json.dumps([an_object("Node", "n1")]).encode(),
            "bundle/cluster-resources/pvcs/shop.json": json.dumps(
                [{"metadata": {"name": "data", "namespace": "shop"}}]
            ).encode(),
            "bundle/cluster-resources/network-policy/shop.json": b"[]",
            "bundle/cluster-info/cluster_version.json": b'{"info":{"gitVersion":"v1.30.1"},"string":"v1.30.1"}',
        }
    )
    snapshot = cluster.snapshot()
    assert {k: len(v) for k, v in snapshot.objects.items()} == {
        "NetworkPolicy": 0, "Node": 1, "PersistentVolumeClaim": 1, "Pod": 1,
    }  # fmt: skip
    assert snapshot.version == "v1.30.1"
    assert cluster.raw("PersistentVolumeClaim", "shop", "data")["kind"] == "PersistentVolumeClaim"


def test_a_support_bundle_is_read_in_its_new_form_of_lists_with_logs_and_errors():
    root = "bundle/cluster-resources"
    cluster = of(
        {
            f"{root}/pods/shop.json": a_list("Pod", an_object("Pod", "a", "shop") | a_pod("a")),
            f"{root}/pods/logs/shop/a/app.log": b"now\n",
            f"{root}/pods/logs/shop/a/app-previous.log": b"before\n",
            f"{root}/pods/logs/shop/a/app-logs-errors.log": b"no",
            f"{root}/services-errors.json": b'{"shop": "services is forbidden: User x"}',
            f"{root}/statefulsets-errors.json/shop.json": a_list(
                "ReplicaSet", an_object("ReplicaSet", "r", "shop", "apps/v1"), api="apps/v1"
            ),
            f"{root}/custom-resources/widgets.example.com/shop.json": json.dumps(
                [an_object("Widget", "w", "shop", "example.com/v1")]
            ).encode(),
            f"{root}/auth-cani-list/shop.json": b'[{"verbs":["*"]}]',
            f"{root}/image-pull-secrets/shop/regcred.json": b'{"registry.example.com": "user"}',
        }
    )  # fmt: skip
    snapshot = cluster.snapshot()
    assert snapshot.log("shop", "a", "app") == "now\n"
    assert snapshot.log("shop", "a", "app", previous=True) == "before\n"
    assert len(snapshot.of("ReplicaSet")) == 1
    assert len(snapshot.of("widgets.example.com")) == 1
    assert ("forbidden", "shop") in gaps_of(cluster, "Service")


def test_files_of_kubectl_get_are_read_in_any_nesting_json_and_yaml_mixed_kinds_and_single_objects():
    text = """
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 80, targetPort: http}]}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Node
  metadata: {name: n1}
"""
    cluster = of(
        {
            "a/b/c/everything.json": a_mixed_list(
                an_object("Pod", "a", "shop"), an_object("Deployment", "web", "shop", "apps/v1")
            ),
            "mixed.yaml": text.encode(),
            "one.json": json.dumps(an_object("ConfigMap", "c", "shop", data={"k": "v"})).encode(),
        }
    )  # fmt: skip
    snapshot = cluster.snapshot()
    assert {k: len(v) for k, v in snapshot.objects.items()} == {
        "ConfigMap": 1, "Deployment": 1, "Node": 1, "Pod": 1, "Service": 1,
    }  # fmt: skip
    assert snapshot.of("Service")[0].spec.ports[0].target_port == "http"
    assert gaps_of(cluster, "ConfigMap") == [("partial", "")]
    assert cluster.raw("Service", "shop", "web")["spec"]["ports"][0]["port"] == 80


def test_a_list_within_a_list_is_read():
    inner = json.loads(a_mixed_list(an_object("Node", "n1")))
    assert len(of({"x.json": a_mixed_list(inner)}).snapshot().of("Node")) == 1


def test_an_object_recorded_twice_is_one_object_the_newer_one():
    old, new = a_pod("a"), a_pod("a", status={"phase": "Failed"})
    old["metadata"]["resourceVersion"], new["metadata"]["resourceVersion"] = "5", "10"
    for first, second in ((old, new), (new, old)):
        snapshot = of({"a.json": a_list("Pod", first), "b.json": a_list("Pod", second)}).snapshot()
        assert [p.status.phase for p in snapshot.of("Pod")] == ["Failed"]


def test_a_kind_of_another_group_with_a_familiar_name_is_not_taken_for_it():
    service = an_object("Service", "web", "shop", "serving.knative.dev/v1")
    snapshot = of({"x.json": a_mixed_list(service)}).snapshot()
    assert list(snapshot.objects) == ["services.serving.knative.dev"]


def test_plain_logs_belong_to_the_first_container_and_sections_to_theirs():
    start = (
        "==== START logs for container {} of pod shop/b ====\n{}\n==== END logs for container {} of pod shop/b ====\n"
    )
    cluster = of(
        {
            "d/shop/pods.json": a_list("Pod", a_pod("a", container="main"), a_pod("b")),
            "d/shop/a/logs.txt": b"plain\n",
            "d/shop/b/logs.txt": (start.format("app", "one", "app") + start.format("proxy", "two", "proxy")).encode(),
            "d/shop/b/logs-previous-app.txt": b"before\n",
        }
    )
    assert cluster.snapshot().logs == {
        LogKey("shop", "a", "main"): "plain\n",
        LogKey("shop", "b", "app"): "one\n",
        LogKey("shop", "b", "proxy"): "two\n",
        LogKey("shop", "b", "app", True): "before\n",
    }


def test_a_log_line_that_looks_like_another_pods_section_does_not_start_one():
    header = "==== START logs for container app of pod shop/{} ====\n"
    text = header.format("b") + "x\n" + header.format("other") + "y\n"
    cluster = of({"d/shop/pods.json": a_list("Pod", a_pod("b")), "d/shop/b/logs.txt": text.encode()})
    assert cluster.logs("shop", "b", "app").endswith("y\n")


# Time, meta and optional evidence


def test_now_is_captured_at_of_meta_else_the_newest_time_that_something_happened():
    pods = a_list("Pod", a_pod("a"), a_pod("b", status={"startTime": "2026-11-21T12:00:00Z"}))
    assert of({"d/pods.json": pods}).captured_at == datetime(2026, 11, 21, 12, tzinfo=UTC)
    meta = b'{"captured_at":"2026-11-22T08:00:00Z","cluster":"prod","kubernetes_version":"v1.33.0"}'
    cluster = of({"d/pods.json": pods, "d/meta.json": meta})
    assert cluster.captured_at == datetime(2026, 11, 22, 8, tzinfo=UTC)
    assert cluster.snapshot().version == "v1.33.0"


def test_an_expiry_date_in_the_future_does_not_become_now():
    pod = a_pod("a", status={"startTime": "2026-11-21T12:00:00Z", "notAfter": "2036-01-01T00:00:00Z"})
    assert of({"pods.json": a_list("Pod", pod)}).captured_at.year == 2026


def test_a_time_in_the_far_future_does_not_become_now():
    pod = a_pod("a", status={"startTime": "2095-11-21T12:00:00Z"})
    assert of({"pods.json": a_list("Pod", pod)}).captured_at.year < 2095


def test_optional_evidence_is_read_and_a_broken_file_is_a_named_gap():
    cluster = of(
        {
            "d/pods.json": a_list("Pod", a_pod("a")),
            "d/extra/alerts.json": b'[{"labels":{"alertname":"Down"},"startsAt":"2026-11-20T10:00:00Z"}]',
            "d/extra/calls.json": b'[{"from":"a","to":"b"}]',
            "d/extra/connectivity.json": b"not json",
            "d/extra/node_services.json": b"[]",
        }
    )
    extras = cluster.snapshot().extras
    assert extras.alerts is not None
    assert extras.alerts[0].labels == {"alertname": "Down"}
    assert extras.node_services == []
    assert gaps_of(cluster, "connectivity") == [("error", "")]
    assert gaps_of(cluster, "metrics") == [("not_recorded", "")]


# What does not fit


def test_a_file_that_cannot_be_parsed_is_a_gap_that_names_it_and_the_rest_is_read():
    cluster = of({"d/pods.json": a_list("Pod", a_pod("a")), "d/services.json": b'{"kind":"ServiceList","items":[{]}'})
    assert len(cluster.snapshot().of("Pod")) == 1
    gap = next(g for g in cluster.gaps if g.kind == "Service")
    assert gap.reason == "error"
    assert "d/services.json" in gap.message


def test_an_item_that_does_not_fit_is_a_gap_that_names_it_and_the_rest_is_read():
    broken = a_pod("b") | {"spec": {"containers": "none"}}
    cluster = of({"d/pods.json": a_list("Pod", a_pod("a"), broken, None)})
    assert [p.metadata.name for p in cluster.snapshot().of("Pod")] == ["a"]
    gap = next(g for g in cluster.gaps if g.kind == "Pod")
    assert gap.reason == "partial"
    assert "shop/b" in gap.message
    assert not cluster.snapshot().was_read("Pod")


def test_deep_nesting_in_json_is_a_gap_and_not_a_crash():
    deep = b'{"kind":"PodList","apiVersion":"v1","items":[' + b"[" * 200_000
    cluster = of({"d/pods.json": deep, "d/nodes.json": a_list("Node", an_object("Node", "n"))})
    assert ("error", "") in gaps_of(cluster, "Pod")


@pytest.mark.parametrize(
    "files", [{"readme.md": b"# hello"}, {"x.json": b'{"a":1}'}, {"photo.png": b"\x89PNG"}, {"e.json": b""}]
)
def test_an_archive_without_objects_is_refused_with_the_layouts_that_are_accepted(files):
    with pytest.raises(InvalidRequest) as caught:
        of(files)
    assert caught.value.code == "archive_not_recognised"
    assert "kubectl cluster-info dump" in caught.value.remedy


# Secrets


def a_secret(name: str = "db") -> dict:
    applied = json.dumps({"data": {"password": VALUE}})
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": applied, "note": VALUE}
    secret = an_object("Secret", name, "shop", data={"password": VALUE, "user": VALUE}, stringData={"extra": VALUE})
    secret["metadata"]["annotations"] = annotations
    return secret | {"type": "Opaque"}


BARE = {k: v for k, v in a_secret().items() if k not in ("kind", "apiVersion")}
YAML = f"""
apiVersion: v1
kind: Secret
type: Opaque
metadata: {{name: db, namespace: shop}}
data: {{password: {VALUE}, user: {VALUE}, extra: {VALUE}}}
"""


@pytest.mark.parametrize(
    "files",
    [
        {"d/secrets.json": a_mixed_list(a_secret())},
        {"d/all.json": a_mixed_list(an_object("Node", "n"), a_secret())},
        {"d/shop/secrets.json": a_list("Secret", BARE)},
        {"cluster-resources/secrets/shop.json": json.dumps([a_secret()]).encode()},
        {"one.json": json.dumps(a_secret()).encode()},
        {"nested.json": a_mixed_list(json.loads(a_mixed_list(a_secret())))},
        {"s.yaml": YAML.encode()},
        {"d/s.json": a_mixed_list(a_secret()).replace(b'"Secret"', b'"\\u0053ecret"')},
    ],
)
def test_secret_values_are_nowhere_and_key_names_are_kept(files):
    cluster = of(files)
    snapshot = cluster.snapshot()
    (secret,) = snapshot.of("Secret")
    assert secret.keys == ["extra", "password", "user"]
    plain = cluster.raw("Secret", "shop", "db")
    assert set(plain["data"].values()) == {"(hidden)"}
    stored = [json.dumps(list(cluster._plain_objects(k, ""))) for k in snapshot.objects]
    for text in (json.dumps(plain), repr(secret), *stored):
        assert VALUE not in text
        assert base64.b64decode(VALUE).decode() not in text


def test_gaps_have_a_message_each():
    for gap in recorded("scale").gaps:
        assert isinstance(gap, Gap)
        assert gap.message.endswith((".", ")"))
