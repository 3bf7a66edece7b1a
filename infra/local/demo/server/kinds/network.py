"""Services, Ingresses, NetworkPolicies, endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.local.demo.server.errors import FieldError, invalid_value, not_supported, required
from infra.local.demo.server.store import Object
from infra.local.demo.server.strategies import Strategy, strategy

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")


@strategy("Service")
class ServiceStrategy(Strategy):
    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("type", "ClusterIP")
        spec.setdefault("sessionAffinity", "None")
        if spec["sessionAffinity"] == "ClientIP":
            spec.setdefault("sessionAffinityConfig", {"clientIP": {"timeoutSeconds": 10800}})
        for port in spec.get("ports") or ():
            port.setdefault("protocol", "TCP")
            if port.get("targetPort") in (None, 0, ""):
                port["targetPort"] = port.get("port", 0)
        if spec["type"] in ("NodePort", "LoadBalancer"):
            spec.setdefault("externalTrafficPolicy", "Cluster")
        if spec["type"] == "LoadBalancer":
            spec.setdefault("allocateLoadBalancerNodePorts", True)
        if spec["type"] != "ExternalName":
            spec.setdefault("internalTrafficPolicy", "Cluster")

    def prepare_create(self, api: Api, obj: Object) -> None:
        obj["status"] = {"loadBalancer": {}}
        _allocate(api, obj["spec"], None)

    def prepare_update(self, api: Api, obj: Object, old: Object) -> None:
        _allocate(api, obj["spec"], old["spec"])

    def validate(self, api: Api, obj: Object) -> list[FieldError]:
        spec = obj["spec"]
        found: list[FieldError] = []
        if spec["type"] not in _TYPES:
            found.append(not_supported("spec.type", spec["type"], _TYPES))
        ports = spec.get("ports") or ()
        if not ports and spec["type"] != "ExternalName" and spec.get("clusterIP") != "None":
            found.append(required("spec.ports"))
        names: set[str] = set()
        for index, port in enumerate(ports):
            number = port.get("port", 0)
            if not 0 < number < 65536:
                text = "must be between 1 and 65535, inclusive"
                found.append(invalid_value(f"spec.ports[{index}].port", number, text))
            if len(ports) > 1 and not port.get("name"):
                found.append(required(f"spec.ports[{index}].name"))
            names.add(port.get("name", ""))
        if spec["type"] == "ExternalName" and not spec.get("externalName"):
            found.append(required("spec.externalName"))
        return found

    def validate_update(self, api: Api, obj: Object, old: Object) -> list[FieldError]:
        new, was = obj["spec"].get("clusterIP"), old["spec"].get("clusterIP")
        if was and new != was and obj["spec"]["type"] != "ExternalName" and old["spec"]["type"] != "ExternalName":
            return [
                invalid_value("spec.clusterIPs[0]", new or "", "may not change once set"),
            ]
        return []


def _allocate(api: Api, spec: Object, old: Object | None) -> None:
    """Addresses and node ports; those of the old object are kept."""
    if spec["type"] == "ExternalName":
        for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            spec.pop(name, None)
        return
    for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if old and not spec.get(name) and old.get(name):
            spec[name] = old[name]
    if not spec.get("clusterIP"):
        spec["clusterIP"] = api.identity.cluster_ip()
    spec["clusterIPs"] = [spec["clusterIP"]]
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        before = {port["port"]: port.get("nodePort") for port in (old or {}).get("ports") or ()}
        for port in spec.get("ports") or ():
            if not port.get("nodePort"):
                port["nodePort"] = before.get(port["port"]) or api.identity.port(set())


@strategy("Ingress")
class IngressStrategy(Strategy):
    generation = True

    def default(self, obj: Object) -> None:
        obj.setdefault("spec", {})

    def prepare_create(self, api: Api, obj: Object) -> None:
        obj["status"] = {"loadBalancer": {}}

    def validate(self, api: Api, obj: Object) -> list[FieldError]:
        spec = obj["spec"]
        if not spec.get("rules") and not spec.get("defaultBackend"):
            return [invalid_value("spec", [], "either `defaultBackend` or `rules` must be specified")]
        found = []
        for index, rule in enumerate(spec.get("rules") or ()):
            for place, path in enumerate((rule.get("http") or {}).get("paths") or ()):
                if not path.get("pathType"):
                    found.append(
                        required(f"spec.rules[{index}].http.paths[{place}].pathType", "pathType must be specified")
                    )
        return found


@strategy("NetworkPolicy")
class NetworkPolicyStrategy(Strategy):
    generation = True

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        for direction in ("ingress", "egress"):
            for rule in spec.get(direction) or ():
                for port in rule.get("ports") or ():
                    port.setdefault("protocol", "TCP")
        if not spec.get("policyTypes"):
            spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


@strategy("Endpoints")
class EndpointsStrategy(Strategy):
    def default(self, obj: Object) -> None:
        for subset in obj.get("subsets") or ():
            for port in subset.get("ports") or ():
                port.setdefault("protocol", "TCP")


@strategy("EndpointSlice")
class EndpointSliceStrategy(Strategy):
    generation = True

    def default(self, obj: Object) -> None:
        for port in obj.get("ports") or ():
            port.setdefault("name", "")
            port.setdefault("protocol", "TCP")
