"""Calls that a NetworkPolicy swallows: packets are dropped without a word, so the caller waits until it gives up."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from chalicelib.rootcause import logs
from chalicelib.rootcause.case import GOOD, STRONG, Case, Finding, blame
from chalicelib.rootcause.complaining import calls_failing
from chalicelib.rootcause.crashes import LAST_LINES
from chalicelib.rootcause.degraded import shown, workload_erring, workload_slow
from chalicelib.rootcause.logs import FailedCall, quoted
from chalicelib.rootcause.look import Look
from chalicelib.rootcause.names import DNS_PORT, dns_services
from chalicelib.rootcause.outside import outside_silent
from chalicelib.rootcause.references import cite, references
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.symptoms import container_crashing, pod_not_ready
from chalicelib.state.kinds.network import NetworkPolicy, PolicyPeer, PolicyPort, Service
from chalicelib.state.kinds.pod import Pod

INGRESS, EGRESS = "Ingress", "Egress"


def policies_on(pod: Pod, direction: str, look: Look) -> list[NetworkPolicy]:
    """Policies that restrict a pod's traffic in a direction; a pod without any may talk to everybody."""
    return [
        policy
        for policy in look.snapshot.of("NetworkPolicy")
        if policy.metadata.namespace == pod.metadata.namespace
        and policy.spec.pod_selector.matches(pod.metadata.labels)
        and direction in _directions(policy)
    ]


def _directions(policy: NetworkPolicy) -> Sequence[str]:
    """`policyTypes` where given; else Ingress, and Egress if there are rules for it (so the field's documentation)."""
    return policy.spec.policy_types or (INGRESS, *((EGRESS,) if policy.spec.egress else ()))


def allows(policy: NetworkPolicy, direction: str, own: Pod, peer: Pod, port: int, look: Look) -> bool:
    """Whether a rule of the policy, which selects `own`, lets traffic from or to `peer` pass on a server's port."""
    server = own if direction == INGRESS else peer
    rules = (
        [(rule.from_, rule.ports) for rule in policy.spec.ingress]
        if direction == INGRESS
        else [(rule.to, rule.ports) for rule in policy.spec.egress]
    )
    return any(
        (not peers or any(_is_meant(one, peer, policy.metadata.namespace, look) for one in peers))
        and (not ports or any(_opens(one, server, port) for one in ports))
        for peers, ports in rules
    )


def _is_meant(peer: PolicyPeer, pod: Pod, namespace: str, look: Look) -> bool:
    if peer.ip_block is not None:
        return _in_block(pod.status.pod_ip, peer.ip_block.cidr, peer.ip_block.except_)
    if peer.namespace_selector is None:
        if pod.metadata.namespace != namespace:
            return False
    else:
        home = look.snapshot.get("Namespace", "", pod.metadata.namespace)
        if home is None or not peer.namespace_selector.matches(home.metadata.labels):
            return False
    return peer.pod_selector is None or peer.pod_selector.matches(pod.metadata.labels)


def _in_block(address: str, cidr: str, holes: Sequence[str]) -> bool:
    try:
        where = ipaddress.ip_address(address)
        return where in ipaddress.ip_network(cidr) and all(where not in ipaddress.ip_network(one) for one in holes)
    except ValueError:
        return True  # an address that cannot be read is no proof of a block


def _opens(rule: PolicyPort, server: Pod, port: int) -> bool:
    if rule.port is None:
        return True
    if isinstance(rule.port, str) and not rule.port.isdigit():
        return any(p.name == rule.port and p.container_port == port for c in server.spec.containers for p in c.ports)
    return int(rule.port) <= port <= (rule.end_port or int(rule.port))


def _target(service: Service, server: Pod, asked: int) -> int | None:
    """The port on the pods that a call to a Service's port ends at."""
    for port in service.spec.ports:
        if asked not in (0, port.port):
            continue
        target = port.target_port or port.port
        if isinstance(target, int) or target.isdigit():
            return int(target)
        named = (p.container_port for c in server.spec.containers for p in c.ports if p.name == target)
        return next(named, None)
    return None


def _in_the_way(client: Pod, server: Pod, port: int, look: Look) -> Iterator[tuple[NetworkPolicy, str]]:
    """Policies that together keep a client from a server's port, the one most about that port first."""
    for direction, own, peer in ((INGRESS, server, client), (EGRESS, client, server)):
        restricting = policies_on(own, direction, look)
        if restricting and not any(allows(policy, direction, own, peer, port, look) for policy in restricting):
            about = sorted(restricting, key=lambda one: (not _names(one, direction, server, port), one.metadata.name))
            yield from ((policy, direction) for policy in about)


def _names(policy: NetworkPolicy, direction: str, server: Pod, port: int) -> bool:
    rules = policy.spec.ingress if direction == INGRESS else policy.spec.egress
    return any(one.port is not None and _opens(one, server, port) for rule in rules for one in rule.ports)


@detector("networkpolicy_blocks", symptom=(container_crashing, pod_not_ready, calls_failing))
def networkpolicy_blocks(case: Case, look: Look) -> Finding | None:
    """A caller's calls time out, and the policies of the called pods (or its own) have no rule that lets them pass."""
    words = look.words(case.ref, case.container, running=case.type is calls_failing)
    if words is None or not look.snapshot.was_read("NetworkPolicy", case.ref.namespace):
        return None
    for call in reversed(logs.failed_calls(words[0][-LAST_LINES:])):
        found = _blocked(case.pod, call, look) if call.how == "timeout" else None
        if found is None:
            continue
        policy, direction, service, port = found
        ref, called = look.world.ref_of(policy), look.world.ref_of(service)
        rules = "/spec/ingress" if direction == INGRESS else "/spec/egress"
        return blame(
            ref,
            f"NetworkPolicy {ref.namespace}/{ref.name} lets no traffic from {case.where} to {called.namespace}/"
            f"{called.name} pass on port {port}: the calls time out",
            strength=STRONG,
            because=[
                look.lines(
                    case.ref,
                    case.container,
                    [call.line],
                    f"Container {case.container} logs: {quoted(call.line.text)}",
                    previous=words[1],
                ),
                look.at(policy, rules, f"No {direction.lower()} rule fits {case.resource} and port {port}"),
                look.at(policy, "/spec/podSelector"),
            ],
            chain=(
                f"{ref} has no rule for {case.resource} and port {port}",
                f"calls to {called} time out",
                f"{case.where} does not get ready",
            ),
            explains=[case.resource],
            caller=case.resource.name,
            port=port,
            since=case.since,
        )
    return None


def _blocked(client: Pod, call: FailedCall, look: Look) -> tuple[NetworkPolicy, str, Service, int] | None:
    ref = look.service_named(call.host, client.metadata.namespace)
    service = look.snapshot.find(ref) if ref is not None else None
    if service is None:
        return None
    for server in look.selected(service):
        port = _target(service, server, call.port)
        first = next(_in_the_way(client, server, port, look), None) if port is not None else None
        if first is not None and port is not None:
            return first[0], first[1], service, port
    return None


@detector("networkpolicy_blocks", symptom=(workload_erring, workload_slow))
def configured_call_blocked(case: Case, look: Look) -> Finding | None:
    """Requests of a ready workload fail, and policies keep it from a Service that it is configured to call."""
    if case.resource.kind == "Node" or not look.snapshot.was_read("NetworkPolicy", case.ref.namespace):
        return None
    for one in references(case.pod, look):
        service = look.snapshot.find(one.service) if one.service is not None else None
        if service is None:
            continue
        for server in look.selected(service):
            port = _target(service, server, one.port)
            first = next(_in_the_way(case.pod, server, port, look), None) if port is not None else None
            if first is None or one.service is None:
                continue
            policy, direction = first
            ref = look.world.ref_of(policy)
            rules = "/spec/ingress" if direction == INGRESS else "/spec/egress"
            return blame(
                ref,
                f"NetworkPolicy {ref.namespace}/{ref.name} lets no traffic from {case.where} to "
                f"{one.service.namespace}/{one.service.name} pass on port {port}, which it is configured to call; "
                f"{case.text}",
                strength=GOOD,
                because=[
                    look.at(policy, rules, f"No {direction.lower()} rule fits {case.resource} and port {port}"),
                    look.at(policy, "/spec/podSelector"),
                    cite(one, case.pod, look),
                    *shown(case, look),
                ],
                explains=[case.resource],
                caller=case.resource.name,
                port=port,
                since=case.since,
            )
    return None


# Names: an egress policy that forgets DNS


@detector("networkpolicy_blocks", symptom=(container_crashing, pod_not_ready, calls_failing, outside_silent))
def dns_blocked(case: Case, look: Look) -> Finding | None:
    """No name can be resolved, and an egress policy of the caller has no rule for the cluster's DNS."""
    running = case.type in (calls_failing, outside_silent)
    container = case.container or case.pod.spec.containers[0].name
    words = look.words(case.ref, container, running=running)
    if words is None or not look.snapshot.was_read("NetworkPolicy", case.ref.namespace):
        return None
    failed = logs.name_failures(words[0][-LAST_LINES:])
    policies = policies_on(case.pod, EGRESS, look)
    servers = [p for s in dns_services(look) for p in look.selected(s)]
    if not failed or not policies:
        return None
    ports = {_target(s, p, DNS_PORT) or DNS_PORT for s in dns_services(look) for p in servers}
    open_to = (
        any(allows(one, EGRESS, case.pod, p, port, look) for one in policies for p in servers for port in ports)
        if servers
        else any(_opens_dns(one) for one in policies)
    )
    if open_to:
        return None
    ref = look.world.ref_of(policies[0])
    return blame(
        ref,
        f"NetworkPolicy {ref.namespace}/{ref.name} lets {case.where} send nothing to the cluster's DNS: no name can be "
        "resolved",
        strength=STRONG,
        because=[
            look.at(policies[0], "/spec/egress", f"No egress rule fits port {DNS_PORT} of the DNS servers"),
            look.at(policies[0], "/spec/podSelector"),
            look.lines(
                case.ref,
                container,
                failed[-1:],
                f"Container {container} logs: {quoted(failed[-1].text)}",
                previous=words[1],
            ),
        ],
        chain=(f"{ref} has no egress rule for DNS", "names cannot be resolved", f"calls of {case.where} fail"),
        explains=[case.resource],
        caller=case.resource.name,
        port=DNS_PORT,
        since=case.since,
    )


def _opens_dns(policy: NetworkPolicy) -> bool:
    """Whether an egress rule could let DNS pass, where its servers are not known."""
    return any(
        not r.ports or any(p.port in (None, DNS_PORT, str(DNS_PORT)) for p in r.ports) for r in policy.spec.egress
    )
