"""One object in full: its row, facts, conditions, containers and problems."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from chalicelib.errors import NotFound
from chalicelib.state.kinds import KindEntry
from chalicelib.state.kinds.pod import ContainerState, ContainerStatus, Pod
from chalicelib.state.kinds.pod_spec import Container, PodSpec, Probe
from chalicelib.state.meta import Condition, Ref
from chalicelib.tools.gaps import gaps_of
from chalicelib.tools.moments import rfc3339
from chalicelib.tools.ranking import rank
from chalicelib.tools.rows import Row, entry_of, gap_json, plain, problem_json, ref_json, row

if TYPE_CHECKING:
    from chalicelib.tools.views import ClusterView

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
GOOD_WHEN_FALSE = (
    "Pressure", "Unavailable", "Failure", "Failed", "Remaining", "Stalled", "Degraded", "Terminating",
    "ScalingLimited", "Suspended", "Dangling", "Conflict", "NamesNotAccepted", "DisruptionTarget",
)  # fmt: skip
"""Ends of condition types that report trouble when they are True (Kubernetes and common operators)."""
CLOSE_NAMES = 8
ALIKE = 0.3
"""Likeness from which a name is worth proposing."""


def locate(view: ClusterView, kind: str, namespace: str, name: str) -> tuple[KindEntry, Ref, Any]:
    """The entry, ref and object of a name. `namespace` may be left out where only one object has the name.

    Raises NotFound `unknown_kind`, or `unknown_object` naming close matches, or why nothing is known.
    """
    entry = entry_of(view.snapshot, kind)
    namespace = "" if not entry.namespaced or namespace in ("-", "*") else namespace
    objects = view.snapshot.of(entry.kind)
    found = [
        o
        for o in objects
        if o.metadata.name == name and (not namespace or not entry.namespaced or o.metadata.namespace == namespace)
    ]
    if len(found) == 1:
        return entry, entry_ref(entry, found[0]), found[0]
    raise _not_found(view, entry, namespace, name, found)


def entry_ref(entry: KindEntry, obj: Any) -> Ref:
    return Ref(entry.kind, obj.metadata.namespace if entry.namespaced else "", obj.metadata.name)


def _not_found(view: ClusterView, entry: KindEntry, namespace: str, name: str, found: list[Any]) -> NotFound:
    if found:
        places = sorted(o.metadata.namespace for o in found)
        return NotFound(
            f"{len(places)} {entry.plural} are called {name!r}.",
            code="ambiguous_object",
            remedy=f"Say the namespace: {', '.join(places[:20])}.",
            details={"field": "namespace", "valid": places[:20]},
        )
    gaps = gaps_of(view.snapshot, entry.kind, namespace=namespace)
    if gaps:
        return NotFound(
            f"{entry.kind} {name!r} is not known: {gaps[0].message or gaps[0].reason}.",
            code="not_read",
            remedy="Run the connection check of this cluster; it names the permission that is missing.",
            details={"kind": entry.kind, "reason": gaps[0].reason},
        )
    near = nearest(name, [(o.metadata.namespace, o.metadata.name) for o in view.snapshot.of(entry.kind)], namespace)
    where = f" in namespace {namespace}" if namespace else ""
    return NotFound(
        f"There is no {entry.kind} called {name!r}{where}.",
        code="unknown_object",
        remedy=f"Did you mean: {', '.join(near)}?" if near else f"List the {entry.plural}{where} to see their names.",
        details={"given": name, "kind": entry.kind, "valid": near},
    )


def nearest(name: str, known: Iterable[tuple[str, str]], namespace: str) -> list[str]:
    """Names like the given one, as `namespace/name`; those of the same namespace first."""
    wanted = name.lower()
    scored = []
    for where, candidate in known:
        score = _likeness(wanted, candidate.lower())
        scored.append(
            (-score, where != namespace if namespace else False, f"{where}/{candidate}" if where else candidate)
        )
    return [text for score, _, text in sorted(scored)[:CLOSE_NAMES] if -score >= ALIKE]


def _likeness(wanted: str, name: str) -> float:
    """Shared pairs of letters over all pairs (Dice), with a bonus for containing the wanted name."""
    pairs = {wanted[i : i + 2] for i in range(len(wanted) - 1)}
    others = {name[i : i + 2] for i in range(len(name) - 1)}
    shared = 2 * len(pairs & others) / (len(pairs) + len(others)) if pairs or others else 0.0
    return shared + (0.5 if wanted and (wanted in name or name in wanted) else 0.0)


def detail(view: ClusterView, kind: str, namespace: str, name: str) -> Row:
    """The answer of `GET .../resources/{kind}/{namespace}/{name}`. Raises NotFound."""
    entry, ref, obj = locate(view, kind, namespace, name)
    whole = row(entry, obj, view)
    return {
        "resource": ref_json(ref),
        "row": whole,
        "summary": facts(entry, obj, whole),
        "labels": obj.metadata.labels,
        "annotations": shown_annotations(obj),
        "conditions": conditions(obj),
        "problems": [problem_json(p) for p in view.problems_of(ref)],
        "containers": containers(obj),
        "as_of": rfc3339(view.as_of),
        "gaps": [gap_json(g) for g in gaps_of(view.snapshot, entry.kind, "Event", namespace=ref.namespace)],
    }


def facts(entry: KindEntry, obj: Any, whole: Row) -> list[Row]:
    """Labelled facts: status, age, owner, and every column of the kind that has a value."""
    meta = obj.metadata
    found = [
        {"label": "Status", "value": whole["status"]["word"], "type": "status"},
        {"label": "Created", "value": whole["created_at"], "type": "time"},
    ]
    if meta.deletion_timestamp:
        found.append({"label": "Deletion asked", "value": rfc3339(meta.deletion_timestamp), "type": "time"})
    if meta.finalizers:
        found.append({"label": "Finalizers", "value": meta.finalizers, "type": "list"})
    if meta.controller and not any(c.key == "owner" for c in entry.columns):
        found.append({"label": "Owner", "value": f"{meta.controller.kind}/{meta.controller.name}", "type": "ref"})
    return found + [
        {"label": column.title, "value": whole[column.key], "type": column.type}
        for column in entry.columns
        if whole[column.key] not in (None, "", [])
    ]


def shown_annotations(obj: Any) -> dict[str, str]:
    """Annotations without kubectl's copy of the object, which for a Secret holds its values."""
    return {k: v for k, v in obj.metadata.annotations.items() if k != LAST_APPLIED}


def conditions(obj: Any) -> list[Row]:
    """Conditions with a level, worst first."""
    listed: list[Condition] = getattr(getattr(obj, "status", None), "conditions", None) or []
    found = [
        {
            "type": c.type, "status": c.status, "reason": c.reason, "message": c.message,
            "since": rfc3339(c.last_transition_time or c.last_update_time), "level": condition_level(c),
        }
        for c in listed
    ]  # fmt: skip
    return sorted(found, key=lambda c: (rank(str(c["level"])), str(c["type"])))


def condition_level(condition: Condition) -> str:
    """ok when a condition has the status that its type hopes for, warn when not, unknown for `Unknown`."""
    if condition.status not in ("True", "False"):
        return "unknown"
    hoped = not condition.type.endswith(GOOD_WHEN_FALSE)
    if condition.true is hoped or condition.reason == "PodCompleted":
        return "ok"
    return "crit" if condition.type in ("Ready", "Available", "Failed") else "warn"


def pod_spec(obj: Any) -> PodSpec | None:
    """The pod spec of a Pod or of a workload's template; None for other kinds."""
    if isinstance(obj, Pod):
        return obj.spec
    spec = getattr(obj, "spec", None)
    job = getattr(spec, "job_template", None)
    template = getattr(job.spec if job else spec, "template", None)
    return getattr(template, "spec", None)


def containers(obj: Any) -> list[Row] | None:
    """Containers with image, resources and probes; of a Pod also their state. None for kinds without any."""
    spec = pod_spec(obj)
    if spec is None:
        return None
    states = {s.name: s for s in obj.status.all_statuses} if isinstance(obj, Pod) else {}
    initial = {c.name for c in spec.init_containers}
    return [_container(c, c.name in initial, states.get(c.name)) for c in spec.all_containers]


def _container(container: Container, init: bool, status: ContainerStatus | None) -> Row:
    found: Row = {
        "name": container.name,
        "init": init,
        "image": container.image,
        "requests": plain(container.resources.requests),
        "limits": plain(container.resources.limits),
        "ports": [f"{p.container_port}/{p.protocol}" for p in container.ports],
        "env": [e.name for e in container.env],
        "probes": {
            name: _probe(probe)
            for name, probe in (
                ("liveness", container.liveness_probe),
                ("readiness", container.readiness_probe),
                ("startup", container.startup_probe),
            )
            if probe
        },
    }
    if status is not None:
        found |= {
            "ready": status.ready,
            "restarts": status.restart_count,
            "state": state_json(status.state),
            "last_state": state_json(status.last_state),
        }
    return found


def state_json(state: ContainerState) -> Row | None:
    """`{state, reason, message, exit_code, signal, since, until}` of a container; None when it has none."""
    if state.waiting:
        return {"state": "waiting", "reason": state.waiting.reason, "message": state.waiting.message}
    if state.running:
        return {"state": "running", "since": rfc3339(state.running.started_at)}
    if state.terminated:
        ended = state.terminated
        return {
            "state": "terminated", "reason": ended.reason, "message": ended.message, "exit_code": ended.exit_code,
            "signal": ended.signal, "since": rfc3339(ended.started_at), "until": rfc3339(ended.finished_at),
        }  # fmt: skip
    return None


def _probe(probe: Probe) -> str:
    """`http :8080/healthz every 10s, 3 failures`."""
    path = probe.http_get.path if probe.http_get else ""
    command = " ".join(probe.exec.command) if probe.exec else ""
    where = command or f":{probe.port}{path}"
    return (
        f"{probe.protocol} {where} every {probe.period_seconds}s, timeout {probe.timeout_seconds}s, "
        f"{probe.failure_threshold} failures, first after {probe.initial_delay_seconds}s"
    )
