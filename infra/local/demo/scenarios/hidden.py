"""Twelve faults of the large world. Where they are hidden follows from the seed; what they are does not."""

from __future__ import annotations

import random
from collections.abc import Callable

from infra.local.demo.controllers.programs import Program
from infra.local.demo.scenarios.changes import NOW, Create, Outside, Patch, Publish, set_container, set_image
from infra.local.demo.scenarios.model import Answer, Fault
from infra.local.demo.world.estate import Estate
from infra.local.demo.world.manifests import App, obj

FAMILY = "hidden"


def hidden_faults(drawn: Estate, seed: int) -> list[Fault]:
    """The faults, each in another team's namespace; one of them is a machine's."""
    chance = random.Random(f"hidden/{seed}")
    teams = chance.sample(sorted(drawn.teams), len(_IN_A_TEAM))
    made = [make(chance.choice(_middling(drawn, team))) for team, make in zip(teams, _IN_A_TEAM, strict=True)]
    machine = chance.choice([one for one in drawn.machines if one.pool == "general"])
    made.append(_machine_dies(machine.name))
    return made


def _middling(drawn: Estate, team: str) -> list[App]:
    """The team's services of ordinary size."""
    return [app for app in drawn.teams[team] if app.kind == "Deployment" and 3 <= app.replicas <= 24]


def _fault(
    name: str, title: str, app: App, change: object, mode: str, symptoms: tuple[str, ...], *within: str
) -> Fault:
    changes = change if isinstance(change, tuple) else (change,)
    answer = Answer("Deployment", app.namespace, app.name, mode)
    return Fault(name, title, FAMILY, changes, answer, symptoms, f"Pods of {app.name}", within)


def _set(app: App, **container: object) -> Patch:
    return set_container("Deployment", app.namespace, app.name, **container)


def _image(app: App) -> Fault:
    wrong = f"{app.full_image}-hotfix"
    told = ("new pods wait in ImagePullBackOff", "the rollout makes no progress", "old pods serve")
    change = set_image(app.namespace, app.name, wrong)
    return _fault("image", "An image tag that does not exist", app, change, "image_not_found", told, wrong)


def _memory(app: App) -> Fault:
    limit = f"{int(app.program.memory_mib * 0.7)}Mi"
    change = _set(app, resources={"requests": {"memory": limit}, "limits": {"memory": limit}})
    told = ("OOMKilled, exit code 137", "CrashLoopBackOff on new pods", "old pods serve")
    return _fault("memory", "A memory limit below need", app, change, "oom_killed", told, app.name, limit)


def _crash(app: App) -> Fault:
    image = f"{app.image}:9.9.0"
    lines = (
        "Traceback (most recent call last):",
        '  File "/srv/main.py", line 61, in <module>',
        "    serve(load_rules())",
        "ValueError: rule 14 has no field 'origin'",
    )
    broken = Program(app.program.name, style="python", listens=(8080,), crash=lines)
    change = (Publish(image, broken), set_image(app.namespace, app.name, image))
    told = ("exit code 1", "CrashLoopBackOff", "a stack trace in the log")
    return _fault("exception", "A release that crashes", app, change, "app_exception", told, app.name, "ValueError")


def _config(app: App) -> Fault:
    change = _set(app, envFrom=[{"configMapRef": {"name": f"{app.name}-flags"}}])
    told = ("CreateContainerConfigError on new pods", "the rollout stands still")
    name = f"{app.name}-flags"
    return _fault("configmap", "A ConfigMap nobody created", app, change, "missing_configmap", told, name)


def _variable(app: App) -> Fault:
    change = _set(app, env=[{"name": "REGION", "$patch": "delete"}])
    told = ("new pods crash", "the log names the variable")
    return _fault("variable", "A variable dropped", app, change, "missing_env_var", told, app.name, "REGION")


def _selector(app: App) -> Fault:
    change = set_container("Deployment", app.namespace, app.name, pod={"nodeSelector": {"pool": "gpu"}})
    told = ("pods stay Pending", "FailedScheduling on all nodes")
    return _fault(
        "pool", "A pool that does not exist", app, change, "node_selector_mismatch", told, app.name, "pool=gpu"
    )


def _room(app: App) -> Fault:
    change = _set(app, resources={"requests": {"memory": "300Gi"}, "limits": {"memory": "300Gi"}})
    told = ("pods stay Pending", "FailedScheduling: Insufficient memory")
    return _fault("room", "More memory than any node has", app, change, "insufficient_memory", told, app.name, "300Gi")


def _liveness(app: App) -> Fault:
    probe = {"httpGet": {"path": "/healthz", "port": 8181}}
    told = ("killed every half minute", "CrashLoopBackOff", "the log is clean")
    change = _set(app, livenessProbe=probe)
    return _fault("liveness", "A probe of a wrong port", app, change, "liveness_wrong_port", told)


def _service(app: App) -> Fault:
    patch = {"spec": {"selector": {"app.kubernetes.io/name": f"{app.name}s"}}}
    answer = Answer("Service", app.namespace, app.name, "service_selector_mismatch")
    told = ("the Service has no endpoints", "its pods are well")
    changes = (Patch("Service", app.namespace, app.name, patch),)
    return Fault("service", "A Service without pods", FAMILY, changes, answer, told, "nothing", (app.name, "selector"))


def _storage(app: App) -> Fault:
    name, labels = f"{app.namespace}-archive", {"app.kubernetes.io/name": f"{app.namespace}-archive"}
    mounts = [{"name": "data", "mountPath": "/data"}]
    resources = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}
    container = {"name": "archive", "image": "docker.io/library/nginx:1.29.3", "volumeMounts": mounts}
    claim = {"accessModes": ["ReadWriteOnce"], "storageClassName": "gp4", "resources": {"requests": {"storage": "9Gi"}}}
    spec = {
        "replicas": 2,
        "serviceName": name,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container | {"resources": resources}]}},
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
    }
    made = obj("StatefulSet", name, app.namespace, api="apps/v1", labels=labels, spec=spec)
    also = (("StatefulSet", app.namespace, name),)
    kind = "PersistentVolumeClaim"
    answer = Answer(kind, app.namespace, f"data-{name}-0", "pvc_storageclass_missing", also=also)
    told = (f"{name}-0 stays Pending", "its claim stays Pending: ProvisioningFailed")
    return Fault("class", "A storage class that is missing", FAMILY, (Create((made,)),), answer, told, name, ("gp4",))


def _account(app: App) -> Fault:
    account = f"{app.name}-writer"
    pod = {"serviceAccountName": account, "serviceAccount": account}
    change = set_container("Deployment", app.namespace, app.name, pod=pod)
    told = ("no new pod comes", "FailedCreate: serviceaccount not found", "old pods serve")
    return _fault("account", "An account nobody created", app, change, "service_account_missing", told, account)


def _machine_dies(name: str) -> Fault:
    told = ("the node's lease is stale", "NodeNotReady after 50 s", "its pods are evicted after five minutes")
    changes = (Outside("stopped_kubelets", name, NOW, look_again=False),)
    answer = Answer("Node", "", name, "kubelet_down")
    return Fault("machine", "A machine dies", FAMILY, changes, answer, told, "many Pods", ())


_IN_A_TEAM: tuple[Callable[[App], Fault], ...] = (
    _image, _memory, _crash, _config, _variable, _selector, _room, _liveness, _service, _storage, _account,
)  # fmt: skip
