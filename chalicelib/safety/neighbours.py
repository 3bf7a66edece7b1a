"""What the rules about other pods say of each node, worked out once for a pod that is to be placed.

Required pod affinity and anti-affinity, the anti-affinity of pods that run already, and topology spread with
DoNotSchedule, as kube-scheduler's plugins interpodaffinity and podtopologyspread count them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from chalicelib.rootcause.placement import affine_to, selected_by, untolerated
from chalicelib.state.kinds.cluster import Node
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.kinds.pod_spec import PodAffinityTerm, PodSpec, TopologySpread
from chalicelib.state.meta import LabelSelector, Ref

Running = Mapping[str, Mapping[Ref, tuple[Pod, str]]]
"""Pods by namespace, each with the node that it runs on."""
Guard = tuple[Pod, PodAffinityTerm, str]
"""A term of required anti-affinity: whose, and on which node it runs."""


@dataclass(frozen=True, slots=True)
class _Spread:
    rule: TopologySpread
    counts: Mapping[str, int]
    own: int
    least: int


class Neighbours:
    """The answer for every node at this moment; placing or removing a pod makes it old."""

    def __init__(self, pod: Pod, nodes: Mapping[str, Node], running: Running, guards: Iterable[Guard]) -> None:
        self._nodes = nodes
        self._running = running
        self._apart = [(term.topology_key, self._domains(term, pod)) for term in anti_terms(pod.spec)]
        kept_away: dict[str, set[str]] = defaultdict(set)
        for owner, term, node in guards:
            there = nodes[node].metadata.labels.get(term.topology_key) if node in nodes else None
            if there is not None and matches(term, owner, pod):
                kept_away[term.topology_key].add(there)
        self._kept_away = kept_away
        affinity = pod.spec.affinity.pod_affinity if pod.spec.affinity else None
        self._together = []
        for term in affinity.required if affinity else ():
            domains = self._domains(term, pod)
            # The first of a group that wants to be together may start anywhere.
            if domains or not matches(term, pod, pod):
                self._together.append((term.topology_key, domains))
        self._spreads = [
            self._spread(rule, pod)
            for rule in pod.spec.topology_spread_constraints
            if rule.when_unsatisfiable != "ScheduleAnyway"
        ]

    def why_not(self, node: Node) -> str:
        """What keeps the pod off a node; empty when nothing does."""
        labels = node.metadata.labels
        if any(labels.get(key) in domains for key, domains in self._apart):
            return "didn't match pod anti-affinity rules"
        if any(labels.get(key) in domains for key, domains in self._kept_away.items()):
            return "didn't satisfy existing pods anti-affinity rules"
        if any(labels.get(key) not in domains for key, domains in self._together):
            return "didn't match pod affinity rules"
        for spread in self._spreads:
            here = labels.get(spread.rule.topology_key)
            if here is None:
                return "didn't match pod topology spread constraints (missing required label)"
            if spread.counts and spread.counts.get(here, 0) + spread.own - spread.least > spread.rule.max_skew:
                return "didn't match pod topology spread constraints"
        return ""

    def _domains(self, term: PodAffinityTerm, pod: Pod) -> set[str]:
        """Values of a term's topology key on nodes where a pod runs that it selects."""
        found: set[str] = set()
        for other, name in self._in_reach(term, pod):
            node = self._nodes.get(name)
            value = node.metadata.labels.get(term.topology_key) if node is not None else None
            if value is not None and value not in found and matches(term, pod, other):
                found.add(value)
        return found

    def _in_reach(self, term: PodAffinityTerm, pod: Pod) -> Iterator[tuple[Pod, str]]:
        everywhere = term.namespace_selector is not None
        spaces = self._running if everywhere else (term.namespaces or [pod.metadata.namespace])
        for space in spaces:
            yield from self._running.get(space, {}).values()

    def _spread(self, rule: TopologySpread, pod: Pod) -> _Spread:
        """Domains are counted over nodes that the rule's policies admit: by default tainted ones too."""
        domains: dict[str, str] = {}
        for name, node in self._nodes.items():
            domain = node.metadata.labels.get(rule.topology_key)
            if domain is not None and _counts(rule, pod, node):
                domains[name] = domain
        selector = rule.label_selector or LabelSelector()
        counts: Counter[str] = Counter(dict.fromkeys(domains.values(), 0))
        for other, node_name in self._running.get(pod.metadata.namespace, {}).values():
            if node_name in domains and selector.matches(other.metadata.labels):
                counts[domains[node_name]] += 1
        least = 0 if rule.min_domains and len(counts) < rule.min_domains else min(counts.values(), default=0)
        return _Spread(rule, counts, 1 if selector.matches(pod.metadata.labels) else 0, least)


def anti_terms(spec: PodSpec) -> list[PodAffinityTerm]:
    affinity = spec.affinity.pod_anti_affinity if spec.affinity else None
    return list(affinity.required) if affinity else []


def matches(term: PodAffinityTerm, owner: Pod, other: Pod) -> bool:
    """Whether a term of `owner` selects `other`."""
    if term.namespace_selector is None:
        spaces = term.namespaces or [owner.metadata.namespace]
        if other.metadata.namespace not in spaces:
            return False
    return (term.label_selector or LabelSelector()).matches(other.metadata.labels)


def _counts(rule: TopologySpread, pod: Pod, node: Node) -> bool:
    """Whether a node's domain counts for a spread rule."""
    if rule.node_affinity_policy == "Honor" and not (selected_by(pod, node) and affine_to(pod, node)):
        return False
    return rule.node_taints_policy != "Honor" or untolerated(pod, node) is None
