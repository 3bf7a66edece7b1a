# ruff: noqa: E501  (messages stand as exporters and network agents write them)
"""The network between pods and nodes: modes 110 to 113."""

from __future__ import annotations

from typing import Any

from tests.bench.heldout.dump import cond
from tests.bench.rootcause_scenarios.case import Scene, incident
from tests.bench.rootcause_scenarios.estate import DAY, counter, jump, steady


def instance(s: Scene, index: int) -> dict[str, str]:
    return {"instance": f"10.42.{index + 1}.11:9100", "node": s.node(index), "job": "node-exporter"}


# Delay and loss


def _pod_delay(rtt: str, error: str, log: str) -> Any:
    def build(s: Scene) -> Any:
        app = s.victim(age=9 * DAY, replicas=2)
        app.log("INFO 200 GET /v1/plan handled in 11 ms\n" * 6)
        s.caller(log.format(name=s.name) * 5)
        for pod in app.pods:
            labels = {"namespace": s.space, "pod": pod["metadata"]["name"]}
            s.d.metric(rtt, jump(0.0006, 0.62, 24), **labels, target=pod["status"]["podIP"])
            s.d.metric("container_cpu_usage_seconds_total", counter(steady(0.06)), **labels, container=s.name)
        s.d.metric(
            "latency_p95_seconds", jump(0.03, 1.3, 24), namespace=s.space, workload_kind="Deployment", workload=s.name
        )
        s.d.metric("errors_per_second", steady(0.0), namespace=s.space, workload_kind="Deployment", workload=s.name)
        s.d.alert(
            "RequestLatencyHigh",
            f"95th percentile latency of calls to {s.name} is 1.3 s.",
            namespace=s.space,
            service=s.name,
            ago=20,
        )
        s.d.connect(s.space, s.name, 80, error)
        return s.fault("pod_network_delay", f"Deployment {s.name}", f"Service {s.name}", near=("cpu_overload",))

    return build


incident("pod_network_delay", needs="extras", name="pings_to_two_pods_are_slow")(
    _pod_delay("probe_icmp_duration_seconds", "", "WARN {name} answered after 1280 ms\n")
)
incident(
    "pod_network_delay",
    needs="extras",
    name="connects_to_two_pods_are_slow",
    words="upstream connect took",
    source="an application's own log",
)(_pod_delay("tcp_connect_duration_seconds", "", "WARN upstream connect took 640 ms to {name}\n"))
incident(
    "pod_network_delay",
    needs="extras",
    name="round_trips_of_two_pods_are_slow",
    words="ttfb=1.2",
    source="an application's own log",
)(_pod_delay("tcp_rtt_seconds", "", "slow call {name} ttfb=1.2s\n"))


def _node_delay(metric: str, alert: str, **labels: str) -> Any:
    def build(s: Scene) -> Any:
        s.victim(age=9 * DAY, replicas=len(s.nodes))
        s.app.log("INFO 200 GET /v1/plan handled in 11 ms\n" * 6)
        for index in range(len(s.nodes)):
            s.d.metric(metric, jump(0.0005, 0.31, 25) if index == 1 else steady(0.0005), **instance(s, index), **labels)
        for pod in s.app.pods:
            slow = pod["spec"]["nodeName"] == s.node(1)
            s.d.metric(
                "latency_p95_seconds",
                jump(0.03, 0.9, 25) if slow else steady(0.03),
                namespace=s.space,
                pod=pod["metadata"]["name"],
                workload=s.name,
            )
        s.d.alert("NodeNetworkLatencyHigh", alert.format(node=s.node(1)), node=s.node(1), instance="10.42.2.11:9100")
        return s.fault("node_network_delay", f"Node /{s.node(1)}")

    return build


incident("node_network_delay", needs="extras", name="pings_to_one_node_are_slow")(
    _node_delay("probe_icmp_duration_seconds", "Round trip to {node} is 310 ms.", phase="rtt")
)
incident(
    "node_network_delay",
    needs="extras",
    name="cilium_health_latency_of_one_node",
    words="cilium_node_connectivity_latency_seconds",
    source="cilium Documentation/observability/metrics",
)(
    _node_delay(
        "cilium_node_connectivity_latency_seconds",
        "Latency to {node} is above 250 ms.",
        address_type="primary",
        protocol="icmp",
    )
)
incident(
    "node_network_delay",
    needs="extras",
    name="smokeping_to_one_node",
    words="smokeping_",
    source="SuperQ/smokeping_prober",
)(_node_delay("smokeping_response_duration_seconds_p50", "Smoke ping to {node} is slow."))


def _loss(metrics: list[tuple[str, float, float]], alert: tuple[str, str], *, log: str) -> Any:
    def build(s: Scene) -> Any:
        s.victim(age=9 * DAY)
        s.caller(log * 6)
        for index in range(len(s.nodes)):
            for name, before, after in metrics:
                curve = jump(before, after, 24) if index == 1 else steady(before)
                device = {"device": "eth0"} if name.startswith("node_network_") else {}
                s.d.metric(name, counter(curve), **instance(s, index), **device)
        s.d.alert(alert[0], alert[1].format(node=s.node(1)), **instance(s, 1), device="eth0")
        return s.fault("packet_loss_or_corruption", f"Node /{s.node(1)}")

    return build


incident(
    "packet_loss_or_corruption",
    needs="extras",
    name="receive_errors_of_a_card",
    words="receive errors in the last two minutes",
    source="node-mixin alerts.libsonnet NodeNetworkReceiveErrs",
)(
    _loss(
        [("node_network_receive_errs_total", 0, 38), ("node_network_receive_packets_total", 4000, 2900)],
        (
            "NodeNetworkReceiveErrs",
            "{node} interface eth0 has encountered 4512 receive errors in the last two minutes.",
        ),
        log="WARN read timed out, retrying\n",
    )
)
incident(
    "packet_loss_or_corruption",
    needs="extras",
    name="segments_are_sent_again",
    words="segments retransmitted",
    source="an alert over node_netstat_Tcp_RetransSegs",
)(
    _loss(
        [
            ("node_netstat_TcpExt_TCPTimeouts", 0.01, 9),
            ("node_netstat_Tcp_RetransSegs", 0.4, 460),
            ("node_netstat_Tcp_OutSegs", 4000, 3900),
        ],
        ("TcpRetransmissionsHigh", "11.8% of segments retransmitted on {node}."),
        log="WARN read timed out, retrying\n",
    )
)
incident(
    "packet_loss_or_corruption",
    needs="extras",
    name="checksums_do_not_match",
    words="InCsumErrors",
    source="node_exporter netstat collector",
)(
    _loss(
        [
            ("node_netstat_Tcp_InErrs", 0, 55),
            ("node_netstat_Udp_InCsumErrors", 0, 20),
            ("node_netstat_Tcp_RetransSegs", 0.4, 180),
        ],
        ("NodeNetworkInterfaceErrors", "Checksum errors (InCsumErrors) rise on {node}."),
        log="ERROR frame CRC mismatch, connection reset\n",
    )
)


def _route(agent: str, message: str, condition: tuple[str, str, str] | None) -> Any:
    def build(s: Scene) -> Any:
        node = s.nodes[1]
        daemon = s.d.app(
            "kube-system",
            agent,
            kind="DaemonSet",
            age=60 * DAY,
            labels={"k8s-app": agent},
            spec={"hostNetwork": True, "tolerations": [{"operator": "Exists"}]},
        )
        sick = [p for p in daemon.pods if p["spec"]["nodeName"] == s.node(1)]
        if message:
            for pod, status in daemon.statuses(0, sick):
                status.update(ready=False)
                s.d.event(pod, "Unhealthy", message, count=70, first=30)
            daemon.not_ready(sick, ago=30)
        if condition:
            type_, reason, text = condition
            node["status"]["conditions"].append(cond(type_, "True", reason, text, 30))
        app = s.victim(age=9 * DAY, replicas=1)
        app.pods[0]["spec"]["nodeName"] = s.node(1)
        app.log("listening\n")
        s.caller("dial tcp 10.244.1.7:80: connect: no route to host\n" * 6)
        s.d.connect(s.space, s.name, 80, "connect: no route to host")
        return s.fault("cni_route_broken", f"Node /{s.node(1)}", f"DaemonSet kube-system/{agent}")

    return build


incident(
    "cni_route_broken",
    name="bgp_session_of_one_node_is_down",
    words="BGP not established with",
    source="projectcalico node/pkg/health/health.go",
)(
    _route(
        "calico-node",
        "Readiness probe failed: calico/node is not ready: BIRD is not ready: BGP not established with 10.42.1.11,10.42.3.11",
        None,
    )
)
incident(
    "cni_route_broken",
    name="cloud_made_no_route",
    words="Node created without a route",
    source="kubernetes cloud-provider node_controller / route controller",
)(_route("cloud-net-agent", "", ("NetworkUnavailable", "NoRouteCreated", "Node created without a route")))
incident(
    "cni_route_broken",
    name="calico_is_down_on_one_node",
    words="Calico is shutting down on this node",
    source="projectcalico node/pkg/nodeinit",
)(
    _route(
        "calico-node",
        'Liveness probe failed: calico/node is not ready: Felix is not live: Get "http://localhost:9099/liveness": dial tcp 127.0.0.1:9099: connect: connection refused',
        ("NetworkUnavailable", "CalicoIsDown", "Calico is shutting down on this node"),
    )
)
