"""The names that exist in a cluster, and how words of a question find them: exactly, by prefix, by alias, nearly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal
from weakref import WeakKeyDictionary

from rapidfuzz import fuzz, process

from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Ref
from chalicelib.state.query.words import ALIASES, ENVIRONMENT_LABELS, LIST_WORKLOADS
from chalicelib.state.world import World

How = Literal["exact", "alias", "prefix", "part", "near"]
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job")
UNNAMED = frozenset({"Event", "Lease", "EndpointSlice", "ReplicaSet"})
"""Kinds whose names people do not ask by; a ReplicaSet is still found under its full name."""
HASH_LABELS = frozenset(
    {"pod-template-hash", "controller-revision-hash", "pod-template-generation", "statefulset.kubernetes.io/pod-name",
     "batch.kubernetes.io/controller-uid", "controller-uid", "apps.kubernetes.io/pod-index"}
)  # fmt: skip
LABELLED = ("Pod", "Deployment", "StatefulSet", "DaemonSet", "Namespace", "Node", "Service", "Job", "CronJob")
MAX_NEAR = 5_000
"""At most so many names are compared by likeness, so that a question stays quick in a large cluster."""
NEAR_ENOUGH = 80.0
CLEARLY_BETTER = 4.0
MIN_NEAR_CHARS = 4


@dataclass(frozen=True, slots=True)
class Match:
    """What a word was understood as. Several `values` mean that it is ambiguous."""

    how: How
    values: tuple[str, ...]

    @property
    def value(self) -> str:
        return self.values[0]

    @property
    def unique(self) -> bool:
        return len(self.values) == 1


def _plural(word: str) -> str:
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


EXTRA_WORDS = {
    "rollout": "Deployment",
    "rollouts": "Deployment",
    "webhooks": "ValidatingWebhookConfiguration",
    "secrets": "Secret",
    "quotas": "ResourceQuota",
    "pdbs": "PodDisruptionBudget",
    "hpas": "HorizontalPodAutoscaler",
    "svcs": "Service",
    "pvcs": "PersistentVolumeClaim",
    "pvs": "PersistentVolume",
    "deploys": "Deployment",
    "disk": "PersistentVolumeClaim",
    "disks": "PersistentVolumeClaim",
    "cms": "ConfigMap",
    "hosts": "Node",
}
"""Words for kinds beside those of the registry."""


def _kind_phrases() -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in KINDS:
        names = [entry.kind.lower(), entry.plural, entry.title.lower(), *entry.short_names]
        names += [form for word in entry.words for form in (word, _plural(word))]
        for name in names:
            found.setdefault(name, entry.kind)
    found.update(EXTRA_WORDS)
    for word in LIST_WORKLOADS:
        found.setdefault(word, "Deployment")
    found.pop("limits", None)
    return found


KIND_PHRASES = _kind_phrases()
"""Every phrase that names a kind, lower case -> kind. `limits` alone is left out: it mostly means resource limits."""
LONGEST_KIND = max(len(phrase.split()) for phrase in KIND_PHRASES)


@dataclass(eq=False)
class Vocabulary:
    """Names of one cluster at one moment. An empty one still knows kinds and grammar."""

    namespaces: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    objects: dict[str, tuple[Ref, ...]] = field(default_factory=dict)
    """Name -> objects of that name, all kinds people ask for."""
    label_keys: frozenset[str] = frozenset()
    label_values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Lower-case value -> keys that carry it."""
    statuses: dict[str, str] = field(default_factory=dict)
    """Lower-case status word seen in the cluster -> the word."""
    now: datetime | None = None
    """When the cluster was read: what ages and spans of time count from."""

    @classmethod
    def of(cls, world: World) -> Vocabulary:
        """The vocabulary of a world; kept as long as the world lives."""
        found = _KEPT.get(world)
        if found is None:
            found = _KEPT[world] = _read(world)
        return found

    @cached_property
    def workloads(self) -> tuple[str, ...]:
        return tuple(sorted({r.name for refs in self.objects.values() for r in refs if r.kind in WORKLOADS}))

    @cached_property
    def asked_names(self) -> tuple[str, ...]:
        """Names compared by likeness: everything but pods made by a controller, workloads first."""
        others = sorted(n for n, refs in self.objects.items() if any(r.kind != "Pod" for r in refs))
        return tuple(dict.fromkeys((*self.workloads, *others)))[:MAX_NEAR]

    def namespace(self, word: str) -> Match | None:
        """Namespaces that a word means."""
        return find(word, self.namespaces)

    def node(self, word: str) -> Match | None:
        """Nodes that a word means; a node's short host name is as good as its full name."""
        if word in self.nodes:
            return Match("exact", (word,))
        begins = tuple(n for n in self.nodes if n.startswith(word + "."))
        if not begins and len(word) >= MIN_NEAR_CHARS:
            begins = tuple(n for n in self.nodes if n.startswith(word)) or tuple(n for n in self.nodes if word in n)
        return Match("prefix", begins[:10]) if begins else None

    def environment(self, word: str) -> tuple[str, str] | None:
        """(label key, value) when a word means an environment that labels name."""
        for candidate in (word, *aliases(word)):
            for key in ENVIRONMENT_LABELS:
                if key in self.label_values.get(candidate, ()):
                    return key, candidate
        return None

    def named(self, word: str, kind: str | None = None) -> tuple[Ref, ...]:
        """Objects of exactly this name."""
        return tuple(r for r in self.objects.get(word, ()) if kind is None or r.kind == kind)

    def part_of_name(self, word: str) -> bool:
        return any(word in name for name in self.objects)


_KEPT: WeakKeyDictionary[World, Vocabulary] = WeakKeyDictionary()


def _read(world: World) -> Vocabulary:
    snapshot = world.snapshot
    objects: dict[str, list[Ref]] = defaultdict(list)
    for kind, items in snapshot.objects.items():
        entry = KINDS.get(kind)
        if kind in UNNAMED:
            continue
        for obj in items:
            objects[obj.metadata.name].append(
                entry.ref(obj) if entry else Ref(kind, obj.metadata.namespace, obj.metadata.name)
            )
    keys: set[str] = set()
    values: dict[str, set[str]] = defaultdict(set)
    statuses: dict[str, str] = {}
    for kind in LABELLED:
        for obj in snapshot.of(kind):
            for key, value in obj.metadata.labels.items():
                if key not in HASH_LABELS:
                    keys.add(key)
                    values[value.lower()].add(key)
    for kind, obj in snapshot.all():
        if kind != "Event":
            word = world.status(kind, obj).word
            statuses.setdefault(word.lower(), word)
    return Vocabulary(
        namespaces=snapshot.namespaces(),
        nodes=tuple(n.metadata.name for n in snapshot.of("Node")),
        objects={name: tuple(sorted(refs)) for name, refs in sorted(objects.items())},
        label_keys=frozenset(keys),
        label_values={value: tuple(sorted(k)) for value, k in values.items()},
        statuses=statuses,
        now=world.now,
    )


def aliases(word: str) -> tuple[str, ...]:
    """Other words for the same environment."""
    return tuple(sorted(w for group in ALIASES if word in group for w in group if w != word))


def find(word: str, names: Sequence[str]) -> Match | None:
    """The names that a word means: itself, an alias, a beginning, a part, else the nearest by likeness."""
    word = word.lower()
    if word in names:
        return Match("exact", (word,))
    if len(word) < 2:
        return None
    for other in aliases(word):
        if other in names:
            return Match("alias", (other,))
    begins = tuple(n for n in names if n.startswith(word))
    if begins and len(word) >= 3:
        return Match("prefix", begins[:10])
    for other in aliases(word):
        parts = tuple(n for n in names if other in n.split("-"))
        if parts:
            return Match("alias", parts[:10])
    parts = tuple(n for n in names if word in n.split("-"))
    if parts:
        return Match("part", parts[:10])
    return nearest(word, names)


def nearest(word: str, names: Iterable[str]) -> Match | None:
    """The nearest names by edit similarity; several when none is clearly better."""
    if len(word) < MIN_NEAR_CHARS:
        return None
    scored = process.extract(word, list(names)[:MAX_NEAR], scorer=fuzz.ratio, score_cutoff=NEAR_ENOUGH, limit=5)
    if not scored:
        return None
    best = scored[0][1]
    close = sorted(name for name, score, _ in scored if best - score < CLEARLY_BETTER)
    return Match("near", tuple(close))
