"""Relations between objects: who owns, selects, mounts, routes to, runs on, grants to whom.

Built once per snapshot from the registry's entries: owner references, the names an object mentions, and label
selectors. Cost is linear: selectors are answered from an index of label pairs per namespace.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from chalicelib.state.kinds import KINDS, Edge
from chalicelib.state.meta import Labels, LabelSelector, Ref
from chalicelib.state.snapshot import Snapshot

_NONE: Sequence[Edge] = ()


class PodIndex:
    """Pods by label pair, so that a selector looks only at pods that carry its rarest pair."""

    def __init__(self, pods: Iterable[tuple[Ref, Labels]]) -> None:
        self._all: dict[str, list[tuple[Ref, Labels]]] = defaultdict(list)
        self._pairs: dict[tuple[str, str, str], list[tuple[Ref, Labels]]] = defaultdict(list)
        for item in pods:
            ref, labels = item
            self._all[ref.namespace].append(item)
            for key, value in labels.items():
                self._pairs[ref.namespace, key, value].append(item)

    def matching(self, namespace: str, selector: LabelSelector) -> list[Ref]:
        """Pods of a namespace that the selector picks; an empty selector picks all of them."""
        candidates = self._all.get(namespace, [])
        for key, value in selector.match_labels.items():
            narrowed = self._pairs.get((namespace, key, value), [])
            if len(narrowed) < len(candidates):
                candidates = narrowed
        return [ref for ref, labels in candidates if selector.matches(labels)]


class Graph:
    """Directed edges between refs. An edge may point at an object that does not exist: that is what makes it useful."""

    def __init__(self, edges: Iterable[Edge], index: PodIndex) -> None:
        self.pods = index
        self._out: dict[Ref, list[Edge]] = defaultdict(list)
        self._into: dict[Ref, list[Edge]] = defaultdict(list)
        for edge in edges:
            self._out[edge.source].append(edge)
            self._into[edge.target].append(edge)

    @classmethod
    def of(cls, snapshot: Snapshot) -> Graph:
        """The graph of a snapshot."""
        pods = snapshot.of("Pod")
        index = PodIndex((Ref("Pod", p.metadata.namespace, p.metadata.name), p.metadata.labels) for p in pods)
        return cls(_edges(snapshot, index), index)

    def out(self, ref: Ref, relation: str | None = None) -> Sequence[Edge]:
        """Edges that start here, all or of one relation."""
        found = self._out.get(ref, _NONE)
        return found if relation is None else [e for e in found if e.relation == relation]

    def into(self, ref: Ref, relation: str | None = None) -> Sequence[Edge]:
        """Edges that end here, all or of one relation."""
        found = self._into.get(ref, _NONE)
        return found if relation is None else [e for e in found if e.relation == relation]

    def owner_of(self, ref: Ref) -> Ref:
        """The workload at the top of the owner chain; the object itself when nothing owns it. Cycles end the climb."""
        seen = {ref}
        while True:
            parents = [e.source for e in self.into(ref, "owns") if e.source not in seen]
            if not parents:
                return ref
            ref = parents[0]
            seen.add(ref)

    def standing_for(self, ref: Ref) -> Ref:
        """The workload that a replica or revision belongs to; every other object stands for itself.

        A static pod is owned by its Node but is no replica of it.
        """
        if ref.kind not in ("Pod", "ReplicaSet", "Job"):
            return ref
        owner = self.owner_of(ref)
        return ref if owner.kind == "Node" else owner

    def owned_by(self, ref: Ref, kind: str | None = None) -> list[Ref]:
        """Everything below in the owner chain, depth first, all or of one kind."""
        found: list[Ref] = []
        stack, seen = [ref], {ref}
        while stack:
            for edge in self.out(stack.pop(), "owns"):
                if edge.target not in seen:
                    seen.add(edge.target)
                    stack.append(edge.target)
                    if kind is None or edge.target.kind == kind:
                        found.append(edge.target)
        return sorted(found)


def _edges(snapshot: Snapshot, index: PodIndex) -> Iterable[Edge]:
    """Every edge. Equal refs are one object, which keeps a large graph small and cheap to walk."""
    known: dict[Ref, Ref] = {}
    one = known.setdefault
    for kind, objects in snapshot.objects.items():
        entry = KINDS.get(kind)
        for obj in objects:
            meta = obj.metadata
            source = Ref(kind, meta.namespace if entry is None or entry.namespaced else "", meta.name)
            source = one(source, source)
            for owner in meta.owner_references:
                above = _owner_ref(owner.kind, meta.namespace, owner.name)
                yield Edge(one(above, above), source, "owns")
            if entry is None:
                continue
            for relation, target, detail in entry.refs(obj):
                yield Edge(source, one(target, target), relation, detail)
            if entry.selects:
                relation, selector_of = entry.selects
                selector = selector_of(obj)
                for target in index.matching(meta.namespace, selector) if selector is not None else ():
                    yield Edge(source, one(target, target), relation)


def _owner_ref(kind: str, namespace: str, name: str) -> Ref:
    entry = KINDS.get(kind)
    return Ref(kind, namespace if entry is None or entry.namespaced else "", name)
