"""The company: what runs, on which machines, with which rights, and what it wastes."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import orjson
import pytest

from infra.local.demo.controllers.status import is_ready
from infra.local.demo.server.clock import parse_time
from infra.local.demo.server.quantities import parse
from infra.local.demo.world.build import World
from infra.local.demo.world.business import BUSINESS
from infra.local.demo.world.demo import start_demo
from infra.local.demo.world.platform import PLATFORM
from infra.local.demo.world.policies import NAMESPACES
from tests.unit.demo.world.conftest import NOW


def count(world: World, kind: str) -> int:
    return len(world.api.list(kind))


def test_it_has_the_size_of_a_small_company(company: World) -> None:
    assert len(NAMESPACES) == 8
    assert 25 <= len(PLATFORM) + len(BUSINESS) <= 50
    running = [pod for pod in company.api.list("Pod") if pod["status"]["phase"] == "Running"]
    assert 85 <= len(running) <= 105
    assert {pod["metadata"]["namespace"] for pod in running} == {*NAMESPACES, "kube-system"}


def test_all_that_runs_is_ready(company: World) -> None:
    pods = [pod for pod in company.api.list("Pod") if pod["status"]["phase"] not in ("Succeeded", "Failed")]
    assert [pod["metadata"]["name"] for pod in pods if not is_ready(pod)] == []


def test_six_named_machines_stand_in_three_zones(company: World) -> None:
    labels = [node["metadata"]["labels"] for node in company.api.list("Node")]
    types = {one["node.kubernetes.io/instance-type"] for one in labels}
    assert types == {"m7i.xlarge", "m7i.2xlarge", "r7i.xlarge", "c7i.2xlarge", "m7g.xlarge"}
    assert len(labels) == 6
    assert len({one["topology.kubernetes.io/zone"] for one in labels}) == 3


def test_no_machine_has_promised_more_than_it_has(company: World) -> None:
    for node in company.api.list("Node"):
        use, room = company.plane.cache.use_of(node["metadata"]["name"]), node["status"]["allocatable"]
        assert all(use.total.get(kind, 0) <= float(parse(room[kind]) or 0) for kind in ("cpu", "memory"))
        assert len(use.pods) <= int(room["pods"])


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        ("StatefulSet", 6), ("CronJob", 4), ("Job", 4), ("HorizontalPodAutoscaler", 3), ("PodDisruptionBudget", 4),
        ("Ingress", 4), ("NetworkPolicy", 4), ("ResourceQuota", 2), ("LimitRange", 1), ("PersistentVolumeClaim", 12),
        ("Service", 20), ("EndpointSlice", 20), ("VulnerabilityReport", 20), ("StorageClass", 3), ("Secret", 12),
    ],
)  # fmt: skip
def test_every_kind_a_reader_should_cope_with_is_there(kind: str, least: int, company: World) -> None:
    assert count(company, kind) >= least


def test_volumes_of_stateful_sets_are_bound_in_their_pods_zones(company: World) -> None:
    for pod in company.api.list("Pod"):
        for volume in pod["spec"].get("volumes") or ():
            name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            if not name:
                continue
            claim = company.api.get("PersistentVolumeClaim", pod["metadata"]["namespace"], name)
            bound = company.api.get("PersistentVolume", "", claim["spec"]["volumeName"])
            terms = bound["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]
            node = company.api.get("Node", "", pod["spec"]["nodeName"])
            assert terms["values"] == [node["metadata"]["labels"]["topology.kubernetes.io/zone"]]


def test_some_rights_are_too_wide(company: World) -> None:
    bindings = company.api.list("ClusterRoleBinding")
    admins = [b for b in bindings if b["roleRef"]["name"] == "cluster-admin" and "ci-deployer" in str(b["subjects"])]
    readers = [b for b in bindings if b["roleRef"]["name"] == "secret-reader" and "developers" in str(b["subjects"])]
    roles = [r for r in company.api.list("Role") if any("*" in rule["verbs"] for rule in r["rules"])]
    assert (len(admins), len(readers), len(roles)) == (1, 1, 1)


def test_the_products_own_reader_has_the_rights_of_its_manifest_and_none_on_secrets(company: World) -> None:
    rules = company.api.get("ClusterRole", "", "kubilitics-reader")["rules"]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list"}
    assert not any("secrets" in rule["resources"] and "" in rule["apiGroups"] for rule in rules)


def test_images_have_vulnerability_reports_as_trivy_operator_writes_them(company: World) -> None:
    reports = company.api.list("VulnerabilityReport")
    assert sum(one["report"]["summary"]["criticalCount"] for one in reports) > 5
    one = next(r for r in reports if r["report"]["vulnerabilities"])
    owner = one["metadata"]["labels"]["trivy-operator.resource.name"]
    kind = one["metadata"]["labels"]["trivy-operator.resource.kind"]
    assert company.api.find(kind, one["metadata"]["namespace"], owner)


def test_one_deprecated_api_is_still_in_use(company: World) -> None:
    schema = company.api.get("FlowSchema", "", "metrics-scrapers")
    applied = json.loads(schema["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"])
    assert applied["apiVersion"] == "flowcontrol.apiserver.k8s.io/v1beta3"
    assert schema["apiVersion"] == "flowcontrol.apiserver.k8s.io/v1"


def test_money_is_wasted_on_volumes_and_balancers_nobody_uses(company: World) -> None:
    mounted = {
        volume["persistentVolumeClaim"]["claimName"]
        for pod in company.api.list("Pod")
        for volume in pod["spec"].get("volumes") or ()
        if volume.get("persistentVolumeClaim")
    }
    claims = {one["metadata"]["name"] for one in company.api.list("PersistentVolumeClaim")}
    assert {"import-2024", "lab-scratch"} <= claims - mounted
    assert company.api.get("PersistentVolume", "", "old-ledger-archive")["status"]["phase"] == "Available"
    balancer = company.api.get("Service", "tracking", "partner-ftp")
    assert balancer["spec"]["type"] == "LoadBalancer"
    assert company.api.get("Endpoints", "tracking", "partner-ftp").get("subsets") is None


def test_the_past_shows_in_ages_and_revisions(company: World) -> None:
    ages = [(NOW - parse_time(pod["metadata"]["creationTimestamp"])).days for pod in company.api.list("Pod")]
    assert max(ages) >= 11
    storefront = company.api.get("Deployment", "booking", "storefront")
    assert int(storefront["metadata"]["annotations"]["deployment.kubernetes.io/revision"]) >= 3
    sets = company.api.owned_by("ReplicaSet", storefront)
    assert len(sets) >= 2


def test_events_are_of_the_last_hour_and_mostly_normal(company: World) -> None:
    events = company.api.list("Event")
    kinds = Counter(event["type"] for event in events)
    assert kinds["Normal"] > 3 * kinds["Warning"] > 0


def test_a_clock_that_has_come_to_now_has_fresh_leases(company: World) -> None:
    for lease in company.api.list("Lease", "kube-node-lease"):
        assert (NOW - parse_time(lease["spec"]["renewTime"])).total_seconds() < 40


def everything(world: World) -> bytes:
    keys = sorted({one.key for one in world.api.resources if one.stored})
    return orjson.dumps([[row.object for row in world.api.store.list(key)] for key in keys])


def test_a_seed_makes_the_same_company_with_the_same_faults_to_the_byte() -> None:
    first, second = (everything(start_demo(seed=6, now=NOW)[0]) for _ in range(2))
    assert first == second


def random_names(world: World) -> set[str]:
    pods = world.api.list("Pod")
    return {pod["metadata"]["name"] for pod in pods if "StatefulSet" not in str(pod["metadata"]["ownerReferences"])}


def test_another_seed_gives_other_names_and_the_same_company(company: World) -> None:
    other: Any = start_demo(seed=6, now=NOW)[0]
    names = [random_names(company), random_names(other)]
    assert not names[0] & names[1]
    assert [d["metadata"]["name"] for d in company.api.list("DaemonSet")] == [
        d["metadata"]["name"] for d in other.api.list("DaemonSet")
    ]
