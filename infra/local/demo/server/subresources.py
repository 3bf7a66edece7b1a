"""Scale, eviction, binding and resize."""

from __future__ import annotations

from dataclasses import replace as with_changes
from typing import TYPE_CHECKING, Any

from infra.local.demo.server import deleting, patching, writing
from infra.local.demo.server.access import Caller
from infra.local.demo.server.errors import ApiError, bad_request, conflict, invalid, invalid_value, no_such_resource
from infra.local.demo.server.kinds.pods import resize_findings
from infra.local.demo.server.reading import get
from infra.local.demo.server.resources import Resource
from infra.local.demo.server.selectors import selector_matches, selector_text
from infra.local.demo.server.store import Object, copy_of

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api


# -- scale ------------------------------------------------------------------------------------------------------------


def scale_of(resource: Resource, obj: Object) -> Object:
    """The Scale object of a workload."""
    meta, spec, status = obj["metadata"], obj.get("spec") or {}, obj.get("status") or {}
    selector = spec.get("selector")
    text = selector_text({"matchLabels": selector} if resource.kind == "ReplicationController" else selector)
    kept = {
        key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp") if key in meta
    }
    shown: Object = {"replicas": status.get("replicas", 0)}
    if text:
        shown["selector"] = text
    wanted = {"replicas": spec["replicas"]} if spec.get("replicas") else {}
    return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": kept, "spec": wanted, "status": shown}


def update_scale(api: Api, resource: Resource, namespace: str, name: str, scale: Any, caller: Caller) -> Object:
    """Set spec.replicas from a Scale object."""
    if not isinstance(scale, dict):
        raise bad_request("the object provided is unrecognized (must be of type Scale)")
    old = get(api, resource, namespace, name).object
    meta = scale.get("metadata") or {}
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    if isinstance(replicas, bool) or not isinstance(replicas, int):
        raise bad_request(
            'Scale in version "v1" cannot be handled as a Scale: json: cannot unmarshal string into Go struct field '
            "ScaleSpec.spec.replicas of type int32"
        )
    if replicas < 0:
        found = [invalid_value("spec.replicas", replicas, "must be greater than or equal to 0")]
        raise invalid("Scale", "autoscaling", name, found)
    changed = copy_of(old)
    changed["spec"]["replicas"] = replicas
    changed["metadata"]["resourceVersion"] = meta.get("resourceVersion") or old["metadata"]["resourceVersion"]
    return scale_of(resource, writing.replace(api, resource, old, changed, "scale", caller))


def patch_scale(api: Api, resource: Resource, namespace: str, name: str, body: Any, how: str, caller: Caller) -> Object:
    """Patch the Scale of a workload; the patch sees only the Scale."""
    old = scale_of(resource, get(api, resource, namespace, name).object)
    if how == "json":
        changed = patching.json_patch(old, body)
    else:
        changed = patching.merge_patch(old, body)
    return update_scale(api, resource, namespace, name, changed, caller)


# -- eviction ---------------------------------------------------------------------------------------------------------


def evict(api: Api, namespace: str, name: str, options: Object, caller: Caller) -> None:
    """Delete a pod if its disruption budget has room; ApiError 429 if not."""
    pods = api.resource("Pod")
    pod = get(api, pods, namespace, name).object
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed", "Pending")
    if not ended and not pod["metadata"].get("deletionTimestamp"):
        _spend_budget(api, namespace, pod, caller)
    deleting.delete(api, pods, namespace, name, options, caller)


def _spend_budget(api: Api, namespace: str, pod: Object, caller: Caller) -> None:
    labels = pod["metadata"].get("labels") or {}
    budgets = [
        budget
        for budget in api.list("PodDisruptionBudget", namespace)
        if selector_matches((budget.get("spec") or {}).get("selector"), labels)
    ]
    if len(budgets) > 1:
        text = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        raise ApiError(500, "InternalError", text)
    if not budgets:
        return
    budget = budgets[0]
    status = budget.get("status") or {}
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        raise _too_many(
            "Cannot evict pod as it would violate the pod's disruption budget.",
            f"The disruption budget {budget['metadata']['name']} is still being processed by the server.",
        )
    if status.get("disruptionsAllowed", 0) <= 0:
        needed, healthy = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
        name = budget["metadata"]["name"]
        cause = f"The disruption budget {name} needs {needed} healthy pods and has {healthy} currently"
        raise _too_many("Cannot evict pod as it would violate the pod's disruption budget.", cause)
    if caller.dry_run:
        return
    changed = copy_of(budget)
    changed["status"]["disruptionsAllowed"] -= 1
    disrupted = changed["status"].setdefault("disruptedPods", {})
    disrupted[pod["metadata"]["name"]] = api.now()
    api.update_status("PodDisruptionBudget", changed, manager="kube-apiserver")


def _too_many(message: str, cause: str) -> ApiError:
    details = {"causes": [{"reason": "DisruptionBudget", "message": cause}]}
    return ApiError(429, "TooManyRequests", message, details)


# -- binding and resize -----------------------------------------------------------------------------------------------


def bind(api: Api, namespace: str, name: str, node: str, caller: Caller) -> Object:
    """Put a pod on a node, once."""
    pods = api.resource("Pod")
    old = get(api, pods, namespace, name).object
    if old["spec"].get("nodeName"):
        taken = old["spec"]["nodeName"]
        raise conflict("pods/binding", "", name, f'pod {name} is already assigned to node "{taken}"')
    if not node:
        raise no_such_resource()
    changed: Object = copy_of(old)
    changed["spec"]["nodeName"] = node
    found = api.find("Node", "", node)
    if found:
        labels = found["metadata"].get("labels") or {}
        zones = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")
        added = {key: labels[key] for key in zones if key in labels}
        if added:
            changed["metadata"]["labels"] = {**(changed["metadata"].get("labels") or {}), **added}
    conditions = (changed.get("status") or {}).get("conditions") or []
    others = [condition for condition in conditions if condition["type"] != "PodScheduled"]
    scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": api.now()}
    generation = changed["metadata"].get("generation")
    if generation:
        scheduled["observedGeneration"] = generation
    changed.setdefault("status", {})["conditions"] = [*others, scheduled]
    if caller.dry_run:
        return changed
    return api.store.put(pods.key, _with_scheduler(api, pods, changed, old, caller), tracked=True).object


def _with_scheduler(api: Api, pods: Resource, obj: Object, old: Object, caller: Caller) -> Object:
    from infra.local.demo.server import managed
    from infra.local.demo.server.metadata import ordered

    scheduler = with_changes(caller, manager=caller.manager or "kube-scheduler")
    managed.updated(
        api, pods, obj, {**obj, "status": old.get("status") or {}, "metadata": obj["metadata"]}, scheduler, "status"
    )
    return ordered(obj)


def resize(api: Api, resource: Resource, old: Object, changed: Object, caller: Caller) -> Object:
    """Change CPU and memory of a running pod's containers."""
    found = resize_findings(changed, old)
    if found:
        raise invalid("Pod", "", old["metadata"]["name"], found)
    obj = copy_of(old)
    obj["spec"] = changed["spec"]
    if obj["spec"] != old["spec"]:
        obj["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
    return writing.replace(api, resource, {**old, "metadata": obj["metadata"]}, obj, "resize", caller)
