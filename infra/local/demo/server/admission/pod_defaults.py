"""What every new pod gets: a service account with its token, a priority, and the two standard tolerations."""

from __future__ import annotations

from infra.local.demo.server.admission.request import Request
from infra.local.demo.server.errors import forbidden
from infra.local.demo.server.kinds.pod_spec import containers_of
from infra.local.demo.server.store import Object

TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path


def service_account(request: Request) -> None:
    """The ServiceAccount plugin: the account must exist; its token is mounted unless told not to."""
    if not request.creates_pod or request.object is None:
        return
    spec = request.object["spec"]
    if "kubernetes.io/config.mirror" in (request.object["metadata"].get("annotations") or {}):
        return
    name = spec.get("serviceAccountName") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    account = request.api.store.get(("", "serviceaccounts"), request.namespace, name)
    if account is None:
        why = f'error looking up service account {request.namespace}/{name}: serviceaccount "{name}" not found'
        raise forbidden("pods", "", request.name, why)
    wanted = spec.get("automountServiceAccountToken", account.object.get("automountServiceAccountToken", True))
    if wanted:
        _mount_token(request, spec)


def _mount_token(request: Request, spec: Object) -> None:
    missing = [
        container
        for container in containers_of(spec)
        if all(mount.get("mountPath") != TOKEN_PATH for mount in container.get("volumeMounts") or ())
    ]
    if not missing:
        return
    name = f"kube-api-access-{request.api.identity.suffix()}"
    for container in missing:
        mount = {"name": name, "readOnly": True, "mountPath": TOKEN_PATH}
        container["volumeMounts"] = [*(container.get("volumeMounts") or ()), mount]
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [namespace]}},
    ]
    volume = {"name": name, "projected": {"sources": sources, "defaultMode": 420}}
    spec["volumes"] = [*(spec.get("volumes") or ()), volume]


_SYSTEM_PRIORITIES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}


def priority(request: Request) -> None:
    """The Priority plugin: the number behind a class name."""
    if not request.creates_pod or request.object is None:
        return
    spec = request.object["spec"]
    name = spec.get("priorityClassName")
    value, preemption = 0, "PreemptLowerPriority"
    if name:
        stored = request.api.store.get(("scheduling.k8s.io", "priorityclasses"), "", name)
        if stored is None and name not in _SYSTEM_PRIORITIES:
            raise forbidden("pods", "", request.name, f"no PriorityClass with name {name} was found")
        value = stored.object.get("value", 0) if stored else _SYSTEM_PRIORITIES[name]
        preemption = stored.object.get("preemptionPolicy", preemption) if stored else preemption
    else:
        for stored in request.api.store.list(("scheduling.k8s.io", "priorityclasses")):
            if stored.object.get("globalDefault"):
                value, spec["priorityClassName"] = stored.object.get("value", 0), stored.object["metadata"]["name"]
    spec["priority"] = value
    spec.setdefault("preemptionPolicy", preemption)


def tolerations(request: Request) -> None:
    """The DefaultTolerationSeconds plugin."""
    if not request.creates_pod or request.object is None:
        return
    spec = request.object["spec"]
    present = list(spec.get("tolerations") or ())
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(_covers(toleration, key) for toleration in present):
            present.append({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})
    spec["tolerations"] = present


def _covers(toleration: Object, key: str) -> bool:
    same_key = toleration.get("key") == key or (not toleration.get("key") and toleration.get("operator") == "Exists")
    return same_key and toleration.get("effect") in (None, "", "NoExecute")
