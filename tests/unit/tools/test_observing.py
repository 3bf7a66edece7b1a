"""What the observe tools find: on small clusters made for one point each, and on the recorded incidents."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chalicelib.errors import InvalidRequest, NotFound
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Gap, Usage
from chalicelib.tools.detail import detail
from chalicelib.tools.discover import search
from chalicelib.tools.events import events_of
from chalicelib.tools.overview import overview
from chalicelib.tools.registry import ToolResult, call
from tests.unit.tools.objects import (
    AT,
    a_deployment,
    a_pod,
    a_service,
    an_ingress,
    endpoints_of,
    obj,
    owned_by,
    snapshot_of,
)
from tests.unit.tools.recorded_views import NOW, RecordedViews, a_context, a_view, view_of


def ask(name: str, *objects: Any, args: dict[str, Any] | None = None, **parts: Any) -> ToolResult:
    """A tool over a small cluster."""
    return call(name, args or {}, a_context(views=RecordedViews({"test": [a_view(snapshot_of(*objects, **parts))]})))


def on_incidents(name: str, **args: Any) -> ToolResult:
    return call(name, args, a_context("incidents"))


# Services and ingresses


def service(*objects: Any) -> dict[str, Any]:
    found: dict[str, Any] = ask("observe_service_endpoints", *objects, empty=("EndpointSlice", "Pod")).data["items"][0]
    return found


def test_a_service_that_selects_nothing_names_the_workload_that_nearly_fits() -> None:
    found = service(a_service("ledger", "ledger-svc"), endpoints_of("ledger", 0), a_pod("l-1", "ledger"))
    assert found["why"] == "no pod has the labels app=ledger-svc; pods of Pod l-1 differ in one"


def test_a_service_whose_pods_are_not_ready_says_which_state_they_are_in() -> None:
    found = service(a_service("web", "web"), endpoints_of("web", 0, 1), a_pod("w", "web", ready=False))
    assert found["why"] == "1 of 1 selected pods are not ready (CrashLoopBackOff)"


def test_a_target_port_that_no_container_has_is_named() -> None:
    wrong = a_service("web", "web", ports=[{"port": 80, "targetPort": "http"}])
    assert service(wrong, endpoints_of("web", 1), a_pod("w", "web"))["why"] == "no container has a port called http"


def test_a_service_that_serves_has_nothing_to_explain() -> None:
    found = service(a_service("web", "web"), endpoints_of("web", 1), a_pod("w", "web"))
    assert (found.get("why", ""), found["ready"], found["status"]["level"]) == ("", 1, "ok")


def test_endpoints_that_were_not_read_are_not_counted_as_none() -> None:
    result = ask("observe_service_endpoints", a_service("web", "web"), a_pod("w", "web"))
    assert "ready" not in result.data["items"][0]
    assert "EndpointSlice" in [g["kind"] for g in result.gaps]


@pytest.mark.parametrize(
    ("ingress", "problem"),
    [
        (an_ingress("i", "a.example.com", "gone"), "Service does not exist"),
        (an_ingress("i", "a.example.com", "web", port=81), "the Service has no port 81"),
        (an_ingress("i", "a.example.com", "web"), "no ready endpoint"),
    ],
)
def test_a_broken_rule_says_what_is_wrong_behind_it(ingress: Any, problem: str) -> None:
    rule = ask("observe_ingress_rules", ingress, a_service("web", "web"), endpoints_of("web", 0)).data["items"][0]
    assert (rule["problem"], rule["level"]) == (problem, "crit")


def test_the_missing_backend_of_the_recorded_incidents_is_found() -> None:
    result = on_incidents("observe_ingress_rules")
    assert [(r["host"], r["path"], r["problem"]) for r in result.data["items"] if r.get("problem")] == [
        ("shop.example.com", "/promo", "Service does not exist")
    ]


# Claims, configuration


def test_a_claim_of_a_class_that_does_not_exist_says_which_exist() -> None:
    claim = obj("PersistentVolumeClaim", "data", spec={"storageClassName": "fast"}, status={"phase": "Pending"})
    item = ask("observe_pvc_bindings", claim, obj("StorageClass", "gp3")).data["items"][0]
    assert item["why"] == "StorageClass fast does not exist; there are: gp3"


def reading(kind: str, name: str, key: str, optional: bool = False) -> Any:
    """A pod that reads one key."""
    source = {f"{kind}KeyRef": {"name": name, "key": key, "optional": optional}}
    return a_pod("p", "web", containers=[{"name": "main", "env": [{"name": "X", "valueFrom": source}]}])


def test_a_missing_configmap_names_who_needs_it() -> None:
    result = ask("observe_configmap_usage", reading("configMap", "conf", "a"), empty=("ConfigMap",))
    assert result.data["items"][0]["exists"] is False
    assert "shop/conf does not exist, needed by Pod p" in result.summary


def test_a_missing_key_is_named() -> None:
    result = ask(
        "observe_configmap_usage", reading("configMap", "conf", "b"), obj("ConfigMap", "conf", data={"a": "1"})
    )
    assert result.data["items"][0]["missing_keys"] == ["b"]


def test_an_optional_reference_to_nothing_is_not_broken() -> None:
    result = ask("observe_configmap_usage", reading("configMap", "conf", "a", optional=True), empty=("ConfigMap",))
    assert result.data.get("broken", 0) == 0


def test_values_of_a_configmap_are_never_shown() -> None:
    result = ask("observe_configmap_usage", obj("ConfigMap", "conf", data={"password": "hunter2"}))
    assert b"hunter2" not in msgspec.json.encode(result.as_dict())


def test_secret_usage_works_without_rights_on_secrets_and_says_so() -> None:
    gap = Gap(kind="Secret", reason="forbidden", message="secrets cannot be listed")
    result = ask("observe_secret_usage", reading("secret", "db", "password"), gaps=(gap,))
    item = result.data["items"][0]
    assert (item["name"], item["level"], item["used_by"][0]["keys"]) == ("db", "unknown", ["password"])
    assert "exists" not in item
    assert "not read" in result.summary
    assert result.gaps[0]["reason"] == "forbidden"


# Nodes, quotas, metrics


def test_use_is_measured_against_the_limit_and_without_metrics_it_is_a_gap() -> None:
    container = {"name": "main", "resources": {"limits": {"memory": "100Mi", "cpu": "1"}}}
    pod = a_pod("p", "web", containers=[container])
    used = {("shop", "p"): Usage(cpu=0.25, memory=90 * 2**20)}
    item = ask("observe_metrics", pod, pod_usage=used).data["items"][0]
    assert (item["cpu_ratio"], item["memory_ratio"]) == (0.25, 0.9)
    without = ask("observe_metrics", pod)
    assert "cpu" not in without.data["items"][0]
    assert without.gaps[-1]["kind"] == "metrics.k8s.io"


def test_use_by_namespace_adds_up_to_use_by_pod() -> None:
    for by in ("pod", "workload", "namespace"):
        result = call("observe_metrics", {"by": by, "limit": 200}, a_context("incidents"))
        view = view_of("incidents")
        expected = sum(
            u.cpu for (ns, name), u in (view.snapshot.pod_usage or {}).items()
            if (pod := view.snapshot.get("Pod", ns, name)) is not None and not pod.finished
        )  # fmt: skip
        if result.truncated is None:
            assert sum(i.get("cpu", 0) for i in result.data["items"]) == pytest.approx(expected, abs=0.01)


def test_an_exhausted_quota_comes_first() -> None:
    result = on_incidents("observe_namespace_quotas")
    assert (result.data["items"][0]["namespace"], result.data["items"][0]["level"]) == ("dev", "crit")


def test_a_node_that_is_down_is_named_with_its_reason() -> None:
    result = on_incidents("observe_node_status")
    assert result.data["ready"] == 7
    assert result.data["items"][0]["status"]["word"] == "NotReady"
    assert "Kubelet stopped posting node status" in result.summary


# Time


def a_rollout(*images: str) -> list[Any]:
    """A Deployment with one ReplicaSet for each image, the last one the newest."""
    sets = [
        obj(
            "ReplicaSet", f"web-{n}",
            metadata={
                **owned_by("Deployment", "web"), "annotations": {"deployment.kubernetes.io/revision": str(n)},
                "creationTimestamp": f"2026-03-01T11:{n:02d}:00Z",
            },
            spec={"replicas": 1, "template": {"metadata": {"labels": {"pod-template-hash": str(n)}},
                                              "spec": {"containers": [{"name": "main", "image": image}]}}},
        )
        for n, image in enumerate(images, 1)
    ]  # fmt: skip
    return [a_deployment("web"), *sets]


def test_revisions_are_newest_first_and_say_what_they_changed() -> None:
    result = ask("observe_rollout_history", *a_rollout("web:1", "web:1", "web:2"), args={"name": "web"})
    assert [r["revision"] for r in result.data["items"]] == [3, 2, 1]
    assert [r.get("changes", []) for r in result.data["items"]] == [
        [{"pointer": "/spec/containers/main/image", "before": "web:1", "after": "web:2"}], [], [],
    ]  # fmt: skip
    assert "image of main: web:1 -> web:2" in result.summary


def test_a_kind_without_rollouts_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        ask("observe_rollout_history", a_service("web", "web"), args={"kind": "Service", "name": "web"})


def two_readings(before: list[Any], after: list[Any]) -> Any:
    older = a_view(snapshot_of(*before, at=AT - timedelta(hours=2)))
    return a_context(views=RecordedViews({"test": [older, a_view(snapshot_of(*after))]}))


def test_changes_are_the_difference_of_two_stored_readings() -> None:
    context = two_readings(
        [a_deployment("web", 2), a_service("old", "web")], [a_deployment("web", 3), a_service("new", "web")]
    )
    result = call("observe_recent_changes", {"since": "1h"}, context)
    assert result.data["compared_with"] == "2026-03-01T10:00:00Z"
    found = {(c["what"], c["resource"]["name"]): c.get("text", "") for c in result.data["items"]}
    assert set(found) == {("changed", "web"), ("added", "new"), ("removed", "old")}
    assert found["changed", "web"].startswith("replicas: 2 -> 3")


def test_a_status_that_moved_is_no_change_unless_asked_for() -> None:
    context = two_readings([a_deployment("web", 2, ready=2)], [a_deployment("web", 2, ready=1)])
    assert call("observe_recent_changes", {}, context).data["items"] == []
    assert call("observe_recent_changes", {"include_status": True}, context).data["items"]


def test_a_changed_secret_looking_variable_is_hidden() -> None:
    def with_password(value: str) -> Any:
        return a_deployment("web", containers=[{"name": "main", "env": [{"name": "DB_PASSWORD", "value": value}]}])

    result = call("observe_recent_changes", {}, two_readings([with_password("hunter2")], [with_password("hunter3")]))
    assert b"hunter" not in msgspec.json.encode(result.as_dict())
    assert "(hidden)" in result.data["items"][0]["text"]


def test_without_an_older_reading_rollouts_and_new_objects_are_told_and_the_limit_is_said() -> None:
    result = ask("observe_recent_changes", *a_rollout("web:1", "web:2"), args={"since": "1h"})
    assert "compared_with" not in result.data
    assert [(c["what"], c["resource"]["name"]) for c in result.data["items"]] == [("changed", "web")]
    assert result.gaps[0]["kind"] == "Snapshot"


@pytest.mark.parametrize("since", ["yesterday", "", "5 parsecs", "2026-99-99T00:00:00Z", "99999999h"])
def test_a_moment_that_is_none_is_refused(since: str) -> None:
    with pytest.raises(InvalidRequest):
        ask("observe_recent_changes", a_deployment("web"), args={"since": since})


def test_the_cluster_at_a_moment_is_the_nearest_stored_reading() -> None:
    context = two_readings([a_pod("old", "web")], [a_pod("new", "web")])
    result = call("observe_cluster_at", {"at": "2026-03-01T10:10:00Z", "kind": "Pod"}, context)
    assert [r["name"] for r in result.data["items"]] == ["old"]
    assert (result.as_of, result.data["distance_s"], result.data["readings"]) == ("2026-03-01T10:00:00Z", 600, 2)


def test_a_cluster_without_readings_has_no_past() -> None:
    views = RecordedViews({"test": []})
    with pytest.raises(NotFound) as caught:
        call("observe_cluster_at", {"at": "1h"}, a_context(views=views))
    assert caught.value.code == "no_snapshot"


# One object, events, overview


def test_an_object_is_found_without_its_namespace_while_its_name_is_unique() -> None:
    result = ask("observe_resource", a_pod("only", "web"), args={"kind": "pod", "name": "only"})
    assert result.data["resource"] == {"kind": "Pod", "namespace": "shop", "name": "only"}


def test_an_ambiguous_name_asks_for_the_namespace() -> None:
    twin = obj("ConfigMap", "conf", namespace="other")
    with pytest.raises(NotFound) as caught:
        ask("observe_resource", obj("ConfigMap", "conf"), twin, args={"kind": "cm", "name": "conf"})
    assert caught.value.details["valid"] == ["other", "shop"]


def test_a_misspelt_name_is_answered_with_close_ones() -> None:
    with pytest.raises(NotFound) as caught:
        ask(
            "observe_resource",
            a_deployment("checkout"),
            a_deployment("images"),
            args={"kind": "deploy", "name": "chekout"},
        )
    assert caught.value.details["valid"] == ["shop/checkout"]


def test_an_object_of_a_kind_that_was_not_read_is_not_said_to_be_absent() -> None:
    with pytest.raises(NotFound) as caught:
        ask("observe_resource", a_pod("p", "web"), args={"kind": "Service", "name": "web"})
    assert caught.value.code == "not_read"


def test_events_of_a_workload_include_those_of_its_pods() -> None:
    pod = a_pod("web-a", "web", owner=("Deployment", "web"))
    event = obj("Event", "e", reason="BackOff", type="Warning", lastTimestamp="2026-03-01T11:00:00Z",
                involvedObject={"kind": "Pod", "namespace": "shop", "name": "web-a"})  # fmt: skip
    view = a_view(snapshot_of(a_deployment("web"), pod, event))
    ref = Ref("Deployment", "shop", "web")
    assert [e["reason"] for e in events_of(view, ref)] == ["BackOff"]
    assert events_of(view, ref, include_owned=False) == []


def test_a_detail_has_the_shape_of_the_contract() -> None:
    found = detail(view_of("incidents"), "deployments", "staging", "api")
    assert set(found) == {
        "resource", "row", "summary", "labels", "annotations", "conditions", "problems", "containers", "as_of", "gaps",
    }  # fmt: skip
    assert found["problems"]
    assert {"label", "value", "type"} == set(found["summary"][0])


def test_the_last_applied_annotation_is_left_out() -> None:
    secret = '{"data":{"password":"aHVudGVyMg=="}}'
    pod = obj("ConfigMap", "c", metadata={"annotations": {"kubectl.kubernetes.io/last-applied-configuration": secret}})
    result = ask("observe_resource", pod, args={"kind": "cm", "name": "c"})
    assert b"aHVudGVyMg" not in msgspec.json.encode(result.as_dict())


@pytest.mark.parametrize("cluster", ["incidents", "healthy", "scale"])
def test_an_overview_adds_up(cluster: str) -> None:
    view = view_of(cluster)
    found = overview(view, NOW)
    assert sum(found["pods"]["by_status"].values()) == found["pods"]["total"] == len(view.snapshot.of("Pod"))
    assert sum(n["pods"] for n in found["namespaces"]) == found["pods"]["total"]
    assert found["problems"]["total"] == len(view.diagnosis.problems)
    assert sum(n["problems"] for n in found["namespaces"]) <= found["problems"]["total"]
    assert found["nodes"]["ready"] + len(found["nodes"]["not_ready"]) == found["nodes"]["total"]


def test_an_overview_of_what_was_not_read_claims_nothing() -> None:
    found = overview(a_view(snapshot_of(a_pod("p", "web"))))
    assert found["usage"]["cpu"] == {"allocatable": None, "requested": None, "used": None}
    assert "Node" not in found["counts"]


def test_health_of_what_is_well_is_counted_and_not_listed() -> None:
    result = ask("analyze_resource_health", a_pod("good", "web"), a_pod("bad", "web", ready=False))
    assert (result.data["checked"], [i["name"] for i in result.data["items"]]) == (2, ["bad"])


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("why is my volume claim pending", "observe_pvc_bindings"),
        ("show me the logs of a crashed container", "observe_pod_logs"),
        ("what happens if I drain this node", "analyze_blast_radius"),
        ("what changed in the last hour", "observe_recent_changes"),
        ("which image did the last rollout deploy", "observe_rollout_history"),
        ("502 at the edge, ingress host", "observe_ingress_rules"),
        ("who uses this secret", "observe_secret_usage"),
        ("memory use of nodes", "observe_metrics"),
        ("quota exceeded in namespace", "observe_namespace_quotas"),
    ],
)
def test_a_question_finds_its_tool_among_the_first_three(question: str, wanted: str) -> None:
    assert wanted in [t.name for t in search(question, 3)]


def test_nothing_like_a_question_finds_no_tool() -> None:
    assert search("zzz qqq", 5) == []
