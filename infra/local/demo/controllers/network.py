"""Whether one pod reaches another: names, Services, endpoints, policies, and what a client sees when it fails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from infra.local.demo.server.selectors import selector_matches
from infra.local.demo.server.store import Object

if TYPE_CHECKING:
    from infra.local.demo.controllers.plane import ControlPlane

DNS_ADDRESS = "10.96.0.10"
ANY_SERVICE = ("", "")
"""Among the Services a pod calls: which ones cannot be told from its variables alone."""


@dataclass(frozen=True, slots=True)
class Reached:
    """The outcome of a connection. `error` has the words of a Go client; empty when all is well."""

    error: str = ""
    since: datetime | None = None

    @property
    def ok(self) -> bool:
        return not self.error


def _in_cluster(host: str, namespace: str) -> tuple[str, str] | None:
    """(namespace, service) a name stands for; None for names outside the cluster."""
    parts = host.removesuffix(".").split(".")
    if len(parts) == 1:
        return namespace, parts[0]
    if len(parts) == 2 or parts[2:3] == ["svc"]:
        return parts[1], parts[0]
    return None


def called_services(plane: ControlPlane, pod: Object) -> frozenset[tuple[str, str]] | None:
    """(namespace, name) of the Services that a pod's programs call; None where they make no calls at all."""
    from infra.local.demo.controllers.mounts import ConfigError, environment_of

    calling = [one for one in pod["spec"]["containers"] if plane.programs.of(one).calls]
    found: set[tuple[str, str]] = set()
    for container in calling:
        try:
            env = environment_of(plane, pod, container)
        except ConfigError:
            found.add(ANY_SERVICE)
            continue
        for call in plane.programs.of(container).calls:
            place = _in_cluster(call.target(env)[0], pod["metadata"]["namespace"])
            if place is None:
                continue  # outside the cluster
            service = plane.api.find("Service", *place)
            renamed = service is not None and service["spec"].get("type") == "ExternalName"
            found.add(ANY_SERVICE if renamed else place)
    return frozenset(found) if calling else None


class Network:
    """Answers connection attempts from the state of the cluster."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._api = plane.api

    def connect(self, pod: Object, host: str, port: int) -> Reached:
        """A TCP connection from a pod to a name and port."""
        namespace = pod["metadata"]["namespace"]
        if not self._may_leave(pod, None, 53):
            text = (
                f"dial tcp: lookup {host} on {DNS_ADDRESS}:53: read udp "
                f"{pod['status'].get('podIP', '')}:41874->{DNS_ADDRESS}:53: i/o timeout"
            )
            return Reached(text)
        external = self._plane.environment.externals.get(host)
        if external is not None:
            return self._external(host, port, external.state, external.since)
        place = _in_cluster(host, namespace)
        if place is None:
            return Reached() if "." in host else self._no_such_host(host)
        if self._api.find("Namespace", "", place[0]) is None and "svc" not in host:
            return Reached()  # a public name of two parts
        service = self._api.find("Service", *place)
        if service is None:
            return self._no_such_host(host)
        return self._through_service(pod, service, port)

    def _no_such_host(self, host: str) -> Reached:
        return Reached(f"dial tcp: lookup {host} on {DNS_ADDRESS}:53: no such host")

    def _external(self, host: str, port: int, state: str, since: datetime | None) -> Reached:
        address = f"203.0.113.{1 + sum(host.encode()) % 250}:{port}"  # a block that RFC 5737 keeps for documentation
        texts = {"up": "", "refused": f"dial tcp {address}: connect: connection refused"}
        texts |= {"silent": f"dial tcp {address}: i/o timeout", "unknown": self._no_such_host(host).error}
        return Reached(texts[state], since)

    def _through_service(self, pod: Object, service: Object, port: int) -> Reached:
        meta, spec = service["metadata"], service["spec"]
        if spec.get("type") == "ExternalName":
            return self.connect(pod, spec["externalName"], port)
        address = f"{spec.get('clusterIP')}:{port}"
        since = self._plane.environment.changed_at.get((meta["namespace"], meta["name"]))
        listed = next((one for one in spec.get("ports") or () if one["port"] == port), None)
        if spec.get("clusterIP") != "None" and listed is None:
            return Reached(f"dial tcp {address}: i/o timeout")
        backends = self.backends(service)
        if not backends:
            if spec.get("clusterIP") == "None":
                name = f"{meta['name']}.{meta['namespace']}.svc.cluster.local"
                return Reached(self._no_such_host(name).error, since)
            return Reached(f"dial tcp {address}: connect: connection refused", since)
        target = self._target_port(backends[0], listed, port)
        return self._to_pod(pod, backends[0], target, address if listed else "", since)

    def backends(self, service: Object) -> list[Object]:
        """Ready pods behind a Service."""
        from infra.local.demo.controllers.status import is_ready

        selector, namespace = service["spec"].get("selector"), service["metadata"]["namespace"]
        if not selector:
            return []
        return [
            one
            for one in self._api.list("Pod", namespace, labels=dict(selector))
            if is_ready(one) and not one["metadata"].get("deletionTimestamp")
        ]

    def _target_port(self, backend: Object, listed: Object | None, port: int) -> int | None:
        return target_port(backend, listed) if listed else port

    def _to_pod(self, pod: Object, backend: Object, port: int | None, shown: str, since: datetime | None) -> Reached:
        address = shown or f"{backend['status'].get('podIP', '')}:{port}"
        if not self._may_enter(backend, pod, port) or not self._may_leave(pod, backend, port):
            return Reached(f"dial tcp {address}: i/o timeout", since)
        if port is None or port not in listening_ports(self._plane, backend):
            return Reached(f"dial tcp {address}: connect: connection refused", since)
        return Reached()

    # -- policies -------------------------------------------------------------------------------------------------

    def _policies(self, pod: Object, direction: str) -> list[Object]:
        labels = pod["metadata"].get("labels") or {}
        return [
            one
            for one in self._api.list("NetworkPolicy", pod["metadata"]["namespace"])
            if direction in (one["spec"].get("policyTypes") or ())
            and selector_matches(one["spec"].get("podSelector") or {}, labels)
        ]

    def _may_enter(self, backend: Object, client: Object, port: int | None) -> bool:
        policies = self._policies(backend, "Ingress")
        return not policies or any(
            self._rule_allows(rule, "from", backend, client, port, backend)
            for one in policies
            for rule in one["spec"].get("ingress") or ()
        )

    def _may_leave(self, client: Object, backend: Object | None, port: int | None) -> bool:
        policies = self._policies(client, "Egress")
        return not policies or any(
            self._rule_allows(rule, "to", client, backend, port, backend)
            for one in policies
            for rule in one["spec"].get("egress") or ()
        )

    def _rule_allows(
        self,
        rule: Object,
        side: str,
        here: Object,
        peer: Object | None,
        port: int | None,
        server: Object | None,
    ) -> bool:
        ports = rule.get("ports") or ()
        if ports and not any(_opens(one, server, port) for one in ports):
            return False
        peers = rule.get(side) or ()
        return not peers or any(self._is_peer(one, here, peer, port) for one in peers)

    def _is_peer(self, entry: Object, here: Object, peer: Object | None, port: int | None) -> bool:
        if entry.get("ipBlock"):
            address = ((peer or {}).get("status") or {}).get("podIP") or DNS_ADDRESS
            return _in_block(address, entry["ipBlock"])
        if peer is None:  # the cluster's DNS
            space = entry.get("namespaceSelector")
            return (
                port == 53
                and space is not None
                and selector_matches(space, {"kubernetes.io/metadata.name": "kube-system"})
            )
        namespace = peer["metadata"]["namespace"]
        if entry.get("namespaceSelector") is None:
            if namespace != here["metadata"]["namespace"]:
                return False
        else:
            found = self._api.find("Namespace", "", namespace)
            labels = (found["metadata"].get("labels") or {}) if found else {}
            if not selector_matches(entry["namespaceSelector"], labels):
                return False
        return selector_matches(entry.get("podSelector") or {}, peer["metadata"].get("labels") or {})


def _opens(rule: Object, server: Object | None, port: int | None) -> bool:
    first = rule.get("port")
    if isinstance(first, int) and rule.get("endPort") and port is not None:
        return first <= port <= int(rule["endPort"])
    return first in (None, port, _port_name(server, port))


def _in_block(address: str, block: Object) -> bool:
    where = ip_address(address)
    return where in ip_network(block["cidr"]) and all(where not in ip_network(one) for one in block.get("except") or ())


def _port_name(pod: Object | None, port: int | None) -> str | None:
    for container in (pod or {}).get("spec", {}).get("containers") or ():
        for one in container.get("ports") or ():
            if one.get("containerPort") == port:
                return str(one.get("name", "")) or None
    return None


def target_port(pod: Object, listed: Object) -> int | None:
    """The container port a Service port leads to on a pod; None when a named port is not declared."""
    target = listed.get("targetPort", listed["port"])
    if isinstance(target, int):
        return target
    for container in pod["spec"].get("containers") or ():
        for one in container.get("ports") or ():
            if one.get("name") == target:
                return int(one["containerPort"])
    return None


def listening_ports(plane: ControlPlane, pod: Object) -> set[int]:
    """Ports on which the pod's programs accept connections."""
    found: set[int] = set()
    for container in pod["spec"].get("containers") or ():
        program = plane.programs.of(container)
        if program.listens is None:
            found |= {one["containerPort"] for one in container.get("ports") or ()}
        else:
            found |= set(program.listens)
    return found
