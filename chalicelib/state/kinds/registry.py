"""The registry of kinds: one entry says all that the product knows about a kind.

An entry names the API path, the struct that keeps the fields we read, the list columns, the status rule, and the
relations to other objects. Lists, details, the graph and the web UI are rendered from it; there is no code per kind
anywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from chalicelib.errors import unknown
from chalicelib.state.meta import LabelSelector, Object, Ref

if TYPE_CHECKING:
    from chalicelib.state.world import World

Level = Literal["ok", "progress", "warn", "crit", "unknown"]
ColumnType = Literal[
    "text", "number", "age", "time", "status", "bytes", "cpu", "ratio", "list", "ref", "health", "duration"
]
Category = Literal["Workloads", "Batch", "Scaling", "Network", "Storage", "Config", "Access", "Cluster"]


@dataclass(frozen=True, slots=True)
class Status:
    """What an object says of itself: a level, the field's own word (`CrashLoopBackOff`), and a short reason."""

    level: Level
    word: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One list column. `value` gives a JSON value: text, number, list of text, RFC 3339 time, or None for no data."""

    key: str
    title: str
    type: ColumnType
    value: Callable[[Any, World], Any]
    hidden: bool = False
    description: str = ""


class Edge(msgspec.Struct, frozen=True, gc=False):
    """`source` relates to `target`; `relation` is a verb: owns, selects, mounts, scheduled_on, routes_to ...

    Not tracked by the collector: a graph of 10,000 pods has 100,000 edges, and none can be part of a cycle.
    """

    source: Ref
    target: Ref
    relation: str
    detail: str = ""


Related = tuple[str, Ref, str]
"""(relation, target, detail): what an object names in its own fields."""


def no_relations(_: Any) -> Iterable[Related]:
    return ()


@dataclass(frozen=True, slots=True)
class KindEntry:
    """All that is known about one kind."""

    kind: str
    plural: str
    group: str
    version: str
    category: Category
    title: str
    struct: type[Object]
    status: Callable[[Any, World], Status]
    columns: tuple[Column, ...] = ()
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    optional: bool = False
    """True for kinds of a CRD or add-on: absence is "not installed", not an error."""
    has_logs: bool = False
    refs: Callable[[Any], Iterable[Related]] = no_relations
    """Objects that this one names in its fields."""
    selects: tuple[str, Callable[[Any], LabelSelector | None]] | None = None
    """(relation, selector): Pods of the same namespace that this object picks by label."""
    aliases: tuple[str, ...] = ()
    """Other file or resource names it goes by, e.g. `replication-controllers`."""
    listed: bool = True
    """False for kinds that engines read but that have no list of their own in the product's menu."""
    metadata_only: bool = False
    """True where only Table rows are read and never objects (Secret)."""
    words: tuple[str, ...] = field(default=())
    """Plain words people use for it in questions ("volume claim")."""

    @property
    def api_path(self) -> str:
        """Path of the cluster-wide list."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        return f"{root}/{self.plural}"

    def path(self, namespace: str = "", name: str = "") -> str:
        """Path of a namespace's list or of one object."""
        root, _, plural = self.api_path.rpartition("/")
        where = f"{root}/namespaces/{namespace}/{plural}" if self.namespaced and namespace else f"{root}/{plural}"
        return f"{where}/{name}" if name else where

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def ref(self, obj: Object) -> Ref:
        return Ref(self.kind, obj.metadata.namespace if self.namespaced else "", obj.metadata.name)


class KindRegistry:
    """Kinds in reading order, found by kind, plural, short name, or `plural.group`, in any case."""

    def __init__(self) -> None:
        self._entries: dict[str, KindEntry] = {}
        self._names: dict[str, str] = {}

    def add(self, entry: KindEntry) -> KindEntry:
        if entry.kind in self._entries:
            raise ValueError(f"kind {entry.kind} is registered twice")
        self._entries[entry.kind] = entry
        names = (entry.kind, entry.plural, *entry.short_names, *entry.aliases, f"{entry.plural}.{entry.group}")
        for name in names:
            self._names.setdefault(name.lower(), entry.kind)
        return entry

    def __iter__(self) -> Iterator[KindEntry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._names

    def get(self, name: str) -> KindEntry | None:
        found = self._names.get(name.lower())
        return self._entries[found] if found else None

    def __getitem__(self, name: str) -> KindEntry:
        """The entry, or NotFound with the valid kinds."""
        entry = self.get(name)
        if entry is None:
            raise unknown("kind", name, self._entries)
        return entry


KINDS = KindRegistry()
