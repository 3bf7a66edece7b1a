"""A live cluster: read whole within a deadline, in parallel, with a gap for everything that could not be read."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from chalicelib.clusters.check import check_cluster, may_perform, server_version
from chalicelib.clusters.deadline import Deadline
from chalicelib.clusters.discovery import discover
from chalicelib.clusters.metrics import Metrics, metrics_page
from chalicelib.clusters.operations import Operation, ResourceType, perform
from chalicelib.clusters.paths import segment
from chalicelib.clusters.reader import TABLE, Listed, counted, list_kind, plain_object, secret_rows, status_message
from chalicelib.clusters.secrets import is_secret, masked
from chalicelib.clusters.source import DEFAULT_DEADLINE_S, DEFAULT_LOG_BYTES, DEFAULT_LOG_LINES, CheckReport
from chalicelib.clusters.transport import Answer, ApiServer
from chalicelib.errors import ClusterError, NotFound, unknown
from chalicelib.state.decode import decode_page, sorted_objects
from chalicelib.state.kinds import KINDS, KindEntry
from chalicelib.state.snapshot import ApiResource, Gap, Snapshot, Usage

WORKERS = 4
"""Lists read at once. More makes a small API server slower and this process larger, not the answer faster."""
MAX_SECRET_NAMESPACES = 200
GET_DEADLINE_S = 10.0
METRICS = "/apis/metrics.k8s.io/v1beta1"
_HEAVY = ("Pod", "Event", "ReplicaSet", "EndpointSlice", "ConfigMap")
"""Started first, so that the longest lists do not come last."""


class LiveCluster:
    """A cluster behind an API server. Threads may share it."""

    def __init__(self, name: str, server: ApiServer, *, namespace: str = "") -> None:
        self.name = name
        self.server = server
        self._namespace = namespace
        self._lock = threading.Lock()
        self._resources: tuple[ApiResource, ...] | None = None

    # The snapshot

    def snapshot(
        self,
        *,
        kinds: Sequence[str] | None = None,
        namespace: str = "",
        deadline_s: float = DEFAULT_DEADLINE_S,
        now: datetime,
    ) -> Snapshot:
        """All kinds, or some, of the cluster or of one namespace (then only namespaced kinds).

        What could not be read is a gap. Raises ClusterError when nothing could be read.
        """
        deadline = Deadline(deadline_s)
        version = server_version(self.server, deadline.sooner(GET_DEADLINE_S))
        whole = kinds is None and not namespace
        gaps: list[Gap] = []
        resources = self._known_resources(deadline, gaps) if whole or _beyond_registry(kinds) else self._resources or ()
        targets = self._targets(kinds, namespace, resources)
        jobs: list[Callable[[], Listed]] = [
            functools.partial(self._list, target, namespace, resources, deadline)
            for target in sorted(targets, key=_heavy_first)
            if _name(target) != "Secret"
        ]
        usage_jobs = [
            functools.partial(self._usage, what, namespace, deadline)
            for what, kind in (("pods", "Pod"), ("nodes", "Node"))
            if kind in (_name(t) for t in targets)
        ]
        results = _together([*jobs, *usage_jobs])
        objects = self._objects(results[: len(jobs)], gaps)
        if any(_name(t) == "Secret" for t in targets):
            self._add_secrets(objects, gaps, namespace, deadline)
        usages = {listed.kind: listed for listed in results[len(jobs) :]}
        gaps.extend(listed.gap for listed in usages.values() if listed.gap)
        return Snapshot(
            self.name,
            now,
            dict(sorted(objects.items())),
            version=version,
            gaps=tuple(gaps),
            discovered=_beyond(resources),
            pod_usage=_usage_by(usages.get("pod_metrics"), lambda m: m.key),
            node_usage=_usage_by(usages.get("node_metrics"), lambda m: m.metadata.name),
        )

    def _targets(
        self, kinds: Sequence[str] | None, namespace: str, resources: Sequence[ApiResource]
    ) -> list[KindEntry | ApiResource]:
        found: list[KindEntry | ApiResource] = list(KINDS) if kinds is None else []
        for name in kinds or ():
            entry = KINDS.get(name)
            found.append(entry or _find(resources, name))
        return [t for t in {_name(t): t for t in found}.values() if t.namespaced or not namespace]

    def _list(
        self, target: KindEntry | ApiResource, namespace: str, resources: Sequence[ApiResource], deadline: Deadline
    ) -> Listed:
        entry = target if isinstance(target, KindEntry) else None
        resource = _resource_name(target)

        def read(where: str) -> Listed:
            return list_kind(
                self.server,
                _name(target),
                _path(_served(target, resources), where),
                functools.partial(decode_page, entry=entry),
                deadline=deadline,
                namespace=where,
                resource=resource,
                optional=entry is None or entry.optional,
            )

        listed = read(namespace)
        forbidden = listed.gap is not None and listed.gap.reason == "forbidden"
        if forbidden and self._namespace and not namespace and target.namespaced:
            return _only_namespace(read(self._namespace), listed, self._namespace)
        return listed

    @staticmethod
    def _objects(results: Iterable[Listed], gaps: list[Gap]) -> dict[str, tuple[Any, ...]]:
        objects: dict[str, tuple[Any, ...]] = {}
        failure: ClusterError | None = None
        for listed in results:
            if listed.gap:
                gaps.append(listed.gap)
            if listed.read:
                objects[listed.kind] = sorted_objects(listed.items)
            failure = failure or listed.error
        if not objects and failure:
            raise failure
        return objects

    def _add_secrets(
        self, objects: dict[str, tuple[Any, ...]], gaps: list[Gap], namespace: str, deadline: Deadline
    ) -> None:
        """Names, types and key counts, one namespace at a time: rows without objects do not say their namespace."""
        names = [namespace] if namespace else [n.metadata.name for n in objects.get("Namespace", ())]
        names = names or [n for n in [self._namespace] if n]
        if not names:
            gaps.append(Gap(kind="Secret", reason="partial", message="Namespaces are not known, so Secrets are not."))
            return
        server = _Tables(self.server)

        def read(where: str) -> Listed:
            decode = functools.partial(secret_rows, namespace=where)
            path = _path(KINDS["Secret"], where)
            return list_kind(server, "Secret", path, decode, deadline=deadline, namespace=where, resource="secrets")

        first = read(names[0])
        if first.gap and first.gap.reason == "forbidden" and len(names) > 1 and not read(names[-1]).read:
            message = "The credential may not list secrets, which is the default. Their values are never read."
            gaps.append(Gap(kind="Secret", reason="forbidden", message=message, namespace=namespace))
            return
        more = _together([functools.partial(read, name) for name in names[1:MAX_SECRET_NAMESPACES]])
        if len(names) > MAX_SECRET_NAMESPACES:
            message = f"Secrets of {MAX_SECRET_NAMESPACES} of {len(names)} namespaces were read."
            gaps.append(Gap(kind="Secret", reason="partial", message=message))
        gaps.extend(listed.gap for listed in (first, *more) if listed.gap)
        found = [item for listed in (first, *more) for item in listed.items]
        if found or first.read or any(listed.read for listed in more):
            objects["Secret"] = sorted_objects(found)

    def _usage(self, what: str, namespace: str, deadline: Deadline) -> Listed:
        where = f"/namespaces/{segment(namespace)}" if namespace else ""
        return list_kind(
            self.server,
            "pod_metrics" if what == "pods" else "node_metrics",
            f"{METRICS}{where}/{what}",
            metrics_page,
            deadline=deadline,
            namespace=namespace,
            resource=f"{what}.metrics.k8s.io",
            optional=True,
        )

    # Single objects, logs, kinds, check

    def raw(self, resource: KindEntry | ApiResource | str, namespace: str, name: str) -> dict[str, Any]:
        """One object as the API gives it. Of a Secret only name, type and key count are asked for. Raises NotFound."""
        deadline = Deadline(GET_DEADLINE_S)
        target = self._target(resource, deadline)
        if _resource_name(target) == "secrets":
            return self._secret(namespace, name, deadline)
        answer = self.server.get(_path(target, namespace, name), deadline=deadline)
        if answer.status != 200:
            raise self._failed(answer, f"get {_resource_name(target)}", f"{_name(target)} {namespace}/{name}")
        try:
            plain = plain_object(answer.body)
        except ValueError as error:
            raise ClusterError(f"The answer is not readable: {error}.", code="cluster_damaged_answer") from error
        return masked(plain) if is_secret(plain) else plain

    def _secret(self, namespace: str, name: str, deadline: Deadline) -> dict[str, Any]:
        path = _path(KINDS["Secret"], namespace, name)
        answer = self.server.get(path, {"includeObject": "None"}, deadline=deadline, accept=TABLE)
        if answer.status != 200:
            raise self._failed(answer, "get secrets", f"Secret {namespace}/{name}")
        try:
            rows = secret_rows(answer.body, namespace).items
        except ValueError as error:
            raise ClusterError(f"The Secret is not read: {error}.", code="secret_not_read") from error
        if not rows:
            raise NotFound(f"Secret {namespace}/{name} does not exist in this cluster.", code="object_not_found")
        return {
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace},
            "type": rows[0].type, "keys": rows[0].key_count,
        }  # fmt: skip

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
        """Log text of one container; empty where it has written nothing. Raises NotFound, ClusterError."""
        query = {"container": container, "limitBytes": str(limit_bytes), "previous": str(previous).lower()}
        if tail is not None:
            query["tailLines"] = str(tail)
        if since_s is not None:
            query["sinceSeconds"] = str(max(since_s, 1))
        path = _path(KINDS["Pod"], namespace, pod) + "/log"
        answer = self.server.get(path, query, deadline=Deadline(GET_DEADLINE_S), accept="*/*")
        if answer.status == 204:
            return ""
        if answer.status == 400:
            raise NotFound(
                status_message(answer.body) or "There is no such log.",
                code="log_not_found",
                remedy="Ask for the current log, or for a container that has started.",
            )
        if answer.status != 200:
            raise self._failed(answer, "get pods/log", f"Pod {namespace}/{pod}")
        return answer.body[-limit_bytes:].decode("utf-8", "replace")

    def check(self, now: datetime) -> CheckReport:
        """Reachable, version, latency, permissions by feature, metrics. Being unreachable is a result, not an error."""
        return check_cluster(self.server, Deadline(DEFAULT_DEADLINE_S))

    def discover(self) -> tuple[ApiResource, ...]:
        """The kinds that the server offers beyond the registry. Raises ClusterError."""
        found = self._discovered(Deadline(GET_DEADLINE_S))
        return _beyond(found)

    def perform(self, operation: Operation, *, dry_run: bool) -> dict[str, Any]:
        """Write. Raises WriteRefused, OutcomeUnknown, ClusterError. Only `chalicelib.safety` may call this."""
        return perform(self.server, operation, dry_run=dry_run)

    def may(self, operation: Operation) -> bool | None:
        """Whether RBAC grants an operation to this credential; None when the server does not say."""
        return may_perform(self.server, operation, Deadline(GET_DEADLINE_S))

    def resource_type(self, resource: str) -> ResourceType:
        """Where a kind (or plural, or short name) is served. Raises NotFound `unknown_kind`."""
        target = self._target(resource, Deadline(GET_DEADLINE_S))
        if isinstance(target, KindEntry) and target.optional:
            target = _served(target, self._resources or self._discovered(Deadline(GET_DEADLINE_S)))
        return ResourceType(
            kind=target.kind, group=target.group, version=target.version, plural=target.plural,
            namespaced=target.namespaced,
        )  # fmt: skip

    def count(self, resource: str) -> int:
        """How many objects of a kind there are, without reading them. Raises ClusterError, NotFound."""
        target = self._target(resource, Deadline(GET_DEADLINE_S))
        answer = self.server.get(_path(target), {"limit": "1"}, deadline=Deadline(GET_DEADLINE_S))
        if answer.status != 200:
            raise self._failed(answer, f"list {_resource_name(target)}", _name(target))
        return counted(answer.body)

    def close(self) -> None:
        self.server.close()

    def _discovered(self, deadline: Deadline) -> tuple[ApiResource, ...]:
        found = discover(self.server, deadline)
        with self._lock:
            self._resources = found
        return found

    def _known_resources(self, deadline: Deadline, gaps: list[Gap]) -> tuple[ApiResource, ...]:
        try:
            return self._discovered(deadline)
        except ClusterError as error:
            gaps.append(Gap(kind="ApiResource", reason="error", message=error.message))
            return self._resources or ()

    def _target(self, resource: KindEntry | ApiResource | str, deadline: Deadline) -> KindEntry | ApiResource:
        if not isinstance(resource, str):
            return resource
        entry = KINDS.get(resource)
        return entry or _find(self._resources or self._discovered(deadline), resource)

    @staticmethod
    def _failed(answer: Answer, action: str, what: str) -> ClusterError | NotFound:
        told = status_message(answer.body)
        if answer.status == 404:
            return NotFound(
                f"{what} does not exist in this cluster.", code="object_not_found",
                remedy="It may have been deleted meanwhile: list its kind again.",
            )  # fmt: skip
        if answer.status == 403:
            return ClusterError(
                f"The credential may not {action}.", code="cluster_forbidden",
                remedy=f"Grant `{action}` to the credential; the connection check lists all that is missing.",
                details={"missing": action},
            )  # fmt: skip
        return ClusterError(f"The API server answered {answer.status}: {told}", code="cluster_error")


class _Tables:
    """The same server, asked for Table rows without objects."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server

    def get(self, path: str, query: dict[str, str] | None = None, *, deadline: Deadline, accept: str = TABLE) -> Answer:
        return self._server.get(path, {**(query or {}), "includeObject": "None"}, deadline=deadline, accept=TABLE)


def _together(jobs: Sequence[Callable[[], Listed]]) -> list[Listed]:
    with ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="lists") as pool:
        return [future.result() for future in [pool.submit(job) for job in jobs]]


def _usage_by(listed: Listed | None, key: Callable[[Metrics], Any]) -> dict[Any, Usage] | None:
    return {key(m): m.total for m in listed.items} if listed and listed.read else None


def _only_namespace(listed: Listed, refused: Listed, namespace: str) -> Listed:
    """The list of the context's namespace where the whole cluster may not be listed; it says that it is a part."""
    if not listed.read or refused.gap is None:
        return refused
    message = f"{refused.gap.message} Only namespace {namespace} was read."
    listed.gap = Gap(kind=listed.kind, reason="forbidden", message=message)
    return listed


def _beyond_registry(kinds: Sequence[str] | None) -> bool:
    return any(name not in KINDS for name in kinds or ())


def _name(target: KindEntry | ApiResource) -> str:
    return target.kind if isinstance(target, KindEntry) else target.name


def _resource_name(target: KindEntry | ApiResource) -> str:
    return f"{target.plural}.{target.group}" if target.group else target.plural


def _heavy_first(target: KindEntry | ApiResource) -> int:
    name = _name(target)
    return _HEAVY.index(name) if name in _HEAVY else len(_HEAVY)


def _entry_of(resource: ApiResource) -> KindEntry | None:
    entry = KINDS.get(resource.kind)
    return entry if entry and entry.group == resource.group and entry.plural == resource.plural else None


def _beyond(resources: Sequence[ApiResource]) -> tuple[ApiResource, ...]:
    """Kinds of objects outside the registry; metrics are read as use, not as objects."""
    return tuple(r for r in resources if _entry_of(r) is None and r.group != "metrics.k8s.io")


def _find(resources: Sequence[ApiResource], name: str) -> ApiResource:
    lower = name.lower()
    for resource in resources:
        if lower in (resource.name, resource.plural, resource.kind.lower(), *resource.short_names):
            return resource
    raise unknown("kind", name, [*(e.kind for e in KINDS), *(r.name for r in resources)])


def _served(target: KindEntry | ApiResource, resources: Sequence[ApiResource]) -> KindEntry | ApiResource:
    """The kind in the version to ask for: CRDs of the same kind are installed in various versions."""
    if isinstance(target, KindEntry) and target.optional:
        for resource in resources:
            if (resource.group, resource.plural) == (target.group, target.plural):
                return resource
    return target


def _path(target: KindEntry | ApiResource, namespace: str = "", name: str = "") -> str:
    namespace, name = (segment(text) if text else "" for text in (namespace, name))
    if isinstance(target, KindEntry):
        return target.path(namespace, name)
    root = f"/apis/{target.group}/{target.version}" if target.group else f"/api/{target.version}"
    where = f"/namespaces/{namespace}" if namespace and target.namespaced else ""
    return f"{root}{where}/{target.plural}" + (f"/{name}" if name else "")
