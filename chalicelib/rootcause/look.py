"""Typed access to a cluster for detectors, where every statement about an object becomes a citation.

A citation is resolved from the object itself, never written by hand: `at(pod, "/spec/nodeName")` reads the value it
cites, and fails loudly when there is no such field.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

import msgspec

from chalicelib.rootcause import logs
from chalicelib.rootcause.logs import FailedCall, Line
from chalicelib.state.diff import Change, diff
from chalicelib.state.evidence import (
    Evidence,
    absence_evidence,
    event_evidence,
    log_evidence,
    metric_evidence,
    object_evidence,
)
from chalicelib.state.kinds.cluster import Event, Node
from chalicelib.state.kinds.network import Service
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.kinds.pod_spec import PodSpec
from chalicelib.state.meta import LabelSelector, Ref
from chalicelib.state.snapshot import Snapshot
from chalicelib.state.world import World

T = TypeVar("T")

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job")
EVENT_LIFE = timedelta(hours=1)
LOGS_PER_WORKLOAD = 2
LOG_BUDGET = 24_000_000
CITED_CHARACTERS = 4_000
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")


@dataclass(frozen=True, slots=True)
class Sample:
    """The end of one container's log."""

    owner: Ref
    pod: Ref
    container: str
    previous: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Complaint:
    """A failed call found in the log of a running pod."""

    caller: Ref
    pod: Ref
    container: str
    call: FailedCall


class Look:
    """Questions that detectors ask, and the citations of the answers."""

    def __init__(self, world: World, previous: Snapshot | None = None) -> None:
        self.world = world
        self.previous = previous
        self.snapshot = world.snapshot
        self.graph = world.graph
        self.now = world.now
        self._logs: dict[tuple[str, str, str, bool], list[Line]] = {}
        self._owners: dict[Ref, Ref] = {}
        self._memo: dict[tuple[str, Ref], Any] = {}

    def once(self, name: str, ref: Ref, make: Callable[[], T]) -> T:
        """A result that several detectors share, computed once per object."""
        key = (name, ref)
        if key not in self._memo:
            self._memo[key] = make()
        found: T = self._memo[key]
        return found

    # Citations

    def at(self, obj: Any, pointer: str, text: str = "", *, expected: Any = None, ref: Ref | None = None) -> Evidence:
        """A field of an object, by JSON pointer. Raises LookupError when the object has no such field.

        `ref` is needed only for objects of kinds that the registry does not know.
        """
        observed = cut(resolve(obj, pointer))
        ref = ref or self.world.ref_of(obj)
        shown = text or f"{ref}: {pointer.strip('/').replace('/', '.')} is {logs.quoted(_brief(observed), 160)}"
        return object_evidence(self.snapshot.cluster, ref, obj, pointer, observed, shown, expected=expected)

    def absent(self, kind: str, namespace: str, name: str) -> Evidence | None:
        """Proof that an object does not exist; None when its kind was not read, because then nothing is known."""
        if not self.missing(kind, namespace, name):
            return None
        ref = Ref(kind, namespace, name)
        return absence_evidence(self.snapshot.cluster, ref, f"{ref} does not exist; the list of {kind} was read")

    def event(self, event: Event | None) -> Evidence | None:
        if event is None:
            return None
        short = (
            event
            if len(event.message) <= CITED_CHARACTERS
            else msgspec.structs.replace(event, message=cut(event.message))
        )
        return event_evidence(self.snapshot.cluster, short)

    def lines(self, pod: Ref, container: str, lines: Sequence[Line], text: str, *, previous: bool = False) -> Evidence:
        """Log lines, with their numbers."""
        cut = [(line.number, logs.quoted(line.text, 400)) for line in lines[:12]]
        return log_evidence(self.snapshot.cluster, pod, container, cut, text, previous=previous)

    # Existence

    def missing(self, kind: str, namespace: str, name: str) -> bool:
        """Whether an object is known not to exist: its kind was read, and it is not there."""
        return self.snapshot.was_read(kind, namespace) and self.snapshot.get(kind, namespace, name) is None

    def workload(self, ref: Ref) -> Any | None:
        return self.snapshot.find(ref)

    # Owners

    def owner(self, ref: Ref) -> Ref:
        """The workload people think of: the top built-in controller, or what owns it; the pod itself without one."""
        found = self._owners.get(ref)
        if found is None:
            found = self._owners[ref] = self._climb(ref)
        return found

    def _climb(self, ref: Ref) -> Ref:
        seen = {ref}
        while True:
            parents = [
                e.source for e in self.graph.into(ref, "owns") if e.source not in seen and e.source.kind != "Node"
            ]
            if not parents or (ref.kind == "Job" and parents[0].kind == "CronJob"):
                return self._unread_deployment(ref)
            custom = parents[0].kind not in WORKLOADS
            if custom and ref.kind in WORKLOADS and ref.kind != "ReplicaSet" and self.snapshot.find(ref) is not None:
                return ref
            ref = parents[0]
            seen.add(ref)

    def _unread_deployment(self, ref: Ref) -> Ref:
        """The Deployment behind a ReplicaSet that was not read, by the controller's naming rule `NAME-HASH`."""
        if ref.kind != "ReplicaSet" or self.snapshot.find(ref) is not None:
            return ref
        for edge in self.graph.out(ref, "owns"):
            pod = self.snapshot.find(edge.target)
            hash_ = pod.metadata.labels.get("pod-template-hash", "") if pod else ""
            if hash_ and ref.name.endswith(f"-{hash_}"):
                return Ref("Deployment", ref.namespace, ref.name[: -len(hash_) - 1])
        return ref

    def template(self, workload: Any) -> PodSpec | None:
        """The pod spec that a workload makes pods from."""
        spec = getattr(workload, "spec", None)
        template = getattr(spec, "template", None) or getattr(getattr(spec, "job_template", None), "spec", None)
        template = getattr(getattr(template, "template", template), "spec", None) if template is not None else None
        return template if isinstance(template, PodSpec) else None

    def previous_template(self, workload: Any) -> PodSpec | None:
        """The pod spec of the revision before the current one, where revisions are known."""
        if workload is None or self.world.ref_of(workload).kind != "Deployment":
            return None
        sets = self.world.replica_sets_of(workload)
        return sets[1].spec.template.spec if len(sets) > 1 else None

    @cached_property
    def workloads_in(self) -> dict[str, list[Any]]:
        """Workloads with a pod template, by namespace."""
        found: dict[str, list[Any]] = defaultdict(list)
        for kind in ("Deployment", "StatefulSet", "DaemonSet"):
            for workload in self.snapshot.of(kind):
                found[workload.metadata.namespace].append(workload)
        for kind in ("ReplicaSet", "ReplicationController"):
            for workload in self.snapshot.of(kind):
                if workload.metadata.controller is None:
                    found[workload.metadata.namespace].append(workload)
        return found

    def backing(self, service: Service) -> list[Any]:
        """Workloads whose pods a Service would select, also when there are no pods."""
        if not service.spec.selector:
            return []
        selector = LabelSelector(match_labels=service.spec.selector)
        return [
            w
            for w in self.workloads_in.get(service.metadata.namespace, ())
            if selector.matches(w.spec.template.metadata.labels)
        ]

    def backing_refs(self, service: Service) -> list[Ref]:
        """Refs of what stands behind a Service: workloads by template, and owners of the pods it selects now."""
        found = {self.world.ref_of(w) for w in self.backing(service)}
        found.update(self.owner(self.world.ref_of(p)) for p in self.selected(service))
        return sorted(found)

    def selected(self, service: Service) -> list[Pod]:
        if not service.spec.selector:
            return []
        selector = LabelSelector(match_labels=service.spec.selector)
        return self.world.pods_selected_by(service.metadata.namespace, selector)

    def services_of(self, workload: Ref) -> list[Service]:
        """Services that select a workload's pods, or would."""
        found = self.snapshot.find(workload)
        labels = found.spec.template.metadata.labels if found is not None and hasattr(found.spec, "template") else None
        if labels is None:
            return []
        return [
            s
            for s in self.services_in.get(workload.namespace, ())
            if s.spec.selector and LabelSelector(match_labels=s.spec.selector).matches(labels)
        ]

    @cached_property
    def services_in(self) -> dict[str, list[Service]]:
        found: dict[str, list[Service]] = defaultdict(list)
        for service in self.snapshot.of("Service"):
            found[service.metadata.namespace].append(service)
        return found

    # Events

    def events(self, ref: Ref, *reasons: str) -> list[Event]:
        """Live events about an object, newest first: not older than an hour, about the object that exists now."""
        current = self.snapshot.find(ref)
        uid = current.metadata.uid if current is not None else ""
        found = []
        for event in self.world.events_of(ref):
            seen = event.last_seen
            if reasons and event.reason not in reasons:
                continue
            if seen is not None and self.now - seen > EVENT_LIFE:
                continue
            if (
                uid
                and event.involved_object.uid
                and event.involved_object.uid != uid
                and event.involved_object.uid != ref.name
            ):
                continue
            found.append(event)
        return found

    def saying(self, refs: Iterable[Ref], *words: str, reasons: Sequence[str] = ()) -> Event | None:
        """The newest live event of any of these objects whose message holds one of the words."""
        lowered = [w.lower() for w in words]
        for ref in refs:
            for event in self.events(ref, *reasons):
                message = event.message[:4000].lower()
                if any(word in message for word in lowered):
                    return event
        return None

    # Changes

    @cached_property
    def changes(self) -> dict[Ref, Change]:
        """What somebody changed since the previous snapshot; empty without one."""
        if self.previous is None:
            return {}
        return {c.ref: c for c in diff(self.previous, self.snapshot) if c.what != "changed" or c.spec_changed}

    # Logs

    def log(self, pod: Ref, container: str, *, previous: bool = False) -> list[Line] | None:
        """The last lines of a container's log; None when the snapshot has none."""
        key = (pod.namespace, pod.name, container, previous)
        if key not in self._logs:
            text = self.snapshot.log(pod.namespace, pod.name, container, previous)
            if text is None:
                return None
            self._logs[key] = logs.tail(text, container)
        return self._logs[key]

    def last_words(self, pod: Ref, container: str) -> tuple[list[Line], bool] | None:
        """(lines, is of the previous container) of a container that ends: what it wrote before it ended."""
        previous = self.log(pod, container, previous=True)
        if previous:
            return previous, True
        current = self.log(pod, container)
        return (current, False) if current else None

    def words(self, pod: Ref, container: str, *, running: bool) -> tuple[list[Line], bool] | None:
        """(lines, is of the previous container): what a running container says, or what an ended one said last."""
        if not running:
            return self.last_words(pod, container)
        current = self.log(pod, container)
        return (current, False) if current else None

    @cached_property
    def samples(self) -> tuple[Sample, ...]:
        """The ends of logs of a few pods per workload: what a workload complains about, at a fixed cost."""
        found: list[Sample] = []
        taken: dict[tuple[Ref, bool], int] = defaultdict(int)
        budget = LOG_BUDGET
        for key in sorted(self.snapshot.logs):
            pod = Ref("Pod", key.namespace, key.pod)
            owner = self.owner(pod)
            if taken[owner, key.previous] >= LOGS_PER_WORKLOAD or budget <= 0 or self.snapshot.find(pod) is None:
                continue
            lines = self.log(pod, key.container, previous=key.previous)
            if lines:
                taken[owner, key.previous] += 1
                budget -= sum(len(line.text) for line in lines)
                found.append(Sample(owner, pod, key.container, key.previous, tuple(lines[-200:])))
        return tuple(found)

    @cached_property
    def complaints(self) -> tuple[Complaint, ...]:
        """Failed calls in current logs of running pods."""
        return tuple(
            Complaint(sample.owner, sample.pod, sample.container, call)
            for sample in self.samples
            if not sample.previous
            for call in logs.failed_calls(list(sample.lines))
        )

    @cached_property
    def _by_address(self) -> dict[str, Ref]:
        return {
            s.spec.cluster_ip: self.world.ref_of(s)
            for s in self.snapshot.of("Service")
            if s.spec.cluster_ip and s.spec.cluster_ip != "None"
        }

    def service_named(self, host: str, namespace: str) -> Ref | None:
        """The Service that a host name inside a pod of `namespace` means, existing or not; None for outside names."""
        if host in self._by_address:
            return self._by_address[host]
        parts = host.lower().rstrip(".").split(".")
        if any(p.isdigit() for p in parts):
            return None
        if len(parts) >= 3 and parts[2] == "svc":
            return Ref("Service", parts[1], parts[0])
        if len(parts) >= 4 and parts[3] == "svc":
            return Ref("Service", parts[2], parts[1])
        if len(parts) == 1:
            return Ref("Service", namespace, parts[0])
        if len(parts) == 2 and parts[1] in self.namespaces:
            return Ref("Service", parts[1], parts[0])
        if len(parts) == 3 and parts[2] in self.namespaces:
            return Ref("Service", parts[2], parts[1])
        return None

    @cached_property
    def namespaces(self) -> frozenset[str]:
        return frozenset(self.snapshot.namespaces())

    @cached_property
    def complaints_about(self) -> dict[Ref, list[Complaint]]:
        """Complaints by the Service they are about, whether it exists or not."""
        found: dict[Ref, list[Complaint]] = defaultdict(list)
        for complaint in self.complaints:
            ref = self.service_named(complaint.call.host, complaint.caller.namespace)
            if ref is not None:
                found[ref].append(complaint)
        return found

    @cached_property
    def named_in_templates(self) -> frozenset[Ref]:
        """Services, existing or not, that the pod templates of workloads name in variables, commands or arguments."""
        found: set[Ref] = set()
        for namespace, workloads in self.workloads_in.items():
            for container in (c for w in workloads for c in w.spec.template.spec.all_containers):
                for text in (*(env.value for env in container.env), *container.command, *container.args):
                    hosts = _HOST.findall(text)
                    found.update(ref for host in hosts if (ref := self.service_named(host, namespace)))
        return frozenset(found)

    def complaint_evidence(self, service: Ref, limit: int = 3) -> list[Evidence]:
        """One citation per caller that complains about a Service."""
        cited: dict[Ref, Evidence] = {}
        for c in self.complaints_about.get(service, ()):
            if c.caller not in cited and len(cited) < limit:
                text = f"{c.caller} logs: {logs.quoted(c.call.line.text)}"
                cited[c.caller] = self.lines(c.pod, c.container, [c.call.line], text)
        return [*cited.values(), *self.unreachable(service)]

    def unreachable(self, service: Ref) -> list[Evidence]:
        """Failed connectivity checks of a Service, where such results were given."""
        return [
            metric_evidence(
                self.snapshot.cluster,
                service,
                f"connectivity:{found.port}",
                logs.quoted(found.error) or "failed",
                (
                    f"A connection to {service} port {found.port} failed: "
                    f"{logs.quoted(found.error, 160) or 'no reason given'}"
                ),
                at=self.now,
            )
            for found in self.snapshot.extras.connectivity or ()
            if not found.ok and (found.namespace, found.service) == (service.namespace, service.name)
        ]

    def callers(self, service: Ref) -> list[Ref]:
        return sorted({c.caller for c in self.complaints_about.get(service, ())})

    # Nodes

    @cached_property
    def sick_nodes(self) -> dict[str, Node]:
        """Nodes that are not Ready; what their pods report is the past."""
        return {n.metadata.name: n for n in self.snapshot.of("Node") if not n.ready}

    def age(self, moment: datetime | None) -> timedelta:
        return self.now - moment if moment else timedelta(0)


def cut(value: Any) -> Any:
    """A value as it is kept in a citation: long text is cut, because it may come from anybody."""
    return value[:CITED_CHARACTERS] if isinstance(value, str) else value


def resolve(obj: Any, pointer: str) -> Any:
    """The value a JSON pointer names in a decoded object. Raises LookupError when there is none."""
    for token in pointer.strip("/").split("/") if pointer.strip("/") else ():
        token = token.replace("~1", "/").replace("~0", "~")
        if isinstance(obj, msgspec.Struct):
            name = _attributes(type(obj)).get(token)
            if name is None:
                raise LookupError(f"{type(obj).__name__} has no field {token}")
            obj = getattr(obj, name)
        elif isinstance(obj, list | tuple):
            obj = obj[int(token)]
        elif isinstance(obj, dict):
            obj = obj[token]
        else:
            raise LookupError(f"nothing below {token}")
    return obj


@functools.cache
def _attributes(struct: type[msgspec.Struct]) -> dict[str, str]:
    return {f.encode_name: f.name for f in msgspec.structs.fields(struct)}


def escape(key: str) -> str:
    """A map key as one token of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def container_pointer(spec: PodSpec, name: str, rest: str = "", *, root: str = "/spec") -> str:
    """The pointer of a container (init or not) by name."""
    for field, containers in (("containers", spec.containers), ("initContainers", spec.init_containers)):
        for index, container in enumerate(containers):
            if container.name == name:
                return f"{root}/{field}/{index}{rest}"
    raise LookupError(f"no container {name}")


def status_pointer(pod: Pod, name: str, rest: str = "") -> str:
    """The pointer of a container's status by name."""
    status = pod.status
    for field, statuses in (
        ("containerStatuses", status.container_statuses),
        ("initContainerStatuses", status.init_container_statuses),
    ):
        for index, found in enumerate(statuses):
            if found.name == name:
                return f"/status/{field}/{index}{rest}"
    raise LookupError(f"no status of container {name}")


def condition_pointer(obj: Any, type_: str, rest: str = "") -> str:
    """The pointer of a status condition by type."""
    for index, found in enumerate(obj.status.conditions):
        if found.type == type_:
            return f"/status/conditions/{index}{rest}"
    raise LookupError(f"no condition {type_}")


def _brief(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, str | int | float | bool):
        return str(value)
    return msgspec.json.encode(value, order="deterministic", enc_hook=str).decode()
