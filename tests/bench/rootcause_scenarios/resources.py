# ruff: noqa: E501  (messages stand as kubelets, kernels and applications write them)
"""Memory, CPU, disks and handles: modes 18 to 24."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.bench.heldout.props import evicted, hook
from tests.bench.rootcause_scenarios.case import Scene, incident
from tests.bench.rootcause_scenarios.estate import DAY, Curve, Exact, at, counter, jump, ramp, saw, steady

MI = 1024 * 1024


def _limit(memory: str = "256Mi", cpu: str = "") -> dict[str, Any]:
    limits = {"memory": memory, **({"cpu": cpu} if cpu else {})}
    return {"resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": limits}}


def _workload(s: Scene) -> dict[str, str]:
    """Labels of the product's own series."""
    return {"namespace": s.space, "workload_kind": "Deployment", "workload": s.name, "container": s.name}


# Memory


@incident("oom_killed")
def killed_at_its_limit(s: Scene) -> None:
    s.victim(c=_limit())
    s.crash(137, "loading catalogue into memory\n", reason="OOMKilled", restarts=7, ran=1.2)


@incident("oom_killed")
def one_container_of_two_is_killed(s: Scene) -> None:
    side = {"name": "index-sidecar", "image": "docker.io/library/vector:0.39", **_limit("64Mi")}
    s.victim(kind="StatefulSet", sidecars=[side])
    s.app.crash(137, reason="OOMKilled", container=1, ran=3)


@incident(
    "oom_killed",
    words="Memory cgroup out of memory: Killed process",
    source="Linux mm/oom_kill.c; node-problem-detector kernel-monitor.json",
    near=("app_exception",),
)
def kernel_kills_a_child_process(s: Scene) -> None:
    s.victim(c=_limit("512Mi"))
    s.crash(137, "worker 3 died unexpectedly, exiting\n", ran=4, restarts=5)
    node = s.nodes[0]
    s.d.event(
        node,
        "OOMKilling",
        f"Memory cgroup out of memory: Killed process 48112 (solver-worker) total-vm:914460kB, anon-rss:521732kB, file-rss:0kB, shmem-rss:0kB, UID:1001 pgtables:1240kB oom_score_adj:996 pod {s.app.pods[0]['metadata']['name']}",
        by="kernel-monitor",
    )
    for pod in s.app.pods:
        s.measure("container_memory_working_set_bytes", saw(200 * MI, 500 * MI, 9), pod)
        s.measure("container_oom_events_total", Exact(lambda m: 5 - m // 12), pod)


def _leak(metric: Callable[[Scene, dict[str, Any]], None], log: str, ended: float = 20) -> Any:
    """Killed at its limit every 20 minutes (or `ended` minutes ago), well in between."""

    def build(s: Scene) -> None:
        s.victim(age=9 * DAY, c=_limit("512Mi"))
        for pod, status in s.app.statuses(0):
            end = {"exitCode": 137, "reason": "OOMKilled", "startedAt": at(ended + 20), "finishedAt": at(ended)}
            status.update(restartCount=31, lastState={"terminated": end}, state={"running": {"startedAt": at(ended)}})
            metric(s, pod)
        s.app.log(log)

    return build


def _working_set(s: Scene, pod: dict[str, Any]) -> None:
    s.measure("container_memory_working_set_bytes", saw(120 * MI, 500 * MI, 20), pod)
    s.measure("kube_pod_container_status_restarts_total", Exact(lambda m: 31 - m // 20), pod)


def _own_series(s: Scene, pod: dict[str, Any]) -> None:
    if pod is s.app.pods[0]:  # one series for the whole workload: both of its pods together
        s.d.metric("memory_working_set_bytes", saw(240 * MI, 1000 * MI, 20), **_workload(s))
        s.d.metric("memory_limits_bytes", steady(1024 * MI), **_workload(s))
        s.d.metric("restarts_total", Exact(lambda m: 62 - 2 * (m // 20)), **_workload(s))


def _rising(s: Scene, pod: dict[str, Any]) -> None:
    s.measure("container_memory_working_set_bytes", ramp(150 * MI, 500 * MI), pod)
    s.measure("container_spec_memory_limit_bytes", steady(512 * MI), pod)
    s.d.metric(
        "jvm_memory_used_bytes", ramp(90 * MI, 400 * MI), namespace=s.space, pod=pod["metadata"]["name"], area="heap"
    )


incident("memory_leak", needs="extras", near=("oom_killed",), name="saw_teeth_to_the_limit")(
    _leak(_working_set, "served 1000 requests\n")
)
incident("memory_leak", needs="extras", near=("oom_killed",), name="saw_teeth_in_the_products_series")(
    _leak(_own_series, "served 1000 requests\n")
)
incident(
    "memory_leak",
    needs="extras",
    near=("oom_killed",),
    name="heap_rises_between_kills",
    words="GC overhead limit exceeded",
    source="OpenJDK gc/parallel",
)(
    _leak(
        _rising,
        "WARN [gc] pause full took 4120 ms\njava.lang.OutOfMemoryError: GC overhead limit exceeded in request handler, request dropped\n",
        ended=70,
    )
)


def _rewritten(
    limits: dict[str, str], requests: dict[str, str], effect: Callable[[Scene], None], hook_name: str
) -> Any:
    def build(s: Scene) -> None:
        s.victim(
            c={"resources": {"requests": {"cpu": "200m", "memory": "512Mi"}, "limits": {"cpu": "2", "memory": "1Gi"}}}
        )
        system = s.topology.casts[1].space
        s.d.app(system, "rightsizer", age=25 * DAY, labels=s.labels("rightsizer")).log("mutated 4 pods\n")
        s.d.service(system, "rightsizer", selector=s.labels("rightsizer"), ports=[{"port": 443, "targetPort": 8080}])
        hook(s.d, "Mutating", hook_name, "pods.rightsizer.example", system, "rightsizer", "/mutate", policy="Ignore")
        for pod in s.app.pods:
            pod["spec"]["containers"][0]["resources"] = {"requests": requests, "limits": limits}
        effect(s)

    return build


def _tiny(s: Scene) -> None:
    s.crash(137, "allocating tables\n", reason="OOMKilled", ran=0.1)


def _huge(s: Scene) -> None:
    n = len(s.nodes)
    s.app.unscheduled(
        f"0/{n} nodes are available: {n} Insufficient cpu. preemption: 0/{n} nodes are available: {n} No preemption victims found for incoming pod."
    )


def _tiny_java(s: Scene) -> None:
    s.crash(137, "Picked up JAVA_TOOL_OPTIONS: -Xmx768m\n", reason="OOMKilled", ran=0.4)


for _name, _limits, _requests, _effect, _near in (
    ("webhook_shrinks_the_memory_limit", {"cpu": "2", "memory": "64Mi"}, {"cpu": "200m", "memory": "64Mi"}, _tiny, "oom_killed"),
    ("webhook_asks_for_more_cpu_than_any_node_has", {"cpu": "24", "memory": "1Gi"}, {"cpu": "24", "memory": "512Mi"}, _huge, "insufficient_cpu"),
    ("webhook_halves_limits_below_the_heap", {"cpu": "1", "memory": "512Mi"}, {"cpu": "100m", "memory": "256Mi"}, _tiny_java, "oom_killed"),
):  # fmt: skip
    incident(
        "limits_rewritten_by_webhook", near=(_near,), name=_name, refs=("MutatingWebhookConfiguration /pod-rightsizer",)
    )(_rewritten(_limits, _requests, _effect, "pod-rightsizer"))

# CPU


def _slow(s: Scene, value: float = 2.4) -> None:
    s.d.metric(
        "latency_p95_seconds", jump(0.09, value, 26), namespace=s.space, workload_kind="Deployment", workload=s.name
    )
    s.d.alert(
        "RequestLatencyHigh",
        f"95th percentile latency of {s.name} is {value} s.",
        namespace=s.space,
        service=s.name,
        ago=22,
    )


def _throttled(share: Callable[[Scene, dict[str, Any]], None]) -> Any:
    def build(s: Scene) -> None:
        s.victim(age=9 * DAY, c=_limit("512Mi", "200m"))
        s.app.log("INFO 200 GET /v1/plan 2410 ms\n" * 6)
        for pod in s.app.pods:
            share(s, pod)
        _slow(s)

    return build


def _cadvisor(s: Scene, pod: dict[str, Any]) -> None:
    s.measure("container_cpu_cfs_periods_total", counter(steady(10)), pod)
    s.measure("container_cpu_cfs_throttled_periods_total", counter(jump(0.1, 8.7, 27)), pod)
    s.measure("container_cpu_usage_seconds_total", counter(jump(0.06, 0.199, 27)), pod)


def _mixin(s: Scene, pod: dict[str, Any]) -> None:
    name = pod["metadata"]["name"]
    told = f"86.12% throttling of CPU in namespace {s.space} for container {s.name} in pod {name} on cluster ."
    s.d.alert("CPUThrottlingHigh", told, severity="info", namespace=s.space, pod=name, container=s.name)


def _ratio(s: Scene, pod: dict[str, Any]) -> None:
    if pod is s.app.pods[0]:  # one series for the whole workload
        s.d.metric("cpu_throttled_ratio", jump(0.01, 0.81, 27), **_workload(s))
        s.d.metric("cpu_usage_cores", jump(0.05, 0.2, 27), **_workload(s))
        s.d.metric("cpu_limits_cores", steady(0.2), **_workload(s))


for _name, _share, _words in (
    ("throttled_periods", _cadvisor, ""),
    ("throttling_alert", _mixin, "throttling of CPU in namespace"),
    ("throttled_ratio", _ratio, ""),
):
    incident(
        "cpu_throttling",
        needs="extras",
        words=_words or (),
        source="kubernetes-mixin alerts/resource_alerts.libsonnet" if _words else "",
        name=_name,
    )(_throttled(_share))


def _loaded(busy: Callable[[Scene, dict[str, Any]], None]) -> Any:
    def build(s: Scene) -> None:
        s.victim(age=9 * DAY, replicas=2)
        s.app.log("INFO 200 GET /v1/plan 3120 ms\n" * 6)
        for pod in s.app.pods:
            busy(s, pod)
        _slow(s, 3.1)

    return build


def _cores(s: Scene, pod: dict[str, Any]) -> None:
    s.measure("container_cpu_usage_seconds_total", counter(jump(0.4, 6.9, 28)), pod)
    s.d.metric(
        "http_requests_total", counter(jump(40, 610, 28)), namespace=s.space, pod=pod["metadata"]["name"], code="200"
    )


def _own_cores(s: Scene, pod: dict[str, Any]) -> None:
    if pod is s.app.pods[0]:
        s.d.metric("cpu_usage_cores", jump(0.3, 15.2, 28), **_workload(s))
        s.d.metric("cpu_requests_cores", steady(0.2), **_workload(s))
        s.d.metric(
            "requests_per_second", jump(35, 390, 28), namespace=s.space, workload_kind="Deployment", workload=s.name
        )


def _busy_node(s: Scene, pod: dict[str, Any]) -> None:
    where = pod["spec"]["nodeName"]
    s.measure("container_cpu_usage_seconds_total", counter(jump(0.5, 7.2, 28)), pod)
    s.d.metric("node_load5", jump(1.2, 19.5, 28), node=where, instance=where, job="node-exporter")
    s.d.alert(
        "NodeCPUHighUsage",
        f"CPU usage at {where} has been above 90% for the last 15 minutes, is currently at 97.40%.",
        severity="info",
        instance=where,
        node=where,
    )


for _name, _busy, _words in (
    ("seven_cores_in_one_pod", _cores, ""),
    ("seven_cores_in_the_products_series", _own_cores, ""),
    ("its_node_is_busy_with_it", _busy_node, "CPU usage at"),
):
    incident(
        "cpu_overload",
        needs="extras",
        words=_words or (),
        source="node-mixin alerts.libsonnet" if _words else "",
        name=_name,
    )(_loaded(_busy))

# Disks


def _evicted(message: str) -> Any:
    def build(s: Scene) -> None:
        s.victim(age=9 * DAY, replicas=2)
        evicted(s.d, s.app, s.app.pods[0], message.format(c=s.name), 31)
        again = s.app.pods[-1]
        again["metadata"]["name"] = f"{s.name}-7f9c5d8b6-v5t8n"
        evicted(s.d, s.app, again, message.format(c=s.name), 7)
        s.app.log("writing chunk 411\n")

    return build


incident(
    "ephemeral_storage_or_disk_full",
    words="Usage of EmptyDir volume",
    source="kubernetes pkg/kubelet/eviction/helpers.go",
    name="empty_dir_over_its_size",
)(_evicted('Usage of EmptyDir volume "scratch" exceeds the limit "256Mi". '))
incident(
    "ephemeral_storage_or_disk_full",
    words="exceeded its local ephemeral storage limit",
    source="kubernetes pkg/kubelet/eviction/helpers.go",
    name="container_over_its_ephemeral_limit",
)(_evicted('Container {c} exceeded its local ephemeral storage limit "500Mi". '))

FULL = (
    ("clickhouse_cannot_reserve", 1, "Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE) (version 24.3.2)\nApplication: DB::Exception: Cannot reserve 1.00 MiB, not enough space\n", "Cannot reserve 1.00 MiB, not enough space", "ClickHouse src/Storages/MergeTree"),
    ("sqlite_full", 1, "sqlite3.OperationalError: database or disk is full\n", "database or disk is full", "sqlite src/main.c sqlite3ErrStr"),
    ("postgres_cannot_extend", 1, 'PANIC:  could not write to file "pg_wal/xlogtemp.31": No space left on device\nFATAL:  could not extend file "base/16384/2619": No space left on device\nHINT:  Check free disk space.\n', "HINT:  Check free disk space", "postgres src/backend/storage/smgr/md.c"),
    ("mysql_waits_for_space", 1, "[ERROR] [MY-000035] [Server] Disk is full writing './binlog.000042' (OS errno 28 - No space left on device). Waiting for someone to free space... Retry in 60 secs. Message reprinted in 600 secs.\n", "Waiting for someone to free space", "mysql mysys/errors.cc"),
    ("elasticsearch_flood_stage", 1, '[WARN ][o.e.c.r.a.DiskThresholdMonitor] flood stage disk watermark [95%] exceeded on [k7c][solver-0][/usr/share/elasticsearch/data] free: 1.1gb[2.7%], all indices on this node will be marked read-only\njava.io.IOException: No space left on device\n', "flood stage disk watermark", "elasticsearch DiskThresholdMonitor.java"),
)  # fmt: skip


def _full(code: int, log: str) -> Any:
    def build(s: Scene) -> None:
        s.d.bound_claim(s.space, "plate-disk")
        s.victim(kind="StatefulSet", replicas=1, age=20 * DAY, c={"volumeMounts": [{"name": "disk", "mountPath": "/data"}]},
                 spec={"volumes": [{"name": "disk", "persistentVolumeClaim": {"claimName": "plate-disk"}}]})  # fmt: skip
        s.crash(code, log)
        s.d.metric(
            "kubelet_volume_stats_available_bytes", ramp(3e9, 0), namespace=s.space, persistentvolumeclaim="plate-disk"
        )
        s.d.metric(
            "kubelet_volume_stats_capacity_bytes", steady(20e9), namespace=s.space, persistentvolumeclaim="plate-disk"
        )

    return build


for _name, _code, _log, _words, _source in FULL:
    incident(
        "ephemeral_storage_or_disk_full",
        needs="logs",
        near=("app_exception",),
        words=_words,
        source=_source,
        name=_name,
        refs=("PersistentVolumeClaim plate-disk",),
    )(_full(_code, _log))

# Handles, connections, ports

EXHAUSTED = (
    ("go_accept_error", "2025/03/14 09:28:44 http: Accept error: accept tcp [::]:8080: accept4: too many open files; retrying in 1s\n", "http: Accept error: accept tcp", "Go net/http/server.go"),
    ("dotnet_cannot_assign", "System.Net.Sockets.SocketException (99): Cannot assign requested address (orbit-store:6379)\n   at System.Net.Sockets.Socket.AwaitableSocketAsyncEventArgs.ThrowException(SocketError error)\n", "System.Net.Sockets.SocketException (99):", "dotnet System.Net.Sockets"),
    ("nginx_no_more_files", "2025/03/14 09:28:44 [crit] 29#29: accept4() failed (24: Too many open files)\n", "accept4() failed (24", "nginx src/event/ngx_event_accept.c"),
    ("go_cannot_assign_address", "dial tcp 10.96.3.7:6379: connect: cannot assign requested address\n", "connect: cannot assign requested address", "Linux errno EADDRNOTAVAIL"),
    ("java_native_thread", "java.net.SocketException: Too many open files\n\tat java.base/sun.nio.ch.Net.socket0(Native Method)\n", "", "OpenJDK sun.nio.ch.Net"),
    ("libuv_emfile", "Error: EMFILE: too many open files, open '/app/views/plan.html'\n    at Object.openSync (node:fs:601:3)\n", "EMFILE: too many open files", "libuv src/unix/core.c"),
)  # fmt: skip


def _exhausted(log: str) -> Any:
    def build(s: Scene) -> None:
        s.victim(age=9 * DAY)
        s.app.log("INFO 200\n" * 3 + log * 12)
        s.app.unready("Readiness probe failed: HTTP probe failed with statuscode: 500", log="")
        for pod in s.app.pods:
            s.d.metric("process_open_fds", ramp(120, 1021), namespace=s.space, pod=pod["metadata"]["name"])
            s.d.metric("process_max_fds", steady(1024), namespace=s.space, pod=pod["metadata"]["name"])

    return build


for _name, _log, _words, _source in EXHAUSTED:
    incident(
        "fd_conntrack_ephemeral_port_exhaustion",
        needs="logs",
        near=("rollout_stuck", "endpoints_not_ready", "app_exception"),
        words=_words or (),
        source=_source,
        name=_name,
    )(_exhausted(_log))


@incident(
    "fd_conntrack_ephemeral_port_exhaustion",
    needs="extras",
    words="conntrack entries are used",
    source="node-mixin alerts.libsonnet NodeHighNumberConntrackEntriesUsed",
)
def conntrack_table_of_a_node_is_full(s: Scene) -> Any:
    node = s.node(1)
    instance = "10.42.2.11:9100"
    used: Curve = ramp(60_000, 131_050)
    s.d.metric("node_nf_conntrack_entries", used, instance=instance, node=node, job="node-exporter")
    s.d.metric("node_nf_conntrack_entries_limit", steady(131_072), instance=instance, node=node, job="node-exporter")
    s.d.alert(
        "NodeHighNumberConntrackEntriesUsed", "99.98% of conntrack entries are used.", instance=instance, node=node
    )
    s.victim(age=9 * DAY)
    s.caller("WARN connect to upstream timed out after 3 s, 1 of 9 requests\n" * 6)
    return s.fault("fd_conntrack_ephemeral_port_exhaustion", f"Node /{node}")
