"""The red team's requests: refused or gated, and nothing is written for any of them."""

from __future__ import annotations

import pytest
import yaml

from chalicelib.errors import KubiliticsError
from chalicelib.safety.model import METHODS, Change
from tests.functional.safety.red_team import ATTACKS, Attack
from tests.functional.safety.stage import Stage, a_deployment

CLAIM = {"storage": "1Gi"}


def _object(version: str, kind: str, name: str, **more: object) -> dict[str, object]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **more}


@pytest.fixture(scope="module")
def stage() -> Stage:
    """A production cluster with something of everything."""
    found = Stage(nodes=3, cpu="4", memory="8Gi", name="atlas")
    found.namespace("shop", env="production")
    found.apply(a_deployment("coredns", 2), namespace="kube-system")
    found.apply(yaml.safe_dump(_object("v1", "ConfigMap", "coredns", data={"Corefile": "."})), namespace="kube-system")
    found.apply(_things())
    found.api.create("Widget", {"metadata": {"name": "one"}, "spec": {"size": 1}}, namespace="shop")
    for name, replicas in (("web", 3), ("elastic", 2)):
        found.apply(a_deployment(name, replicas))
    found.apply(a_deployment("lone", 1, strategy={"type": "Recreate"}))
    found.apply(a_deployment("fat", 1, cpu="2"))
    found.apply(a_deployment("kept", 1).replace("app: kept\n", "app: kept\n    argocd.argoproj.io/instance: shop\n", 1))
    found.apply(_alone())
    found.apply(_autoscaler("elastic"))
    found.apply(_bare("lonely"))
    found.run_for(60)
    budget = {"minAvailable": 3, "selector": {"matchLabels": {"app": "web"}}}
    found.apply(yaml.safe_dump(_object("policy/v1", "PodDisruptionBudget", "web", spec=budget)))
    found.apply(yaml.safe_dump(_object("v1", "ResourceQuota", "room", spec={"hard": {"pods": "30"}})))
    found.run_for(60)
    found.refresh()
    found.server.audit.clear()
    return found


def _things() -> str:
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"}
    size = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": size}}
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]}
    job = {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [_container()]}}}}
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": CLAIM}, "storageClassName": "fast"}
    held = _object("v1", "ConfigMap", "held")
    held["metadata"]["finalizers"] = ["example.com/hold"]  # type: ignore[index]
    template = {
        "metadata": {"labels": {"app": "db"}},
        "spec": {"containers": [{**_container(), "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]},
    }
    database = {
        "replicas": 1, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}}, "template": template,
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
    }  # fmt: skip
    volume = {
        "capacity": CLAIM, "accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "hostPath": {"path": "/x"},
    }  # fmt: skip
    return yaml.safe_dump_all([
        _object("storage.k8s.io/v1", "StorageClass", "fast", provisioner="ebs.csi.aws.com"),
        _object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "widgets.example.com", spec=spec),
        _object("v1", "ConfigMap", "settings", data={"a": "b"}),
        held,
        _object("v1", "Secret", "key", stringData={"k": "v"}),
        _object("batch/v1", "CronJob", "nightly", spec={"schedule": "0 3 * * *", "jobTemplate": job}),
        _object("v1", "PersistentVolume", "pv-data", spec=volume),
        _object("apps/v1", "StatefulSet", "db", spec=database),
    ])  # fmt: skip


def _container() -> dict[str, object]:
    requests = {"cpu": "50m", "memory": "32Mi"}
    return {"name": "app", "image": "registry.example.com/web:1.0", "resources": {"requests": requests}}


def _alone() -> str:
    """A workload whose volume admits one pod at a time."""
    claim = {"accessModes": ["ReadWriteOncePod"], "resources": {"requests": CLAIM}, "storageClassName": "fast"}
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "alone"}}
    made = a_deployment("alone", 1, template={"volumes": [volume]}, strategy={"type": "Recreate"})
    return yaml.safe_dump(_object("v1", "PersistentVolumeClaim", "alone", spec=claim)) + "---\n" + made


def _autoscaler(name: str) -> str:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    aim = {"type": "Utilization", "averageUtilization": 80}
    metrics = [{"type": "Resource", "resource": {"name": "cpu", "target": aim}}]
    spec = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 4, "metrics": metrics}
    return yaml.safe_dump(_object("autoscaling/v2", "HorizontalPodAutoscaler", name, spec=spec))


def _bare(name: str) -> str:
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"nodeName": "n1", "containers": [_container()]},
    }  # fmt: skip
    service = _object("v1", "Service", name, spec={"selector": {"app": name}, "ports": [{"port": 80}]})
    return yaml.safe_dump_all([pod, service])


def _asked(stage: Stage, attack: Attack) -> Change | str:
    arguments = dict(attack.arguments)
    if arguments.get("name") == "WEB-RS":
        sets = (one["metadata"]["name"] for one in stage.api.list("ReplicaSet", "shop"))
        arguments["name"] = next(name for name in sets if name.startswith("web-"))
    try:
        return stage.ask(attack.action, reason=attack.reason, **arguments)
    except KubiliticsError as error:
        return error.code


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.name for attack in ATTACKS])
def test_the_request_is_refused_or_gated_and_writes_nothing(stage: Stage, attack: Attack) -> None:
    answer = _asked(stage, attack)
    if isinstance(answer, str):
        assert answer == attack.refused
    elif attack.refused:
        assert answer.status == "refused"
        assert attack.refused in {violation.rule for violation in answer.decision.violations}
    else:
        assert answer.status == "pending"
        assert METHODS.index(answer.decision.requirement.method) >= METHODS.index(attack.gated)  # type: ignore[arg-type]
    assert stage.written() == []


def test_there_are_enough_of_them() -> None:
    assert len(ATTACKS) >= 60
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
