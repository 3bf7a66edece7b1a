"""What faults share, where pods fit, what a rollout risks, what drifted, what to do first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chalicelib.errors import InvalidRequest, NotFound
from chalicelib.tools.registry import call
from tests.unit.rootcause.builders import NOW, Cluster, a_cluster
from tests.unit.tools.recorded_views import RecordedViews, a_context, a_view

Json = dict[str, Any]


def ask(tool: str, cluster: Cluster, *earlier: Cluster, role: str = "viewer", **args: Any) -> Json:
    """A tool on a cluster; `earlier` readings are an hour and more older, oldest last."""
    readings = [
        a_view(c.snapshot().replace(taken_at=NOW - timedelta(hours=hours)), "test")
        for hours, c in reversed(list(enumerate((cluster, *earlier))))
    ]
    return call(tool, args, a_context(role=role, views=RecordedViews({"test": readings}))).as_dict()


def items(tool: str, cluster: Cluster, *earlier: Cluster, **args: Any) -> list[Json]:
    found: list[Json] = ask(tool, cluster, *earlier, **args)["data"].get("items", [])
    return found


# Patterns


def test_pods_of_several_workloads_that_fail_on_one_node_are_a_pattern() -> None:
    cluster = a_cluster()
    for name in ("one", "two"):
        sick = cluster.deployment(f"shop/{name}").crashing(exit_code=137)
        for pod in sick.pods:
            pod["spec"]["nodeName"] = "node-2"
    for pod in cluster.objects["Pod"]:
        pod["spec"].setdefault("nodeName", "node-0")
        if pod["metadata"]["labels"]["app"] not in ("one", "two"):
            pod["spec"]["nodeName"] = "node-0"

    found = items("analyze_failure_patterns", cluster)
    node = next(i for i in found if i["pattern"] == "node")
    assert (node["value"], node["failing"], node["of"]) == ("node-2", 2, 2)
    assert node["lift"] > 1.5


def test_one_mode_in_several_objects_is_a_pattern_and_one_workload_alone_is_none() -> None:
    cluster = a_cluster()
    for name in ("one", "two"):
        cluster.deployment(f"shop/{name}", envFrom=[{"configMapRef": {"name": "gone"}}]).waiting(
            "CreateContainerConfigError", 'configmap "gone" not found'
        )
    found = items("analyze_failure_patterns", cluster)
    assert {"missing_configmap"} == {i["value"] for i in found if i["pattern"] == "mode"}

    alone = a_cluster()
    alone.deployment("shop/one", replicas=4).crashing(exit_code=1)
    assert items("analyze_failure_patterns", alone) == []


def test_a_rollout_just_before_the_crash_is_named_as_the_trigger() -> None:
    cluster = a_cluster()
    cluster.deployment("shop/cart", replicas=2).changed(minutes=22, image="registry.local/cart:2.0").crashing(
        exit_code=1
    )
    found = items("analyze_correlation_patterns", cluster)

    assert len(found) == 1
    assert found[0]["trigger"]["resource"]["name"] == "cart"
    assert "cart:2.0" in found[0]["trigger"]["text"]
    assert found[0]["trigger"]["confidence"] > 0.5


def test_a_healthy_cluster_has_no_incident() -> None:
    answer = ask("analyze_correlation_patterns", a_cluster())
    assert answer["data"]["items"] == []
    assert "0 incidents" in answer["summary"]


# Scheduling


def test_a_pending_pod_is_told_what_keeps_it_off_each_node() -> None:
    cluster = Cluster()
    cluster.node("small", cpu="1")
    cluster.node("dedicated", taints=[{"key": "team", "value": "ml", "effect": "NoSchedule"}])
    cluster.deployment("shop/big", resources={"requests": {"cpu": "3"}}).pending("0/2 nodes are available")
    found = items("analyze_pod_scheduling", cluster)

    assert len(found) == 1
    assert found[0].get("fits", False) is False
    assert found[0]["nodes"] == {"cpu": ["small"], "taint": ["dedicated"]}


def test_a_workload_that_fits_is_said_to_fit_and_a_name_that_is_none_is_refused() -> None:
    assert (
        items("analyze_pod_scheduling", a_cluster(), name="web", kind="Deployment", namespace="shop")[0]["fits"] is True
    )
    with pytest.raises(NotFound):
        ask("analyze_pod_scheduling", a_cluster(), name="nope", kind="Deployment", namespace="shop")
    with pytest.raises(InvalidRequest):
        ask("analyze_pod_scheduling", a_cluster(), name="web", kind="Service", namespace="shop")


# Rollouts

PROBE = {"httpGet": {"path": "/ready", "port": 8080}}


def a_careful_cluster(**container: Any) -> Cluster:
    cluster = Cluster()
    cluster.node("node-0")
    cluster.deployment("shop/web", replicas=3, readinessProbe=PROBE, **container)
    return cluster


def reasons(cluster: Cluster) -> str:
    return "; ".join(items("analyze_rollout_risk", cluster, name="web", namespace="shop")[0].get("reasons", []))


def test_a_careful_workload_has_no_risk() -> None:
    found = items("analyze_rollout_risk", a_careful_cluster(), name="web", namespace="shop")[0]
    assert (found["risk"], found["score"]) == ("low", 0)


def test_each_risk_is_named() -> None:
    bare = Cluster()
    bare.node("node-0")
    bare.deployment("shop/web", replicas=3)
    assert "no readiness probe" in reasons(bare)
    assert "may be another one" in reasons(a_careful_cluster(image="registry.local/web:latest"))
    assert "may be another one" in reasons(a_careful_cluster(image="registry.local:5000/web"))
    assert "may be another one" not in reasons(a_careful_cluster(image="registry.local:5000/web@sha256:" + "a" * 64))
    assert "no node has room" in reasons(a_careful_cluster(resources={"requests": {"cpu": "2"}}))

    full = a_careful_cluster(resources={"requests": {"cpu": "100m"}})
    full.add("ResourceQuota", "shop/quota", {"status": {"hard": {"pods": "3"}, "used": {"pods": "3"}}})
    assert "quota quota has no pods left" in reasons(full)

    recreate = a_careful_cluster()
    recreate.objects["Deployment"][0]["spec"]["strategy"] = {"type": "Recreate"}
    assert "Recreate" in reasons(recreate)

    final = a_careful_cluster()
    final.objects["Deployment"][0]["spec"]["revisionHistoryLimit"] = 0
    assert "no revision to go back to" in reasons(final)

    missing = a_careful_cluster(envFrom=[{"configMapRef": {"name": "gone"}}])
    assert "ConfigMap shop/gone does not exist" in reasons(missing)


def test_a_kind_without_rollouts_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        ask("analyze_rollout_risk", a_cluster(), name="web", kind="Service", namespace="shop")


# Drift


def test_a_pod_that_runs_another_image_than_its_template_is_drift() -> None:
    cluster = a_cluster()
    web = next(p for p in cluster.objects["Pod"] if p["metadata"]["labels"]["app"] == "web")
    web["spec"] = msgspec.json.decode(msgspec.json.encode(web["spec"]))
    web["spec"]["containers"][0]["image"] = "registry.local/web:patched"
    found = [i for i in items("analyze_configuration_drift", cluster) if i["type"] == "pod_vs_template"]

    assert len(found) == 1
    assert found[0]["other"]["name"] == "web"
    assert "web:patched instead of registry.local/web:1.0" in found[0]["text"]


def test_two_environments_are_compared_without_showing_values() -> None:
    cluster = a_cluster()
    cluster.deployment("prod/pay", replicas=3, env=[{"name": "KEY", "value": "hunter2"}, {"name": "A", "value": "1"}])
    cluster.deployment("test/pay", replicas=1, env=[{"name": "KEY", "value": "swordfish"}])
    answer = ask("analyze_configuration_drift", cluster)
    found = [i for i in answer["data"]["items"] if i["type"] == "environments"]

    assert {f["field"] for f in found[0]["fields"]} == {"replicas", "variable A of pay", "variable KEY of pay"}
    assert "hunter2" not in str(answer)
    assert "swordfish" not in str(answer)


def test_edits_since_an_earlier_reading_and_pods_older_than_their_configuration_are_drift() -> None:
    def with_config(value: str) -> Cluster:
        cluster = a_cluster()
        cluster.add("ConfigMap", "shop/web-config", {"data": {"MODE": value}, "metadata": {"resourceVersion": value}})
        cluster.deployment("shop/conf", envFrom=[{"configMapRef": {"name": "web-config"}}])
        return cluster

    found = items("analyze_configuration_drift", with_config("new"), with_config("old"), since="30m")
    types = {i["type"]: i for i in found}
    assert types["edited"]["resource"]["kind"] == "ConfigMap"
    assert types["stale_config"]["resource"]["name"] == "conf"


def test_nothing_drifts_in_a_cluster_that_stays_as_it_is() -> None:
    assert items("analyze_configuration_drift", a_cluster(), a_cluster(), since="30m") == []


# Actions


def test_what_is_worst_and_surest_and_helps_most_is_first() -> None:
    cluster = a_cluster()
    cluster.deployment("shop/one", envFrom=[{"configMapRef": {"name": "gone"}}]).waiting(
        "CreateContainerConfigError", 'configmap "gone" not found'
    )
    answer = ask("recommend_immediate_actions", cluster)

    first = answer["data"]["items"][0]
    assert (first["rank"], first["mode"], first["name"]) == (1, "missing_configmap", "one")
    assert first["action"]
    assert answer["summary"].endswith("Nothing was executed.")


def test_of_a_healthy_cluster_nothing_is_asked() -> None:
    answer = ask("recommend_immediate_actions", a_cluster())
    assert answer["data"].get("items", []) == []
    assert "nothing is wrong" in answer["summary"]


# Troubleshooting


def sick() -> Cluster:
    cluster = a_cluster()
    cluster.deployment("shop/cart", replicas=2).crashing(exit_code=1, log="KeyError: 'CART_TTL'")
    return cluster


def test_an_operators_investigation_is_kept_and_read_again_by_its_id() -> None:
    context = a_context(role="operator", views=RecordedViews({"test": [a_view(sick().snapshot(), "test")]}))
    found = call("troubleshoot_pod_failures", {"name": "cart", "namespace": "shop"}, context).as_dict()

    assert found["data"]["investigation"].startswith("iv_")
    assert (found["data"]["status"], found["data"]["outcome"]) == ("concluded", "problems")
    assert found["data"]["scope"] == "Deployment shop/cart"
    assert found["data"]["remedy"]["text"]
    assert found["data"]["items"][0]["status"] == "supported"
    assert found["evidence"]
    again = call("troubleshoot_node", {"investigation": found["data"]["investigation"]}, context).as_dict()
    assert again["data"] == found["data"]
    same = call("troubleshoot_pod_failures", {"name": "cart", "namespace": "shop"}, context).as_dict()
    assert same["data"]["investigation"] == found["data"]["investigation"]


def test_a_viewer_is_told_the_same_and_nothing_is_kept() -> None:
    viewed = ask("troubleshoot_pod_failures", sick(), name="cart", namespace="shop")
    kept = ask("troubleshoot_pod_failures", sick(), role="operator", name="cart", namespace="shop")

    assert "investigation" not in viewed["data"]
    assert viewed["data"]["items"] == kept["data"]["items"]
    assert any("Not kept" in words for words in viewed["truncated"]["clipped"])


def test_an_investigation_that_takes_longer_than_the_caller_waits_is_named() -> None:
    found = ask("troubleshoot_pod_failures", sick(), role="operator", name="cart", namespace="shop", wait_s=0)

    assert found["data"]["status"] == "created"
    assert found["data"]["investigation"] in found["summary"]


@pytest.mark.parametrize(
    ("args", "outcome"),
    [({"name": "nope", "namespace": "shop"}, "object_not_found"), ({"name": "web", "namespace": "shop"}, "no_fault")],
)
def test_what_does_not_exist_or_is_well_is_an_outcome(args: Json, outcome: str) -> None:
    assert ask("troubleshoot_pod_failures", sick(), **args)["data"]["outcome"] == outcome


@pytest.mark.parametrize("name", ["storage", "network", "errors", "slow"])
def test_without_a_name_the_words_of_the_tool_itself_name_nothing(name: str) -> None:
    cluster = sick()
    cluster.deployment(f"shop/{name}", replicas=1)
    for tool in ("troubleshoot_storage", "troubleshoot_network_connectivity", "troubleshoot_error_correlation"):
        assert ask(tool, cluster)["data"]["scope"] == "the whole cluster"


def test_a_question_of_ones_own_names_what_it_is_about() -> None:
    assert (
        ask("troubleshoot_storage", sick(), question="is cart out of disk?")["data"]["scope"] == "Deployment shop/cart"
    )


def test_an_unknown_investigation_is_refused() -> None:
    with pytest.raises(NotFound):
        ask("troubleshoot_storage", sick(), investigation="iv_nope")
