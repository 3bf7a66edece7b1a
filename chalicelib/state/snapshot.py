"""A cluster as it was at one moment: typed objects, logs, optional evidence, and what could not be read."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec
import zstandard

from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Api, Condition, Object, Ref
from chalicelib.state.structs import ready

GapReason = Literal["forbidden", "timeout", "not_installed", "not_recorded", "error", "partial", "stale"]


class Gap(Api):
    """Something that was wanted and could not be read; every answer that needed it says so."""

    kind: str
    reason: GapReason
    message: str = ""
    namespace: str = ""


class LogKey(NamedTuple):
    namespace: str
    pod: str
    container: str
    previous: bool = False


class ApiResource(Api):
    """One kind that the server offers, from discovery."""

    kind: str = ""
    plural: str = ""
    group: str = ""
    version: str = ""
    namespaced: bool = True
    verbs: list[str] = []
    short_names: list[str] = []

    @property
    def name(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


class DiscoveredStatus(Api):
    conditions: list[Condition] = []
    phase: str = ""


class Discovered(Object):
    """An object of a kind that the registry does not know: its metadata, phase and conditions."""

    status: DiscoveredStatus = DiscoveredStatus()


class Alert(Api):
    """One alert in Alertmanager v2 form."""

    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    status: dict[str, Any] = {}


class NodeService(Api):
    node: str = ""
    service: str = ""
    active: bool | str = ""
    state: str = ""
    since: datetime | None = None


class Connectivity(Api):
    namespace: str = ""
    service: str = ""
    port: int | str = 0
    ok: bool = False
    error: str = ""


class Call(Api):
    source: str = msgspec.field(name="from", default="")
    target: str = msgspec.field(name="to", default="")


class Extras(Api):
    """Optional evidence beside the objects; None means "not given", an empty list "given and empty"."""

    alerts: list[Alert] | None = None
    metrics: list[dict[str, Any]] | None = None
    node_services: list[NodeService] | None = None
    connectivity: list[Connectivity] | None = None
    calls: list[Call] | None = None


class Usage(Api):
    """Present use from metrics.k8s.io: cores and bytes."""

    cpu: float = 0.0
    memory: float = 0.0

    def get(self, resource: str) -> float | None:
        return self.cpu if resource == "cpu" else self.memory if resource == "memory" else None


class Snapshot:
    """Objects by kind, each tuple sorted by (namespace, name). Immutable by convention.

    A kind that is missing from `objects` was not read; `was_read` tells, and `gaps` says why.
    """

    def __init__(
        self,
        cluster: str,
        taken_at: datetime,
        objects: Mapping[str, tuple[Any, ...]],
        *,
        version: str = "",
        gaps: tuple[Gap, ...] = (),
        logs: Mapping[LogKey, str] | None = None,
        extras: Extras | None = None,
        discovered: tuple[ApiResource, ...] = (),
        pod_usage: Mapping[tuple[str, str], Usage] | None = None,
        node_usage: Mapping[str, Usage] | None = None,
        recorded: bool = False,
    ) -> None:
        self.cluster = cluster
        self.taken_at = taken_at
        self.version = version
        self.objects = objects
        self.gaps = gaps
        self.logs = logs or {}
        self.extras = extras or Extras()
        self.discovered = discovered
        self.pod_usage = pod_usage
        self.node_usage = node_usage
        self.recorded = recorded
        self._index: dict[str, dict[tuple[str, str], Any]] = {}

    @property
    def now(self) -> datetime:
        """The moment all ages are measured against."""
        return self.taken_at

    def of(self, kind: str) -> tuple[Any, ...]:
        """All objects of a kind; empty when it was not read (ask `was_read` where that matters)."""
        return self.objects.get(kind, ())

    def was_read(self, kind: str, namespace: str = "") -> bool:
        """Whether absence of an object of this kind (in this namespace) proves anything."""
        if kind not in self.objects:
            return False
        return not any(g.kind == kind and (not g.namespace or g.namespace == namespace) for g in self.gaps)

    def get(self, kind: str, namespace: str, name: str) -> Any | None:
        """One object, or None."""
        if kind not in self._index:
            entry = KINDS.get(kind)
            scoped = entry is None or entry.namespaced
            self._index[kind] = {(o.metadata.namespace if scoped else "", o.metadata.name): o for o in self.of(kind)}
        return self._index[kind].get((namespace, name))

    def find(self, ref: Ref) -> Any | None:
        return self.get(ref.kind, ref.namespace, ref.name)

    def all(self) -> Iterator[tuple[str, Any]]:
        for kind, objects in self.objects.items():
            for obj in objects:
                yield kind, obj

    def resource(self, kind: str) -> ApiResource | None:
        """The discovered resource of that kind, plural, short or full name, in any case."""
        wanted = kind.lower()
        for found in self.discovered:
            if wanted in (found.kind.lower(), found.plural.lower(), found.name.lower(), *found.short_names):
                return found
        return None

    def gaps_of(self, *kinds: str) -> tuple[Gap, ...]:
        """The gaps that concern these kinds, for an answer that needed them."""
        return tuple(g for g in self.gaps if g.kind in kinds)

    def namespaces(self) -> tuple[str, ...]:
        """Names of all namespaces seen, from the list of namespaces and from objects."""
        seen = {n.metadata.name for n in self.of("Namespace")}
        for kind, objects in self.objects.items():
            entry = KINDS.get(kind)
            if entry is None or entry.namespaced:
                seen.update(o.metadata.namespace for o in objects)
        return tuple(sorted(n for n in seen if n))

    def log(self, namespace: str, pod: str, container: str, previous: bool = False) -> str | None:
        """Log text that came with the snapshot, or None when there is none."""
        return self.logs.get(LogKey(namespace, pod, container, previous))

    def replace(self, **changes: Any) -> Snapshot:
        """A copy with some parts exchanged."""
        parts: dict[str, Any] = {
            "version": self.version, "gaps": self.gaps, "logs": self.logs, "extras": self.extras,
            "discovered": self.discovered, "pod_usage": self.pod_usage, "node_usage": self.node_usage,
            "recorded": self.recorded,
        }  # fmt: skip
        cluster = changes.pop("cluster", self.cluster)
        taken_at = changes.pop("taken_at", self.taken_at)
        objects = changes.pop("objects", self.objects)
        return Snapshot(cluster, taken_at, objects, **(parts | changes))


def laid_over(previous: Snapshot, fresh: Snapshot, namespace: str) -> Snapshot:
    """The last whole snapshot with what was just read laid over it; gaps of what was read anew are replaced."""
    objects = dict(previous.objects)
    for kind, items in fresh.objects.items():
        if namespace:
            others = tuple(o for o in objects.get(kind, ()) if o.metadata.namespace != namespace)
            items = tuple(sorted((*others, *items), key=lambda o: (o.metadata.namespace, o.metadata.name)))
        objects[kind] = items
    read = set(fresh.objects) | {g.kind for g in fresh.gaps}
    gaps = tuple(g for g in previous.gaps if g.kind not in read) + fresh.gaps
    alive = {(p.metadata.namespace, p.metadata.name) for p in objects.get("Pod", ())}
    logs = {key: text for key, text in previous.logs.items() if (key.namespace, key.pod) in alive and key.previous}
    return fresh.replace(
        objects=objects,
        gaps=gaps,
        logs=logs | dict(fresh.logs),
        extras=previous.extras,
        version=fresh.version or previous.version,
        discovered=fresh.discovered or previous.discovered,
        pod_usage=fresh.pod_usage if fresh.pod_usage is not None else previous.pod_usage,
        node_usage=fresh.node_usage if fresh.node_usage is not None else previous.node_usage,
    )


class _Stored(msgspec.Struct):
    """The stored form; objects are one encoded blob per kind so that one kind can be decoded alone."""

    cluster: str
    taken_at: datetime
    version: str
    objects: dict[str, bytes]
    gaps: list[Gap]
    logs: list[tuple[str, str, str, bool, str]]
    extras: Extras
    discovered: list[ApiResource]
    pod_usage: list[tuple[str, str, Usage]] | None
    node_usage: list[tuple[str, Usage]] | None
    recorded: bool
    format: int = 1


ready(Discovered, _Stored)


@functools.cache
def _decoder(kind: str) -> msgspec.msgpack.Decoder[Any]:
    entry = KINDS.get(kind)
    return msgspec.msgpack.Decoder(tuple[entry.struct if entry else Discovered, ...])  # type: ignore[misc]


_ENCODER = msgspec.msgpack.Encoder(order="deterministic")


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """Compressed bytes of a snapshot: msgpack in zstd. Same snapshot, same bytes."""
    stored = _Stored(
        cluster=snapshot.cluster,
        taken_at=snapshot.taken_at,
        version=snapshot.version,
        objects={kind: _ENCODER.encode(objects) for kind, objects in sorted(snapshot.objects.items())},
        gaps=list(snapshot.gaps),
        logs=[(*key, text) for key, text in sorted(snapshot.logs.items())],
        extras=snapshot.extras,
        discovered=list(snapshot.discovered),
        pod_usage=None
        if snapshot.pod_usage is None
        else [(*key, usage) for key, usage in sorted(snapshot.pod_usage.items())],
        node_usage=None if snapshot.node_usage is None else sorted(snapshot.node_usage.items(), key=lambda i: i[0]),
        recorded=snapshot.recorded,
    )
    return zstandard.ZstdCompressor(level=3).compress(_ENCODER.encode(stored))


def decode_snapshot(data: bytes) -> Snapshot:
    """The snapshot of `encode_snapshot`. Raises ValueError for bytes that are not one."""
    try:
        raw = zstandard.ZstdDecompressor().decompress(data)
        stored = msgspec.msgpack.decode(raw, type=_Stored)
        objects = {kind: _decoder(kind).decode(blob) for kind, blob in stored.objects.items()}
    except (zstandard.ZstdError, msgspec.MsgspecError) as error:
        raise ValueError(f"not a stored snapshot: {error}") from error
    return Snapshot(
        stored.cluster,
        stored.taken_at,
        objects,
        version=stored.version,
        gaps=tuple(stored.gaps),
        logs={LogKey(n, p, c, prev): text for n, p, c, prev, text in stored.logs},
        extras=stored.extras,
        discovered=tuple(stored.discovered),
        pod_usage=None if stored.pod_usage is None else {(n, p): u for n, p, u in stored.pod_usage},
        node_usage=None if stored.node_usage is None else dict(stored.node_usage),
        recorded=stored.recorded,
    )
