"""What the cells of a table show: pkg/printers/internalversion, kind by kind."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from infra.local.demo.server.clock import parse_time
from infra.local.demo.server.printing.ages import age, human_duration
from infra.local.demo.server.selectors import selector_text
from infra.local.demo.server.store import Object

NONE = "<none>"


def _status(obj: Object) -> Object:
    found: Object = obj.get("status") or {}
    return found


def _condition(obj: Object, kind: str) -> Object | None:
    return next((one for one in _status(obj).get("conditions") or () if one["type"] == kind), None)


# -- pods -------------------------------------------------------------------------------------------------------------


def _sidecars(pod: Object) -> set[str]:
    return {one["name"] for one in pod["spec"].get("initContainers") or () if one.get("restartPolicy") == "Always"}


def pod_ready(pod: Object) -> str:
    sidecars = _sidecars(pod)
    statuses = list(_status(pod).get("containerStatuses") or ())
    statuses += [one for one in _status(pod).get("initContainerStatuses") or () if one["name"] in sidecars]
    total = len(pod["spec"].get("containers") or ()) + len(sidecars)
    return f"{sum(bool(one.get('ready')) for one in statuses)}/{total}"


def pod_status(pod: Object) -> str:
    """The STATUS column: the phase, or the reason that says more."""
    status = _status(pod)
    reason = status.get("reason") or status.get("phase") or "Unknown"
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition.get("reason") == "SchedulingGated":
            reason = "SchedulingGated"
    initializing, reason = _init_reason(pod, reason)
    if not initializing or _condition_true(pod, "Initialized"):
        reason = _container_reason(pod, reason)
    if pod["metadata"].get("deletionTimestamp"):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return reason


def _condition_true(obj: Object, kind: str) -> bool:
    found = _condition(obj, kind)
    return bool(found) and found.get("status") == "True" if found else False


def _init_reason(pod: Object, reason: str) -> tuple[bool, str]:
    sidecars = _sidecars(pod)
    total = len(pod["spec"].get("initContainers") or ())
    for index, one in enumerate(_status(pod).get("initContainerStatuses") or ()):
        state = one.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting")
        if ended and ended.get("exitCode") == 0:
            continue
        if one["name"] in sidecars and one.get("started"):
            continue
        if ended:
            return True, "Init:" + _ended(ended)
        if waiting and waiting.get("reason") and waiting["reason"] != "PodInitializing":
            return True, "Init:" + str(waiting["reason"])
        return True, f"Init:{index}/{total}"
    return False, reason


def _ended(state: Object) -> str:
    if state.get("reason"):
        return str(state["reason"])
    return f"Signal:{state['signal']}" if state.get("signal") else f"ExitCode:{state.get('exitCode', 0)}"


def _container_reason(pod: Object, reason: str) -> str:
    running = False
    for one in reversed(_status(pod).get("containerStatuses") or ()):
        state = one.get("state") or {}
        waiting, ended = state.get("waiting"), state.get("terminated")
        if waiting and waiting.get("reason"):
            reason = str(waiting["reason"])
        elif ended:
            reason = _ended(ended)
        elif one.get("ready") and state.get("running") is not None:
            running = True
    if reason == "Completed" and running:
        return "Running" if _condition_true(pod, "Ready") else "NotReady"
    return reason


def pod_restarts(pod: Object, now: datetime) -> str:
    count, last = 0, None
    sidecars = _sidecars(pod)
    statuses = list(_status(pod).get("containerStatuses") or ())
    statuses += [one for one in _status(pod).get("initContainerStatuses") or () if one["name"] in sidecars]
    for one in statuses:
        count += one.get("restartCount", 0)
        ended = (one.get("lastState") or {}).get("terminated") or {}
        if ended.get("finishedAt") and (last is None or ended["finishedAt"] > last):
            last = ended["finishedAt"]
    return f"{count} ({age(now, last)} ago)" if count and last else str(count)


def pod_ip(pod: Object) -> str:
    ips = _status(pod).get("podIPs") or ()
    return str(ips[0]["ip"]) if ips else str(_status(pod).get("podIP") or NONE)


def readiness_gates(pod: Object) -> str:
    gates = pod["spec"].get("readinessGates") or ()
    if not gates:
        return NONE
    return f"{sum(_condition_true(pod, gate['conditionType']) for gate in gates)}/{len(gates)}"


# -- nodes ------------------------------------------------------------------------------------------------------------


def node_status(node: Object) -> str:
    ready = _condition(node, "Ready")
    words = ["Unknown" if ready is None else "Ready" if ready["status"] == "True" else "NotReady"]
    if (node.get("spec") or {}).get("unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def node_roles(node: Object) -> str:
    labels = node["metadata"].get("labels") or {}
    prefix = "node-role.kubernetes.io/"
    roles = sorted(key.removeprefix(prefix) for key in labels if key.startswith(prefix) and key != prefix)
    return ",".join(roles) or NONE


def node_address(node: Object, kind: str) -> str:
    return next((one["address"] for one in _status(node).get("addresses") or () if one["type"] == kind), NONE)


def node_kernel(node: Object) -> str:
    info = _status(node).get("nodeInfo") or {}
    kernel, machine = info.get("kernelVersion"), info.get("architecture")
    return f"{kernel} ({machine})" if kernel and machine else str(kernel or "<unknown>")


# -- services, endpoints, ingresses ------------------------------------------------------------------------------------


def service_external(service: Object) -> str:
    spec = service["spec"]
    match spec.get("type"):
        case "ExternalName":
            return str(spec.get("externalName"))
        case "LoadBalancer":
            found = [
                one.get("ip") or one.get("hostname")
                for one in (_status(service).get("loadBalancer") or {}).get("ingress") or ()
            ]
            return ",".join([*found, *(spec.get("externalIPs") or ())]) or "<pending>"
    return ",".join(spec.get("externalIPs") or ()) or NONE


def service_ports(service: Object) -> str:
    shown = []
    for port in service["spec"].get("ports") or ():
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        shown.append(f"{port['port']}{node}/{port.get('protocol', 'TCP')}")
    return ",".join(shown) or NONE


def plain_selector(obj: Object) -> str:
    return selector_text({"matchLabels": obj["spec"].get("selector") or {}}) or NONE


def endpoints(obj: Object) -> str:
    shown: list[str] = []
    for subset in obj.get("subsets") or ():
        ports: list[Object] = subset.get("ports") or [{}]
        for port in ports:
            ends = [one.get("ip", "") for one in subset.get("addresses") or ()]
            shown += [f"{ip}:{port.get('port', 0)}" if port else ip for ip in ends]
    return _three(shown)


def _three(shown: list[str]) -> str:
    more = f" + {len(shown) - 3} more..." if len(shown) > 3 else ""
    return ",".join(shown[:3]) + more if shown else NONE


def slice_ports(obj: Object) -> str:
    ports = [str(port.get("port", "*")) for port in obj.get("ports") or ()]
    return _three(ports) if ports else "<unset>"


def slice_endpoints(obj: Object) -> str:
    found = [address for one in obj.get("endpoints") or () for address in one.get("addresses") or ()]
    return _three(found) if found else "<unset>"


def ingress_hosts(obj: Object) -> str:
    return _three([rule["host"] for rule in obj["spec"].get("rules") or () if rule.get("host")]).replace(NONE, "*")


def ingress_address(obj: Object) -> str:
    listed = (_status(obj).get("loadBalancer") or {}).get("ingress") or ()
    return ",".join(one.get("ip") or one.get("hostname", "") for one in listed)


def ingress_ports(obj: Object) -> str:
    return "80, 443" if obj["spec"].get("tls") else "80"


def policy_selector(obj: Object) -> str:
    return selector_text(obj["spec"].get("podSelector")) or NONE


# -- events -----------------------------------------------------------------------------------------------------------


def event_last(event: Object, now: datetime) -> str:
    series = event.get("series") or {}
    return age(now, series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime"))


def event_first(event: Object, now: datetime) -> str:
    return age(now, event.get("firstTimestamp") or event.get("eventTime"))


def event_object(event: Object) -> str:
    about = event.get("involvedObject") or event.get("regarding") or {}
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


def event_source(event: Object) -> str:
    source = event.get("source") or event.get("deprecatedSource") or {}
    component = source.get("component") or event.get("reportingComponent") or event.get("reportingController") or ""
    return f"{component}, {source['host']}" if source.get("host") else component


def event_message(event: Object) -> str:
    return str(event.get("message") or event.get("note") or "").strip()


def event_count(event: Object) -> int:
    return int((event.get("series") or {}).get("count") or event.get("count") or 1)


# -- workloads --------------------------------------------------------------------------------------------------------


def _template(obj: Object) -> Object:
    spec = obj["spec"]
    if "jobTemplate" in spec:
        spec = spec["jobTemplate"]["spec"]
    return (spec.get("template") or {}).get("spec") or {}


def template_names(obj: Object) -> str:
    return ",".join(one["name"] for one in _template(obj).get("containers") or ())


def template_images(obj: Object) -> str:
    return ",".join(one.get("image", "") for one in _template(obj).get("containers") or ())


def selector(obj: Object) -> str:
    return selector_text(obj["spec"].get("selector")) or NONE


def ready_of_replicas(obj: Object) -> str:
    return f"{_status(obj).get('readyReplicas', 0)}/{obj['spec'].get('replicas', 1)}"


def node_selector(obj: Object) -> str:
    return selector_text({"matchLabels": _template(obj).get("nodeSelector") or {}}) or NONE


def controller(obj: Object) -> str:
    for reference in obj["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            group = reference["apiVersion"].rpartition("/")[0]
            return (
                f"{reference['kind'].lower()}.{group}/{reference['name']}"
                if group
                else f"{reference['kind'].lower()}/{reference['name']}"
            )
    return NONE


def job_status(job: Object) -> str:
    for kind, word in (("Complete", "Complete"), ("Failed", "Failed")):
        if _condition_true(job, kind):
            return word
    if job["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for kind in ("Suspended", "FailureTarget", "SuccessCriteriaMet"):
        if _condition_true(job, kind):
            return kind
    return "Running"


def job_completions(job: Object) -> str:
    done, wanted = _status(job).get("succeeded", 0), job["spec"].get("completions")
    if wanted is not None:
        return f"{done}/{wanted}"
    parallel = job["spec"].get("parallelism", 0)
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def job_duration(job: Object, now: datetime) -> str:
    start, end = _status(job).get("startTime"), _status(job).get("completionTime")
    if not start:
        return ""
    until = parse_time(end) if end else now
    return human_duration((until - parse_time(start)).total_seconds())


def last_schedule(obj: Object, now: datetime) -> str:
    last = _status(obj).get("lastScheduleTime")
    return age(now, last) if last else NONE


def active_jobs(obj: Object) -> int:
    return len(_status(obj).get("active") or ())


def scale_target(obj: Object) -> str:
    target = obj["spec"].get("scaleTargetRef") or {}
    return f"{target.get('kind')}/{target.get('name')}"


def scaler_targets(obj: Object) -> str:
    current = {one.get("resource", {}).get("name"): one for one in _status(obj).get("currentMetrics") or ()}
    shown = []
    for metric in obj["spec"].get("metrics") or ():
        resource = metric.get("resource") or {}
        name, target = resource.get("name"), resource.get("target") or {}
        now = ((current.get(name) or {}).get("resource") or {}).get("current") or {}
        if target.get("averageUtilization") is not None:
            value = now.get("averageUtilization")
            shown.append(f"{name}: {'<unknown>' if value is None else f'{value}%'}/{target['averageUtilization']}%")
        elif name:
            shown.append(
                f"{name}: {now.get('averageValue', '<unknown>')}/{target.get('averageValue', target.get('value', ''))}"
            )
        else:
            shown.append(f"<unknown>/{metric.get('type')}")
    return ", ".join(shown[:2]) + (f" + {len(shown) - 2} more..." if len(shown) > 2 else "") if shown else NONE


# -- storage, access, the rest ----------------------------------------------------------------------------------------


def data_count(obj: Object) -> int:
    return len(obj.get("data") or ()) + len(obj.get("binaryData") or ())


_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def _modes(listed: Any) -> str:
    return ",".join(_MODES.get(mode, mode) for mode in listed or ())


def claim_capacity(obj: Object) -> str:
    return str((_status(obj).get("capacity") or {}).get("storage", ""))


def claim_modes(obj: Object) -> str:
    return _modes(_status(obj).get("accessModes"))


def volume_modes(obj: Object) -> str:
    return _modes(obj["spec"].get("accessModes"))


def volume_claim(obj: Object) -> str:
    claim = obj["spec"].get("claimRef") or {}
    return f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else ""


def quota(obj: Object, *, limits: bool) -> str:
    hard, used = _status(obj).get("hard") or {}, _status(obj).get("used") or {}
    chosen = [name for name in sorted(hard) if name.startswith("limits") == limits]
    return ", ".join(f"{name}: {used.get(name, '0')}/{hard[name]}" for name in chosen)


def role(obj: Object) -> str:
    return f"{obj['roleRef']['kind']}/{obj['roleRef']['name']}"


def subjects(obj: Object, kind: str) -> str:
    found = [one for one in obj.get("subjects") or () if one.get("kind") == kind]
    return ", ".join(f"{one['namespace']}/{one['name']}" if one.get("namespace") else one["name"] for one in found)


def class_name(obj: Object) -> str:
    notes = obj["metadata"].get("annotations") or {}
    default = notes.get("storageclass.kubernetes.io/is-default-class") == "true"
    return f"{obj['metadata']['name']} (default)" if default else str(obj["metadata"]["name"])


def api_service(obj: Object) -> str:
    service = obj["spec"].get("service")
    return f"{service.get('namespace', '')}/{service.get('name', '')}" if service else "Local"


def api_available(obj: Object) -> str:
    found = _condition(obj, "Available")
    if found is None:
        return "Unknown"
    return str(found["status"]) if found["status"] == "True" else f"{found['status']} ({found.get('reason', '')})"
