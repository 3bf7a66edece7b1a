"""Revisions, pages, watches, and what happens when history is gone."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.demo.server.api import Caller
from infra.local.demo.server.resources import Resources
from infra.local.demo.server.store import copy_of
from tests.unit.demo.server.builders import DEPLOYMENTS, MAPS, PODS, Cluster, a_deployment, a_pod, read


def with_maps(count: int) -> Cluster:
    cluster = Cluster()
    for number in range(count):
        labels = {"even": str(number % 2 == 0).lower()}
        cluster.api.create("ConfigMap", {"metadata": {"name": f"m-{number}", "labels": labels}}, namespace="shop")
    return cluster


def names(body: dict[str, Any]) -> list[str]:
    return [item["metadata"]["name"] for item in body["items"]]


def frames(watch: Any) -> list[tuple[str, str]]:
    found = [json.loads(frame) for frame in watch.drain()]
    return [(frame["type"], frame["object"].get("metadata", {}).get("name", "")) for frame in found]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 7), st.integers(0, 9))
def test_pages_together_are_the_whole_list_whatever_happens_meanwhile(limit: int, count: int) -> None:
    cluster = with_maps(count)
    found, token = [], ""
    while True:
        body = read(cluster.send("GET", f"{MAPS}?limit={limit}" + (f"&continue={token}" if token else "")))
        found += names(body)
        if "continue" not in body["metadata"]:
            break
        assert body["metadata"]["remainingItemCount"] == count - len(found)
        token = body["metadata"]["continue"]
        cluster.api.create("ConfigMap", {"metadata": {"generateName": "later-"}}, namespace="shop")
    assert found == [f"m-{number}" for number in range(count)]


def test_a_continue_token_of_lost_history_comes_with_one_that_works() -> None:
    cluster = with_maps(4)
    token = read(cluster.send("GET", MAPS + "?limit=2"))["metadata"]["continue"]
    cluster.api.store.tick()
    cluster.api.store.compact()
    gone = read(cluster.send("GET", f"{MAPS}?limit=2&continue={token}"))
    assert (gone["code"], gone["reason"]) == (410, "Expired")
    rest = read(cluster.send("GET", f"{MAPS}?limit=2&continue={gone['metadata']['continue']}"))
    assert names(rest) == ["m-2", "m-3"]


def test_a_watch_from_lost_history_is_an_error_frame_of_410() -> None:
    cluster = with_maps(1)
    cluster.api.store.compact()
    watch = cluster.open("GET", MAPS + "?watch=1&resourceVersion=1")
    frame = json.loads(watch.drain()[0])
    assert (frame["type"], frame["object"]["code"], frame["object"]["reason"]) == ("ERROR", 410, "Expired")
    assert watch.over


def test_a_watch_tells_changes_and_what_leaves_its_selector() -> None:
    cluster = with_maps(2)
    revision = cluster.api.revision
    watch = cluster.open("GET", f"{MAPS}?watch=1&resourceVersion={revision}&labelSelector=even%3Dtrue")
    cluster.api.patch("ConfigMap", "shop", "m-0", {"data": {"a": "1"}})
    cluster.api.patch("ConfigMap", "shop", "m-1", {"metadata": {"labels": {"even": "true"}}})
    cluster.api.patch("ConfigMap", "shop", "m-0", {"metadata": {"labels": {"even": "false"}}})
    cluster.api.delete("ConfigMap", "shop", "m-1")
    assert frames(watch) == [("MODIFIED", "m-0"), ("ADDED", "m-1"), ("DELETED", "m-0"), ("DELETED", "m-1")]


def test_a_watch_list_ends_its_first_part_with_a_bookmark() -> None:
    target = MAPS + "?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"
    assert frames(with_maps(2).open("GET", target)) == [("ADDED", "m-0"), ("ADDED", "m-1"), ("BOOKMARK", "")]


def test_a_list_at_an_exact_revision_shows_the_past() -> None:
    cluster = with_maps(2)
    revision = cluster.api.revision
    cluster.api.delete("ConfigMap", "shop", "m-0")
    target = f"{MAPS}?resourceVersion={revision}&resourceVersionMatch=Exact"
    assert names(read(cluster.send("GET", target))) == ["m-0", "m-1"]


def test_a_stale_write_is_a_conflict_and_an_unchanged_one_is_none() -> None:
    cluster = with_maps(1)
    stale = read(cluster.send("GET", MAPS + "/m-0"))
    cluster.send("PUT", MAPS + "/m-0", {**copy_of(stale), "data": {"a": "1"}})
    assert read(cluster.send("PUT", MAPS + "/m-0", {**stale, "data": {"a": "2"}}))["reason"] == "Conflict"
    revision = cluster.api.revision
    cluster.send("PUT", MAPS + "/m-0", read(cluster.send("GET", MAPS + "/m-0")))
    assert cluster.api.revision == revision


def test_dry_runs_of_every_verb_change_nothing() -> None:
    cluster = with_maps(2)
    cluster.api.create("Deployment", a_deployment(), namespace="shop")
    cluster.api.create("Pod", a_pod(), namespace="shop")
    before, merge = cluster.api.revision, {"content_type": "application/merge-patch+json"}
    answers = [
        cluster.send("POST", MAPS + "?dryRun=All", {"metadata": {"name": "new"}}),
        cluster.send("PUT", MAPS + "/m-0?dryRun=All", {"metadata": {"name": "m-0"}, "data": {"a": "b"}}),
        cluster.send("PATCH", MAPS + "/m-0?dryRun=All", {"data": {"a": "b"}}, **merge),
        cluster.send("PATCH", DEPLOYMENTS + "/cart/scale?dryRun=All", {"spec": {"replicas": 9}}, **merge),
        cluster.send("DELETE", MAPS + "/m-0?dryRun=All"),
        cluster.send("DELETE", MAPS + "/m-1", {"dryRun": ["All"]}),
        cluster.send("DELETE", MAPS + "?dryRun=All"),
        cluster.send("POST", PODS + "/cart/eviction", {"deleteOptions": {"dryRun": ["All"]}}),
        cluster.send("POST", PODS + "/cart/binding?dryRun=All", {"target": {"name": "n1"}}),
    ]
    assert [answer.status < 300 for answer in answers] == [True] * len(answers)
    assert cluster.api.revision == before
    assert cluster.server.audit.writes() == []


def test_finalizers_hold_an_object_until_the_last_is_gone() -> None:
    cluster = Cluster()
    cluster.api.create("ConfigMap", {"metadata": {"name": "a", "finalizers": ["example.com/hold"]}}, namespace="shop")
    assert cluster.api.delete("ConfigMap", "shop", "a")["metadata"]["deletionTimestamp"]
    assert cluster.api.find("ConfigMap", "shop", "a")
    cluster.api.patch("ConfigMap", "shop", "a", {"metadata": {"finalizers": None}})
    assert cluster.api.find("ConfigMap", "shop", "a") is None


def owned(cluster: Cluster) -> None:
    owner = cluster.api.create("Deployment", a_deployment(), namespace="shop")
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart", "uid": owner["metadata"]["uid"]}
    reference |= {"controller": True, "blockOwnerDeletion": True}
    body = {"metadata": {"name": "child", "ownerReferences": [reference]}}
    cluster.api.create("ConfigMap", body, namespace="shop")


def test_dependents_follow_their_owner_or_are_orphaned_or_go_first() -> None:
    for policy, stays in (("Background", False), ("Orphan", True), ("Foreground", False)):
        cluster = Cluster()
        owned(cluster)
        cluster.api.delete("Deployment", "shop", "cart", propagation=policy)
        assert (cluster.api.find("Deployment", "shop", "cart") is None) == (policy == "Background")
        while cluster.api.collect_garbage():
            pass
        child = cluster.api.find("ConfigMap", "shop", "child")
        assert cluster.api.find("Deployment", "shop", "cart") is None
        assert bool(child) == stays
        assert not child or "ownerReferences" not in child["metadata"]


def test_the_generation_counts_changes_of_the_spec_only() -> None:
    cluster = Cluster()
    cluster.api.create("Deployment", a_deployment(), namespace="shop")
    cluster.api.patch("Deployment", "shop", "cart", {"metadata": {"labels": {"a": "b"}}})
    cluster.api.patch("Deployment", "shop", "cart", {"status": {"replicas": 1}}, subresource="status")
    assert cluster.api.get("Deployment", "shop", "cart")["metadata"]["generation"] == 1
    cluster.api.patch("Deployment", "shop", "cart", {"spec": {"replicas": 7}})
    assert cluster.api.get("Deployment", "shop", "cart")["metadata"]["generation"] == 2


def test_status_writes_leave_the_spec_alone_and_the_other_way_round() -> None:
    cluster = Cluster()
    cluster.api.create("Deployment", a_deployment(), namespace="shop")
    both = {"spec": {"replicas": 9}, "status": {"replicas": 4}}
    assert cluster.api.patch("Deployment", "shop", "cart", both, subresource="status")["spec"]["replicas"] == 2
    assert cluster.api.patch("Deployment", "shop", "cart", both)["status"] == {"replicas": 4}


def test_the_same_seed_gives_the_same_names_and_uids() -> None:
    def made() -> str:
        return str(Cluster().api.create("ConfigMap", {"metadata": {"generateName": "a-"}}, namespace="shop"))

    assert made() == made()


def test_storage_version_hashes_are_those_of_a_real_server() -> None:
    resources = Resources()
    assert resources.named("ConfigMap").storage_version_hash == "qFsyl6wFWjQ="
    assert resources.named("daemonsets.apps").storage_version_hash == "dd7pWHUlMKQ="


def test_events_and_autoscalers_are_served_in_both_their_forms() -> None:
    cluster = Cluster()
    spec = {
        "maxReplicas": 3,
        "scaleTargetRef": {"kind": "Deployment", "name": "cart"},
        "targetCPUUtilizationPercentage": 60,
    }
    path = "/apis/autoscaling/{}/namespaces/shop/horizontalpodautoscalers"
    cluster.send("POST", path.format("v1"), {"metadata": {"name": "cart"}, "spec": spec})
    two = read(cluster.send("GET", path.format("v2") + "/cart"))
    assert two["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 60
    assert read(cluster.send("GET", path.format("v1")))["items"][0]["spec"]["targetCPUUtilizationPercentage"] == 60
    about = {"kind": "Pod", "name": "cart", "namespace": "shop"}
    event = {"metadata": {"name": "e"}, "involvedObject": about, "message": "hello", "reason": "Test", "type": "Normal"}
    cluster.api.create("Event", event, namespace="shop")
    target = "/apis/events.k8s.io/v1/namespaces/shop/events?fieldSelector=regarding.name%3Dcart"
    assert read(cluster.send("GET", target))["items"][0]["note"] == "hello"


values = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["1", "2", None]), max_size=3)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["merge", "strategic", "apply"]), values), max_size=6))
def test_after_any_patches_what_was_answered_is_what_is_there(patches: list[tuple[Any, dict[str, Any]]]) -> None:
    cluster = with_maps(1)
    last = cluster.api.get("ConfigMap", "shop", "m-0")
    for how, data in patches:
        body: dict[str, Any] = {"data": data}
        if how == "apply":
            kept = {key: value for key, value in data.items() if value}
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m-0"}, "data": kept}
        caller = Caller(manager=how, force=True)
        answer = cluster.api.patch("ConfigMap", "shop", "m-0", body, how=how, caller=caller)
        assert answer == cluster.api.get("ConfigMap", "shop", "m-0")
        assert int(answer["metadata"]["resourceVersion"]) >= int(last["metadata"]["resourceVersion"])
        wanted = {key: value for key, value in data.items() if value}
        assert (answer.get("data") or {}).items() >= wanted.items()
        last = answer


def test_controllers_write_under_their_own_name() -> None:
    cluster = Cluster()
    made = cluster.api.create(
        "ConfigMap", {"metadata": {"name": "a"}, "data": {"x": "1"}}, namespace="shop", caller=Caller(manager="me")
    )
    assert made["metadata"]["managedFields"][0]["manager"] == "me"
