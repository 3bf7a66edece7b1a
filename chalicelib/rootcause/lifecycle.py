"""Workloads that do not get where they should: updates that never come, jobs that never end, absent scalers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from chalicelib.rootcause.case import DECISIVE, GOOD, LIKELY, STRONG, WEAK, Case, Finding, SymptomType, blame
from chalicelib.rootcause.look import Look, condition_pointer, status_pointer
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.sightings import autoscaler_inactive, intended, pods_not_created
from chalicelib.rootcause.traffic import about
from chalicelib.state.meta import Ref, condition

update_withheld = SymptomType("update_withheld")
job_hangs = SymptomType("job_hangs")
replicas_differ = SymptomType("replicas_differ")
scaled_object_ignored = SymptomType("scaled_object_ignored")

HANGS_AFTER = timedelta(minutes=10)
ACTS_WITHIN = timedelta(minutes=2)
"""How long a controller may take to act on what it was told."""


def unfinished(look: Look) -> Iterator[Case]:
    """Live symptoms of this module."""
    for sts in look.snapshot.of("StatefulSet"):
        status, strategy = sts.status, sts.spec.update_strategy
        behind = bool(status.update_revision) and status.update_revision != status.current_revision
        held = strategy.type == "OnDelete" or _partition(sts) > 0
        if behind and held and status.updated_replicas < sts.spec.replicas and not _managed(sts, look):
            yield about(update_withheld, sts, look, "a new revision is not rolled out")
    yield from _hanging_jobs(look)
    yield from _differing(look)
    for scaled in look.snapshot.of("ScaledObject"):
        if not scaled.status.conditions and look.age(scaled.metadata.creation_timestamp) > ACTS_WITHIN:
            ref = Ref("ScaledObject", scaled.metadata.namespace, scaled.metadata.name)
            yield Case(scaled_object_ignored, ref, scaled, ref, "nothing acts on it", (ref,))


def _managed(obj: Any, look: Look) -> bool:
    """Whether an operator owns it or somebody says that it is meant so."""
    return bool(obj.metadata.owner_references) or intended(obj) is not None


def _partition(sts: Any) -> int:
    rolling = sts.spec.update_strategy.rolling_update
    return int(rolling.partition or 0) if rolling is not None else 0


@detector("statefulset_update_strategy_wrong", symptom=update_withheld)
def statefulset_update_strategy_wrong(case: Case, look: Look) -> Finding | None:
    """The template was changed, and OnDelete, or a partition above all pods, keeps the old pods."""
    sts = case.subject
    held = "OnDelete" if sts.spec.update_strategy.type == "OnDelete" else f"partition {_partition(sts)}"
    return blame(
        case.ref,
        f"StatefulSet {case.where} keeps its old pods: its update strategy ({held}) does not roll out revision "
        f"{sts.status.update_revision}",
        strength=LIKELY if 0 < _partition(sts) < sts.spec.replicas else STRONG,
        because=[
            look.at(sts, "/spec/updateStrategy"),
            look.at(sts, "/status/updateRevision"),
            look.at(sts, "/status/currentRevision"),
        ],
        strategy=held,
        critical=False,
    )


# Jobs


def _hanging_jobs(look: Look) -> Iterator[Case]:
    for job in look.snapshot.of("Job"):
        if not job.status.active or any(c.true and c.type in ("Complete", "Failed") for c in job.status.conditions):
            continue
        for pod in look.world.pods_of(look.world.ref_of(job)):
            ends = [(s.name, s.state.terminated) for s in pod.status.container_statuses if s.state.terminated]
            going = [s for s in pod.status.container_statuses if s.state.running]
            ended = max((end.finished_at for _, end in ends if end.finished_at), default=None)
            well = all(end.exit_code == 0 for _, end in ends)
            if going and well and ended and look.age(ended) > HANGS_AFTER:
                text = f"{going[0].name} runs on after {ends[0][0]} has ended"
                ref = look.world.ref_of(pod)
                yield Case(job_hangs, _cron_job(job, look), pod, ref, text, (ref,), ended, going[0].name, job)
                break


def _cron_job(job: Any, look: Look) -> Ref:
    ref = look.world.ref_of(job)
    return next((e.source for e in look.graph.into(ref, "owns") if e.source.kind == "CronJob"), ref)


@detector("cronjob_never_completes", symptom=job_hangs)
def cronjob_never_completes(case: Case, look: Look) -> Finding | None:
    """The work is done and a sidecar keeps the pod alive, so the Job never completes and the next run waits."""
    done = next(s for s in case.pod.status.container_statuses if s.state.terminated)
    event = next(iter(look.events(case.resource, "JobAlreadyActive")), None)
    return blame(
        case.resource,
        f"{case.resource.kind} {case.where} does not complete: container {done.name} has ended, and container "
        f"{case.container} beside it runs on",
        strength=DECISIVE,
        because=[
            look.at(case.pod, status_pointer(case.pod, done.name, "/state/terminated")),
            look.at(case.pod, status_pointer(case.pod, case.container, "/state/running")),
            look.event(event),
        ],
        container=case.container,
        since=case.since,
        critical=False,
    )


# Replicas


def _differing(look: Look) -> Iterator[Case]:
    """Deployments whose controller does not act: a newer generation unobserved, or fewer replicas asked than wanted."""
    if not look.snapshot.was_read("ReplicaSet"):
        return
    for deployment in look.snapshot.of("Deployment"):
        if deployment.spec.paused or deployment.metadata.deletion_timestamp:
            continue
        meta, status = deployment.metadata, deployment.status
        sets = look.world.replica_sets_of(deployment)
        asked = sum(s.spec.replicas for s in sets)
        unseen = 0 < status.observed_generation < meta.generation
        short = bool(sets) and asked < deployment.spec.replicas and not _being_rolled(deployment)
        if (unseen and short) or (short and look.age(sets[0].metadata.creation_timestamp) > ACTS_WITHIN):
            text = f"{deployment.spec.replicas} replicas are wanted, and {asked} are asked of its ReplicaSets"
            yield about(replicas_differ, deployment, look, text)


def _being_rolled(deployment: Any) -> bool:
    progressing = condition(deployment.status.conditions, "Progressing")
    return progressing is not None and progressing.true and progressing.reason == "ReplicaSetUpdated"


@detector("replicas_mismatch", symptom=replicas_differ)
def replicas_mismatch(case: Case, look: Look) -> Finding | None:
    """The Deployment controller does not act on the replicas that are wanted."""
    deployment = case.subject
    unseen = deployment.status.observed_generation < deployment.metadata.generation
    return blame(
        case.ref,
        f"Deployment {case.where}: {case.text}{'; its controller has not seen the last change' if unseen else ''}",
        strength=STRONG if unseen else GOOD,
        because=[
            look.at(deployment, "/spec/replicas"),
            look.at(deployment, "/status/observedGeneration") if unseen else None,
            look.at(deployment, "/status/replicas"),
        ],
        missing=() if unseen else ("state of the controller manager",),
        critical=deployment.status.ready_replicas == 0,
    )


@detector("replicas_mismatch", symptom=pods_not_created)
def next_replica_not_created(case: Case, look: Look) -> Finding | None:
    """A StatefulSet's pods are all ready and the next one is not made; nothing says that it was refused."""
    if case.ref.kind != "StatefulSet" or look.events(case.ref, "FailedCreate"):
        return None
    sts = case.subject
    unseen = 0 < sts.status.observed_generation < sts.metadata.generation
    return blame(
        case.ref,
        f"StatefulSet {case.where}: {case.text}, and nothing refuses them: its controller does not act",
        strength=STRONG if unseen else LIKELY if look.snapshot.was_read("Event") else WEAK,
        because=[look.at(sts, "/spec/replicas"), look.at(sts, "/status/replicas")],
        missing=("state of the controller manager",),
        critical=False,
    )


# KEDA


@detector("keda_absent", symptom=scaled_object_ignored)
def keda_absent(case: Case, look: Look) -> Finding | None:
    """A ScaledObject exists and nothing has ever acted on it: no condition, no autoscaler made for it."""
    made = [h for h in look.snapshot.of("HorizontalPodAutoscaler") if _owned_by(h, case.ref)]
    if made:
        return None
    return blame(
        case.ref,
        f"ScaledObject {case.where} has no effect: no operator acts on it",
        strength=STRONG if look.snapshot.was_read("HorizontalPodAutoscaler") else LIKELY,
        because=[look.at(case.subject, "/metadata/creationTimestamp", ref=case.ref)],
        critical=False,
    )


def _owned_by(hpa: Any, ref: Ref) -> bool:
    return any(o.kind == ref.kind and o.name == ref.name for o in hpa.metadata.owner_references)


_EXTERNAL = re.compile(r"external metric|external\.metrics\.k8s\.io", re.I)


@detector("keda_absent", symptom=autoscaler_inactive)
def external_metrics_absent(case: Case, look: Look) -> Finding | None:
    """An autoscaler made by KEDA gets no external metric, because nothing serves that API."""
    active = condition(case.subject.status.conditions, "ScalingActive")
    owner = case.subject.metadata.controller
    made = owner is not None and owner.kind == "ScaledObject"
    if active is None or not active.false or not made or not _EXTERNAL.search(active.message[:2000]):
        return None
    return blame(
        case.ref,
        f"autoscaler {case.where} belongs to a ScaledObject, and nothing serves external metrics: KEDA does not run",
        strength=STRONG,
        because=[
            look.at(case.subject, condition_pointer(case.subject, "ScalingActive", "/message")),
            look.at(case.subject, "/metadata/ownerReferences"),
        ],
        since=case.since,
        critical=False,
    )
