"""Workloads whose controller does not, or cannot, bring them where they should be."""

from __future__ import annotations

import re

from chalicelib.rootcause import logs
from chalicelib.rootcause.case import DECISIVE, GOOD, LIKELY, STRONG, WEAK, Case, Finding, blame
from chalicelib.rootcause.logs import quoted
from chalicelib.rootcause.look import Look, condition_pointer, container_pointer
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.sightings import (
    autoscaler_inactive,
    autoscaler_maxed,
    cronjob_idle,
    dependents,
    job_failed,
    never_fires,
    rollout_stalled,
    scaled_to_zero,
    unmeasurable,
)
from chalicelib.rootcause.symptoms import container_crashing
from chalicelib.state.evidence import Evidence
from chalicelib.state.kinds.workloads import rollout_strategy_contradicts
from chalicelib.state.meta import Ref, condition


@detector("zero_replicas", symptom=scaled_to_zero)
def zero_replicas(case: Case, look: Look) -> Finding | None:
    """Somebody scaled a workload to zero although something still routes to it or calls it."""
    needs = dependents(case.ref, look)
    services = [r for r in needs if r.kind == "Service"]
    calls = [e for s in services for e in look.complaint_evidence(s, 2)]
    event = look.saying([case.ref], "to 0", reasons=("ScalingReplicaSet", "SuccessfulRescale"))
    routed = [
        r for r in needs if r.kind in ("Ingress", "HorizontalPodAutoscaler") or r.kind.endswith("WebhookConfiguration")
    ]
    strength = DECISIVE if calls else GOOD if event or routed else LIKELY
    revision = look.world.replica_sets_of(case.subject) if case.ref.kind == "Deployment" else []
    before = revision[0].metadata.annotations.get("deployment.kubernetes.io/desired-replicas", "") if revision else ""
    who = ", ".join(f"{r.kind} {r.name}" for r in needs[:3])
    return blame(
        case.ref,
        f"{case.where} is scaled to zero although {who} still depend{'s' if len(needs) == 1 else ''} on it",
        strength=strength,
        because=[
            look.at(case.subject, "/spec/replicas"),
            *calls,
            look.event(event),
            *(look.at(found, "/spec/selector") for s in services[:1] if (found := look.snapshot.find(s)) is not None),
        ],
        explains=needs,
        replicas=before if before not in ("", "0") else "N",
        since=case.since,
        critical=True,
    )


@detector("rollout_stuck", symptom=rollout_stalled)
def rollout_stuck(case: Case, look: Look) -> Finding | None:
    """A rollout ran into its deadline, is paused halfway, or may neither add nor remove a pod."""
    status, spec = case.subject.status, case.subject.spec
    ready = f"{status.updated_replicas} of {spec.replicas} new pods, {status.ready_replicas} ready in all"
    if rollout_strategy_contradicts(spec.strategy):
        return blame(
            case.ref,
            f"the rollout of {case.where} cannot begin: maxSurge and maxUnavailable are both zero ({ready})",
            strength=STRONG,
            because=[look.at(case.subject, "/spec/strategy")],
            since=case.since,
        )
    progressing = condition(status.conditions, "Progressing")
    if progressing and progressing.false:
        own, line = _why_not_ready(case.ref, look)
        unstarted = _unstarted(case.ref, look)
        why = f": {quoted(line, 140)}" if line else ""
        return blame(
            case.ref,
            f"the rollout of {case.where} is stuck ({progressing.reason}): {ready}{why}",
            strength=WEAK if unstarted else GOOD if own else 0.75,
            because=[
                look.at(case.subject, condition_pointer(case.subject, "Progressing")),
                look.at(case.subject, "/status"),
                *own,
            ],
            since=case.since,
            missing=(f"why pod {unstarted} does not start: its events",)
            if unstarted
            else ()
            if own
            else ("events and logs of the new pods",),
        )
    if spec.paused:
        return blame(
            case.ref,
            f"the rollout of {case.where} is paused halfway: {ready}",
            strength=0.55,
            because=[look.at(case.subject, "/spec/paused")],
            since=case.since,
        )
    return None


def _unstarted(deployment: Ref, look: Look) -> str:
    """A pod of the workload that has not even started: its own reason is the cause, the rollout only shows it."""
    waiting = (p for p in look.world.pods_of(deployment) if p.status.phase == "Pending")
    return next((p.metadata.name for p in waiting if p.metadata.deletion_timestamp is None), "")


def _why_not_ready(deployment: Ref, look: Look) -> tuple[list[Evidence], str]:
    """What the new pods' probes and logs say, newest revision first."""
    for pod in look.world.pods_of(deployment):
        if pod.ready or pod.finished:
            continue
        ref = look.world.ref_of(pod)
        cited = [e for e in (look.event(next(iter(look.events(ref, "Unhealthy", "Failed", "BackOff")), None)),) if e]
        for container in pod.spec.containers:
            wrong = logs.errors(look.log(ref, container.name) or [])
            if wrong:
                return [
                    *cited,
                    look.lines(
                        ref, container.name, wrong[-1:], f"Container {container.name} logs: {quoted(wrong[-1].text)}"
                    ),
                ], wrong[-1].text
        if cited:
            return cited, ""
    return [], ""


@detector("job_backoff_limit", symptom=job_failed)
def job_backoff_limit(case: Case, look: Look) -> Finding | None:
    """A Job has given up: too many failed pods, or its deadline passed."""
    failed = condition(case.subject.status.conditions, "Failed")
    if failed is None:
        return None
    cited: list[Evidence | None] = []
    said = ""
    for pod in reversed(look.world.pods_of(case.ref)):
        ref = look.world.ref_of(pod)
        for found in pod.status.container_statuses:
            lines = look.log(ref, found.name) or []
            wrong = [logs.failure(lines)] if logs.failure(lines) else logs.errors(lines)[-1:]
            first = next(iter(logs.errors(lines)), wrong[0] if wrong else None)
            if first is not None and not said:
                said = f": {quoted(first.text, 140)}"
                cited.append(look.lines(ref, found.name, [first], f"Container {found.name} logs: {quoted(first.text)}"))
        if said:
            break
    why = (
        "ran past its deadline"
        if failed.reason == "DeadlineExceeded"
        else f"failed {case.subject.status.failed} times and gave up"
    )
    return blame(
        case.ref,
        f"Job {case.where} {why}{said}",
        strength=STRONG,
        because=[look.at(case.subject, condition_pointer(case.subject, "Failed")), *cited],
        since=case.since,
        missing=() if said else ("logs of the Job's failed pods",),
    )


@detector("job_backoff_limit", symptom=container_crashing)
def unread_job_fails(case: Case, look: Look) -> Finding | None:
    """Several pods of one Job have failed, and Jobs were not read."""
    if case.resource.kind != "Job" or case.workload is not None or len(case.members) < 2:
        return None
    words = look.last_words(case.ref, case.container)
    first = next(iter(logs.errors(words[0])), None) if words else None
    return blame(
        case.resource,
        f"Job {case.where} failed {len(case.members)} times" + (f": {quoted(first.text, 140)}" if first else ""),
        strength=0.7,
        because=[
            look.at(case.pod, "/status/phase"),
            look.lines(case.ref, case.container, [first], quoted(first.text)) if first else None,
        ],
        since=case.since,
        missing=("the Job itself",),
    )


@detector("cronjob_suspended_or_bad_schedule", symptom=cronjob_idle)
def cronjob_idle_(case: Case, look: Look) -> Finding | None:
    """A CronJob that was in use does not run: suspended, or with a schedule that never comes."""
    cron = case.subject
    event = next(
        iter(look.events(case.ref, "UnparseableSchedule", "UnknownTimeZone", "TooManyMissedTimes", "FailedNeedsStart")),
        None,
    )
    if cron.spec.suspend:
        ran = cron.status.last_schedule_time or cron.status.last_successful_time
        strength = 0.82 if ran else 0.75
        last = f"; it last ran at {ran:%Y-%m-%d %H:%M}" if ran else ""
        summary = f"CronJob {case.where} does not run: it is suspended{last}"
        because = [
            look.at(cron, "/spec/suspend"),
            look.at(cron, "/metadata/generation", "The CronJob was changed after its creation"),
        ]
    else:
        never = never_fires(cron.spec.schedule)
        strength = DECISIVE if never and event else STRONG
        why = (
            f"its schedule `{quoted(cron.spec.schedule, 60)}` never comes"
            if never
            else quoted(event.message, 140)
            if event
            else ""
        )
        summary = f"CronJob {case.where} does not run: {why}"
        because = [look.at(cron, "/spec/schedule")]
    return blame(case.ref, summary, strength=strength, because=[*because, look.event(event)], critical=False)


_NO_REQUEST = re.compile(r"missing request for (\w{1,30}) in container (\S{1,63}) of Pod", re.I)
_NO_REQUEST_OLD = re.compile(r"missing request for (\w{1,30})", re.I)


@detector("hpa_no_metrics", symptom=autoscaler_inactive)
def hpa_no_metrics(case: Case, look: Look) -> Finding | None:
    """The autoscaler cannot compute: its target requests nothing, or no metrics come."""
    hpa = case.subject
    active = condition(hpa.status.conditions, "ScalingActive")
    if active is None or not active.false:
        return None
    target = Ref(hpa.spec.scale_target_ref.kind, hpa.metadata.namespace, hpa.spec.scale_target_ref.name)
    event = look.saying(
        [case.ref],
        "missing request",
        "unable to",
        "failed to get",
        "no metrics",
        reasons=(
            "FailedGetResourceMetric",
            "FailedComputeMetricsReplicas",
            "FailedGetExternalMetric",
            "FailedGetPodsMetric",
            "FailedGetObjectMetric",
        ),
    )
    cited = [look.at(hpa, condition_pointer(hpa, "ScalingActive", "/message")), look.event(event)]
    bare = _unrequested(hpa, target, look)
    said = f"{active.message} {event.message if event else ''}"
    if bare or _NO_REQUEST.search(said) or _NO_REQUEST_OLD.search(said):
        names = bare or [("the container", "cpu", None)]
        container, resource, evidence = names[0]
        return blame(
            case.ref,
            f"autoscaler {case.where} cannot scale {target.kind} {target.name}: "
            f"container {container} has no {resource} request",
            strength=0.95 if bare else GOOD,
            because=[evidence, *cited],
            explains=[target],
            since=case.since,
            critical=False,
            advice=(
                f"Set a {resource} request on every container of {target.kind} "
                f"{target.name}; use is measured against it.",
            ),
        )
    whole = look.snapshot.pod_usage is None or _all_inactive(look)
    where = "the metrics API gives none" if whole else "none come for its pods"
    return blame(
        case.ref,
        f"autoscaler {case.where} cannot scale {target.kind} {target.name}: {where} ({quoted(active.message, 120)})",
        strength=GOOD if event or active.reason.startswith("FailedGet") else LIKELY,
        because=cited,
        explains=[target],
        upstream=[target],
        since=case.since,
        critical=False,
        advice="Bring back what serves the metric (metrics-server or the adapter), and check its APIService.",
    )


def _all_inactive(look: Look) -> bool:
    """Whether no autoscaler of the cluster gets metrics, which points at the metrics API and not at a target."""
    states = [condition(h.status.conditions, "ScalingActive") for h in look.snapshot.of("HorizontalPodAutoscaler")]
    return len(states) > 1 and all(s is not None and s.false for s in states)


def _unrequested(hpa: object, target: Ref, look: Look) -> list[tuple[str, str, Evidence | None]]:
    """Containers of the target that lack a request for a resource that the autoscaler measures against requests."""
    workload = look.snapshot.find(target)
    spec = look.template(workload) if workload is not None else None
    if spec is None:
        return []
    found: list[tuple[str, str, Evidence | None]] = []
    for container, resource in unmeasurable(hpa, look):
        pointer = container_pointer(spec, container, "/resources", root="/spec/template/spec")
        text = f"Container {container} of {target} has no {resource} request"
        found.append((container, resource, look.at(workload, pointer, text)))
    return found


@detector("hpa_maxed_or_target_missing", symptom=autoscaler_inactive)
def hpa_target_missing(case: Case, look: Look) -> Finding | None:
    """The autoscaler's target does not exist."""
    target = case.subject.spec.scale_target_ref
    gone = look.absent(target.kind, case.ref.namespace, target.name)
    able = condition(case.subject.status.conditions, "AbleToScale")
    refused = able is not None and able.false and able.reason == "FailedGetScale"
    known = look.snapshot.get(target.kind, case.ref.namespace, target.name) is not None
    if gone is None and not (refused and not known):
        return None
    return blame(
        case.ref,
        f"autoscaler {case.where} scales nothing: {target.kind} {target.name} does not exist",
        strength=DECISIVE,
        because=[
            look.at(case.subject, "/spec/scaleTargetRef"),
            gone,
            look.at(case.subject, condition_pointer(case.subject, "AbleToScale", "/message")) if refused else None,
        ],
        since=case.since,
        critical=False,
    )


@detector("hpa_maxed_or_target_missing", symptom=autoscaler_maxed)
def hpa_maxed(case: Case, look: Look) -> Finding | None:
    """The autoscaler may add no further replica, and its metric is still above the target."""
    hpa = case.subject
    return blame(
        case.ref,
        f"autoscaler {case.where} is at its maximum of {hpa.spec.max_replicas} replicas and still {case.text}",
        strength=GOOD,
        because=[
            look.at(hpa, "/spec/maxReplicas"),
            look.at(hpa, "/status/currentMetrics"),
            look.at(hpa, condition_pointer(hpa, "ScalingLimited")),
        ],
        explains=[Ref(hpa.spec.scale_target_ref.kind, case.ref.namespace, hpa.spec.scale_target_ref.name)],
        since=case.since,
        critical=False,
    )
