"""Configuration that is complete and wrong: a variable that is set twice, and what a change brought."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from chalicelib.rootcause.admission import full_of_services
from chalicelib.rootcause.case import DECISIVE, GOOD, LIKELY, STRONG, WEAK, Case, Finding, SymptomType, blame
from chalicelib.rootcause.complaining import calls_failing, errors_logged
from chalicelib.rootcause.configuration import references as configuration_of
from chalicelib.rootcause.dependencies import LOOPBACK
from chalicelib.rootcause.logs import Line, quoted
from chalicelib.rootcause.look import Look, container_pointer
from chalicelib.rootcause.references import addresses, hidden, identity, references, shadowed
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.symptoms import container_crashing, pod_not_ready
from chalicelib.state.evidence import Evidence
from chalicelib.state.meta import Ref

service_refused = SymptomType("service_refused")

SHORTEST = 4
"""Values shorter than this are found in any log."""
LAST = 120
CALLS = (container_crashing, pod_not_ready, calls_failing, errors_logged)


# A variable that is set twice


@detector("env_shadowed", symptom=CALLS)
def env_shadowed(case: Case, look: Look) -> Finding | None:
    """A variable is set twice, the last value wins, and the log shows that value or speaks of the variable."""
    words = look.words(case.ref, case.container, running=case.type in (calls_failing, errors_logged))
    lines = words[0][-LAST:] if words else []
    twice = [(name, own, [case.spec.env[i].value for i in own]) for name, own in shadowed(case.spec)]
    over = hidden(case.spec, case.pod.metadata.namespace, look)
    twice += [(name, [index], [value, case.spec.env[index].value]) for name, index, value in over]
    for name, own, values in twice:
        value = values[-1]
        hosts = [h for h, _ in addresses(name, value)]
        spoken = next((x for x in reversed(lines) if _speaks(x, name, value, hosts)), None)
        better = _means_more(name, values, case, look)
        leads_nowhere = any(_means_nothing(host, case, look) for host in hosts)
        if (spoken is None and not better) or (len(own) == 1 and not better and not leads_nowhere):
            continue
        return blame(
            case.resource,
            f"{case.where} gets the wrong value of {name}: container {case.container} is given it {len(values)} times, "
            "and the last one wins",
            strength=DECISIVE if better and spoken else STRONG if spoken else WEAK,
            because=[
                *(look.at(case.pod, container_pointer(case.pod.spec, case.container, f"/env/{i}/name")) for i in own),
                look.lines(case.ref, case.container, [spoken], quoted(spoken.text), previous=bool(words and words[1]))
                if spoken
                else None,
            ],
            variable=name,
            container=case.container,
            since=case.since,
        )
    return None


def _means_nothing(host: str, case: Case, look: Look) -> bool:
    """Whether a host is the pod itself, or a Service name that does not exist."""
    ref = look.service_named(host, case.pod.metadata.namespace)
    return host in LOOPBACK or (ref is not None and look.missing(*ref))


def _speaks(line: Line, name: str, value: str, hosts: list[str]) -> bool:
    told = [name, *hosts, *([value] if len(value) >= SHORTEST else [])]
    return any(one in line.text for one in told if len(one) >= SHORTEST)


def _means_more(name: str, values: list[str], case: Case, look: Look) -> bool:
    """Whether an earlier value names a Service that exists, and the last one names none."""
    known = [
        any(
            (ref := look.service_named(host, case.pod.metadata.namespace)) is not None
            and look.snapshot.find(ref) is not None
            for host, _ in addresses(name, value)
        )
        for value in values
    ]
    return any(known[:-1]) and not known[-1]


# What a change brought


def template_changes(case: Case, look: Look) -> list[tuple[str, str]]:
    """(what, name) that differ between the last two revisions of a workload, in one container; not its image."""
    before = look.previous_template(case.workload)
    old = next((c for c in before.containers if c.name == case.container), None) if before else None
    if old is None or old.image != case.spec.image:
        return []
    found: list[tuple[str, str]] = []
    was, now = {e.name: identity(e) for e in old.env}, {e.name: identity(e) for e in case.spec.env}
    found += [("variable", n) for n in sorted(was.keys() | now.keys()) if was.get(n) != now.get(n)]
    for field in ("command", "args", "env_from"):
        if getattr(old, field) != getattr(case.spec, field):
            found.append((field.replace("_", ""), ""))
    return found


@detector("config_drift_after_deploy", symptom=(container_crashing, pod_not_ready))
def config_drift(case: Case, look: Look) -> Finding | None:
    """The new revision fails, and it differs from the old one, which worked, only in its settings."""
    if case.workload is None or look.world.ref_of(case.workload).kind != "Deployment":
        return None
    changes = template_changes(case, look)
    sets = look.world.replica_sets_of(case.workload)
    if not changes or case.pod.metadata.labels.get("pod-template-hash", "-") not in sets[0].metadata.name:
        return None
    words = look.last_words(case.ref, case.container)
    names = [n for what, n in changes if what == "variable"]
    said = next((x for x in reversed(words[0][-LAST:]) if any(n in x.text for n in names)), None) if words else None
    what = ", ".join(f"{what} {name}".strip() for what, name in changes[:3])
    return blame(
        case.resource,
        f"{case.where} fails since revision {sets[0].revision}, which changed {what}",
        strength=GOOD if said else LIKELY if words else WEAK,
        because=[
            look.at(sets[0], "/metadata/creationTimestamp"),
            look.at(case.pod, container_pointer(case.pod.spec, case.container, "/name"), f"Changed: {what}"),
            look.lines(case.ref, case.container, [said], quoted(said.text), previous=bool(words and words[1]))
            if said
            else None,
        ],
        chain=(
            f"revision {sets[0].revision} changed {what}",
            f"its pods fail, those of revision {sets[1].revision} ran",
        ),
        revision=sets[1].revision,
        since=sets[0].metadata.creation_timestamp,
        missing=() if words else ("log of the previous container",),
    )


@detector("config_drift_after_deploy", symptom=CALLS)
def configuration_changed(case: Case, look: Look) -> Finding | None:
    """A ConfigMap that the workload reads was changed since the previous snapshot."""
    for one in configuration_of(case.pod.spec, ""):
        ref = Ref(one.kind, case.pod.metadata.namespace, one.name)
        change = look.changes.get(ref) if one.kind == "ConfigMap" else None
        found = look.snapshot.find(ref)
        if change is None or change.what != "changed" or found is None:
            continue
        keys = ", ".join(f.pointer.removeprefix("/data/") for f in change.fields if f.pointer.startswith("/data"))
        return blame(
            case.resource,
            f"{case.where} fails since ConfigMap {one.name} was changed ({quoted(keys, 100) or 'its keys'})",
            strength=GOOD,
            because=[look.at(found, "/metadata/resourceVersion"), look.at(case.pod, one.pointer)],
            chain=(f"{ref} was changed", f"{case.where} reads it", case.text),
            since=change.at,
        )
    return None


# A Service that its quota refuses


def refused_services(look: Look) -> Iterator[Case]:
    """Namespaces whose quota of Services is used up while a Service that something needs is absent."""
    for quota in look.snapshot.of("ResourceQuota"):
        full = full_of_services(quota)
        missing = wanted_services(quota.metadata.namespace, look) if full else []
        for ref, users in missing:
            text = f"quota {quota.metadata.name} allows no further Service"
            yield Case(service_refused, ref, quota, look.world.ref_of(quota), text, tuple(users))


def wanted_services(namespace: str, look: Look) -> list[tuple[Ref, list[Ref]]]:
    """Services that something of a namespace names and that do not exist, with what names them."""
    found: dict[Ref, set[Ref]] = defaultdict(set)
    for ref, complaints in look.complaints_about.items():
        if ref.namespace == namespace:
            found[ref].update(c.caller for c in complaints)
    for ingress in look.snapshot.of("Ingress"):
        if ingress.metadata.namespace == namespace:
            for _, _, backend in ingress.backends:
                found[Ref("Service", namespace, backend.name)].add(look.world.ref_of(ingress))
    for sts in look.snapshot.of("StatefulSet"):
        if sts.metadata.namespace == namespace and sts.spec.service_name:
            found[Ref("Service", namespace, sts.spec.service_name)].add(look.world.ref_of(sts))
    for pod in look.world.pods_in(namespace):
        for one in references(pod, look):
            if one.service is not None and one.service.namespace == namespace and _has_workload(one.service, look):
                found[one.service].add(look.owner(look.world.ref_of(pod)))
    return [(ref, sorted(users)) for ref, users in sorted(found.items()) if look.missing(*ref)]


def _has_workload(service: Ref, look: Look) -> bool:
    return any(w.metadata.name == service.name for w in look.workloads_in.get(service.namespace, ()))


@detector("quota_services", symptom=service_refused)
def quota_services(case: Case, look: Look) -> Finding | None:
    """The namespace's quota allows no further Service, and one that is needed does not exist."""
    quota = case.subject
    name = full_of_services(quota)
    event = next((e for e in _quota_events(case.resource.namespace, look) if "services" in e.message), None)
    cited: list[Evidence | None] = [
        look.at(quota, "/status/used"),
        look.at(quota, "/status/hard"),
        look.absent(*case.resource),
        look.event(event),
    ]
    users = [r for r in case.members if r != case.resource]
    return blame(
        case.resource,
        f"Service {case.where} does not exist and cannot be created: quota {quota.metadata.name} ({name}) is used up",
        strength=DECISIVE if event else STRONG,
        because=cited,
        explains=users,
        upstream=[],
        quota=quota.metadata.name,
        critical=True,
        missing=() if event else ("who failed to create it",),
    )


def _quota_events(namespace: str, look: Look) -> list[Any]:
    return [
        e
        for e in look.snapshot.of("Event")
        if e.metadata.namespace == namespace and "exceeded quota" in e.message[:4000]
    ]
