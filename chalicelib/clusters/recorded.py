"""A recorded cluster: read once from a folder or archive, then a cluster like any other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import zstandard

from chalicelib.clusters.archive import Limits, members
from chalicelib.clusters.layouts import EXTRAS
from chalicelib.clusters.recorded_logs import RecordedLogs, last_bytes
from chalicelib.clusters.recording import Recording, StoredFile
from chalicelib.clusters.secrets import is_secret, masked
from chalicelib.clusters.source import DEFAULT_DEADLINE_S, DEFAULT_LOG_BYTES, DEFAULT_LOG_LINES, CheckReport
from chalicelib.errors import InvalidRequest, NotFound, unknown
from chalicelib.state.decode import sorted_objects
from chalicelib.state.kinds import KINDS, KindEntry
from chalicelib.state.snapshot import ApiResource, Gap, LogKey, Snapshot

LAYOUTS = (
    "`kubectl cluster-info dump --all-namespaces -o json --output-directory=DIR`, a troubleshoot support bundle, "
    "or files of `kubectl get KINDS -A -o json` (or yaml)"
)


def read_recording(source: bytes | BinaryIO | Path, *, cluster: str, limits: Limits | None = None) -> RecordedCluster:
    """Reads a recording: a folder, a tar (plain, gzip, xz), a zip, or one file of objects.

    Raises InvalidRequest or TooLarge (`archive_*`) for what is unsafe, damaged, or no recording at all.
    """
    recording = Recording()
    seen: list[str] = []
    for member in members(source, limits):
        recording.add(member)
        if len(seen) < 5:
            seen.append(member.path)
    if not recording.objects and not recording.unknown:
        raise _not_recognised(seen, recording.gaps)
    return RecordedCluster(cluster, recording)


def _not_recognised(seen: list[str], gaps: list[Gap]) -> InvalidRequest:
    why = f" {gaps[0].message}." if gaps else ""
    return InvalidRequest(
        f"There are no Kubernetes objects in this upload.{why}",
        code="archive_not_recognised",
        remedy=f"Upload one of: {LAYOUTS}, as tar, tar.gz, tar.xz or zip.",
        details={"first_files": seen},
    )


class RecordedCluster:
    """A cluster that was recorded earlier. Time stands still at `captured_at`."""

    def __init__(self, cluster: str, recording: Recording) -> None:
        self.name = cluster
        self._files: list[StoredFile] = recording.files
        self._logs: RecordedLogs = recording.logs
        self._resources = _resources(recording)
        self._files_of = {
            self._resources[key].name if (key := _unknown_key(name)) in self._resources else name: ids
            for name, ids in recording.files_of.items()
        }
        self._snapshot = _snapshot(cluster, recording, self._resources)

    @property
    def captured_at(self) -> datetime:
        return self._snapshot.taken_at

    @property
    def gaps(self) -> tuple[Gap, ...]:
        return self._snapshot.gaps

    def snapshot(
        self,
        *,
        kinds: Sequence[str] | None = None,
        namespace: str = "",
        deadline_s: float = DEFAULT_DEADLINE_S,
        now: datetime | None = None,
    ) -> Snapshot:
        """The recorded snapshot, or a part of it. `now` is ignored: ages are those of the recording."""
        if kinds is None and not namespace:
            return self._snapshot
        wanted = set(self._snapshot.objects) if kinds is None else {_kind_name(k) for k in kinds}
        objects = {k: v for k, v in self._snapshot.objects.items() if k in wanted}
        if namespace:
            objects = {
                kind: tuple(o for o in found if o.metadata.namespace == namespace)
                for kind, found in objects.items()
                if (entry := KINDS.get(kind)) is None or entry.namespaced
            }
        return self._snapshot.replace(objects=objects)

    def raw(self, resource: KindEntry | ApiResource | str, namespace: str, name: str) -> dict[str, Any]:
        """One recorded object, whole; Secret values were masked when it was read. Raises NotFound."""
        kind = _kind_name(resource)
        for plain in self._plain_objects(kind, namespace):
            meta = plain.get("metadata") or {}
            if meta.get("name") == name and (not namespace or meta.get("namespace", "") in ("", namespace)):
                return masked(plain) if is_secret(plain) else plain
        valid = (o.metadata.name for o in self._snapshot.of(kind) if o.metadata.namespace in ("", namespace))
        error = unknown(kind, name, valid)
        error.code = "object_not_found"
        raise error

    def _plain_objects(self, kind: str, namespace: str) -> Iterator[dict[str, Any]]:
        entry = KINDS.get(kind)
        for index in self._files_of.get(kind, ()):
            stored = self._files[index]
            if namespace and not stored.namespaces & {namespace, ""}:
                continue
            body: Any = zstandard.ZstdDecompressor().decompress(stored.body)
            try:
                plain = msgspec.json.decode(body)
            except msgspec.DecodeError:
                plain = msgspec.json.decode(str(body, "utf-8", "replace"))
            for item in _flat(plain, stored.kind):
                named = item.get("kind")
                if entry is None or named == entry.kind or (not named and stored.kind == entry.kind):
                    yield _with_type(item, entry) if entry else item

    def logs(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        previous: bool = False,
        tail: int | None = DEFAULT_LOG_LINES,
        since_s: int | None = None,
        limit_bytes: int = DEFAULT_LOG_BYTES,
    ) -> str:
        """Recorded log text. `since_s` is ignored: lines carry no time that all programs share. Raises NotFound."""
        text = self._logs.text(LogKey(namespace, pod, container, previous))
        if text is None:
            keys = self._logs.containers_of(namespace, pod)
            there = [key.container + (" (previous)" if key.previous else "") for key in keys]
            which = "previous log" if previous else "log"
            raise NotFound(
                f"The recording holds no {which} of container {container!r} of {namespace}/{pod}.",
                code="log_not_recorded",
                remedy=f"Choose one of: {', '.join(there)}." if there else "Record with `kubectl cluster-info dump`.",
                details={"valid": there},
            )
        if tail is not None:
            lines = text.splitlines(keepends=True)
            text = "".join(lines[-tail:]) if tail > 0 else ""
        return last_bytes(text, limit_bytes)

    def check(self, now: datetime | None = None) -> CheckReport:
        """What the recording holds."""
        snapshot = self._snapshot
        return CheckReport(
            reachable=True,
            version=snapshot.version,
            metrics=snapshot.pod_usage is not None,
            counts={kind: len(found) for kind, found in sorted(snapshot.objects.items())},
            captured_at=snapshot.taken_at,
            gaps=list(snapshot.gaps),
        )

    def discover(self) -> tuple[ApiResource, ...]:
        return self._snapshot.discovered


def _kind_name(resource: KindEntry | ApiResource | str) -> str:
    if isinstance(resource, KindEntry):
        return resource.kind
    if isinstance(resource, ApiResource):
        return resource.name
    entry = KINDS.get(resource)
    return entry.kind if entry else resource


def _unknown_key(name: str) -> tuple[str, str]:
    group, _, kind = name.rpartition("/")
    return group, kind


def _flat(plain: Any, inherited: str) -> Iterator[dict[str, Any]]:
    if isinstance(plain, list):
        for item in plain:
            yield from _flat(item, inherited)
    elif isinstance(plain, dict):
        kind = plain.get("kind") or ""
        if isinstance(plain.get("items"), list) and (not kind or kind.endswith("List")):
            yield from _flat(plain["items"], inherited)
        else:
            yield plain


def _with_type(plain: dict[str, Any], entry: KindEntry) -> dict[str, Any]:
    """List items carry neither kind nor apiVersion; a whole object does."""
    return {"apiVersion": plain.get("apiVersion") or entry.api_version, "kind": entry.kind, **plain}


def _resources(recording: Recording) -> dict[tuple[str, str], ApiResource]:
    """Resource names of unknown kinds, corrected by the CRDs that were recorded."""
    known = dict(recording.resources)
    for crd in recording.objects.get("CustomResourceDefinition", {}).values():
        spec = crd.spec
        key = (spec.group, spec.names.kind)
        if key in known:
            known[key] = msgspec.structs.replace(
                known[key], plural=spec.names.plural or known[key].plural,
                namespaced=spec.scope != "Cluster", short_names=spec.names.short_names,
            )  # fmt: skip
    return known


def _snapshot(cluster: str, recording: Recording, resources: dict[tuple[str, str], ApiResource]) -> Snapshot:
    objects = {kind: sorted_objects(found.values()) for kind, found in recording.objects.items()}
    for key, found in recording.unknown.items():
        objects[resources[key].name] = sorted_objects(found.values())
    pods = recording.objects.get("Pod", {})
    recording.logs.settle({key: [c.name for c in pod.spec.containers] for key, pod in pods.items()})
    logs, cut = recording.logs.tails()
    gaps = (*recording.gaps, *_missing(recording), *_log_gaps(recording.logs, cut))
    return Snapshot(
        cluster,
        _captured_at(recording),
        dict(sorted(objects.items())),
        version=recording.version,
        gaps=tuple(sorted(gaps, key=lambda g: (g.kind, g.namespace, g.reason, g.message))),
        logs=logs,
        extras=recording.typed_extras(),
        discovered=tuple(sorted(resources.values(), key=lambda r: r.name)),
        pod_usage=recording.pod_usage,
        node_usage=recording.node_usage,
        recorded=True,
    )


def _captured_at(recording: Recording) -> datetime:
    """`captured_at` of meta.json, else the newest time in the objects; a day in the future is nobody's present."""
    present = datetime.now(UTC)
    if recording.captured_at:
        return recording.captured_at
    if not recording.newest:
        return present
    try:
        newest = datetime.fromisoformat(recording.newest).replace(tzinfo=UTC)
    except ValueError:
        return present
    return min(newest, present + timedelta(days=1))


def _missing(recording: Recording) -> Iterator[Gap]:
    """A gap for each kind, and each namespace of a kind, that was not recorded: no file does not mean no objects."""
    failed = {gap.kind for gap in recording.gaps}
    crds = recording.objects.get("CustomResourceDefinition")
    for entry in KINDS:
        if entry.kind in recording.objects:
            yield from _not_covered(recording, entry)
        elif entry.kind not in failed:
            absent = entry.optional and crds is not None and ("", f"{entry.plural}.{entry.group}") not in crds
            if absent:
                yield Gap(kind=entry.kind, reason="not_installed", message=f"{entry.title} are not installed here.")
            else:
                yield Gap(kind=entry.kind, reason="not_recorded", message=f"The recording holds no {entry.title}.")
    for name in EXTRAS:
        if name not in recording.extras and name not in failed:
            yield Gap(kind=name, reason="not_recorded", message=f"The recording holds no extra/{name}.json.")
    for name, usage in (("pod_metrics", recording.pod_usage), ("node_metrics", recording.node_usage)):
        if usage is None:
            yield Gap(kind=name, reason="not_recorded", message="The recording holds no metrics.k8s.io lists.")


def _not_covered(recording: Recording, entry: KindEntry) -> Iterator[Gap]:
    if entry.kind in recording.read_whole:
        return
    covered = recording.namespaces_read.get(entry.kind, set())
    if not covered:
        if entry.kind in recording.single:
            yield Gap(kind=entry.kind, reason="partial", message=f"Only single {entry.title} were recorded, no list.")
        return
    for _, namespace in sorted(recording.objects.get("Namespace", {})):
        if namespace not in covered:
            message = f"The recording holds no {entry.title} of this namespace."
            yield Gap(kind=entry.kind, reason="not_recorded", message=message, namespace=namespace)


def _log_gaps(logs: RecordedLogs, cut: bool) -> Iterator[Gap]:
    if not logs:
        yield Gap(kind="Log", reason="not_recorded", message="The recording holds no logs.")
    if logs.failed:
        message = f"{len(logs.failed)} logs could not be recorded, among them {min(logs.failed)}"
        yield Gap(kind="Log", reason="partial", message=message[:500])
    if cut:
        yield Gap(kind="Log", reason="partial", message="Long logs are analysed by their end only.")
