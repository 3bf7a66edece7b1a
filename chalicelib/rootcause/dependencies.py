"""What a running workload complains about: databases, caches, brokers, addresses that lead nowhere.

The loudest symptom of a failing dependency lies with its callers. Who is at fault is decided by what the callers are
configured with, by how many of them complain, and by what the server itself says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from chalicelib.rootcause import logs
from chalicelib.rootcause.case import DECISIVE, GOOD, HINT, LIKELY, STRONG, WEAK, Case, Finding, blame
from chalicelib.rootcause.complaining import Grievance, calls_failing, errors_logged, grievances
from chalicelib.rootcause.degraded import below
from chalicelib.rootcause.logs import FailedCall, Line, quoted
from chalicelib.rootcause.look import Look, container_pointer
from chalicelib.rootcause.references import (
    Reference,
    cite,
    hidden,
    nearest_service,
    references,
    server_behind,
    shadowed,
)
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.signatures import CACHES, DATABASES, SIGNATURES, Signature
from chalicelib.rootcause.symptoms import container_crashing, pod_not_ready
from chalicelib.state.evidence import Evidence
from chalicelib.state.kinds.configuration import Secret
from chalicelib.state.kinds.network import Service
from chalicelib.state.meta import Ref

MANY = 2
LOOPBACK = ("localhost", "127.0.0.1", "::1")
REFUSALS = ("db_bad_credentials", "cache_auth_or_memory")
LAST = 120
DATABASES_AND_CACHES = DATABASES | CACHES


def cited(case: Case, lines: Iterable[Line], look: Look, *, previous: bool = False) -> Evidence:
    """The newest of some log lines of the case's container."""
    chosen = list(lines)[-3:]
    text = f"Container {case.container} logs: {quoted(chosen[-1].text)}"
    return look.lines(case.ref, case.container, chosen, text, previous=previous)


# What known software says


def _complaint_detector(signature: Signature) -> Callable[[Case, Look], Finding | None]:
    def look_for(case: Case, look: Look) -> Finding | None:
        own = [g for g in grievances(look) if g.signature is signature]
        mine = next((g for g in own if (g.sample.owner, g.sample.container) == (case.resource, case.container)), None)
        if mine is None:
            return None
        server = server_behind(case.pod, mine.lines, signature.ports, look) if signature.ports else None
        callers = {g.sample.owner for g in own}
        at_server = server is not None and server != case.resource and signature.side == "server"
        resource = server if at_server and server is not None else case.resource
        with_whom = f" ({resource.kind} {resource.namespace}/{resource.name})" if at_server else ""
        return blame(
            resource,
            f"{case.where} runs and fails: {signature.says}{with_whom}: {quoted(mine.lines[-1].text, 140)}",
            strength=signature.strength if signature.side == "caller" or server else min(signature.strength, GOOD),
            because=[cited(case, mine.lines, look), *_others(own, case, look)],
            chain=(signature.says, f"{case.where} logs it {len(mine.lines)} times in its last lines"),
            explains=sorted(callers - {resource}) if at_server else (),
            upstream=below(case.resource, look) if signature.relayed else (),
            container=case.container,
            missing=_unknown(signature, server),
        )

    look_for.__doc__ = f"A running container says again and again that {signature.says}."
    return look_for


def _unknown(signature: Signature, server: Ref | None) -> tuple[str, ...]:
    if signature.strength < 0.5:
        return ("the clocks of the nodes",)
    return () if signature.side == "caller" or server else ("which server the workload talks to",)


def _others(own: list[Grievance], case: Case, look: Look) -> list[Evidence]:
    found: dict[Ref, Evidence] = {}
    for grievance in own:
        sample = grievance.sample
        if sample.owner != case.resource and sample.owner not in found and len(found) < MANY:
            text = f"{sample.owner} logs: {quoted(grievance.lines[-1].text)}"
            found[sample.owner] = look.lines(sample.pod, sample.container, grievance.lines[-1:], text)
    return list(found.values())


for _signature in SIGNATURES:
    detector(_signature.mode, symptom=errors_logged)(_complaint_detector(_signature))


# A Secret that is newer than what reads it


@detector("secret_rotated_but_env_stale", symptom=(errors_logged, container_crashing, pod_not_ready))
def secret_rotated(case: Case, look: Look) -> Finding | None:
    """Credentials are refused, and the Secret they come from is newer than the container that read it."""
    refusals = [
        s for s in SIGNATURES if s.mode in ("db_bad_credentials", "cache_auth_or_memory") and s.side == "caller"
    ]
    lines = look.log(case.ref, case.container) or look.log(case.ref, case.container, previous=True) or []
    hits = [line for line in lines if any(s.pattern.search(line.text) for s in refusals)]
    started = _started(case)
    if not hits or started is None:
        return None
    for index, name in _secrets_in_env(case):
        secret = look.snapshot.get("Secret", case.pod.metadata.namespace, name)
        changed = secret_changed(secret, look) if secret is not None else None
        if secret is None or changed is None or changed <= started:
            continue
        return blame(
            case.resource,
            f"{case.where} still uses old credentials: Secret {name} changed at {changed:%H:%M}, after container "
            f"{case.container} started at {started:%H:%M}; environment variables are read at start only",
            strength=DECISIVE,
            because=[
                cited(case, hits, look),
                look.at(case.pod, container_pointer(case.pod.spec, case.container, index)),
                look.at(secret, "/metadata/creationTimestamp"),
            ],
            chain=(
                f"Secret {name} was changed",
                f"container {case.container} keeps the value it started with",
                "its login is refused",
            ),
            container=case.container,
            since=changed,
        )
    return None


def _started(case: Case) -> datetime | None:
    running = case.status.state.running
    return running.started_at if running else None


def _secrets_in_env(case: Case) -> list[tuple[str, str]]:
    """(pointer below the container, Secret name) of every Secret that the environment is made from."""
    found = [
        (f"/env/{index}/name", env.value_from.secret_key_ref.name)
        for index, env in enumerate(case.spec.env)
        if env.value_from is not None and env.value_from.secret_key_ref is not None
    ]
    found += [("/envFrom", bulk.secret_ref.name) for bulk in case.spec.env_from if bulk.secret_ref is not None]
    return found


def secret_changed(secret: Secret, look: Look) -> datetime | None:
    """A time before which a Secret was not as it is now: its creation, or the previous snapshot that had another."""
    known = [secret.metadata.creation_timestamp]
    if look.previous is not None and look.world.ref_of(secret) in look.changes:
        known.append(look.previous.taken_at)
    return max((moment for moment in known if moment), default=None)


# Addresses that lead nowhere


def _reference(case: Case, call: FailedCall, look: Look) -> Reference | None:
    """The variable that a failing call comes from: by its host, by what the host means, else by its port alone."""
    known = references(case.pod, look)
    meant = look.service_named(call.host, case.pod.metadata.namespace)
    named = [r for r in known if r.host == call.host or (meant is not None and r.service == meant)]
    exact = [r for r in named if call.port in (0, r.port) or not r.port]
    same_port = [r for r in known if call.port and r.port == call.port and r.service is not None]
    by_address = same_port if not named and call.host.replace(".", "").isdigit() and len(same_port) == 1 else []
    return next(iter(exact or named or by_address), None)


def _calls(case: Case, look: Look) -> tuple[list[FailedCall], bool]:
    words = look.words(case.ref, case.container, running=case.type is calls_failing)
    if words is None:
        return [], False
    return list(reversed(logs.failed_calls(words[0][-LAST:]))), words[1]


def misspelled(case: Case, look: Look) -> tuple[FailedCall, bool, Ref, Reference | None] | None:
    """(call, from the previous log, what was meant, variable) of a call to a name that means no Service here."""
    calls, previous = _calls(case, look)
    for call in calls:
        wanted = look.service_named(call.host, case.pod.metadata.namespace)
        if wanted is None or not look.missing(*wanted) or call.how == "refused":
            continue
        meant = nearest_service(wanted, look)
        if meant is not None:
            return call, previous, meant, _reference(case, call, look)
    return None


@detector("env_var_wrong_address", symptom=(calls_failing, container_crashing, pod_not_ready))
def env_var_wrong_address(case: Case, look: Look) -> Finding | None:
    """A variable names a Service that does not exist, one like it does, and the log shows the failing name."""
    found = misspelled(case, look)
    if found is None:
        return None
    call, previous, meant, reference = found
    if reference is None:
        return None
    return blame(
        case.resource,
        f"{case.where} calls {quoted(call.host, 100)}, which is no Service: variable {reference.variable} "
        f"holds a wrong address; {meant} exists",
        strength=_address_strength(case, reference, meant, look),
        because=[
            cite(reference, case.pod, look),
            cited(case, [call.line], look, previous=previous),
            look.absent("Service", *_absent(call, case, look)),
        ],
        chain=(
            f"variable {reference.variable} names {quoted(call.host, 100)}",
            "that name cannot be resolved",
            f"calls of {case.where} fail",
        ),
        explains=[Ref("Service", *_absent(call, case, look))],
        variable=reference.variable,
        container=reference.container,
        right=meant.name if meant.namespace == case.resource.namespace else f"{meant.name}.{meant.namespace}",
        since=case.since,
    )


def _address_strength(case: Case, reference: Reference, meant: Ref, look: Look) -> float:
    """A variable that is set twice, or a name that is only misspelled, has a nearer mode than a wrong address."""
    twice = _is_shadow(case, reference, look)
    wanted = look.service_named(reference.host, case.pod.metadata.namespace)
    return WEAK if twice or (wanted is not None and wanted.name != meant.name) else STRONG


def _is_shadow(case: Case, reference: Reference, look: Look) -> bool:
    """Whether the variable hides another value of the same name."""
    names = {name for name, _ in shadowed(case.spec)}
    names |= {name for name, _, _ in hidden(case.spec, case.pod.metadata.namespace, look)}
    return reference.variable in names


def _absent(call: FailedCall, case: Case, look: Look) -> tuple[str, str]:
    wanted = look.service_named(call.host, case.pod.metadata.namespace)
    return (wanted.namespace, wanted.name) if wanted else ("", "")


@detector("hostname_typo", symptom=(calls_failing, container_crashing, pod_not_ready))
def hostname_typo(case: Case, look: Look) -> Finding | None:
    """A name that is like a Service's and means none is called."""
    found = misspelled(case, look)
    if found is None:
        return None
    call, previous, meant, reference = found
    return blame(
        case.resource,
        f"{case.where} calls {quoted(call.host, 100)}, which is no Service; {meant} was probably meant",
        strength=_typo_strength(call, meant, reference, case, look),
        because=[
            cited(case, [call.line], look, previous=previous),
            look.absent("Service", *_absent(call, case, look)),
        ],
        explains=[Ref("Service", *_absent(call, case, look))],
        container=case.container,
        right=meant.name,
        since=case.since,
    )


def _typo_strength(call: FailedCall, meant: Ref, reference: Reference | None, case: Case, look: Look) -> float:
    wanted = look.service_named(call.host, case.pod.metadata.namespace)
    if wanted is not None and wanted.name == meant.name:
        return HINT
    return STRONG if reference is not None else GOOD


@detector("env_var_wrong_address", symptom=(calls_failing, container_crashing, pod_not_ready))
def localhost(case: Case, look: Look) -> Finding | None:
    """A variable names the pod itself, on a port that none of its containers serves."""
    calls, previous = _calls(case, look)
    served = {p.container_port for c in case.pod.spec.all_containers for p in c.ports}
    for call in calls:
        reference = _reference(case, call, look)
        if call.host not in LOOPBACK or reference is None or not call.port or call.port in served:
            continue
        return blame(
            case.resource,
            f"{case.where} calls itself: variable {reference.variable} holds {call.host}:{call.port}, and no container "
            "of the pod serves that port",
            strength=WEAK if _is_shadow(case, reference, look) else STRONG,
            because=[cite(reference, case.pod, look), cited(case, [call.line], look, previous=previous)],
            variable=reference.variable,
            container=reference.container,
            right="the address of a Service",
            since=case.since,
        )
    return None


@detector("env_var_wrong_address", symptom=(calls_failing, container_crashing, pod_not_ready))
def wrong_port(case: Case, look: Look) -> Finding | None:
    """A variable names a port that its Service does not have."""
    return _wrong_port(case, look, databases=False)


@detector("db_wrong_port", symptom=(calls_failing, container_crashing, pod_not_ready))
def db_wrong_port(case: Case, look: Look) -> Finding | None:
    """A database or cache is ready on one port and called on another."""
    return _wrong_port(case, look, databases=True)


def _wrong_port(case: Case, look: Look, *, databases: bool) -> Finding | None:
    calls, previous = _calls(case, look)
    for call in calls:
        reference = _reference(case, call, look)
        ref = look.service_named(call.host, case.pod.metadata.namespace)
        if ref is None or look.snapshot.find(ref) is None:
            ref = reference.service if reference is not None else None
        port = call.port or (reference.port if reference is not None else 0)
        found = _astray(ref, port, look, databases=databases) if ref is not None and call.how != "unresolved" else None
        if found is not None and ref is not None:
            return _blame_port(case, call, previous, ref, port, found, reference, look)
    words = look.words(case.ref, case.container, running=case.type is calls_failing)
    nameless = logs.connection_failures(words[0][-LAST:]) if words and not calls else []
    for reference in references(case.pod, look) if nameless else ():
        found = _astray(reference.service, reference.port, look, databases=databases) if reference.service else None
        if found is not None and reference.service is not None and words is not None:
            call = FailedCall(reference.host, reference.port, "refused", nameless[-1])
            return _blame_port(case, call, words[1], reference.service, reference.port, found, reference, look)
    return None


def _astray(ref: Ref, port: int, look: Look, *, databases: bool) -> Service | None:
    """The Service, when it has no such port and its pods do not open it either."""
    service: Service | None = look.snapshot.find(ref)
    offered = {p.port for p in service.spec.ports} if service is not None else set()
    if service is None or not port or not offered or port in offered:
        return None
    open_ports = {p.container_port for pod in look.selected(service) for c in pod.spec.containers for p in c.ports}
    direct = service.spec.cluster_ip == "None" and port in open_ports
    return None if direct or bool(offered & DATABASES_AND_CACHES) != databases else service


def _blame_port(
    case: Case,
    call: FailedCall,
    previous: bool,
    ref: Ref,
    port: int,
    service: Service,
    reference: Reference | None,
    look: Look,
) -> Finding:
    counts = look.world.endpoint_counts(ref.namespace, ref.name)
    offered = ", ".join(str(p) for p in sorted(p.port for p in service.spec.ports))
    source = f"variable {reference.variable}" if reference else "its configuration"
    twice = reference is not None and _is_shadow(case, reference, look)
    sure = (DECISIVE if reference else GOOD) if counts is None or counts[0] else LIKELY
    return blame(
        case.resource,
        f"{case.where} calls {ref.namespace}/{ref.name} on port {port}, and that Service has {offered}: {source} holds "
        "a wrong port",
        strength=WEAK if twice else sure,
        because=[
            cited(case, [call.line], look, previous=previous),
            look.at(service, "/spec/ports", f"{ref} offers {offered}"),
            cite(reference, case.pod, look) if reference else None,
        ],
        chain=(f"{source} says port {port}", f"{ref} has no such port", f"calls of {case.where} fail"),
        variable=reference.variable if reference else "",
        container=case.container,
        right=min(p.port for p in service.spec.ports),
        since=case.since,
    )


@detector("dependency_unreachable", symptom=calls_failing)
def dependency_fails(case: Case, look: Look) -> Finding | None:
    """A running workload's calls to a Service fail; what ails the Service is the cause, where it is known."""
    calls, _ = _calls(case, look)
    host = case.text.split()[2]
    call = next((c for c in calls if c.host == host), None)
    ref = look.service_named(host, case.resource.namespace)
    if call is None or ref is None:
        return None
    service = look.snapshot.find(ref)
    counts = look.world.endpoint_counts(ref.namespace, ref.name) if service is not None else None
    behind = look.backing_refs(service) if service is not None else []
    how = {"refused": "refuses the connection", "timeout": "does not answer", "unresolved": "cannot be resolved"}
    return blame(
        case.resource,
        f"{case.where} runs, and its calls to {ref.namespace}/{ref.name} fail: it {how[call.how]}",
        strength=GOOD if counts is not None and not counts[0] else WEAK,
        because=[cited(case, [call.line], look)],
        upstream=[ref, *behind, *(deeper for one in behind for deeper in below(one, look))],
        host=quoted(call.host, 120),
        container=case.container,
        since=case.since,
        missing=("connectivity between the two workloads", "metrics of the callee"),
    )
