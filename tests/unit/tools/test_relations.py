"""Neighbourhoods, dependency chains, blast radius."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.safety.blast import blast_radius
from chalicelib.state.meta import Ref
from chalicelib.state.world import World
from chalicelib.tools.registry import call
from chalicelib.tools.related import related
from chalicelib.tools.topology import MAX_NODES, around, dependencies, dependents, of_namespace, walk
from tests.unit.tools.objects import (
    a_deployment,
    a_node,
    a_pod,
    a_service,
    an_ingress,
    endpoints_of,
    obj,
    owned_by,
    snapshot_of,
)
from tests.unit.tools.recorded_views import RecordedViews, a_context, a_view, view_of

WEB = Ref("Deployment", "shop", "web")


def a_shop(**parts: Any) -> World:
    """Ingress shop -> Service web -> Deployment web (2 pods on two nodes, reading a ConfigMap and a claim)."""
    volumes = [
        {"name": "conf", "configMap": {"name": "web-config"}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "web-data"}},
    ]
    pods = [a_pod(f"web-{i}", "web", node=f"node-{i}", owner=("ReplicaSet", "web-rs"), volumes=volumes) for i in "ab"]
    return World(
        snapshot_of(
            *pods, a_deployment("web", volumes=volumes), a_service("web", "web"), endpoints_of("web", 2),
            obj("ReplicaSet", "web-rs", metadata=owned_by("Deployment", "web"), spec={"replicas": 2},
                status={"replicas": 2, "readyReplicas": 2}),
            an_ingress("shop", "shop.example.com", "web"), a_node("node-a"), a_node("node-b"),
            obj("ConfigMap", "web-config"), obj("PersistentVolumeClaim", "web-data", status={"phase": "Bound"}),
            **parts,
        )
    )  # fmt: skip


def level(world: World, ref: Ref) -> str:
    return blast_radius(world, ref).level


def test_a_chain_runs_from_the_ingress_to_node_claim_and_configuration() -> None:
    found, cut = walk(a_shop(), Ref("Ingress", "shop", "shop"), dependencies, depth=6, most=100)
    assert not cut
    assert {link.ref for link in found} == {
        Ref("Service", "shop", "web"), WEB, Ref("Node", "", "node-a"), Ref("Node", "", "node-b"),
        Ref("ConfigMap", "shop", "web-config"), Ref("PersistentVolumeClaim", "shop", "web-data"),
    }  # fmt: skip


def test_replicas_stand_for_their_workload() -> None:
    found, _ = walk(a_shop(), Ref("Service", "shop", "web"), dependencies, depth=1, most=100)
    assert [link.ref for link in found] == [WEB]


def test_what_needs_a_configmap_is_found_up_to_the_ingress() -> None:
    found, _ = walk(a_shop(), Ref("ConfigMap", "shop", "web-config"), dependents, depth=6, most=100)
    assert {str(link.ref) for link in found} == {"Deployment shop/web", "Service shop/web", "Ingress shop/shop"}


def test_a_walk_that_is_cut_says_so() -> None:
    assert walk(a_shop(), Ref("Ingress", "shop", "shop"), dependencies, depth=6, most=2)[1] is True


def test_the_chain_tool_tells_the_chain_in_words() -> None:
    views = RecordedViews({"test": [a_view(a_shop().snapshot)]})
    args = {"kind": "Deployment", "name": "web", "direction": "both"}
    chains = call("analyze_dependency_chains", args, a_context(views=views)).data["chains"]
    assert "Ingress shop -> Service web -> Deployment web -> Node node-a" in chains


def test_a_neighbourhood_holds_both_directions() -> None:
    found = around(a_shop(), Ref("Service", "shop", "web"), depth=1)
    assert {r.kind for r in found.nodes} == {"Service", "Pod", "Ingress"}
    assert {e.relation for e in found.edges} == {"selects", "routes_to"}


@pytest.mark.parametrize("cluster", ["incidents", "healthy", "scale"])
def test_a_graph_of_any_namespace_is_bounded_and_its_edges_join_its_nodes(cluster: str) -> None:
    world = view_of(cluster).world
    for namespace in world.snapshot.namespaces()[:12]:
        found = of_namespace(world, namespace)
        assert len(found.nodes) <= MAX_NODES
        assert all(e.source in found.nodes and e.target in found.nodes for e in found.edges)


def test_a_node_that_takes_half_the_replicas_is_a_medium_radius() -> None:
    world = a_shop()
    found = blast_radius(world, Ref("Node", "", "node-a"))
    service = next(h for h in found.hits if h.ref.kind == "Service")
    assert (service.lost, service.total, service.share) == (1, 2, 0.5)
    assert "web-data" in [d.name for d in found.stateful]
    assert found.level == "high"


def test_a_workload_behind_an_entry_point_is_critical() -> None:
    found = blast_radius(a_shop(), WEB)
    assert found.level == "critical"
    assert found.entry_points == ["shop.example.com/ (Ingress shop/shop)"]
    assert {(h.ref.kind, h.how) for h in found.hits} >= {("Service", "indirect"), ("Ingress", "indirect")}


def test_one_of_two_replicas_is_no_outage() -> None:
    found = blast_radius(a_shop(), Ref("Pod", "shop", "web-a"))
    assert "workloads losing some replicas: Deployment web" in found.reasons
    assert found.level in ("medium", "high")


def test_configuration_is_felt_only_at_the_next_start() -> None:
    found = blast_radius(a_shop(), Ref("ConfigMap", "shop", "web-config"))
    assert found.on_restart
    assert found.level != "critical"
    assert any("cannot start new pods" in h.effect for h in found.hits)


def test_an_object_that_nothing_needs_is_low() -> None:
    world = World(snapshot_of(obj("ConfigMap", "lonely"), a_pod("web-a", "web")))
    assert level(world, Ref("ConfigMap", "shop", "lonely")) == "low"


def test_a_service_behind_an_admission_webhook_is_critical() -> None:
    hook = obj(
        "ValidatingWebhookConfiguration", "policy",
        webhooks=[{"name": "p", "clientConfig": {"service": {"namespace": "shop", "name": "web"}}}],
    )  # fmt: skip
    world = World(snapshot_of(hook, a_pod("web-a", "web"), a_service("web", "web"), endpoints_of("web", 1)))
    found = blast_radius(world, Ref("Pod", "shop", "web-a"))
    assert found.level == "critical"
    assert any("admission" in reason for reason in found.reasons)


def test_a_namespace_takes_everything_with_it() -> None:
    found = blast_radius(a_shop(), Ref("Namespace", "", "shop"))
    assert (found.level, found.pods) == ("critical", 2)


def test_lost_never_exceeds_what_there_is() -> None:
    world = view_of("incidents").world
    for kind in ("Node", "Deployment", "Service", "ConfigMap", "PersistentVolumeClaim"):
        for item in world.snapshot.of(kind):
            namespace = "" if kind == "Node" else item.metadata.namespace
            for hit in blast_radius(world, Ref(kind, namespace, item.metadata.name)).hits:
                assert 0 <= hit.lost <= hit.total or hit.total == 0


def test_related_objects_carry_their_state_and_the_missing_ones_say_so() -> None:
    world = World(snapshot_of(an_ingress("shop", "a.example.com", "gone"), empty=("Service",)))
    items = related(a_view(world.snapshot), Ref("Ingress", "shop", "shop"))
    assert [(i["direction"], i["relation"], i["status"]["word"]) for i in items] == [("out", "routes_to", "Missing")]


def test_a_related_object_of_a_kind_that_was_not_read_is_unknown() -> None:
    world = World(snapshot_of(an_ingress("shop", "a.example.com", "web")))
    items = related(a_view(world.snapshot), Ref("Ingress", "shop", "shop"))
    assert items[0]["status"]["level"] == "unknown"
