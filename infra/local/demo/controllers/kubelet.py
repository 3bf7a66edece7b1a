"""The kubelets of all nodes: they start containers, probe them, restart them, and say so in status and events."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from infra.local.demo.controllers import images, mounts, pod_status, probes
from infra.local.demo.controllers.containers import KILLED_BY_KERNEL, STOPPED, ContainerRecord, PodRecord, planned
from infra.local.demo.controllers.network import ANY_SERVICE, called_services
from infra.local.demo.controllers.plane import Controller, Key
from infra.local.demo.controllers.status import write_status
from infra.local.demo.server.sources import LogLine
from infra.local.demo.server.store import Change, Object

_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S, _FORGET_AFTER_S = 10.0, 300.0, 600.0
_CONFIG_RETRY_S, _SANDBOX_RETRY_S, _TOLD_EVERY_S = 12.0, 13.0, 13.0
_MOUNT_RETRIES_S = (0.5, 1, 2, 4, 8, 16, 32, 64, 122)
_STOP_S = 1.5


class Kubelet(Controller):
    name = "kubelet"
    kinds = ("Pod", "Endpoints", "NetworkPolicy", "ConfigMap", "Secret")

    def __init__(self, plane: object) -> None:
        super().__init__(plane)  # type: ignore[arg-type]
        self.records: dict[str, PodRecord] = {}
        self._present: set[tuple[str, str]] = set()
        self._addresses: dict[str, int] = {}
        self._gated: dict[Key, frozenset[Key]] = {}

    def concerned(self, change: Change) -> Iterable[Key]:
        if change.key[1] == "pods":
            if change.type == "DELETED":
                self.records.pop(change.object["metadata"]["uid"], None)
                self._gated.pop((change.namespace, change.name), None)
                return ()
            return ((change.namespace, change.name),) if change.object["spec"].get("nodeName") else ()
        if change.key[1] == "endpoints":
            here = (change.namespace, change.name)
            return [key for key, called in self._gated.items() if here in called or ANY_SERVICE in called]
        if change.key[1] == "networkpolicies":
            return list(self._gated)
        return ()

    def reconcile(self, key: Key) -> None:
        pod = self.api.find("Pod", *key)
        if pod is None or not pod["spec"].get("nodeName"):
            return
        node = pod["spec"]["nodeName"]
        if node in self.plane.environment.stopped_kubelets or self.api.find("Node", "", node) is None:
            return
        record = self.record(pod)
        if pod["metadata"].get("deletionTimestamp"):
            self._stop(key, pod, record)
            return
        if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            return
        wait = self._sync(key, pod, record)
        status = pod_status.render(self.plane, pod, record, self.api.now())
        write_status(self.api, pod, status)
        if wait is not None:
            self.wake(key, wait)

    def record(self, pod: Object) -> PodRecord:
        """What is remembered of a pod; one that was there before is taken over as it stands."""
        uid = pod["metadata"]["uid"]
        found = self.records.get(uid)
        if found is None:
            found = self.records[uid] = pod_status.adopted(pod, self.now()) or PodRecord(uid, self.now())
            for container in _all_containers(pod):
                if (one := found.containers.get(container["name"])) and one.starts:
                    self._present.add((pod["spec"]["nodeName"], container["image"]))
        return found

    # -- one pod --------------------------------------------------------------------------------------------------

    def _sync(self, key: Key, pod: Object, record: PodRecord) -> float | None:
        if record.stage == "setup":
            wait = self._set_up(pod, record)
            if wait is not None:
                return wait
        if record.stage == "init":
            wait, done = self._init(pod, record)
            if not done:
                return wait
            record.stage = "main"
        waits = [self._sync_container(pod, record, one, init=False) for one in pod["spec"]["containers"]]
        called = called_services(self.plane, pod)
        if called is not None:
            self._gated[key] = called
        return min((wait for wait in waits if wait is not None), default=None)

    def _set_up(self, pod: Object, record: PodRecord) -> float | None:
        node, environment = pod["spec"]["nodeName"], self.plane.environment
        reason, text = mounts.mount_problem(self.plane, pod)
        if text:
            source = "attachdetach-controller" if reason == "FailedAttachVolume" else self.name
            host = "" if reason == "FailedAttachVolume" else node
            self.plane.events.record(source, pod, "Warning", reason, text, host=host)
            record.tries += 1
            return float(_MOUNT_RETRIES_S[min(record.tries, len(_MOUNT_RETRIES_S)) - 1])
        problem = environment.sandbox_errors.get(node, "")
        if node in environment.broken_runtimes:
            problem = (
                'rpc error: code = Unavailable desc = connection error: desc = "transport: Error '
                "while dialing: dial unix "
                '/run/containerd/containerd.sock: connect: connection refused"'
            )
        if problem:
            self.event(
                pod,
                "Warning",
                "FailedCreatePodSandBox",
                f"Failed to create pod sandbox: {problem}",
                host=node,
            )
            return _SANDBOX_RETRY_S
        record.ip = self._address(pod)
        record.stage = "init" if pod["spec"].get("initContainers") else "main"
        return None

    def _address(self, pod: Object) -> str:
        node = self.api.get("Node", "", pod["spec"]["nodeName"])
        if pod["spec"].get("hostNetwork"):
            return str(pod_status.host_ip(node))
        used = self._addresses[pod["spec"]["nodeName"]] = self._addresses.get(pod["spec"]["nodeName"], 1) + 1
        base = (node["spec"].get("podCIDR") or "10.244.0.0/24").rpartition(".")[0]
        return f"{base}.{2 + used % 250}"

    def _init(self, pod: Object, record: PodRecord) -> tuple[float | None, bool]:
        waits: list[float] = []
        for container in pod["spec"]["initContainers"]:
            wait = self._sync_container(pod, record, container, init=True)
            one = record.containers[container["name"]]
            if wait is not None:
                waits.append(wait)
            if container.get("restartPolicy") == "Always":
                if not one.running:
                    return min(waits, default=None), False
            elif not one.completed:
                return min(waits, default=None), False
        return min(waits, default=None), True

    def _stop(self, key: Key, pod: Object, record: PodRecord) -> None:
        if record.stopping_since is None:
            record.stopping_since = self.now()
            for one in record.containers.values():
                if one.running:
                    field_path = f"spec.containers{{{one.name}}}"
                    self._tell(pod, "Normal", "Killing", f"Stopping container {one.name}", field_path)
            self.wake(key, _STOP_S)
            return
        if (self.now() - record.stopping_since).total_seconds() >= _STOP_S - 0.01:
            self.records.pop(record.uid, None)
            self.api.delete("Pod", *key, grace_s=0)
        else:
            self.wake(key, _STOP_S)

    def _tell(self, pod: Object, kind: str, reason: str, text: str, field_path: str = "", times: int = 1) -> None:
        host = pod["spec"]["nodeName"]
        self.plane.events.record(self.name, pod, kind, reason, text, field=field_path, host=host, times=times)

    # -- one container --------------------------------------------------------------------------------------------

    def _sync_container(self, pod: Object, record: PodRecord, container: Object, *, init: bool) -> float | None:
        name = container["name"]
        one = record.containers.get(name)
        if one is None:
            reason = "ContainerCreating" if not pod["spec"].get("initContainers") else "PodInitializing"
            one = record.containers[name] = ContainerRecord(name, reason=reason, uid=record.uid)
        path = f"spec.{'initContainers' if init else 'containers'}{{{name}}}"
        if one.running:
            wait = self._watch(pod, record, container, one, path, init=init)
            if one.running:
                return wait
        if one.state == "terminated" and not self._again(pod, container, one, init=init):
            return None
        now = self.now()
        if one.until is not None and now < one.until:
            return self._keep_waiting(pod, one, path, now)
        if one.reason == "Pulling":
            return self._pulled(pod, record, container, one, path)
        return self._start(pod, record, container, one, path)

    def _again(self, pod: Object, container: Object, one: ContainerRecord, *, init: bool) -> bool:
        policy = container.get("restartPolicy") or pod["spec"].get("restartPolicy", "Always")
        if init and container.get("restartPolicy") != "Always":
            return not one.completed and policy != "Never"
        return policy == "Always" or (policy == "OnFailure" and one.plan.exit_code != 0)

    def _keep_waiting(self, pod: Object, one: ContainerRecord, path: str, now: datetime) -> float:
        """In a back-off: the kubelet says so again with every look it takes."""
        assert one.until is not None
        left = (one.until - now).total_seconds()
        if one.reason in ("CrashLoopBackOff", "ImagePullBackOff") and one.told_at is not None:
            times = int((now - one.told_at).total_seconds() // _TOLD_EVERY_S)
            if times > 0:
                one.told_at = now
                self._tell_backoff(pod, one, path, times)
            return min(left, 4 * _TOLD_EVERY_S)
        return left

    def _tell_backoff(self, pod: Object, one: ContainerRecord, path: str, times: int = 1) -> None:
        meta = pod["metadata"]
        if one.reason == "CrashLoopBackOff":
            where = f"{meta['name']}_{meta['namespace']}({meta['uid']})"
            self._tell(
                pod,
                "Warning",
                "BackOff",
                f"Back-off restarting failed container {one.name} in pod {where}",
                path,
                times,
            )
            return
        image = next(c["image"] for c in _all_containers(pod) if c["name"] == one.name)
        self._tell(pod, "Normal", "BackOff", f'Back-off pulling image "{image}"', path, times)
        self._tell(pod, "Warning", "Failed", "Error: ImagePullBackOff", path, times)

    def _start(
        self, pod: Object, record: PodRecord, container: Object, one: ContainerRecord, path: str
    ) -> float | None:
        image, node = container["image"], pod["spec"]["nodeName"]
        if problem := images.name_problem(image):
            one.state, one.reason, one.message = "waiting", "InvalidImageName", problem
            self._tell(pod, "Warning", "InspectFailed", problem, path)
            self._tell(pod, "Warning", "Failed", "Error: InvalidImageName", path)
            return _CONFIG_RETRY_S
        policy = container.get("imagePullPolicy", "IfNotPresent")
        present = (node, image) in self._present
        if policy == "Never" and not present:
            one.state, one.reason = "waiting", "ErrImageNeverPull"
            one.message = f'Container image "{image}" is not present with pull policy of Never'
            self._tell(pod, "Warning", "ErrImageNeverPull", one.message, path)
            self._tell(pod, "Warning", "Failed", "Error: ErrImageNeverPull", path)
            return _CONFIG_RETRY_S
        if not present or (policy == "Always" and not one.pulled):
            return self._pull(pod, container, one, path)
        if not one.pulled:
            self._tell(
                pod,
                "Normal",
                "Pulled",
                f'Container image "{image}" already present on machine and can be accessed by the pod',
                path,
            )
        return self._run(pod, record, container, one, path)

    # -- images ---------------------------------------------------------------------------------------------------

    def _pull(self, pod: Object, container: Object, one: ContainerRecord, path: str) -> float:
        self._tell(pod, "Normal", "Pulling", f'Pulling image "{container["image"]}"', path)
        failed = bool(images.pull_problem(self.plane, pod, container))
        seconds = 0.6 if failed else images.pull_seconds(self.plane.programs.of(container).size_mb, container["image"])
        if one.state != "waiting" or one.reason not in ("ImagePullBackOff", "ErrImagePull"):
            one.message = ""
        one.state, one.reason, one.until = "waiting", "Pulling", self.now() + timedelta(seconds=seconds)
        return seconds

    def _pulled(
        self, pod: Object, record: PodRecord, container: Object, one: ContainerRecord, path: str
    ) -> float | None:
        image = container["image"]
        one.until = None
        problem = images.pull_problem(self.plane, pod, container)
        if problem:
            self._tell(pod, "Warning", "Failed", f'Failed to pull image "{image}": {problem}', path)
            self._tell(pod, "Warning", "Failed", "Error: ErrImagePull", path)
            one.pull_backoff_s = min(max(one.pull_backoff_s * 2, _FIRST_BACKOFF_S), _LONGEST_BACKOFF_S)
            one.reason, one.until, one.told_at = (
                "ImagePullBackOff",
                self.now() + timedelta(seconds=one.pull_backoff_s),
                self.now(),
            )
            one.message = f'Back-off pulling image "{image}": ErrImagePull: {problem}'
            self._tell_backoff(pod, one, path)
            return min(one.pull_backoff_s, 4 * _TOLD_EVERY_S)
        size = self.plane.programs.of(container).size_mb
        took = images.pull_seconds(size, image)
        size_bytes = size * 1_000_003 + sum(image.encode())
        text = (
            f'Successfully pulled image "{image}" in {took:g}s ({took:g}s including waiting). Image '
            f"size: {size_bytes} bytes."
        )
        self._tell(pod, "Normal", "Pulled", text, path)
        self._present.add((pod["spec"]["nodeName"], image))
        one.pulled = True
        one.reason = "ContainerCreating"
        return self._run(pod, record, container, one, path)

    # -- running --------------------------------------------------------------------------------------------------

    def _run(self, pod: Object, record: PodRecord, container: Object, one: ContainerRecord, path: str) -> float | None:
        now = self.now()
        try:
            env = mounts.environment_of(self.plane, pod, container)
            if problem := mounts.user_problem(self.plane, pod, container):
                raise mounts.ConfigError(problem)
        except mounts.ConfigError as error:
            one.pulled = False
            one.state, one.reason, one.message = "waiting", "CreateContainerConfigError", str(error)
            self._tell(pod, "Warning", "Failed", f"Error: {error}", path)
            return _CONFIG_RETRY_S
        one.pulled = False
        plan = planned(self.plane, _with_ip(pod, record), container, env)
        if one.state == "terminated" or one.starts:
            one.last = one.terminated() if one.finished_at else one.last
            one.restarts += 1 if one.starts else 0
            one.previous = one.lines
        one.starts += 1
        one.plan, one.until, one.message, one.told_at = plan, None, "", None
        one.failures, one.next_probe, one.probe_ok = {}, {}, {}
        one.ready = one.passed_startup = False
        one.started_at, one.finished_at = now, None
        one.lines = plan.boot_lines(now)
        self._tell(pod, "Normal", "Created", "Container created", path)
        if plan.start_error:
            self._tell(pod, "Warning", "Failed", plan.start_error, path)
            one.state = "running"
            return self._end(pod, container, one, path, now)
        self._tell(pod, "Normal", "Started", "Container started", path)
        one.state, one.reason = "running", ""
        return self._watch(pod, record, container, one, path, init=path.startswith("spec.init"))

    def _end(self, pod: Object, container: Object, one: ContainerRecord, path: str, at: datetime) -> float | None:
        """The container is over: decide how long to wait before the next start."""
        one.state, one.finished_at, one.ready = "terminated", at, False
        one.passed_startup = False
        if not self._again(pod, container, one, init=path.startswith("spec.init")):
            return None
        assert one.started_at is not None
        if one.backoff_s and (at - one.started_at).total_seconds() > _FORGET_AFTER_S:
            one.backoff_s = 0.0
        wait = one.backoff_s
        one.backoff_s = min(max(one.backoff_s * 2, _FIRST_BACKOFF_S), _LONGEST_BACKOFF_S)
        if not wait:
            one.until = at + timedelta(seconds=1)
            return 1.0
        meta = pod["metadata"]
        one.last = one.terminated()
        one.state, one.reason, one.until, one.told_at = (
            "waiting",
            "CrashLoopBackOff",
            at + timedelta(seconds=wait),
            at,
        )
        where = f"{meta['name']}_{meta['namespace']}({meta['uid']})"
        one.message = f"back-off {_duration(wait)} restarting failed container={one.name} pod={where}"
        self._tell_backoff(pod, one, path)
        return min(wait, 4 * _TOLD_EVERY_S)

    def _watch(
        self, pod: Object, record: PodRecord, container: Object, one: ContainerRecord, path: str, *, init: bool
    ) -> float | None:
        now, waits = self.now(), []
        ends = one.ends_at()
        if ends is not None:
            if now >= ends:
                return self._end(pod, container, one, path, ends)
            waits.append((ends - now).total_seconds())
        program = self.plane.programs.of(container)
        if program.disk_full_after_s is not None and one.started_at is not None:
            left = program.disk_full_after_s - (now - one.started_at).total_seconds()
            if left > 0:
                waits.append(left)
            else:
                self.plane.environment.full_disks.setdefault(pod["spec"]["nodeName"], now)
        if not init or container.get("restartPolicy") == "Always":
            wait = self._probe_all(pod, record, container, one, path, now)
            if not one.running:
                return wait
            if wait is not None:
                waits.append(wait)
        return min(waits, default=None)

    # -- probes ---------------------------------------------------------------------------------------------------

    def _probe_all(
        self, pod: Object, record: PodRecord, container: Object, one: ContainerRecord, path: str, now: datetime
    ) -> float | None:
        if container.get("startupProbe") and not one.passed_startup:
            wait = self._probe(pod, record, container, one, path, "startup", now)
            if not one.running or not one.probe_ok.get("startup"):
                return wait
        one.passed_startup = True
        waits = []
        for kind in ("liveness", "readiness"):
            if container.get(f"{kind}Probe"):
                wait = self._probe(pod, record, container, one, path, kind, now)
                if not one.running:
                    return wait
                if wait is not None:
                    waits.append(wait)
        one.ready = one.probe_ok.get("readiness", False) if container.get("readinessProbe") else True
        return min(waits, default=None)

    def _probe(
        self,
        pod: Object,
        record: PodRecord,
        container: Object,
        one: ContainerRecord,
        path: str,
        kind: str,
        now: datetime,
    ) -> float | None:
        probe = container[f"{kind}Probe"]
        assert one.started_at is not None
        period = float(probe.get("periodSeconds", 10))
        due = one.next_probe.get(kind)
        if due is None:
            due = one.started_at + timedelta(seconds=probe.get("initialDelaySeconds", 0) or min(1.0, period))
            one.next_probe[kind] = due
        if one.probe_ok.get(kind) and kind != "readiness":
            return None  # nothing a running program does makes these fail later
        if now < due and not one.probe_ok.get(kind):
            return (due - now).total_seconds()
        said = probes.failure(self.plane, _with_ip(pod, record), container, one, kind, record.ip, now)
        if not said:
            one.probe_ok[kind], one.failures[kind] = True, 0
            return None
        if now < due:  # was well a moment ago: the next look will see it
            return (due - now).total_seconds()
        one.next_probe[kind] = now + timedelta(seconds=period)
        one.failures[kind] = one.failures.get(kind, 0) + 1
        self._tell(pod, "Warning", "Unhealthy", f"{kind.capitalize()} probe failed: {said}", path)
        if one.failures[kind] >= probe.get("failureThreshold", 3):
            if kind == "readiness":
                one.probe_ok[kind] = False
            else:
                self._tell(
                    pod,
                    "Normal",
                    "Killing",
                    f"Container {one.name} failed {kind} probe, will be restarted",
                    path,
                )
                one.plan.exit_code, one.plan.reason = STOPPED, "Error"
                one.lines = [*(one.lines or []), LogLine(now, 'level=info msg="SIGTERM received, draining"')]
                return self._end(pod, container, one, path, now)
        return period

    # -- what happens to nodes and pods from outside ----------------------------------------------------------------

    def restart_now(self, namespace: str, name: str, container: str, *, exit_code: int, reason: str) -> None:
        """End a running container once, as a passing accident does; it comes back by the ordinary rules."""
        pod = self.api.get("Pod", namespace, name)
        one = self.record(pod).containers[container]
        one.plan.exit_code, one.plan.reason = exit_code, reason
        spec = next(entry for entry in _all_containers(pod) if entry["name"] == container)
        self._end(pod, spec, one, f"spec.containers{{{container}}}", self.now())
        self.wake((namespace, name), 1)
        write_status(self.api, pod, pod_status.render(self.plane, pod, self.record(pod), self.api.now()))

    def evict(self, pod: Object, message: str) -> None:
        """Fail a pod because its node is short of something."""
        self._tell(pod, "Warning", "Evicted", message)
        for one in self.record(pod).containers.values():
            if one.running:
                one.plan.exit_code, one.plan.reason = KILLED_BY_KERNEL, "Error"
                one.state, one.finished_at, one.ready = "terminated", self.now(), False
                self._tell(
                    pod,
                    "Normal",
                    "Killing",
                    f"Stopping container {one.name}",
                    f"spec.containers{{{one.name}}}",
                )
        status = pod_status.render(self.plane, pod, self.record(pod), self.api.now())
        write_status(self.api, pod, {**status, "phase": "Failed", "reason": "Evicted", "message": message})

    def look_again(self, node: str = "") -> None:
        """Sync the pods of a node (or all) after the world outside the API changed."""
        for stored in self.api.store.list(("", "pods")):
            if not node or stored.object["spec"].get("nodeName") == node:
                meta = stored.object["metadata"]
                self.plane.enqueue(self, (meta["namespace"], meta["name"]))


def _all_containers(pod: Object) -> list[Object]:
    return [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]


def _with_ip(pod: Object, record: PodRecord) -> Object:
    if (pod.get("status") or {}).get("podIP") == record.ip:
        return pod
    return {**pod, "status": {**(pod.get("status") or {}), "podIP": record.ip}}


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
