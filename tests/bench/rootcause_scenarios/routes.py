# ruff: noqa: E501  (messages stand as proxies, resolvers and clients write them)
"""Routes from outside, and names: modes 103 to 109."""

from __future__ import annotations

from typing import Any

from tests.bench.heldout.dump import cond
from tests.bench.heldout.props import ingress
from tests.bench.rootcause_scenarios.case import Scene, incident
from tests.bench.rootcause_scenarios.estate import DAY, counter, jump
from tests.bench.rootcause_scenarios.services import healthy

# Ingress and Gateway


def edge(s: Scene) -> Any:
    s.d.add("IngressClass", "", "edge-proxy", {"spec": {"controller": "k8s.io/ingress-nginx"}})
    app = s.d.app(
        "edge-system",
        "edge-proxy",
        age=60 * DAY,
        labels=s.labels("edge-proxy"),
        c={"image": "registry.k8s.io/ingress-nginx/controller:v1.11.1"},
    )
    return app


def _no_class(cls: str | None) -> Any:
    def build(s: Scene) -> Any:
        healthy(s)
        edge(s)
        ingress(s.d, s.space, "public-plan", "plan.example.org", s.name, 80, cls=cls, address=False, age=3 * DAY)
        return s.fault("ingress_class_missing", "Ingress public-plan")

    return build


for _name, _cls in (
    ("class_of_a_removed_controller", "contour"),
    ("class_with_a_typo_in_it", "edge-prxoy"),
    ("no_class_and_no_default", None),
):
    incident("ingress_class_missing", name=_name)(_no_class(_cls))


def _backend(service: str, port: int | str, log: str, *, tls: str = "") -> Any:
    def build(s: Scene) -> Any:
        healthy(s)
        controller = edge(s)
        made = ingress(
            s.d,
            s.space,
            "public-plan",
            "plan.example.org",
            service.format(name=s.name),
            port,
            cls="edge-proxy",
            age=3 * DAY,
        )
        if tls:
            made["spec"]["tls"] = [{"hosts": ["plan.example.org"], "secretName": tls}]
        controller.log(log.format(ns=s.space, name=s.name) * 5)
        return s.fault("ingress_backend_or_tls_missing", "Ingress public-plan", *([f"Secret {tls}"] if tls else []))

    return build


incident(
    "ingress_backend_or_tls_missing",
    name="backend_service_renamed",
    words="does not have any active Endpoint",
    source="kubernetes/ingress-nginx internal/ingress/controller",
)(
    _backend(
        "{name}-v2",
        80,
        'W0314 09:28:44.120 7 controller.go:1112] Error obtaining Endpoints for Service "{ns}/{name}-v2": no object matching key "{ns}/{name}-v2" in local store; service does not have any active Endpoint\n',
    )
)
incident("ingress_backend_or_tls_missing", name="backend_port_the_service_lacks")(
    _backend(
        "{name}", 8443, 'W0314 09:28:44.120 7 controller.go:1200] Service "{ns}/{name}" does not have a port 8443\n'
    )
)


@incident(
    "ingress_backend_or_tls_missing",
    words="Using default certificate",
    source="kubernetes/ingress-nginx internal/ingress/controller",
)
def certificate_secret_was_never_made(s: Scene) -> Any:
    s.d.secrets = True
    inner = _backend(
        "{name}",
        80,
        'W0314 09:28:44.120 7 controller.go:1504] Error getting SSL certificate "{ns}/plan-tls": local SSL certificate {ns}/plan-tls was not found. Using default certificate\n',
        tls="plan-tls",
    )
    return inner(s)


def _misroute(log: str, path: str) -> Any:
    def build(s: Scene) -> Any:
        healthy(s)
        controller = edge(s)
        peer = s.cast.peer
        made = ingress(s.d, s.space, "public-plan", "plan.example.org", s.name, 80, cls="edge-proxy", age=30)
        wrong = {"path": path, "pathType": "Prefix", "backend": {"service": {"name": peer, "port": {"number": 80}}}}
        made["spec"]["rules"][0]["http"]["paths"] = [wrong]
        controller.log(log.format(ns=s.space, name=s.name, peer=peer, path=path) * 8)
        s.app.log("no request for 25 minutes\n")
        s.d.metric(
            "nginx_ingress_controller_requests",
            counter(jump(0.1, 22, 26)),
            exported_namespace=s.space,
            ingress="public-plan",
            exported_service=peer,
            status="404",
        )
        return s.fault("ingress_or_gateway_misroute", "Ingress public-plan", f"Service {s.name}")

    return build


incident(
    "ingress_or_gateway_misroute",
    needs="logs",
    name="route_to_the_neighbour",
    words='" 404 ',
    source="ingress-nginx access log format upstreaminfo",
)(
    _misroute(
        '10.42.1.11 - - [14/Mar/2025:09:28:44 +0000] "GET {path}/42 HTTP/2.0" 404 19 "-" "okhttp/4.12" 92 0.003 [{ns}-{peer}-80] [] 10.244.0.7:8080 19 0.003 404 9f2c\n',
        "/plan",
    )
)
incident("ingress_or_gateway_misroute", needs="logs", name="prefix_of_another_service")(
    _misroute(
        '10.42.1.11 - - [14/Mar/2025:09:28:44 +0000] "POST {path}/solve HTTP/1.1" 404 21 "-" "python-requests/2.32" 210 0.004 [{ns}-{peer}-80] [] 10.244.0.7:8080 21 0.004 404 17aa\n',
        "/solver",
    )
)


@incident(
    "ingress_or_gateway_misroute", needs="logs", words="NR route_not_found", source="envoyproxy/envoy response flags"
)
def gateway_knows_no_route_for_the_host(s: Scene) -> Any:
    healthy(s)
    s.d.add("Gateway", "edge-system", "front-gate", {"spec": {"gatewayClassName": "envoy", "listeners": [{"name": "web", "port": 80, "protocol": "HTTP"}]}, "status": {
        "conditions": [cond("Accepted", "True", "Accepted"), cond("Programmed", "True", "Programmed")], "listeners": [{"name": "web", "attachedRoutes": 1, "conditions": [cond("Accepted", "True", "Accepted")]}]}})  # fmt: skip
    proxy = s.d.app("edge-system", "front-gate-envoy", age=60 * DAY, labels=s.labels("front-gate-envoy"))
    parent = {
        "parentRef": {"kind": "Gateway", "name": "front-gate", "namespace": "edge-system"},
        "conditions": [cond("Accepted", "True", "Accepted"), cond("ResolvedRefs", "True", "ResolvedRefs")],
    }
    s.d.add(
        "HTTPRoute",
        s.space,
        "plan-route",
        {
            "spec": {
                "parentRefs": [{"name": "front-gate", "namespace": "edge-system"}],
                "hostnames": ["plans.example.org"],
                "rules": [{"backendRefs": [{"name": s.cast.peer, "port": 80}]}],
            },
            "status": {"parents": [parent]},
        },
        age=30,
    )
    proxy.log(
        '[2025-03-14T09:28:44.120Z] "GET /v1/plan HTTP/1.1" 404 NR route_not_found - "-" 0 0 0 - "10.42.1.11" "okhttp/4.12" "-" "plan.example.org" "-" - - 10.244.0.3:10080\n'
        * 8
    )
    return s.fault(
        "ingress_or_gateway_misroute", "HTTPRoute plan-route", "Gateway edge-system/front-gate", f"Service {s.name}"
    )


def _gateway(route: tuple[str, str, str] | None, listener: tuple[str, str, str] | None, backend: str) -> Any:
    def build(s: Scene) -> Any:
        healthy(s)
        listeners = [
            {"name": "web", "attachedRoutes": 0 if route else 1, "conditions": [cond("Accepted", "True", "Accepted")]}
        ]
        conditions = [cond("Accepted", "True", "Accepted"), cond("Programmed", "True", "Programmed")]
        if listener:
            listeners[0]["conditions"] = [cond(listener[0], "False", listener[1], listener[2], 60)]
            conditions[1] = cond("Programmed", "False", "Invalid", "Gateway is not programmed", 60)
        s.d.add(
            "Gateway",
            "edge-system",
            "front-gate",
            {
                "spec": {"gatewayClassName": "envoy", "listeners": [{"name": "web", "port": 443, "protocol": "HTTPS"}]},
                "status": {"conditions": conditions, "listeners": listeners},
            },
        )
        accepted = [cond("Accepted", "True", "Accepted"), cond("ResolvedRefs", "True", "ResolvedRefs")]
        if route:
            accepted = [
                c if c["type"] != route[0] else cond(route[0], "False", route[1], route[2], 60) for c in accepted
            ]
        parent = {
            "parentRef": {"kind": "Gateway", "name": "front-gate", "namespace": "edge-system"},
            "conditions": accepted,
        }
        s.d.add(
            "HTTPRoute",
            s.space,
            "plan-route",
            {
                "spec": {
                    "parentRefs": [{"name": "front-gate", "namespace": "edge-system"}],
                    "hostnames": ["plan.example.org"],
                    "rules": [{"backendRefs": [{"name": backend or s.name, "port": 80}]}],
                },
                "status": {"parents": [parent]},
            },
        )
        return s.fault("gateway_api_condition_false", "HTTPRoute plan-route", "Gateway edge-system/front-gate")

    return build


incident(
    "gateway_api_condition_false",
    name="route_not_allowed_by_listeners",
    words="NotAllowedByListeners",
    source="gateway-api apis/v1/shared_types.go",
)(
    _gateway(
        ("Accepted", "NotAllowedByListeners", "No listeners included by this parent ref allowed this attachment."),
        None,
        "",
    )
)
incident(
    "gateway_api_condition_false",
    name="backend_not_found",
    words="BackendNotFound",
    source="gateway-api apis/v1/shared_types.go",
)(_gateway(("ResolvedRefs", "BackendNotFound", "Service plan-core not found"), None, "plan-core"))
incident(
    "gateway_api_condition_false",
    name="listener_certificate_invalid",
    words="InvalidCertificateRef",
    source="gateway-api apis/v1/gateway_types.go",
)(
    _gateway(
        None, ("ResolvedRefs", "InvalidCertificateRef", "Certificate ref to secret edge-system/plan-tls not found"), ""
    )
)

# Names


def _dns_policy(spec: dict[str, Any], log: str) -> Any:
    def build(s: Scene) -> None:
        dep = s.topology.store[0]
        s.victim(spec=spec, c={"env": [{"name": "STORE_HOST", "value": f"{dep}.{s.space}.svc.cluster.local"}]})
        s.crash(1, log.format(host=f"{dep}.{s.space}.svc.cluster.local"))

    return build


_DNS_NEAR = ("app_exception", "dependency_unreachable")
incident("pod_dns_policy_wrong", needs="logs", near=_DNS_NEAR, name="host_network_with_cluster_first")(
    _dns_policy(
        {"hostNetwork": True, "dnsPolicy": "ClusterFirst"}, "dial tcp: lookup {host} on 10.42.0.2:53: no such host\n"
    )
)
incident(
    "pod_dns_policy_wrong",
    needs="logs",
    near=_DNS_NEAR,
    name="default_policy_asks_the_nodes_resolver",
    words="Unknown MySQL server host",
    source="mysql include/errmsg.h",
)(
    _dns_policy(
        {"dnsPolicy": "Default"}, "pymysql.err.OperationalError: (2005, \"Unknown MySQL server host '{host}' (-2)\")\n"
    )
)
incident(
    "pod_dns_policy_wrong",
    needs="logs",
    near=_DNS_NEAR,
    name="own_resolvers_do_not_know_the_cluster",
    words="nodename nor servname provided",
    source="libc getaddrinfo",
)(
    _dns_policy(
        {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["9.9.9.9"], "searches": []}},
        "getaddrinfo {host}: nodename nor servname provided, or not known\n",
    )
)


def _coredns(corefile: str, log: str, *, crash: bool) -> Any:
    def build(s: Scene) -> Any:
        dns = next(a for a in s.d.apps if a.name == "coredns")
        s.d.add("ConfigMap", "kube-system", "coredns", {"data": {"Corefile": corefile}}, age=90 * DAY)
        if crash:
            dns.crash(1, log, restarts=9)
        else:
            dns.log(log * 12)
        victim = s.caller("Temporary failure resolving upstream: SERVFAIL\n" * 6)
        victim.log("lookup " + s.name + " on 10.96.0.10:53: server misbehaving\n" * 6)
        peer = next(a for a in s.d.apps if a.name == s.cast.peer)
        peer.log("lookup metrics-sink.example.org on 10.96.0.10:53: server misbehaving\n" * 6)
        healthy(s)
        return s.fault(
            "coredns_misconfigured_or_stale",
            "ConfigMap kube-system/coredns",
            "Deployment kube-system/coredns",
            "Service kube-system/kube-dns",
            near=("script_or_args_error", "app_exception"),
        )

    return build


incident(
    "coredns_misconfigured_or_stale",
    needs="logs",
    name="unknown_directive_in_the_corefile",
    words="Error during parsing: Unknown directive",
    source="coredns/caddy caddyfile/parse.go",
)(
    _coredns(
        ".:53 {\n    errors\n    kubernetes cluster.local\n    forwrd . /etc/resolv.conf\n}\n",
        "/etc/coredns/Corefile:4 - Error during parsing: Unknown directive 'forwrd'\n",
        crash=True,
    )
)
incident(
    "coredns_misconfigured_or_stale",
    needs="logs",
    name="forwarding_loop",
    words="plugin/loop: Loop (",
    source="coredns plugin/loop/loop.go",
)(
    _coredns(
        ".:53 {\n    errors\n    kubernetes cluster.local\n    forward . 10.96.0.10\n    loop\n}\n",
        '[FATAL] plugin/loop: Loop (127.0.0.1:44222 -> :53) detected for zone ".", see https://coredns.io/plugins/loop#troubleshooting. Query: "HINFO 4547991504243258144.3688648895315093531."\n',
        crash=True,
    )
)
incident(
    "coredns_misconfigured_or_stale",
    needs="logs",
    name="upstream_resolver_is_gone",
    words="plugin/errors: 2",
    source="coredns plugin/errors/errors.go",
)(
    _coredns(
        ".:53 {\n    errors\n    kubernetes cluster.local\n    forward . 10.0.99.53\n}\n",
        "[ERROR] plugin/errors: 2 metrics-sink.example.org. A: read udp 10.244.0.3:41523->10.0.99.53:53: i/o timeout\n",
        crash=False,
    )
)


def _typo(change: tuple[str, str], log: str) -> Any:
    def build(s: Scene) -> Any:
        peer = s.cast.peer
        wrong = peer.replace(*change, 1)
        s.d.typos.add(wrong)
        s.victim(c={"env": [{"name": "PEER_HOST", "value": f"{wrong}.{s.space}.svc.cluster.local"}]})
        s.crash(1, log.format(host=f"{wrong}.{s.space}.svc.cluster.local"))
        return s.fault(
            "hostname_typo",
            f"Deployment {s.name}",
            near=("app_exception", "dependency_unreachable", "env_var_wrong_address", "service_missing"),
        )

    return build


incident("hostname_typo", needs="logs", name="one_letter_wrong")(
    _typo(("a", "e"), "dial tcp: lookup {host} on 10.96.0.10:53: no such host\n")
)
incident(
    "hostname_typo",
    needs="logs",
    name="one_letter_too_few",
    words="failed to lookup address information",
    source="Rust std/src/sys/net",
)(_typo(("r", ""), "Error: failed to lookup address information: Name or service not known ({host})\n"))
incident(
    "hostname_typo",
    needs="logs",
    name="one_letter_doubled",
    words="could not translate host name",
    source="postgres src/interfaces/libpq/fe-connect.c",
)(_typo(("t", "tt"), 'psql: error: could not translate host name "{host}" to address: Name or service not known\n'))
