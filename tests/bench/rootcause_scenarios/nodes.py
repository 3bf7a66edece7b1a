# ruff: noqa: E501  (messages stand as kubelets, exporters and clients write them)
"""Nodes and the control plane: modes 114 to 120."""

from __future__ import annotations

from typing import Any

from tests.bench.heldout.props import evicted, pressure
from tests.bench.rootcause_scenarios.case import Scene, incident
from tests.bench.rootcause_scenarios.estate import DAY, at, counter, jump, steady
from tests.bench.rootcause_scenarios.network import instance

# Node daemons


def _down(
    mode: str,
    status: str,
    reason: str,
    message: str,
    service: str,
    *,
    events: tuple[str, str] | None = None,
    node_events: tuple[str, str] | None = None,
    state: str = "",
) -> Any:
    def build(s: Scene) -> Any:
        s.victim(age=9 * DAY, replicas=len(s.nodes))
        node = s.nodes[2]
        s.d.node_down(node, status, reason, message, ago=22)
        active = state or ("inactive" if mode == "kubelet_down" else "failed")
        s.d.node_service(node, service, False, active, ago=23)
        if events:
            fresh = s.d.app(s.space, "fresh-runner", replicas=1, age=15, labels=s.labels("fresh-runner"))
            fresh.pods[0]["spec"]["nodeName"] = s.node(2)
            fresh.creating()
            fresh.event(*events, count=30)
        if node_events:
            s.d.event(
                node,
                node_events[0],
                node_events[1].format(node=s.node(2)),
                count=1,
                type_="Normal",
                by="cloud-node-lifecycle-controller",
            )
        s.d.alert(
            "KubeNodeNotReady", f"{s.node(2)} has been unready for more than 15 minutes on cluster .", node=s.node(2)
        )
        return s.fault(mode, f"Node /{s.node(2)}", near=("kubelet_down",) if mode != "kubelet_down" else ())

    return build


incident("kubelet_down", name="kubelet_stopped_posting")(
    _down("kubelet_down", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", "kubelet")
)
incident(
    "kubelet_down",
    name="node_vanished_with_its_machine",
    words="because it does not exist in the cloud provider",
    source="kubernetes cloud-provider controllers/nodelifecycle",
)(
    _down(
        "kubelet_down",
        "Unknown",
        "NodeStatusUnknown",
        "Kubelet stopped posting node status.",
        "kubelet",
        node_events=("DeletingNode", "Deleting node {node} because it does not exist in the cloud provider"),
    )
)
incident("kubelet_down", name="kubelet_is_starting_over")(
    _down(
        "kubelet_down",
        "Unknown",
        "NodeStatusUnknown",
        "Kubelet stopped posting node status.",
        "kubelet",
        state="activating (auto-restart)",
    )
)
incident("container_runtime_down", name="runtime_is_down")(
    _down("container_runtime_down", "False", "KubeletNotReady", "container runtime is down", "containerd")
)
incident(
    "container_runtime_down",
    name="pleg_not_healthy",
    words="PLEG is not healthy",
    source="kubernetes pkg/kubelet/pleg/generic.go",
)(
    _down(
        "container_runtime_down",
        "False",
        "KubeletNotReady",
        "[container runtime is down, PLEG is not healthy: pleg was last seen active 22m4.3s ago; threshold is 3m0s]",
        "containerd",
    )
)
incident("container_runtime_down", name="runtime_socket_refuses", words="dial unix /run/containerd/containerd.sock", source="grpc-go; kubernetes cri-client")(
    _down("container_runtime_down", "False", "KubeletNotReady", "container runtime status check may not have completed yet", "containerd",
          events=("FailedCreatePodSandBox", 'Failed to create pod sandbox: rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused"')))  # fmt: skip


def _proxy(crash: bool, log: str, error: str) -> Any:
    def build(s: Scene) -> Any:
        proxy = next(a for a in s.d.apps if a.name == "kube-proxy")
        sick = [p for p in proxy.pods if p["spec"]["nodeName"] == s.node(1)]
        s.d.node_service(s.nodes[1], "kube-proxy", False, "failed", ago=26)
        if crash:
            proxy.crash(1, log, pods=sick, restarts=9)
        elif log:
            proxy.log(log, pod=sick[0])
        s.victim(age=9 * DAY)
        s.app.log("listening\n")
        far = s.caller()
        for index, pod in enumerate(far.pods):
            pod["spec"]["nodeName"] = s.node(1 - index)
        far.log("ERROR " + error + "\n", pod=far.pods[0])
        far.log("INFO 200\n" * 5, pod=far.pods[1])
        s.d.connect(s.space, s.name, 80, error)
        return s.fault(
            "kube_proxy_down",
            f"Node /{s.node(1)}",
            "DaemonSet kube-system/kube-proxy",
            near=("app_exception", "script_or_args_error"),
        )

    return build


incident("kube_proxy_down", needs="extras", name="proxy_unit_failed_on_one_node")(
    _proxy(False, "", "dial tcp 172.20.9.10:80: i/o timeout")
)
incident(
    "kube_proxy_down",
    needs="extras",
    name="proxy_pod_crashes_on_one_node",
    words="can't use the IPVS proxier",
    source="kubernetes cmd/kube-proxy/app/server_linux.go",
)(
    _proxy(
        True,
        'E0314 09:28:44.120 1 run.go:72] "command failed" err="can\'t use the IPVS proxier: ipset version 5.2 is not supported"\n',
        "dial tcp 172.20.9.10:80: connect: no route to host",
    )
)
incident(
    "kube_proxy_down",
    needs="extras",
    name="proxy_cannot_write_its_rules",
    words="Failed to execute iptables-restore",
    source="kubernetes pkg/proxy/iptables/proxier.go",
)(
    _proxy(
        False,
        'E0314 09:28:44.120 1 proxier.go:1588] "Failed to execute iptables-restore" err="exit status 4: another app is currently holding the xtables lock"\n'
        * 8,
        "dial tcp 172.20.9.10:80: i/o timeout",
    )
)


# Control plane


def _scheduler(crash: str, alert: bool) -> Any:
    def build(s: Scene) -> Any:
        app = s.victim(age=28, replicas=2)
        other = s.d.app(s.topology.casts[1].space, "late-survey", replicas=1, age=16, labels=s.labels("late-survey"))
        for each in (app, other):
            for pod in each.pods:
                pod["spec"].pop("nodeName", None)
                pod["status"] = {"phase": "Pending", "qosClass": "Burstable"}
        s.d.add(
            "Lease",
            "kube-system",
            "kube-scheduler",
            {"spec": {"holderIdentity": "control-1_7f", "leaseDurationSeconds": 15, "renewTime": at(30)}},
            age=90 * DAY,
        )
        s.d.add(
            "Lease",
            "kube-system",
            "kube-controller-manager",
            {"spec": {"holderIdentity": "control-1_9a", "leaseDurationSeconds": 15, "renewTime": at(0.1)}},
            age=90 * DAY,
        )
        if crash:
            static = s.d.app(
                "kube-system",
                "kube-scheduler-control-1",
                kind="Pod",
                age=90 * DAY,
                labels={"component": "kube-scheduler", "tier": "control-plane"},
                c={"image": "registry.k8s.io/kube-scheduler:v1.30.4", "command": ["kube-scheduler"]},
            )
            static.crash(1, crash, restarts=9)
        if alert:
            s.d.alert(
                "KubeSchedulerDown",
                "KubeScheduler has disappeared from Prometheus target discovery.",
                severity="critical",
                job="kube-scheduler",
            )
        return s.fault(
            "scheduler_down",
            f"Deployment {s.name}",
            "Pod kube-system/kube-scheduler-control-1",
            "Lease kube-system/kube-scheduler",
            f"Deployment {s.topology.casts[1].space}/late-survey",
            "Namespace /kube-system",
        )

    return build


incident("scheduler_down", name="no_word_from_the_scheduler")(_scheduler("", False))
incident(
    "scheduler_down",
    name="scheduler_crashes_on_its_configuration",
    words="no kind is registered for the type",
    source="kubernetes cmd/kube-scheduler/app/options",
)(
    _scheduler(
        'E0314 09:28:44.120 1 run.go:74] "command failed" err="no kind is registered for the type v1beta2.KubeSchedulerConfiguration"\n',
        True,
    )
)
incident(
    "scheduler_down",
    name="scheduler_lost_its_lease_for_good",
    words="KubeScheduler has disappeared",
    source="kubernetes-mixin alerts/kube_scheduler.libsonnet",
)(_scheduler("", True))


def _pressure(type_: str, reason: str, node_message: str, evict: str, event: tuple[str, str]) -> Any:
    def build(s: Scene) -> Any:
        app = s.victim(age=9 * DAY, replicas=2)
        index = next(i for i, n in enumerate(s.nodes) if n["metadata"]["name"] == app.pods[0]["spec"]["nodeName"])
        pressure(s.d, s.nodes[index], type_, reason, node_message)
        evicted(s.d, app, app.pods[0], evict.format(name=s.name), 9)
        s.d.event(s.nodes[index], *event, count=12)
        return s.fault("node_pressure_eviction", f"Node /{s.node(index)}")

    return build


incident("node_pressure_eviction", name="disk_pressure")(
    _pressure(
        "DiskPressure",
        "KubeletHasDiskPressure",
        "kubelet has disk pressure",
        "The node was low on resource: ephemeral-storage. Threshold quantity: 8234567890, available: 7710Mi. ",
        ("EvictionThresholdMet", "Attempting to reclaim ephemeral-storage"),
    )
)
incident("node_pressure_eviction", name="memory_pressure")(
    _pressure(
        "MemoryPressure",
        "KubeletHasInsufficientMemory",
        "kubelet has insufficient memory available",
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 61Mi. Container {name} was using 1411Mi, request is 128Mi, has larger consumption of memory. ",
        ("EvictionThresholdMet", "Attempting to reclaim memory"),
    )
)
incident(
    "node_pressure_eviction",
    name="too_many_processes",
    words="Attempting to reclaim pids",
    source="kubernetes pkg/kubelet/eviction/eviction_manager.go",
)(
    _pressure(
        "PIDPressure",
        "KubeletHasInsufficientPID",
        "kubelet has insufficient PID available",
        "The node was low on resource: pids. Threshold quantity: 3276, available: 901. ",
        ("EvictionThresholdMet", "Attempting to reclaim pids"),
    )
)


def _clock(log: str, *, offset: float, alert: tuple[str, str]) -> Any:
    def build(s: Scene) -> Any:
        app = s.victim(age=9 * DAY, replicas=len(s.nodes))
        sick = [p for p in app.pods if p["spec"]["nodeName"] == s.node(1)]
        app.log("INFO 200\n" * 4)
        for pod in sick:
            app.log(log * 6, pod=pod)
        s.d.metric("node_timex_offset_seconds", steady(offset), **instance(s, 1))
        s.d.metric("node_timex_sync_status", steady(0), **instance(s, 1))
        s.d.alert(alert[0], alert[1], **instance(s, 1))
        return s.fault("clock_drift", f"Node /{s.node(1)}", near=("app_exception", "certificate_expired"))

    return build


incident(
    "clock_drift",
    needs="extras",
    name="clock_is_not_synchronised",
    words="is not synchronising",
    source="node-mixin alerts.libsonnet NodeClockNotSynchronising",
)(
    _clock(
        "jwt: token used before issued\n",
        offset=0.0,
        alert=(
            "NodeClockNotSynchronising",
            "Clock at 10.42.2.11:9100 is not synchronising. Ensure NTP is configured on this host.",
        ),
    )
)
incident(
    "clock_drift",
    needs="extras",
    name="clock_is_minutes_ahead",
    words="RequestTimeTooSkewed",
    source="AWS S3 error responses",
)(
    _clock(
        "botocore.exceptions.ClientError: An error occurred (RequestTimeTooSkewed) when calling the PutObject operation: The difference between the request time and the current time is too large.\n",
        offset=942.0,
        alert=(
            "NodeClockSkewDetected",
            "Clock at 10.42.2.11:9100 is out of sync by more than 0.05s. Ensure NTP is configured correctly on this host.",
        ),
    )
)
incident(
    "clock_drift",
    needs="extras",
    name="certificates_are_not_valid_yet",
    words="SignatureDoesNotMatch: Signature not yet current",
    source="AWS signature version 4 troubleshooting",
)(
    _clock(
        "SignatureDoesNotMatch: Signature not yet current: 20250314T092844Z is still later than 20250314T091744Z\n",
        offset=-660.0,
        alert=(
            "NodeClockSkewDetected",
            "Clock at 10.42.2.11:9100 is out of sync by more than 0.05s. Ensure NTP is configured correctly on this host.",
        ),
    )
)


def _surge(log: str, alert: tuple[str, str]) -> Any:
    def build(s: Scene) -> Any:
        s.victim(age=9 * DAY, service=False)
        s.app.log(log * 10)
        s.d.metric("apiserver_current_inflight_requests", jump(14, 398, 21), request_kind="readOnly", job="apiserver")
        s.d.metric(
            "apiserver_flowcontrol_rejected_requests_total",
            counter(jump(0, 88, 21)),
            priority_level="workload-low",
            reason="queue-full",
            job="apiserver",
        )
        s.d.metric(
            "apiserver_request_total",
            counter(jump(60, 2100, 21)),
            code="200",
            verb="LIST",
            resource="pods",
            job="apiserver",
        )
        s.d.metric(
            "apiserver_request_total",
            counter(jump(0, 700, 21)),
            code="429",
            verb="LIST",
            resource="pods",
            job="apiserver",
        )
        s.d.alert(*alert, severity="critical", job="apiserver")
        return s.fault(
            "apiserver_request_surge",
            f"Deployment {s.name}",
            "Service default/kubernetes",
            "Namespace /kube-system",
            "Pod kube-system/kube-apiserver",
        )

    return build


incident(
    "apiserver_request_surge",
    needs="extras",
    name="one_controller_lists_without_end",
    words="due to client-side throttling, not priority and fairness",
    source="kubernetes client-go rest/request.go",
)(
    _surge(
        "I0314 09:28:44.120 1 request.go:697] Waited for 12.117s due to client-side throttling, not priority and fairness, request: GET:https://10.96.0.1:443/api/v1/pods\n",
        ("KubeAPIErrorBudgetBurn", "The API server is burning too much error budget on cluster ."),
    )
)
incident(
    "apiserver_request_surge",
    needs="extras",
    name="server_asks_to_try_later",
    words="has asked us to try again later",
    source="kubernetes apimachinery pkg/api/errors NewTooManyRequestsError",
)(
    _surge(
        "E0314 09:28:44.120 1 sync.go:88] the server has received too many requests and has asked us to try again later (get pods)\n",
        (
            "KubeAPITerminatedRequests",
            "The kubernetes apiserver has terminated 31.2% of its incoming requests on cluster .",
        ),
    )
)
incident(
    "apiserver_request_surge",
    needs="extras",
    name="client_rate_limiter_gives_up",
    words="client rate limiter Wait returned an error",
    source="kubernetes client-go rest/request.go",
)(
    _surge(
        "ERROR controller-runtime: client rate limiter Wait returned an error: context deadline exceeded, listing pods in all namespaces\n",
        ("KubeAPIErrorBudgetBurn", "The API server is burning too much error budget on cluster ."),
    )
)
