"""Why a container ends: memory, a missing variable, an init step, or the application's own error."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from chalicelib.rootcause import logs
from chalicelib.rootcause.admitted import rewritten_limits
from chalicelib.rootcause.case import DECISIVE, GOOD, HINT, LIKELY, STRONG, WEAK, Case, Finding, blame
from chalicelib.rootcause.configuration import exit_code, start_error
from chalicelib.rootcause.logs import Line, quoted
from chalicelib.rootcause.look import Look, container_pointer, status_pointer
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.signatures import SIGNATURES, Signature
from chalicelib.rootcause.symptoms import container_crashing, container_not_created, pod_creating
from chalicelib.rootcause.vitals import vitals
from chalicelib.state.evidence import Evidence
from chalicelib.state.meta import Ref, condition
from chalicelib.state.quantity import format_bytes, quantity

KILLED = 137
STOPPED = (137, 143)
MEMORY_OF_INIT = re.compile(r"OOM-killed|memory limit too low|cannot allocate memory", re.I)
_HEAP = re.compile(
    r"OutOfMemoryError|heap out of memory|Allocation failed - |"
    r"MemoryError\b|runtime: out of memory|Cannot allocate memory",
    re.I,
)
LAST_LINES = 40
_HOST = re.compile(r"(?:[a-z][a-z0-9+]{1,20}://)?(?:[^@/\s]{1,200}@)?([A-Za-z0-9][A-Za-z0-9._-]{0,252})")
HANGS_AFTER = timedelta(minutes=3)


def end_evidence(case: Case, look: Look) -> list[Evidence]:
    """How the container ended last: exit code and reason."""
    for part, state in (("state", case.status.state), ("lastState", case.status.last_state)):
        if state.terminated:
            ended = state.terminated
            text = (
                f"Container {case.container} ended with exit code {ended.exit_code} "
                f"({ended.reason or 'no reason'}), {case.status.restart_count} restarts"
            )
            return [look.at(case.pod, status_pointer(case.pod, case.container, f"/{part}/terminated"), text)]
    return []


def ended_reason(case: Case) -> str:
    ended = case.status.state.terminated or case.status.last_state.terminated
    return ended.reason if ended else ""


def is_init(case: Case) -> bool:
    return any(c.name == case.container for c in case.pod.spec.init_containers)


def of_failed_job(case: Case) -> bool:
    """Whether the pod belongs to a Job that has given up; then the Job itself is the case."""
    if case.resource.kind == "Job" and case.workload is None:
        return len(case.members) > 1
    status = getattr(case.workload, "status", None)
    failed = condition(status.conditions, "Failed") if case.resource.kind == "Job" and status else None
    return bool(failed and failed.true)


@detector("oom_killed", symptom=container_crashing)
def oom_killed(case: Case, look: Look) -> Finding | None:
    """The kernel ended the container because it needed more memory than its limit."""
    said, cited = start_error(case, look)
    at_start = bool(MEMORY_OF_INIT.search(said[:4000]))
    words = look.last_words(case.ref, case.container)
    heap = next((line for line in reversed(words[0][-LAST_LINES:]) if _HEAP.search(line.text)), None) if words else None
    limit = case.spec.resources.limits.get("memory")
    killed = exit_code(case) == KILLED and case.spec.liveness_probe is None and case.spec.startup_probe is None
    if ended_reason(case) == "OOMKilled" or at_start:
        strength = DECISIVE
    elif heap is not None:
        strength = LIKELY
    elif killed and limit is not None:
        strength = 0.55
    else:
        return None
    memory = vitals(look).of("memory", case.resource)
    if rewritten_limits(case.pod, case.container, look) is not None or (
        ended_reason(case) == "OOMKilled" and memory is not None and memory.leaks
    ):
        strength = min(strength, WEAK)
    bound = f"its memory limit of {limit}" if limit is not None else "the memory of its node (it has no limit)"
    pointer = (
        container_pointer(case.pod.spec, case.container, "/resources/limits/memory") if limit is not None else None
    )
    times = f" ({case.status.restart_count} restarts)" if case.status.restart_count else ""
    return blame(
        case.resource,
        f"{case.where} runs out of memory: container {case.container} is killed at {bound}{times}",
        strength=strength,
        because=[
            *end_evidence(case, look),
            look.at(case.pod, pointer) if pointer else None,
            cited if at_start else None,
            look.lines(case.ref, case.container, [heap], quoted(heap.text), previous=words[1])
            if heap and words
            else None,
        ],
        container=case.container,
        limit=limit or "not set",
        suggested_limit=_double(limit),
        since=case.since,
        missing=() if strength == DECISIVE else ("memory use over time",),
    )


def _double(limit: str | int | float | None) -> str:
    size = quantity(limit)
    return format_bytes(size * 2) if size else "SIZE"


@detector("init_container_crash", symptom=container_crashing)
def init_container_crash(case: Case, look: Look) -> Finding | None:
    """An init container ends with an error, so the pod never starts."""
    if not is_init(case):
        return None
    words = look.last_words(case.ref, case.container)
    line = _reason_line(words[0]) if words else None
    why = f": {quoted(line.text, 140)}" if line else ""
    return blame(
        case.resource,
        f"{case.where} cannot start: init container {case.container} fails with exit code {exit_code(case)}{why}",
        strength=STRONG,
        because=[*end_evidence(case, look), _cite(case, look, line, words[1]) if line and words else None],
        container=case.container,
        since=case.since,
        upstream=called_services(case, look),
        missing=() if line else (_no_log(case),),
    )


def _cite(case: Case, look: Look, line: Line, previous: bool) -> Evidence:
    return look.lines(
        case.ref, case.container, [line], f"Container {case.container} logs: {quoted(line.text)}", previous=previous
    )


def _no_log(case: Case) -> str:
    return f"log of the previous container {case.container} of {case.ref.namespace}/{case.ref.name}"


def _reason_line(lines: list[Line]) -> Line | None:
    """The line that best says why: the final exception or fatal message, else the last error."""
    recent = lines[-120:]
    found = logs.failure(recent)
    if found is not None:
        return found
    wrong = logs.errors(recent[-LAST_LINES:])
    return wrong[-1] if wrong else None


@detector("missing_env_var", symptom=container_crashing)
def missing_env_var(case: Case, look: Look) -> Finding | None:
    """The program says that an environment variable is not set, and the pod's spec does not set it."""
    words = look.last_words(case.ref, case.container)
    if words is None or exit_code(case) in (None, 0):
        return None
    given, complete = _environment(case, look)
    for found in logs.missing_variables(words[0][-120:]):
        if found.name in given:
            continue
        strength = (
            DECISIVE if found.explicit and complete else STRONG if found.explicit else GOOD if complete else LIKELY
        )
        return blame(
            case.resource,
            f"{case.where} crashes at start because environment variable {found.name} is not set",
            strength=strength,
            because=[
                _cite(case, look, found.line, words[1]),
                look.at(
                    case.pod,
                    container_pointer(case.pod.spec, case.container, "/name"),
                    f"Container {case.container} is given: {quoted(', '.join(sorted(given)), 160) or 'no variables'}",
                ),
                *end_evidence(case, look),
            ],
            chain=(
                f"variable {found.name} is absent from container {case.container}",
                f"the program ends with exit code {exit_code(case)}",
                f"{case.where} restarts again and again",
            ),
            variable=found.name,
            container=case.container,
            since=case.since,
            missing=() if complete else ("key names of the Secrets read by envFrom",),
        )
    return None


def _environment(case: Case, look: Look) -> tuple[set[str], bool]:
    """Variables that the container is given, in upper case, and whether that list is complete."""
    given = {env.name.upper() for env in case.spec.env}
    complete = True
    namespace = case.pod.metadata.namespace
    for bulk in case.spec.env_from:
        for kind, source in (("ConfigMap", bulk.config_map_ref), ("Secret", bulk.secret_ref)):
            if source is None:
                continue
            holder = look.snapshot.get(kind, namespace, source.name)
            if holder is None or (kind == "Secret" and len(holder.keys) < holder.key_count):
                complete = complete and look.missing(kind, namespace, source.name)
            else:
                given |= {f"{bulk.prefix}{key}".upper() for key in holder.keys}
    return given, complete


# Reasons that the last words give away


def _signature_detector(signature: Signature) -> Callable[[Case, Look], Finding | None]:
    def look_for(case: Case, look: Look) -> Finding | None:
        words = look.last_words(case.ref, case.container)
        if words is None or exit_code(case) in (None, 0) or of_failed_job(case) or is_init(case):
            return None
        line = next((x for x in reversed(words[0][-LAST_LINES:]) if signature.pattern.search(x.text)), None)
        if line is None:
            return None
        return blame(
            case.resource,
            f"{case.where} crashes because {signature.says}: {quoted(line.text, 140)}",
            strength=signature.strength,
            because=[_cite(case, look, line, words[1]), *end_evidence(case, look)],
            container=case.container,
            since=case.since,
        )

    look_for.__doc__ = f"The last words of a crashing container say that {signature.says}."
    return look_for


for _signature in SIGNATURES:
    detector(_signature.mode, symptom=container_crashing)(_signature_detector(_signature))


_TURNED = re.compile(r"Read-only file system|\bEROFS\b", re.I)


@detector("storage_io_errors", symptom=container_crashing)
def turned_read_only(case: Case, look: Look) -> Finding | None:
    """Writes fail because the file system is read-only, and nothing in the pod's spec makes it so: the kernel did."""
    words = look.last_words(case.ref, case.container)
    line = next((x for x in reversed(words[0][-LAST_LINES:]) if _TURNED.search(x.text)), None) if words else None
    context = case.spec.security_context
    meant = (context is not None and context.read_only_root_filesystem) or any(
        m.read_only for m in case.spec.volume_mounts
    )
    claims = any(v.persistent_volume_claim for v in case.pod.spec.volumes)
    if line is None or words is None or meant or not claims:
        return None
    return blame(
        case.resource,
        f"{case.where} cannot write: a file system turned read-only although nothing asks for that: "
        f"{quoted(line.text, 140)}",
        strength=STRONG,
        because=[_cite(case, look, line, words[1]), *end_evidence(case, look)],
        container=case.container,
        since=case.since,
        missing=("kernel log of the node",),
    )


# What it calls


def called_services(case: Case, look: Look) -> tuple[Ref, ...]:
    """Services that the last words say cannot be reached, and what stands behind them: it may explain the crash."""
    words = look.last_words(case.ref, case.container)
    if words is None:
        return ()
    lines = words[0][-LAST_LINES:]
    found = set(_services_called(lines, case.pod.metadata.namespace, look)) | _services_configured(lines, case, look)
    return tuple(sorted(r for r in found if r != case.resource))


def _services_configured(lines: list[Line], case: Case, look: Look) -> set[Ref]:
    """Services without a ready endpoint that the container's variables name, on the port where its calls fail."""
    ports = {call.port for call in logs.failed_calls(lines) if call.port}
    found: set[Ref] = set()
    for env in case.spec.env if ports else ():
        host = _HOST.match(env.value)
        ref = look.service_named(host.group(1), case.pod.metadata.namespace) if host else None
        service = look.snapshot.find(ref) if ref is not None else None
        if service is None or ref is None or not ports & {p.port for p in service.spec.ports}:
            continue
        ready = look.world.endpoint_counts(ref.namespace, ref.name)
        if ready is not None and ready[0] == 0:
            found |= {ref, *look.backing_refs(service)}
    return found


def _services_called(lines: list[Line], namespace: str, look: Look) -> tuple[Ref, ...]:
    found: set[Ref] = set()
    for call in logs.failed_calls(lines):
        ref = look.service_named(call.host, namespace)
        if ref is not None:
            found.add(ref)
            service = look.snapshot.find(ref)
            found.update(look.backing_refs(service) if service is not None else ())
    return tuple(sorted(found))


@detector("dependency_unreachable", symptom=container_crashing)
def dependency_unreachable(case: Case, look: Look) -> Finding | None:
    """It ends because something that it calls does not answer."""
    words = look.last_words(case.ref, case.container)
    if words is None or exit_code(case) in (None, 0) or of_failed_job(case) or is_init(case):
        return None
    calls = logs.failed_calls(words[0][-LAST_LINES:])
    if not calls:
        return None
    call = calls[-1]
    host = f"{call.host}:{call.port}" if call.port else call.host
    how = {"refused": "refuses the connection", "timeout": "does not answer", "unresolved": "cannot be resolved"}[
        call.how
    ]
    return blame(
        case.resource,
        f"{case.where} crashes because {quoted(host, 120)}, which it depends on, {how}",
        strength=0.72,
        because=[_cite(case, look, call.line, words[1]), *end_evidence(case, look)],
        upstream=called_services(case, look),
        host=quoted(host, 120),
        container=case.container,
        since=case.since,
    )


@detector("app_exception", symptom=container_crashing)
def app_exception(case: Case, look: Look) -> Finding | None:
    """The application fails by itself; without its last words only the symptom is known."""
    if is_init(case) or of_failed_job(case) or ended_reason(case) == "OOMKilled":
        return None
    code = exit_code(case)
    words = look.last_words(case.ref, case.container)
    line = _reason_line(words[0]) if words else None
    calls = bool(words and logs.failed_calls(words[0][-LAST_LINES:]))
    if line is None or words is None or code == 0 or calls:
        return blame(
            case.resource,
            f"{case.where} crashes again and again: container {case.container} ends with "
            f"exit code {code}, {case.status.restart_count} restarts"
            if code is not None
            else f"{case.where} crashes again and again in container {case.container}",
            strength=HINT if calls or code in STOPPED else WEAK,
            because=end_evidence(case, look),
            container=case.container,
            since=case.since,
            upstream=called_services(case, look),
            missing=() if calls else (_no_log(case),),
        )
    thrown = logs.failure(words[0][-120:]) is not None
    strength = 0.82 if logs.has_trace(words[0][-120:]) and thrown else GOOD if thrown else LIKELY
    if code in STOPPED and case.spec.liveness_probe is not None:
        strength = WEAK
    return blame(
        case.resource,
        f"{case.where} crashes with an error of the application: {quoted(line.text, 160)}",
        strength=strength,
        because=[_cite(case, look, line, words[1]), *end_evidence(case, look)],
        container=case.container,
        since=case.since,
        upstream=called_services(case, look),
    )


@detector("init_container_hang", symptom=pod_creating)
def init_container_hang(case: Case, look: Look) -> Finding | None:
    """An init container runs and runs: it usually waits for something that does not come."""
    running = next((s for s in case.pod.status.init_container_statuses if s.state.running and not s.ready), None)
    spec = next((c for c in case.pod.spec.init_containers if running and c.name == running.name), None)
    if running is None or running.state.running is None or (spec is not None and spec.restart_policy == "Always"):
        return None
    waited = look.age(running.state.running.started_at)
    if waited < HANGS_AFTER:
        return None
    lines = look.log(case.ref, running.name) or []
    last = lines[-1] if lines else None
    why = f"; it last wrote: {quoted(last.text, 120)}" if last else ""
    return blame(
        case.resource,
        f"{case.where} does not start: init container {running.name} has run "
        f"for {int(waited.total_seconds() // 60)} min{why}",
        strength=GOOD if last else LIKELY,
        because=[
            look.at(case.pod, status_pointer(case.pod, running.name, "/state/running/startedAt")),
            look.lines(case.ref, running.name, lines[-2:], f"Its last lines: {quoted(last.text)}") if last else None,
        ],
        container=running.name,
        upstream=_services_called(lines[-LAST_LINES:], case.pod.metadata.namespace, look),
        since=case.since,
        missing=() if last else (f"log of init container {running.name}",),
    )


@detector("app_exception", symptom=container_not_created)
def start_refused(case: Case, look: Look) -> Finding | None:
    """The runtime refuses to create the container, and no known reason fits."""
    waiting = case.status.state.waiting
    said = waiting.message if waiting else ""
    return blame(
        case.resource,
        f"{case.where} cannot start: the runtime does not create container "
        f"{case.container} ({quoted(said, 140) or 'no message'})",
        strength=HINT,
        because=[look.at(case.pod, status_pointer(case.pod, case.container, "/state/waiting"))],
        container=case.container,
        since=case.since,
        missing=("events of the pod",),
    )
