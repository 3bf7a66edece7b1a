# ruff: noqa: E501  (messages stand as kubelet, scheduler and runtimes write them)
"""The objects that several cases put together: claims, quotas, webhooks, budgets, probes, routes, failed pulls."""

from __future__ import annotations

from tests.bench.heldout.dump import DAY, Dump, at, cond


def pull(app, message, how="ErrImagePull", *, container=0):  # type: ignore[no-untyped-def]
    """A pull that fails: the waiting reason, and the three events a kubelet writes."""
    image = (
        app.spec["containers"][container if container != "init" else 0]["image"]
        if container != "init"
        else app.spec["initContainers"][0]["image"]
    )
    text = message if how == "ErrImagePull" else f'Back-off pulling image "{image}"'
    app.waiting(how, text, container=container)
    app.event("Failed", f'Failed to pull image "{image}": {message}', count=6)
    app.event("Failed", "Error: ErrImagePull", count=6)
    app.event("BackOff", f'Back-off pulling image "{image}"', type_="Normal", count=31)
    app.event("Failed", "Error: ImagePullBackOff", count=31)
    return app


def http(port, path="/healthz", **more):  # type: ignore[no-untyped-def]
    scheme = more.pop("scheme", "HTTP")
    return {
        "httpGet": {"path": path, "port": port, "scheme": scheme},
        "periodSeconds": 10,
        "failureThreshold": 3,
        "timeoutSeconds": 1,
        **more,
    }


def claim(d: Dump, ns: str, name: str, **spec):  # type: ignore[no-untyped-def]
    body = {
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "10Gi"}},
            "volumeMode": "Filesystem",
            **spec,
        },
        "status": {"phase": "Pending"},
    }
    return d.add("PersistentVolumeClaim", ns, name, body, age=40)


def volume(claim_name: str):  # type: ignore[no-untyped-def]
    return {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim_name}}]}


def quota(d: Dump, ns: str, name: str, hard: dict[str, str], used: dict[str, str]) -> None:
    d.add("ResourceQuota", ns, name, {"spec": {"hard": hard}, "status": {"hard": hard, "used": used}})


def hook(
    d: Dump,
    which: str,
    config: str,
    name: str,
    ns: str,
    service: str,
    path: str,
    *,
    selector=None,
    policy: str = "Fail",
    rules=None,
):  # type: ignore[no-untyped-def]
    body = {"name": name, "clientConfig": {"service": {"name": service, "namespace": ns, "path": path, "port": 443}}, "failurePolicy": policy,
            "timeoutSeconds": 10, "rules": rules or [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "scope": "*"}]}  # fmt: skip
    if selector:
        body["namespaceSelector"] = selector
    return d.add(f"{which}WebhookConfiguration", "", config, {"webhooks": [body]})


def sa(d: Dump, ns: str, name: str) -> None:
    d.add("ServiceAccount", ns, name)


def role(d: Dump, ns: str, name: str, account: str, resources: list[str], verbs: list[str]) -> None:
    d.add("Role", ns, name, {"rules": [{"apiGroups": [""], "resources": resources, "verbs": verbs}]})
    d.add(
        "RoleBinding",
        ns,
        name,
        {
            "roleRef": {"kind": "Role", "name": name, "apiGroup": "rbac.authorization.k8s.io"},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": ns}],
        },
    )


def ingress(
    d: Dump,
    ns: str,
    name: str,
    host: str,
    service: str,
    port: int | str,
    *,
    cls: str | None = "nginx",
    age: float = 9 * DAY,
    address: bool = True,
):  # type: ignore[no-untyped-def]
    number = {"name": port} if isinstance(port, str) else {"number": port}
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": service, "port": number}}}
    spec = {"rules": [{"host": host, "http": {"paths": [path]}}], **({"ingressClassName": cls} if cls else {})}
    status = {"loadBalancer": {"ingress": [{"hostname": "lb.example.net"}]} if address else {}}
    return d.add("Ingress", ns, name, {"spec": spec, "status": status}, age)


def hpa(d: Dump, ns: str, name: str, kind: str, conditions, **status):  # type: ignore[no-untyped-def]
    spec = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": name}, "minReplicas": 2, "maxReplicas": 8,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]}  # fmt: skip
    spec |= status.pop("spec", {})
    return d.add(
        "HorizontalPodAutoscaler",
        ns,
        name,
        {"spec": spec, "status": {"currentReplicas": 2, "desiredReplicas": 2, "conditions": conditions, **status}},
        9 * DAY,
    )


def budget(d: Dump, ns: str, name: str, labels, spec, *, expected: int, desired: int, healthy: int):  # type: ignore[no-untyped-def]
    allowed = max(healthy - desired, 0)
    word = "SufficientPods" if allowed else "InsufficientPods"
    return d.add("PodDisruptionBudget", ns, name, {"spec": {"selector": {"matchLabels": labels}, **spec}, "status": {
        "currentHealthy": healthy, "desiredHealthy": desired, "expectedPods": expected, "disruptionsAllowed": allowed,
        "conditions": [cond("DisruptionAllowed", "True" if allowed else "False", word, ago=30 * DAY)]}})  # fmt: skip


def pressure(d: Dump, node, type_: str, reason: str, message: str, ago: float = 20):  # type: ignore[no-untyped-def]
    for c in node["status"]["conditions"]:
        if c["type"] == type_:
            c.update(status="True", reason=reason, message=message, lastTransitionTime=at(ago))
    key = {"DiskPressure": "disk-pressure", "MemoryPressure": "memory-pressure", "PIDPressure": "pid-pressure"}[type_]
    node["spec"]["taints"] = [{"key": f"node.kubernetes.io/{key}", "effect": "NoSchedule", "timeAdded": at(ago)}]
    d.event(
        node,
        f"NodeHas{type_}",
        f"Node {node['metadata']['name']} status is now: NodeHas{type_}",
        type_="Normal",
        ago=ago,
        count=1,
    )


def evicted(d: Dump, app, pod, message: str, ago: float) -> None:  # type: ignore[no-untyped-def]
    """The pod was evicted, its replacement runs elsewhere."""
    node = pod["spec"]["nodeName"]
    pod["status"] = {
        "phase": "Failed",
        "reason": "Evicted",
        "message": message,
        "startTime": at(app.age),
        "conditions": [cond("DisruptionTarget", "True", "TerminationByKubelet", message, ago)],
    }
    if ago < 60:
        d.event(pod, "Evicted", message, ago=ago, first=ago, count=1)
    others = [n for n in d.nodes if n["metadata"]["name"] != node]
    fresh = app.make_pod(6) if app.kind != "StatefulSet" else None
    if fresh:
        fresh["spec"]["nodeName"] = others[0]["metadata"]["name"]
        fresh["metadata"]["creationTimestamp"] = at(ago)
        app.pods = [p for p in app.pods if p is not pod] + [fresh]
