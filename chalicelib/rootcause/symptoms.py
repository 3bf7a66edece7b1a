"""What is wrong now: the live symptoms of a cluster, replicas of one revision taken together.

This is the gate. An object counts only if it is unhealthy at the moment of the snapshot, belongs to the revision that
its owner wants, and is not merely the past of a node that stopped reporting. Everything later rests on these cases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from chalicelib.rootcause.case import Case, SymptomType
from chalicelib.rootcause.look import Look
from chalicelib.rootcause.sightings import lasting_failure
from chalicelib.state.kinds.pod import ContainerStatus, Pod, StateTerminated
from chalicelib.state.kinds.pod_spec import Container
from chalicelib.state.meta import Ref, condition

pod_pending = SymptomType("pod_pending")
image_not_pulled = SymptomType("image_not_pulled")
container_not_created = SymptomType("container_not_created")
pod_creating = SymptomType("pod_creating")
container_crashing = SymptomType("container_crashing")
pod_not_ready = SymptomType("pod_not_ready")
pod_evicted = SymptomType("pod_evicted")
pod_terminating = SymptomType("pod_terminating")

IMAGE_REASONS = frozenset(
    [
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    ]
)
CREATE_REASONS = frozenset(["CreateContainerConfigError", "CreateContainerError"])
START_REASONS = frozenset(["RunContainerError", "StartError", "ContainerCannotRun", "PostStartHookError"])
WAITING_FOR_START = frozenset(("ContainerCreating", "PodInitializing", ""))

START_GRACE = timedelta(seconds=20)
READY_GRACE = timedelta(seconds=25)
TERMINATION_GRACE = timedelta(minutes=2)
RECENT_RESTART = timedelta(minutes=10)
SLOW_PERIOD = timedelta(hours=2)
"""A container that lives no longer than this between its ends is in a slow crash loop (a leak, a timer)."""
RESTARTS_THAT_COUNT = 3
REPEATED = 2
EVICTION_LIFE = timedelta(hours=1)


def pod_cases(look: Look) -> list[Case]:
    """Cases of pods, one per owner, revision, container and symptom."""
    groups: dict[tuple[Ref, str, SymptomType, str, str], list[tuple[Pod, str]]] = defaultdict(list)
    for pod in look.snapshot.of("Pod"):
        for type_, container, text in _of_pod(pod, look):
            ref = Ref("Pod", pod.metadata.namespace, pod.metadata.name)
            groups[look.owner(ref), revision(pod), type_, container, _class_of(type_, text)].append((pod, text))
    return [_case(key, found, look) for key, found in sorted(groups.items(), key=lambda item: _order(item[0]))]


def _order(key: tuple[Ref, str, SymptomType, str, str]) -> tuple[Ref, str, str, str, str]:
    owner, revision_, type_, container, word = key
    return owner, revision_, type_.name, container, word


def _class_of(type_: SymptomType, text: str) -> str:
    """Pulls that fail for one reason are one case, whether the kubelet is trying or backing off."""
    return "" if type_ in (image_not_pulled, container_crashing, pod_pending, pod_evicted) else text.split(":")[0]


def _case(key: tuple[Ref, str, SymptomType, str, str], found: list[tuple[Pod, str]], look: Look) -> Case:
    owner, _, type_, container, _ = key
    pod, text = found[0]
    ref = Ref("Pod", pod.metadata.namespace, pod.metadata.name)
    members = tuple(Ref("Pod", p.metadata.namespace, p.metadata.name) for p, _ in found)
    since = min((t for t in (unready_since(p) for p, _ in found) if t), default=None)
    return Case(type_, owner, pod, ref, text, members, since, container, look.workload(owner))


def revision(pod: Pod) -> str:
    """What tells pods of one revision from those of another."""
    labels = pod.metadata.labels
    return (
        labels.get("pod-template-hash")
        or labels.get("controller-revision-hash")
        or labels.get("pod-template-generation")
        or ""
    )


def unready_since(pod: Pod) -> datetime | None:
    """When a pod stopped (or never started) to be ready."""
    ready = condition(pod.status.conditions, "Ready")
    if ready and not ready.true and ready.last_transition_time:
        return ready.last_transition_time
    scheduled = condition(pod.status.conditions, "PodScheduled")
    if scheduled and scheduled.false and scheduled.last_transition_time:
        return scheduled.last_transition_time
    return pod.metadata.creation_timestamp


def _of_pod(pod: Pod, look: Look) -> Iterator[tuple[SymptomType, str, str]]:
    status = pod.status
    if pod.metadata.deletion_timestamp:
        if look.now - pod.metadata.deletion_timestamp > TERMINATION_GRACE:
            yield pod_terminating, "", "Terminating for too long"
        return
    if status.phase == "Succeeded":
        return
    if status.phase == "Failed":
        yield from _of_failed(pod, look)
        return
    if status.phase == "Running" and pod.ready and not any(s.restart_count for s in status.all_statuses):
        return
    if pod.spec.node_name in look.sick_nodes:
        return
    if not pod.spec.node_name or _on_absent_node(pod, look):
        if not pod.spec.scheduling_gates and not _just_created(pod, look):
            yield pod_pending, "", "Pending: no node takes it"
        return
    yield from _of_containers(pod, look)


def _on_absent_node(pod: Pod, look: Look) -> bool:
    return pod.status.phase == "Pending" and look.missing("Node", "", pod.spec.node_name)


def _just_created(pod: Pod, look: Look) -> bool:
    """A pod without a scheduling verdict is given some seconds; one that was refused is not."""
    scheduled = condition(pod.status.conditions, "PodScheduled")
    if scheduled and scheduled.false and scheduled.reason != "SchedulingGated":
        return False
    return look.age(pod.metadata.creation_timestamp) < READY_GRACE


def _of_failed(pod: Pod, look: Look) -> Iterator[tuple[SymptomType, str, str]]:
    """A Failed pod is news for an hour if it was evicted; else only when nothing was to replace it."""
    controller = pod.metadata.controller
    if pod.status.reason in ("Evicted", "Preempting"):
        ended = max((c.last_transition_time for c in pod.status.conditions if c.last_transition_time), default=None)
        if look.age(ended or pod.status.start_time) < EVICTION_LIFE:
            yield pod_evicted, "", f"Evicted: {pod.status.message}"
    elif (controller is None and pod.spec.restart_policy == "Never") or _job_fails(pod, look):
        for found in pod.status.all_statuses:
            if found.state.terminated and found.state.terminated.exit_code:
                yield container_crashing, found.name, "Failed"
                return


def _job_fails(pod: Pod, look: Look) -> bool:
    """Whether the pod's Job has failed for good, or goes on failing."""
    controller = pod.metadata.controller
    if controller is None or controller.kind != "Job":
        return False
    job = look.snapshot.get("Job", pod.metadata.namespace, controller.name)
    if job is None:
        return not look.snapshot.was_read("Job", pod.metadata.namespace)
    over = any(c.true for c in job.status.conditions)
    return lasting_failure(job, look) is not None or (not over and job.status.failed >= REPEATED)


def _of_containers(pod: Pod, look: Look) -> Iterator[tuple[SymptomType, str, str]]:
    """Symptoms of containers; a waiting init container hides the main ones, as it does for the kubelet."""
    specs = {c.name: c for c in pod.spec.all_containers}
    for found in pod.status.init_container_statuses:
        symptom = _of_container(pod, specs.get(found.name), found, look, init=True)
        if symptom:
            yield symptom[0], found.name, symptom[1]
            return
    waiting = False
    for found in pod.status.container_statuses:
        symptom = _of_container(pod, specs.get(found.name), found, look, init=False)
        if symptom:
            yield symptom[0], found.name, symptom[1]
        elif found.state.waiting and found.state.waiting.reason in WAITING_FOR_START:
            waiting = True
    started = pod.status.start_time or pod.metadata.creation_timestamp
    nothing_reported = not pod.status.container_statuses and pod.status.phase == "Pending"
    if (waiting or nothing_reported) and look.age(started) > START_GRACE:
        yield pod_creating, "", _creating_text(pod)


def _creating_text(pod: Pod) -> str:
    running_init = any(s.state.running for s in pod.status.init_container_statuses)
    return "PodInitializing" if running_init else "ContainerCreating"


def _of_container(
    pod: Pod, spec: Container | None, found: ContainerStatus, look: Look, *, init: bool
) -> tuple[SymptomType, str] | None:
    state = found.state
    if state.waiting and state.waiting.reason not in WAITING_FOR_START:
        return _of_waiting(state.waiting.reason)
    if state.terminated:
        sidecar = spec is not None and spec.restart_policy == "Always"
        if init and not sidecar and state.terminated.exit_code == 0:
            return None
        if pod.spec.restart_policy == "Never" or (
            pod.spec.restart_policy == "OnFailure" and not state.terminated.exit_code
        ):
            return None
        return container_crashing, state.terminated.reason or "Error"
    if state.running:
        return None if init else _of_running(pod, spec, found, look)
    return None


def _of_waiting(reason: str) -> tuple[SymptomType, str]:
    if reason in IMAGE_REASONS:
        return image_not_pulled, reason
    if reason in CREATE_REASONS:
        return container_not_created, reason
    return container_crashing, reason


def _of_running(pod: Pod, spec: Container | None, found: ContainerStatus, look: Look) -> tuple[SymptomType, str] | None:
    """Running is well unless it is not ready, or restarts again and again up to now."""
    if found.restart_count and _restarts_now(pod, found, look):
        return container_crashing, "Restarting"
    if found.ready or found.state.running is None:
        return None
    probe = spec.readiness_probe if spec else None
    patience = READY_GRACE
    if probe:
        patience = max(patience, timedelta(seconds=probe.initial_delay_seconds + probe.period_seconds))
    if spec and spec.startup_probe and found.started is False:
        startup = spec.startup_probe
        patience = timedelta(seconds=startup.initial_delay_seconds + startup.period_seconds * startup.failure_threshold)
    if look.age(found.state.running.started_at) < patience:
        return None
    return pod_not_ready, "running, not ready"


def _restarts_now(pod: Pod, found: ContainerStatus, look: Look) -> bool:
    """Whether a running container restarts again and again up to now; an old restart does not count."""
    ended = found.last_state.terminated
    if ended is None:
        return False
    if look.age(ended.finished_at) >= RECENT_RESTART:
        return _loops_slowly(found, ended, look)
    if not found.ready or found.restart_count >= RESTARTS_THAT_COUNT:
        return True
    if ended.reason == "OOMKilled":
        return found.restart_count >= REPEATED
    ref = Ref("Pod", pod.metadata.namespace, pod.metadata.name)
    return (
        look.saying([ref], "liveness probe failed", "failed liveness probe", reasons=("Unhealthy", "Killing"))
        is not None
    )


def _loops_slowly(found: ContainerStatus, ended: StateTerminated, look: Look) -> bool:
    """Whether it ends at intervals of minutes to hours and the present run is not longer than those before.

    A container that restarted a few times while it started and has run well since has outlived its last run by far.
    """
    if found.restart_count < RESTARTS_THAT_COUNT or ended.exit_code == 0:
        return False
    if ended.started_at is None or ended.finished_at is None:
        return False
    lived = ended.finished_at - ended.started_at
    return lived <= SLOW_PERIOD and look.age(ended.finished_at) < lived * 1.5
