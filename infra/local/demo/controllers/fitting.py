"""Whether a pod fits a node: the scheduler's filters, each with the words of kube-scheduler."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from infra.local.demo.controllers.cache import Cache, NodeUse, host_ports, requests_of
from infra.local.demo.server.api import Api
from infra.local.demo.server.selectors import selector_matches
from infra.local.demo.server.store import Object

UNSCHEDULABLE = "node(s) were unschedulable"
TAINTED = "node(s) had untolerated taint(s)"
AFFINITY = "node(s) didn't match Pod's node affinity/selector"
WRONG_NAME = "node(s) didn't match the requested node name"
PORTS = "node(s) didn't have free ports for the requested pod ports"
ANTI_AFFINITY = "node(s) didn't match pod anti-affinity rules"
POD_AFFINITY = "node(s) didn't match pod affinity rules"
SPREAD = "node(s) didn't match pod topology spread constraints"
VOLUME_ZONE = "node(s) didn't match PersistentVolume's node affinity"
TOO_MANY = "Too many pods"
RESOLVABLE = (PORTS, ANTI_AFFINITY, TOO_MANY)
"""Refusals that evicting other pods of the node could end; the rest never changes by preemption."""


@dataclass(frozen=True)
class Ask:
    """A pod with what it asks of a node, worked out once for all nodes."""

    pod: Object
    requests: dict[str, float]
    ports: set[tuple[str, int]]

    @classmethod
    def of(cls, pod: Object) -> Ask:
        requests = {name: amount for name, amount in requests_of(pod["spec"]).items() if amount}
        return cls(pod, requests, host_ports(pod["spec"]))


def _term_matches(term: Object, node: Object) -> bool:
    meta = node["metadata"]
    labels = meta.get("labels") or {}
    for expression in term.get("matchExpressions") or ():
        if not _expression(expression, labels.get(expression["key"])):
            return False
    for expression in term.get("matchFields") or ():
        if not _expression(expression, meta["name"]):
            return False
    return bool(term.get("matchExpressions") or term.get("matchFields"))


def _expression(expression: Object, value: str | None) -> bool:
    operator, values = expression["operator"], expression.get("values") or ()
    if operator == "In":
        return value in values
    if operator == "NotIn":
        return value not in values
    if operator == "Exists":
        return value is not None
    if operator == "DoesNotExist":
        return value is None
    if value is None or not value.lstrip("-").isdigit():
        return False
    return int(value) > int(values[0]) if operator == "Gt" else int(value) < int(values[0])


def matches_node_affinity(pod: Object, node: Object) -> bool:
    """nodeSelector and the required node affinity."""
    labels = node["metadata"].get("labels") or {}
    selector = pod["spec"].get("nodeSelector") or {}
    if any(labels.get(key) != value for key, value in selector.items()):
        return False
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if not required:
        return True
    return any(_term_matches(term, node) for term in required.get("nodeSelectorTerms") or ())


def tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("operator") == "Exists":
        return not toleration.get("key") or toleration["key"] == taint["key"]
    return toleration.get("key") == taint["key"] and toleration.get("value", "") == taint.get("value", "")


def untolerated(pod: Object, node: Object, *, effects: Iterable[str]) -> Object | None:
    """The first taint of the given effects that no toleration of the pod covers."""
    tolerations = pod["spec"].get("tolerations") or ()
    for taint in node["spec"].get("taints") or ():
        if taint["effect"] in effects and not any(tolerates(one, taint) for one in tolerations):
            return taint
    return None


def refusals(api: Api, cache: Cache, ask: Ask, node: Object) -> list[str]:
    """Why the pod does not fit; the filters run in the order of kube-scheduler and the first that refuses speaks."""
    pod, spec, name = ask.pod, ask.pod["spec"], node["metadata"]["name"]
    if node["spec"].get("unschedulable") and not _tolerates_cordon(pod):
        return [UNSCHEDULABLE]
    taint = untolerated(pod, node, effects=("NoSchedule", "NoExecute"))
    if taint:
        return [TAINTED]
    if not matches_node_affinity(pod, node):
        return [AFFINITY]
    use = cache.use_of(name)
    if ask.ports and any(ask.ports & taken for taken in use.ports.values()):
        return [PORTS]
    if short := _insufficient(ask, use, cache.room_of(node)):
        return short
    if not volumes_reach(api, pod, node):
        return [VOLUME_ZONE]
    if spec.get("topologySpreadConstraints") and not _spread_allows(api, cache, pod, node):
        return [SPREAD]
    affinity = spec.get("affinity") or {}
    if "podAffinity" in affinity and not _pods_near(api, cache, pod, node, affinity["podAffinity"], wanted=True):
        return [POD_AFFINITY]
    if "podAntiAffinity" in affinity and not _pods_near(
        api, cache, pod, node, affinity["podAntiAffinity"], wanted=False
    ):
        return [ANTI_AFFINITY]
    return []


def _tolerates_cordon(pod: Object) -> bool:
    taint = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    return any(tolerates(one, taint) for one in pod["spec"].get("tolerations") or ())


def _insufficient(ask: Ask, use: NodeUse, room: dict[str, float]) -> list[str]:
    short = [TOO_MANY] if len(use.pods) >= room.get("pods", 110) else []
    for name, amount in ask.requests.items():
        if use.total.get(name, 0.0) + amount > room.get(name, 0.0) + 1e-9:
            short.append(f"Insufficient {name}")
    return short


def could_ever_fit(ask: Ask, room: dict[str, float]) -> bool:
    """Whether an empty node with that room would take the pod's requests."""
    return all(amount <= room.get(name, 0.0) for name, amount in ask.requests.items())


def volumes_reach(api: Api, pod: Object, node: Object) -> bool:
    """Whether every bound volume of the pod can be used from this node."""
    for volume in pod["spec"].get("volumes") or ():
        claim_name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        claim = api.find("PersistentVolumeClaim", pod["metadata"]["namespace"], claim_name) if claim_name else None
        bound = ((claim or {}).get("spec") or {}).get("volumeName")
        volume_object = api.find("PersistentVolume", "", bound) if bound else None
        required = (((volume_object or {}).get("spec") or {}).get("nodeAffinity") or {}).get("required")
        if required and not any(_term_matches(term, node) for term in required["nodeSelectorTerms"]):
            return False
    return True


def _spread_allows(api: Api, cache: Cache, pod: Object, node: Object) -> bool:
    for constraint in pod["spec"]["topologySpreadConstraints"]:
        if constraint.get("whenUnsatisfiable") != "DoNotSchedule":
            continue
        key = constraint["topologyKey"]
        counts: dict[str, int] = {}
        for other in api.list("Node"):
            domain = (other["metadata"].get("labels") or {}).get(key)
            if domain is None or not matches_node_affinity(pod, other):
                continue
            counts.setdefault(domain, 0)
            counts[domain] += sum(
                1 for one in cache.pods_on(other["metadata"]["name"])
                if one["metadata"].get("namespace") == pod["metadata"]["namespace"]
                and selector_matches(constraint.get("labelSelector"), one["metadata"].get("labels") or {})
            )  # fmt: skip
        here = (node["metadata"].get("labels") or {}).get(key)
        if here is None or counts.get(here, 0) + 1 - min(counts.values(), default=0) > constraint["maxSkew"]:
            return False
    return True


def _pods_near(api: Api, cache: Cache, pod: Object, node: Object, rules: Object, *, wanted: bool) -> bool:
    """Whether the required (anti-)affinity terms hold on a node."""
    for term in rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ():
        domain = (node["metadata"].get("labels") or {}).get(term["topologyKey"])
        near = any(
            selector_matches(term.get("labelSelector"), one["metadata"].get("labels") or {})
            for other in api.list("Node")
            if domain is not None and (other["metadata"].get("labels") or {}).get(term["topologyKey"]) == domain
            for one in cache.pods_on(other["metadata"]["name"])
            if one["metadata"]["namespace"] in (term.get("namespaces") or [pod["metadata"]["namespace"]])
        )
        if near != wanted:
            return False
    return True
