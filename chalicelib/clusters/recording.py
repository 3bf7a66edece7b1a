"""Reads the files of a recording into objects, logs and optional evidence, file by file.

Nothing is assumed about completeness: what a recording does not hold becomes a gap at the end.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import zstandard

from chalicelib.clusters.archive import Member
from chalicelib.clusters.documents import as_utf8, json_bodies
from chalicelib.clusters.layouts import Place, kind_of_hint, looks_like_objects, place
from chalicelib.clusters.metrics import Metrics
from chalicelib.clusters.recorded_logs import RecordedLogs
from chalicelib.clusters.secrets import with_secrets_masked
from chalicelib.state.decode import Page, decode_page
from chalicelib.state.kinds import KINDS, KindEntry
from chalicelib.state.meta import Api
from chalicelib.state.snapshot import (
    Alert,
    ApiResource,
    Call,
    Connectivity,
    Extras,
    Gap,
    NodeService,
    Usage,
)
from chalicelib.state.structs import ready

_TIME = re.compile(
    rb'"(?:creationTimestamp|lastTransitionTime|lastHeartbeatTime|lastUpdateTime|startedAt|finishedAt|startTime|'
    rb"completionTime|firstTimestamp|lastTimestamp|eventTime|lastObservedTime|renewTime|acquireTime|timestamp|"
    rb'lastScheduleTime|lastSuccessfulTime|lastScaleTime|timeAdded|lastProbeTime|time)"\s*:\s*'
    rb'"(20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d)(?:\.\d{1,9})?Z"'
)
"""Fields that tell when something happened. Deadlines and expiry dates lie in the future and are left out."""

_LEGACY_GROUPS = ("extensions",)
_MAX_GAPS = 500


class _Name(Api):
    name: str = ""
    namespace: str = ""


class _Head(Api):
    kind: str = ""
    api_version: str = ""
    metadata: _Name = _Name()


class _Envelope(Api):
    kind: str = ""
    api_version: str = ""
    items: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET


ready(_Head, _Envelope)


class _Source(NamedTuple):
    """Where a bucket of items came from."""

    place: Place
    path: str
    is_list: bool


class StoredFile(NamedTuple):
    """One JSON body as it was recorded (Secrets masked), compressed."""

    path: str
    kind: str
    """Kind of list items that do not name theirs."""
    namespaces: frozenset[str]
    body: bytes


_EXTRA_TYPES: dict[str, Any] = {
    "alerts": list[Alert],
    "metrics": list[dict[str, Any]],
    "node_services": list[NodeService],
    "connectivity": list[Connectivity],
    "calls": list[Call],
}


class Recording:
    """Collects what the files hold. `add` every member, then read the attributes."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[tuple[str, str], Any]] = {}
        self.unknown: dict[tuple[str, str], dict[tuple[str, str], Any]] = {}
        """Objects of kinds outside the registry, by (group, kind)."""
        self.resources: dict[tuple[str, str], ApiResource] = {}
        self.logs = RecordedLogs()
        self.extras: dict[str, Any] = {}
        self.gaps: list[Gap] = []
        self.pod_usage: dict[tuple[str, str], Usage] | None = None
        self.node_usage: dict[str, Usage] | None = None
        self.version = ""
        self.captured_at: datetime | None = None
        self.newest = ""
        self.namespaces_read: dict[str, set[str]] = defaultdict(set)
        """Kind -> namespaces that a file of their own was recorded for."""
        self.read_whole: set[str] = set()
        self.single: set[str] = set()
        """Kinds of which only single objects, and no list, were recorded."""
        self.files: list[StoredFile] = []
        self.files_of: dict[str, list[int]] = defaultdict(list)
        """Kind (or plural.group) -> the stored files that hold objects of it."""
        self._compressor = zstandard.ZstdCompressor(level=1)

    def add(self, member: Member) -> None:
        """Reads one file by the role its path gives it."""
        where = place(member.path)
        if where.role == "ignored" and looks_like_objects(member.data):
            where = Place("objects", member.path.rsplit("/", 1)[-1])
        handler: Callable[[Member, Place], None] | None = getattr(self, f"_add_{where.role}", None)
        if handler is None:
            return
        try:
            handler(member, where)
        except (ValueError, RecursionError, msgspec.MsgspecError) as error:
            self._gap(self._kind_name(where.hint) or member.path, "error", f"{member.path}: {_reason(error)}")

    def _gap(self, kind: str, reason: Any, message: str, namespace: str = "") -> None:
        if len(self.gaps) < _MAX_GAPS:
            self.gaps.append(Gap(kind=kind, reason=reason, message=message[:500], namespace=namespace))

    @staticmethod
    def _kind_name(hint: str) -> str:
        entry = kind_of_hint(hint) if hint else None
        return entry.kind if entry else hint

    # Files beside the objects

    def _add_meta(self, member: Member, where: Place) -> None:
        meta = msgspec.json.decode(as_utf8(member.data), type=dict[str, Any])
        if meta.get("captured_at"):
            self.captured_at = msgspec.convert(meta["captured_at"], datetime, strict=False)
            if self.captured_at.tzinfo is None:
                self.captured_at = self.captured_at.replace(tzinfo=UTC)
        if isinstance(meta.get("kubernetes_version"), str):
            self.version = meta["kubernetes_version"]

    def _add_version(self, member: Member, where: Place) -> None:
        for body in json_bodies(member.data):
            told = msgspec.json.decode(body)
            for part in (told, *(told.get(k) for k in ("serverVersion", "info") if isinstance(told, dict))):
                if isinstance(part, dict) and isinstance(part.get("gitVersion"), str) and not self.version:
                    self.version = part["gitVersion"]

    def _add_extra(self, member: Member, where: Place) -> None:
        self.extras[where.hint] = msgspec.json.decode(as_utf8(member.data), type=_EXTRA_TYPES[where.hint], strict=False)

    def _add_errors(self, member: Member, where: Place) -> None:
        told = msgspec.json.decode(as_utf8(member.data) or b"null")
        by_namespace = told.items() if isinstance(told, dict) else [("", told)] if told else []
        for namespace, message in by_namespace:
            text = str(message)
            reason = "forbidden" if "forbidden" in text.lower() else "error"
            self._gap(self._kind_name(where.hint), reason, f"The recorder could not read it: {text}", str(namespace))

    def _add_log(self, member: Member, where: Place) -> None:
        self.logs.add(where, member.data)

    # Objects

    def _add_objects(self, member: Member, where: Place) -> None:
        for body in json_bodies(member.data):
            for found in _TIME.finditer(body):
                self.newest = max(self.newest, found[1].decode())
            self._add_body(body, where, member.path)

    def _add_body(self, body: bytes, where: Place, path: str, depth: int = 0) -> None:
        if depth > 4:
            raise ValueError("lists are nested too deeply")
        kind, version, items = _items_of(body)
        source = _Source(where, path, items is not None)
        buckets: dict[tuple[str, str], list[msgspec.Raw]] = {}
        inherited = kind.removesuffix("List") if items is not None else ""
        if items is not None and inherited:
            buckets[inherited, version] = []
        for raw in items if items is not None else [msgspec.Raw(body)]:
            if bytes(raw) == b"null":
                continue
            head = self._head(raw, path)
            if head is None:
                continue
            if head.kind.endswith("List") and not head.metadata.name:
                self._add_body(bytes(raw), where, path, depth + 1)
                continue
            key = (head.kind, head.api_version) if head.kind else (inherited, version)
            buckets.setdefault(key, []).append(raw)
        if items is not None and not buckets:
            buckets["", ""] = []
        self._add_buckets(buckets, source, body)

    def _head(self, raw: msgspec.Raw, path: str) -> _Head | None:
        try:
            return msgspec.json.decode(raw, type=_Head)
        except msgspec.ValidationError as error:
            self._gap(path, "partial", f"{path}: an item is not a Kubernetes object ({error})")
            return None

    def _add_buckets(self, buckets: dict[tuple[str, str], list[msgspec.Raw]], source: _Source, body: bytes) -> None:
        names: list[str] = []
        namespaces: set[str] = set()
        for (kind, api_version), raws in buckets.items():
            group, _, version = api_version.rpartition("/")
            if group == "metrics.k8s.io" or source.place.hint.endswith(".metrics.k8s.io"):
                self._add_metrics(kind or source.place.hint, raws)
                continue
            entry = _entry_of(kind, group, bool(api_version), source.place.hint)
            if entry is None and not kind:
                if raws:
                    raise ValueError("the items say no kind, and neither does the file name")
                continue
            name = entry.kind if entry else f"{group}/{kind}"
            page = decode_page(b'{"items":[' + b",".join(bytes(r) for r in raws) + b"]}", entry)
            if entry is not None:
                self._keep(self.objects.setdefault(entry.kind, {}), page, entry.kind, source, entry.namespaced)
            else:
                scoped = any(o.metadata.namespace for o in page.items)
                self._learn(group, version, kind, source.place.hint, scoped)
                self._keep(self.unknown.setdefault((group, kind), {}), page, name, source, scoped)
            names.append(name)
            namespaces.update(o.metadata.namespace for o in page.items)
        if names:
            self._store(body, names, frozenset(namespaces), source)

    def _keep(self, kept: dict[tuple[str, str], Any], page: Page, kind: str, source: _Source, namespaced: bool) -> None:
        for line in page.rejected:
            self._gap(kind, "partial", f"{source.path}: {line}")
        seen: set[str] = set()
        for obj in page.items:
            meta = obj.metadata
            if not meta.name:
                self._gap(kind, "partial", f"{source.path}: an object without a name")
                continue
            key = (meta.namespace if namespaced else "", meta.name)
            seen.add(key[0])
            if key not in kept or _newer(obj, kept[key]):
                kept[key] = obj
        if not source.is_list:
            self.single.add(kind)
        elif namespaced and source.place.namespace and seen <= {source.place.namespace}:
            self.namespaces_read[kind].add(source.place.namespace)
        else:
            self.read_whole.add(kind)

    def _learn(self, group: str, version: str, kind: str, hint: str, namespaced: bool) -> None:
        known = self.resources.get((group, kind))
        if known is not None and (known.namespaced or not namespaced):
            return
        self.resources[group, kind] = ApiResource(
            kind=kind, plural=_plural(kind, group, hint), group=group, version=version, namespaced=namespaced,
            verbs=["get", "list"],
        )  # fmt: skip

    def _store(self, body: bytes, names: list[str], namespaces: frozenset[str], source: _Source) -> None:
        if b"Secret" in body or b"\\u" in body:
            masked = with_secrets_masked(msgspec.json.decode(body), "Secret" if names == ["Secret"] else "")
            body = msgspec.json.encode(masked)
        inherited = names[0] if len(names) == 1 else ""
        self.files.append(StoredFile(source.path, inherited, namespaces, self._compressor.compress(body)))
        for name in names:
            self.files_of[name].append(len(self.files) - 1)

    def _add_metrics(self, kind: str, raws: Iterable[msgspec.Raw]) -> None:
        node = kind.lower().startswith("node")
        if node:
            self.node_usage = self.node_usage if self.node_usage is not None else {}
        else:
            self.pod_usage = self.pod_usage if self.pod_usage is not None else {}
        for raw in raws:
            item = msgspec.json.decode(raw, type=Metrics)
            if node and self.node_usage is not None:
                self.node_usage[item.metadata.name] = item.total
            elif self.pod_usage is not None:
                self.pod_usage[item.key] = item.total

    def typed_extras(self) -> Extras:
        """The optional evidence that was given."""
        return Extras(**self.extras)


def _items_of(body: bytes) -> tuple[str, str, list[msgspec.Raw] | None]:
    """(kind, apiVersion, items); items is None for a single object."""
    if body.lstrip()[:1] == b"[":
        return "", "", msgspec.json.decode(body, type=list[msgspec.Raw])
    envelope = msgspec.json.decode(body, type=_Envelope)
    listed = envelope.items is not msgspec.UNSET and (not envelope.kind or envelope.kind.endswith("List"))
    if not listed and not (envelope.kind.endswith("List") and envelope.api_version):
        return envelope.kind, envelope.api_version, None
    return envelope.kind, envelope.api_version, list(envelope.items or ())


def _entry_of(kind: str, group: str, has_version: bool, hint: str) -> KindEntry | None:
    if not kind:
        return kind_of_hint(hint)
    entry = KINDS.get(kind)
    if entry is None or entry.kind.lower() != kind.lower():
        return None
    return entry if not has_version or entry.group == group or group in _LEGACY_GROUPS else None


def _plural(kind: str, group: str, hint: str) -> str:
    """The resource name: from a file called `<plural>.<group>` or like the kind, else by English rule."""
    stem = hint.lower().replace("-", "")
    if group and stem.endswith("." + group.replace("-", "")):
        return hint.lower()[: -len(group) - 1]
    lower = kind.lower()
    if stem.startswith(lower[:-1]) and stem.isalnum() and len(stem) <= len(lower) + 3:
        return stem
    if lower == "endpoints":
        return lower
    if lower.endswith("y") and lower[-2:-1] not in "aeiou":
        return lower[:-1] + "ies"
    return lower + ("es" if lower.endswith(("s", "x", "ch", "sh")) else "s")


def _newer(obj: Any, other: Any) -> bool:
    def version(o: Any) -> int:
        text = o.metadata.resource_version
        return int(text) if text.isdigit() and len(text) < 20 else 0

    return version(obj) >= version(other)


def _reason(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
