"""Live symptoms of everything that is not a pod: controllers, claims, Services, Ingresses, nodes, deletions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from chalicelib.rootcause import logs
from chalicelib.rootcause.case import Case, SymptomType
from chalicelib.rootcause.look import Look
from chalicelib.rootcause.traffic import about, endpoints, routes, services
from chalicelib.state.kinds.cluster import PRESSURES
from chalicelib.state.kinds.workloads import rollout_strategy_contradicts
from chalicelib.state.meta import Condition, Object, Ref, condition

pods_not_created = SymptomType("pods_not_created")
rollout_stalled = SymptomType("rollout_stalled")
scaled_to_zero = SymptomType("scaled_to_zero")
job_failed = SymptomType("job_failed")
cronjob_idle = SymptomType("cronjob_idle")
autoscaler_inactive = SymptomType("autoscaler_inactive")
autoscaler_maxed = SymptomType("autoscaler_maxed")
drain_blocked = SymptomType("drain_blocked")
deletion_stuck = SymptomType("deletion_stuck")
claim_pending = SymptomType("claim_pending")
node_not_ready = SymptomType("node_not_ready")
node_pressured = SymptomType("node_pressured")
access_refused = SymptomType("access_refused")
webhook_down = SymptomType("webhook_down")

CREATE_GRACE = timedelta(seconds=15)
DELETION_GRACE = timedelta(minutes=2)
CLAIM_GRACE = timedelta(seconds=20)
VERDICT_GRACE = timedelta(seconds=30)
JOB_FAILURE_LIFE = timedelta(days=3)
FIRST_METRICS = timedelta(seconds=90)
"""Until metrics-server has scraped new pods twice (every 15 s by default, 60 s in many clusters)."""

_INTENT = re.compile(
    r"scal(?:e|ed|ing|er)\b|down.?time|up.?time|hibernat|sleep|office.?hours|on.?purpose|intention|parked|maintenance|"
    r"deprecat|decommission|disabled.?(?:by|because|until)|suspended.?(?:by|because|until)|schedule|weekend|overnight|on.?demand|standby",
    re.I,
)
_INTENT_KEY = re.compile(r"suspen|paus|disabl|reason|replicas", re.I)
"""What only a key may say: in a value these words may stand for anything."""
_SYSTEM_ANNOTATION = re.compile(
    r"^(?:deployment\.kubernetes\.io/|kubectl\.kubernetes\.io/|autoscaling\.alpha|meta\.helm\.sh/|field\.cattle\.io/|batch\.kubernetes\.io/)"
)


def object_cases(look: Look) -> Iterator[Case]:
    """Cases of all kinds but Pod, in a fixed order."""
    yield from _uncreated(look)
    yield from _deployments(look)
    yield from _parked(look)
    yield from _batch(look)
    yield from _guards(look)
    yield from _deletions(look)
    yield from _claims(look)
    yield from services(look)
    yield from routes(look)
    yield from _nodes(look)
    yield from _refusals(look)


# Controllers


def intended(obj: Object) -> str | None:
    """The annotation or label that says somebody meant this, as `key: value`; None without one."""
    for key, value in sorted({**obj.metadata.labels, **obj.metadata.annotations}.items()):
        if not _SYSTEM_ANNOTATION.match(key) and (
            _INTENT.search(key) or _INTENT_KEY.search(key) or _INTENT.search(value[:300])
        ):
            return f"{key}: {logs.quoted(value, 80)}"
    return None


def _uncreated(look: Look) -> Iterator[Case]:
    """Controllers that have fewer pods than they want, because pods are not created."""
    for sets in look.snapshot.of("ReplicaSet"):
        short = sets.spec.replicas - sets.status.replicas
        if short <= 0 or sets.metadata.deletion_timestamp:
            continue
        failure = condition(sets.status.conditions, "ReplicaFailure")
        if (failure and failure.true) or look.age(sets.metadata.creation_timestamp) > CREATE_GRACE:
            owner = look.owner(look.world.ref_of(sets))
            text = f"{short} of {sets.spec.replicas} pods are not created"
            since = failure.last_transition_time if failure else sets.metadata.creation_timestamp
            yield about(pods_not_created, sets, look, text, resource=owner, since=since)
    yield from _uncreated_by_deployment(look)
    for sts in look.snapshot.of("StatefulSet"):
        pods = look.world.pods_of(look.world.ref_of(sts))
        if (
            look.snapshot.was_read("Pod", sts.metadata.namespace)
            and len(pods) < sts.spec.replicas
            and all(p.ready for p in pods)
            and look.age(sts.metadata.creation_timestamp) > CREATE_GRACE
        ):
            yield about(
                pods_not_created,
                sts,
                look,
                f"{sts.spec.replicas - len(pods)} of {sts.spec.replicas} pods are not created",
            )
    for daemons in look.snapshot.of("DaemonSet"):
        short = daemons.status.desired_number_scheduled - daemons.status.current_number_scheduled
        if short > 0 and look.events(look.world.ref_of(daemons), "FailedCreate"):
            yield about(
                pods_not_created,
                daemons,
                look,
                f"{short} of {daemons.status.desired_number_scheduled} pods are not created",
            )
    for job in look.snapshot.of("Job"):
        done = any(c.true and c.type in ("Complete", "Failed") for c in job.status.conditions)
        if not done and not job.spec.suspend and not job.status.active and not job.status.succeeded:
            ref = look.world.ref_of(job)
            if look.events(ref, "FailedCreate") and not look.world.pods_of(ref):
                yield about(pods_not_created, job, look, "no pod is created")


def _uncreated_by_deployment(look: Look) -> Iterator[Case]:
    """Where ReplicaSets were not read, a Deployment still tells that its pods are refused."""
    if look.snapshot.was_read("ReplicaSet"):
        return
    for deployment in look.snapshot.of("Deployment"):
        failure = condition(deployment.status.conditions, "ReplicaFailure")
        if failure and failure.true:
            yield about(pods_not_created, deployment, look, "pods are not created", since=failure.last_transition_time)


def _deployments(look: Look) -> Iterator[Case]:
    for deployment in look.snapshot.of("Deployment"):
        if deployment.spec.replicas == 0:
            continue
        progressing = condition(deployment.status.conditions, "Progressing")
        behind = deployment.status.updated_replicas < deployment.spec.replicas
        if progressing and progressing.false:
            yield about(
                rollout_stalled,
                deployment,
                look,
                f"{progressing.reason}: {progressing.message}",
                since=progressing.last_transition_time,
            )
        elif behind and (deployment.spec.paused or rollout_strategy_contradicts(deployment.spec.strategy)):
            yield about(rollout_stalled, deployment, look, "the new revision is not rolled out")


def _parked(look: Look) -> Iterator[Case]:
    """Workloads at zero replicas that were once meant to run, and that something still depends on."""
    for kind in ("Deployment", "StatefulSet"):
        for workload in look.snapshot.of(kind):
            if workload.spec.replicas != 0 or intended(workload):
                continue
            ref = look.world.ref_of(workload)
            needs = dependents(ref, look)
            if needs and _once_ran(workload, needs, look) and (_wanted(needs, look) or not _standby(workload, look)):
                yield about(scaled_to_zero, workload, look, "scaled to zero while something depends on it")


def _once_ran(workload: Any, needs: list[Ref], look: Look) -> bool:
    """Whether it was meant to run: changed after its creation, seen being scaled down, called, or behind a route."""
    if workload.metadata.generation != 1 or _wanted(needs, look):
        return True
    return look.saying([look.world.ref_of(workload)], "to 0", reasons=("ScalingReplicaSet",)) is not None


def _wanted(needs: list[Ref], look: Look) -> bool:
    """Whether users or callers come: an Ingress leads there, or somebody's calls fail."""
    return any(r.kind == "Ingress" or look.callers(r) for r in needs)


def _standby(workload: Any, look: Look) -> bool:
    """Whether a twin serves: a running workload whose labels differ in one value only (blue and green, two slots)."""
    labels = workload.spec.template.metadata.labels
    for other in look.workloads_in.get(workload.metadata.namespace, ()):
        theirs = other.spec.template.metadata.labels
        differing = [key for key in labels if theirs.get(key) != labels[key]]
        if (
            len(labels) > 1
            and theirs.keys() == labels.keys()
            and len(differing) == 1
            and getattr(other.spec, "replicas", 0)
        ):
            return True
    return False


def dependents(workload: Ref, look: Look) -> list[Ref]:
    """What needs a workload to run: Services only it stands behind, routes and webhooks to them, callers."""
    found = [edge.source for edge in look.graph.into(workload, "scales")]
    for service in look.services_of(workload):
        ref = look.world.ref_of(service)
        if look.selected(service) or any(w.spec.replicas for w in look.backing(service) if hasattr(w.spec, "replicas")):
            continue
        found.append(ref)
        found.extend(e.source for e in look.graph.into(ref) if e.relation in ("routes_to", "calls"))
        found.extend(look.callers(ref))
    return sorted(set(found) - {workload})


def _batch(look: Look) -> Iterator[Case]:
    for job in look.snapshot.of("Job"):
        failed = lasting_failure(job, look)
        if failed is not None:
            text = f"{failed.reason}: {failed.message}"
            yield about(job_failed, job, look, text, since=failed.last_transition_time)
    for cron in look.snapshot.of("CronJob"):
        if cron.metadata.deletion_timestamp is None:
            text = idle_reason(cron, look)
            if text:
                yield about(cronjob_idle, cron, look, text)


def lasting_failure(job: Any, look: Look) -> Condition | None:
    """The Failed condition of a Job, unless it is days old or its CronJob has succeeded since."""
    failed = condition(job.status.conditions, "Failed")
    if failed is None or not failed.true or look.age(failed.last_transition_time) > JOB_FAILURE_LIFE:
        return None
    owner = job.metadata.controller
    cron = look.snapshot.get("CronJob", job.metadata.namespace, owner.name) if owner else None
    success = cron.status.last_successful_time if cron is not None else None
    for sibling in look.graph.out(look.world.ref_of(cron), "owns") if cron is not None else ():
        other = look.snapshot.find(sibling.target) if sibling.target.kind == "Job" else None
        done = other.status.completion_time if other is not None else None
        success = max(success, done) if success and done else success or done
    later = success and failed.last_transition_time and success > failed.last_transition_time
    return None if later else failed


def idle_reason(cron: Any, look: Look) -> str:
    """Why a CronJob will not run although it seems to be meant to; empty when it runs or was parked on purpose."""
    if cron.spec.suspend:
        return "" if cron.metadata.generation == 1 or intended(cron) else "suspended after it was in use"
    ref = look.world.ref_of(cron)
    if look.events(ref, "UnparseableSchedule", "UnknownTimeZone", "TooManyMissedTimes", "FailedNeedsStart"):
        return "the controller cannot schedule it"
    deadline = cron.spec.starting_deadline_seconds
    if deadline is not None and deadline < SYNC_S and look.events(ref, "MissSchedule"):
        return f"its starting deadline of {deadline} s is shorter than the controller's interval"
    return "its schedule never comes" if never_fires(cron.spec.schedule) else ""


SYNC_S = 10
"""How often the CronJob controller looks; a shorter deadline is always missed (documentation of the field)."""
_MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FIELD_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_NAMES = {
    n: str(i)
    for i, n in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
} | {n: str(i) for i, n in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}


def never_fires(schedule: str) -> bool:
    """Whether a cron expression is invalid or names a day that no month has (31 February)."""
    text = re.sub(r"^(?:CRON_TZ|TZ)=\S+\s+", "", schedule.strip())
    if text.startswith("@"):
        return not re.match(r"@(?:yearly|annually|monthly|weekly|daily|midnight|hourly|every \S+)$", text)
    fields = text.lower().split()
    if len(fields) != 5:
        return True
    values = [_cron_values(field, *bounds) for field, bounds in zip(fields, _FIELD_RANGES, strict=True)]
    if any(not v for v in values):
        return True
    if fields[4] not in ("*", "?"):
        return False
    return not any(day <= _MONTH_DAYS[month - 1] for month in values[3] for day in values[2])


def _cron_values(field: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if step and (not step.isdigit() or int(step) == 0):
            return set()
        first, dash, last = span.partition("-")
        first, last = _NAMES.get(first, first), _NAMES.get(last, last)
        if span in ("*", "?"):
            start, end = low, high
        elif first.isdigit() and (not dash or last.isdigit()):
            start = int(first)
            end = int(last) if dash else (high if step else start)
        else:
            return set()
        if start < low or end > high or start > end:
            return set()
        found.update(range(start, end + 1, int(step) if step else 1))
    return found


def unmeasurable(hpa: Any, look: Look) -> list[tuple[str, str]]:
    """(container, resource) of the target without the request that an autoscaler measures utilization against."""
    target = hpa.spec.scale_target_ref
    workload = look.snapshot.find(Ref(target.kind, hpa.metadata.namespace, target.name))
    spec = look.template(workload) if workload is not None else None
    if spec is None:
        return []
    found: list[tuple[str, str]] = []
    for metric in hpa.spec.metrics:
        source = metric.resource or metric.container_resource
        if source is None or source.target.average_utilization is None:
            continue
        for container in spec.containers:
            asked = {**container.resources.requests, **container.resources.limits}
            if source.container in ("", None, container.name) and source.name not in asked:
                found.append((container.name, source.name))
    return found


def _first_metrics_due(hpa: Any, found: Condition, look: Look) -> bool:
    """Whether an autoscaler waits for the first metrics of new pods, as it does after every quick rollout."""
    if unmeasurable(hpa, look):
        return False
    measured = found.reason.startswith("FailedGet") and found.reason.endswith("Metric")
    lately = found.last_transition_time is not None and look.age(found.last_transition_time) < FIRST_METRICS
    return measured and lately and "missing request" not in found.message


OVERLOADED = 1.2
"""How far above its target a metric has to be for an autoscaler at its maximum to be a symptom."""


def _above_target(hpa: Any) -> str:
    """The resource metric that is well above its target, in words; empty when there is none."""
    targets = {m.resource.name: m.resource.target.average_utilization for m in hpa.spec.metrics if m.resource}
    for metric in hpa.status.current_metrics or ():
        now = metric.resource.current.average_utilization if metric.resource else None
        wanted = targets.get(metric.resource.name) if metric.resource else None
        if now and wanted and now > wanted * OVERLOADED:
            return f"uses {now} % of its {metric.resource.name} requests (target {wanted} %)"
    return ""


def _guards(look: Look) -> Iterator[Case]:
    for hpa in look.snapshot.of("HorizontalPodAutoscaler"):
        limited = condition(hpa.status.conditions, "ScalingLimited")
        above = _above_target(hpa) if limited and limited.true and limited.reason == "TooManyReplicas" else ""
        if above and limited is not None and hpa.status.current_replicas >= hpa.spec.max_replicas:
            yield about(autoscaler_maxed, hpa, look, above, since=limited.last_transition_time)
        for type_ in ("AbleToScale", "ScalingActive"):
            found = condition(hpa.status.conditions, type_)
            if (
                found
                and found.false
                and found.reason not in ("ScalingDisabled", "BackoffBoth", "BackoffDownscale", "BackoffUpscale")
                and not _first_metrics_due(hpa, found, look)
            ):
                yield about(
                    autoscaler_inactive, hpa, look, f"{found.reason}: {found.message}", since=found.last_transition_time
                )
                break
    cordoned = {n.metadata.name for n in look.snapshot.of("Node") if n.spec.unschedulable}
    for pdb in look.snapshot.of("PodDisruptionBudget"):
        if not cordoned or pdb.status.disruptions_allowed > 0 or pdb.spec.selector is None:
            continue
        pods = look.world.pods_selected_by(pdb.metadata.namespace, pdb.spec.selector)
        held = sorted({p.spec.node_name for p in pods if p.spec.node_name in cordoned and not p.finished})
        if held:
            yield about(drain_blocked, pdb, look, f"no disruption allowed while {', '.join(held)} is being drained")
    for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
        for configuration in look.snapshot.of(kind):
            if closed_hook(configuration, look) is not None:
                yield about(webhook_down, configuration, look, "a webhook that fails closed has no backend")


def closed_hook(configuration: Any, look: Look) -> int | None:
    """Index of the first webhook that fails closed and whose Service has no ready endpoint or does not exist."""
    for index, hook in enumerate(configuration.webhooks):
        target = hook.client_config.service
        if not target or hook.failure_policy != "Fail" or not any(_served(r.api_groups, look) for r in hook.rules):
            continue
        if look.missing("Service", target.namespace, target.name):
            return index
        service = look.snapshot.get("Service", target.namespace, target.name)
        counts = endpoints(service, look) if service is not None and service.spec.selector else None
        if counts is not None and counts[0] == 0:
            return index
    return None


def _served(groups: list[str], look: Look) -> bool:
    """Whether the API server knows one of these groups: built-in (no dot, or of k8s.io), or given by a CRD."""
    if not look.snapshot.was_read("CustomResourceDefinition"):
        return True
    known = {c.spec.group for c in look.snapshot.of("CustomResourceDefinition")}
    known |= {resource.group for resource in look.snapshot.discovered}
    return any(group in known or "." not in group or group.endswith(".k8s.io") for group in groups)


# Deletions


def _deletions(look: Look) -> Iterator[Case]:
    gone = {n.metadata.name for n in look.snapshot.of("Namespace") if n.metadata.deletion_timestamp}
    for kind, objects in sorted(look.snapshot.objects.items()):
        if kind in ("Pod", "Event", "Lease"):
            continue
        for obj in objects:
            moment = obj.metadata.deletion_timestamp
            if moment is None or look.age(moment) < _deletion_grace(kind, obj) or obj.metadata.namespace in gone:
                continue
            ref = Ref(kind, obj.metadata.namespace, obj.metadata.name)
            if obj.metadata.finalizers or kind == "Namespace":
                yield Case(deletion_stuck, ref, obj, ref, "being deleted and not gone", (ref,), moment)


def _deletion_grace(kind: str, obj: Any) -> timedelta:
    """A namespace whose controller has already named finalizers in the way needs no longer wait."""
    told = kind == "Namespace" and condition(obj.status.conditions, "NamespaceFinalizersRemaining")
    return VERDICT_GRACE if told and told.true else DELETION_GRACE


# Storage


def _claims(look: Look) -> Iterator[Case]:
    for claim in look.snapshot.of("PersistentVolumeClaim"):
        if claim.status.phase not in ("Pending", "") or claim.metadata.deletion_timestamp:
            continue
        if look.age(claim.metadata.creation_timestamp) < CLAIM_GRACE or look.world.waits_for_first_consumer(claim):
            continue
        yield about(claim_pending, claim, look, "Pending: no volume", since=claim.metadata.creation_timestamp)


# Nodes and access


def _nodes(look: Look) -> Iterator[Case]:
    for node in look.snapshot.of("Node"):
        ready = condition(node.status.conditions, "Ready")
        if not ready or not ready.true:
            if look.age(node.metadata.creation_timestamp) > timedelta(minutes=2):
                text = f"{ready.reason}: {ready.message}" if ready else "no Ready condition"
                yield about(node_not_ready, node, look, text, since=ready.last_transition_time if ready else None)
            continue
        for type_ in PRESSURES:
            found = condition(node.status.conditions, type_)
            if found and found.true:
                yield about(node_pressured, node, look, type_, since=found.last_transition_time)


def _refusals(look: Look) -> Iterator[Case]:
    """Workloads whose logs say that the API server refuses their ServiceAccount something."""
    seen: set[Ref] = set()
    for sample in look.samples:
        pod = look.snapshot.find(sample.pod)
        if sample.owner not in seen and any("is forbidden: User" in line.text for line in sample.lines):
            seen.add(sample.owner)
            yield Case(
                access_refused,
                sample.owner,
                pod,
                sample.pod,
                "the API server refuses its requests",
                (sample.pod,),
                container=sample.container,
                workload=look.workload(sample.owner),
            )
