"""Names that are right and cannot be resolved: the pod's DNS policy, or the cluster's DNS itself."""

from __future__ import annotations

import re

from chalicelib.rootcause import logs
from chalicelib.rootcause.case import DECISIVE, GOOD, LIKELY, STRONG, Case, Finding, blame
from chalicelib.rootcause.complaining import calls_failing
from chalicelib.rootcause.logs import FailedCall, quoted
from chalicelib.rootcause.look import Look, container_pointer
from chalicelib.rootcause.outside import outside_silent
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.symptoms import container_crashing, pod_not_ready
from chalicelib.state.evidence import Evidence
from chalicelib.state.kinds.network import Service
from chalicelib.state.meta import Ref

DNS_PORT = 53
LAST = 120
COREFILE = "Corefile"
_PLUGIN = re.compile(
    r"(?:Corefile|plugin/|Error during parsing|unknown directive|[Ll]oop \(|no such file.{0,60}Corefile)"
)
_ERRORS = re.compile(
    r"\[ERROR\] plugin/|SERVFAIL|plugin/errors|plugin/forward.{0,120}(?:timeout|refused)|HINFO.{0,80}timeout"
)


def dns_services(look: Look) -> list[Service]:
    """Services of the cluster's DNS: those with a selector that serve port 53."""
    return look.once(
        "dns",
        Ref("", "", ""),
        lambda: [
            s for s in look.snapshot.of("Service") if s.spec.selector and any(p.port == DNS_PORT for p in s.spec.ports)
        ],
    )


def dns_workloads(look: Look) -> list[Ref]:
    return sorted({ref for s in dns_services(look) for ref in look.backing_refs(s)})


def unresolved(case: Case, look: Look) -> tuple[FailedCall, bool] | None:
    """(call, from the previous log) of the newest call to a name that is right: its Service exists."""
    container = case.container or case.pod.spec.containers[0].name
    words = look.words(case.ref, container, running=case.type in (calls_failing, outside_silent))
    for call in reversed(logs.failed_calls(words[0][-LAST:])) if words else ():
        ref = look.service_named(call.host, case.pod.metadata.namespace)
        if call.how == "unresolved" and ref is not None and look.snapshot.find(ref) is not None:
            return call, bool(words and words[1])
    return None


def _cited(case: Case, call: FailedCall, previous: bool, look: Look) -> Evidence:
    container = case.container or case.pod.spec.containers[0].name
    text = f"Container {container} logs: {quoted(call.line.text)}"
    return look.lines(case.ref, container, [call.line], text, previous=previous)


def policy_fault(case: Case, look: Look) -> tuple[str, str] | None:
    """(what is wrong, pointer) with how a pod is told to resolve names; None when the cluster's DNS is asked."""
    spec = case.pod.spec
    if spec.dns_policy == "Default":
        return "dnsPolicy Default asks the node's DNS servers, which know no Service", "/spec/dnsPolicy"
    if spec.dns_policy in ("", "ClusterFirst") and spec.host_network:
        return "on the host network dnsPolicy ClusterFirst means the node's DNS servers", "/spec/hostNetwork"
    if spec.dns_policy == "None":
        ours = {s.spec.cluster_ip for s in dns_services(look)}
        servers = set(spec.dns_config.nameservers) if spec.dns_config else set()
        if ours and not ours & servers:
            return "dnsPolicy None names other DNS servers than the cluster's", "/spec/dnsConfig"
        searches = spec.dns_config.searches if spec.dns_config else []
        if not searches:
            return "dnsPolicy None gives no search domains, so short names mean nothing", "/spec/dnsConfig"
    return None


@detector("pod_dns_policy_wrong", symptom=(calls_failing, container_crashing, pod_not_ready))
def pod_dns_policy_wrong(case: Case, look: Look) -> Finding | None:
    """The name is right and the pod does not ask the cluster's DNS for it."""
    found, wrong = unresolved(case, look), policy_fault(case, look)
    if found is None or wrong is None:
        return None
    call, previous = found
    return blame(
        case.resource,
        f"{case.where} cannot resolve {quoted(call.host, 100)} although it exists: {wrong[0]}",
        strength=DECISIVE,
        because=[look.at(case.pod, wrong[1]), _cited(case, call, previous, look)],
        chain=(wrong[0], f"{quoted(call.host, 100)} cannot be resolved", f"calls of {case.where} fail"),
        since=case.since,
    )


@detector("coredns_misconfigured_or_stale", symptom=(calls_failing, container_crashing, pod_not_ready))
def coredns_misconfigured(case: Case, look: Look) -> Finding | None:
    """Names that are right cannot be resolved by pods that ask the cluster's DNS: it is at fault."""
    found = unresolved(case, look)
    servers = dns_workloads(look)
    if found is None or policy_fault(case, look) is not None or not servers:
        return None
    call, previous = found
    corefile = corefile_fault(look)
    says = _says(servers, look)
    callers = _others(look)
    strength = DECISIVE if corefile and corefile[1] else STRONG if says else GOOD if len(callers) > 1 else LIKELY
    return blame(
        servers[0],
        f"the cluster's DNS ({servers[0].namespace}/{servers[0].name}) does not resolve {quoted(call.host, 100)}, "
        f"which exists{f': {corefile[0]}' if corefile else ''}",
        strength=strength,
        because=[corefile[1] if corefile else None, says, _cited(case, call, previous, look)],
        explains=sorted({case.resource, *callers}),
        since=case.since,
        critical=True,
        missing=() if corefile or says else ("logs and configuration of the cluster's DNS",),
    )


def corefile_fault(look: Look) -> tuple[str, Evidence | None] | None:
    """What is wrong with the Corefile that the DNS pods mount; None when it looks right or was not read."""
    for service in dns_services(look):
        for config in look.snapshot.of("ConfigMap"):
            text = config.data.get(COREFILE)
            if text is None or config.metadata.namespace != service.metadata.namespace:
                continue
            where = f"{config.metadata.namespace}/{config.metadata.name}"
            if not re.search(r"(?m)^\s*kubernetes\b", text):
                says = f"its Corefile in ConfigMap {where} has no kubernetes plugin"
            elif re.search(r"(?m)^\s*template\b[^{]{0,200}\{[^}]{0,500}NXDOMAIN", text):
                says = f"its Corefile in ConfigMap {where} answers NXDOMAIN by a template"
            elif text.count("{") != text.count("}"):
                says = f"the braces of its Corefile in ConfigMap {where} do not match"
            else:
                continue
            return says, look.at(config, f"/data/{COREFILE}", says)
    return None


def _says(servers: list[Ref], look: Look) -> Evidence | None:
    """An error in the log of the DNS pods."""
    for sample in look.samples:
        if sample.owner in servers:
            hits = [line for line in sample.lines if _ERRORS.search(line.text)]
            if hits:
                text = f"{sample.owner} logs: {quoted(hits[-1].text)}"
                return look.lines(sample.pod, sample.container, hits[-2:], text, previous=sample.previous)
    return None


def _others(look: Look) -> set[Ref]:
    """All callers that cannot resolve names of Services that exist."""
    return {
        c.caller
        for ref, complaints in look.complaints_about.items()
        if look.snapshot.find(ref) is not None
        for c in complaints
        if c.call.how == "unresolved"
    }


@detector("coredns_misconfigured_or_stale", symptom=(outside_silent, calls_failing))
def no_names_at_all(case: Case, look: Look) -> Finding | None:
    """Names cannot be resolved, and the cluster's DNS logs why."""
    servers = dns_workloads(look)
    container = case.container or case.pod.spec.containers[0].name
    words = look.words(case.ref, container, running=True)
    failed = logs.name_failures(words[0][-LAST:]) if words else []
    says = _says(servers, look) if servers and failed else None
    if says is None or policy_fault(case, look) is not None:
        return None
    return blame(
        servers[0],
        f"the cluster's DNS ({servers[0].namespace}/{servers[0].name}) fails to resolve names: "
        f"{quoted(says.text, 140)}",
        strength=STRONG,
        because=[
            says,
            look.lines(case.ref, container, failed[-1:], f"Container {container} logs: {quoted(failed[-1].text)}"),
        ],
        explains=[case.resource],
        critical=True,
    )


@detector("coredns_misconfigured_or_stale", symptom=container_crashing)
def coredns_crashes(case: Case, look: Look) -> Finding | None:
    """The cluster's DNS ends at start because it does not accept its configuration."""
    if case.resource not in dns_workloads(look):
        return None
    words = look.last_words(case.ref, case.container)
    hits = [line for line in words[0][-LAST:] if _PLUGIN.search(line.text)] if words else []
    corefile = corefile_fault(look)
    if not hits and corefile is None:
        return None
    why = quoted(hits[-1].text, 140) if hits else corefile[0] if corefile else ""
    return blame(
        case.resource,
        f"the cluster's DNS {case.where} crashes: it does not accept its configuration ({why})",
        strength=DECISIVE,
        because=[
            look.lines(case.ref, case.container, hits[-2:], why, previous=words[1]) if hits and words else None,
            corefile[1] if corefile else None,
            look.at(case.pod, container_pointer(case.pod.spec, case.container, "/name")),
        ],
        explains=sorted(_others(look)),
        since=case.since,
        critical=True,
    )
