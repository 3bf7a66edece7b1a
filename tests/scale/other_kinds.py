"""The kinds around the workloads of a generated estate: network, configuration, access, nodes, events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.scale.generate import _Builder

Json = dict[str, Any]
Named = Iterator[tuple[str, Json]]


def other_objects(b: _Builder) -> Named:
    """Everything but workloads, pods and claims."""
    for part in (nodes, namespaces, services, configuration, access, policies, add_ons, events, metrics):
        yield from part(b)


def nodes(b: _Builder) -> Named:
    """Nodes with their leases; one in two hundred is not ready."""
    for i, name in enumerate(b.nodes):
        ready = i % 200 != 17
        size = {"cpu": "16", "memory": "64312Mi", "pods": "110", "ephemeral-storage": "104845292Ki"}
        labels = {
            "kubernetes.io/hostname": name, "node.kubernetes.io/instance-type": "m6i.4xlarge",
            "topology.kubernetes.io/zone": f"us-east-1{'abc'[i % 3]}", "kubernetes.io/arch": "amd64",
        }  # fmt: skip
        conditions = [
            {"type": t, "status": "False", "reason": f"KubeletHasNo{t}", "lastHeartbeatTime": b.at(2),
             "lastTransitionTime": b.at(8000), "message": f"kubelet has no {t}"}
            for t in ("MemoryPressure", "DiskPressure", "PIDPressure")
        ]  # fmt: skip
        conditions.append(
            {"type": "Ready", "status": "True" if ready else "Unknown", "reason": "KubeletReady" if ready else
             "NodeStatusUnknown", "lastHeartbeatTime": b.at(2), "lastTransitionTime": b.at(8000 if ready else 30),
             "message": "kubelet is posting ready status" if ready else "Kubelet stopped posting node status."}
        )  # fmt: skip
        images = [{"names": [f"registry.example.com/app-{n:03}:1.2.0"], "sizeBytes": 90_000_000 + n} for n in range(25)]
        yield "nodes", {
            "metadata": b.meta(name, labels=labels),
            "spec": {"podCIDR": f"100.64.{i % 250}.0/24", "providerID": f"aws:///us-east-1a/i-{b.suffix(17)}"}
            | ({} if ready else {"taints": [{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}]}),
            "status": {"capacity": size, "allocatable": size | {"cpu": "15890m", "memory": "61312Mi"},
                       "conditions": conditions, "images": images,
                       "addresses": [{"type": "InternalIP", "address": f"10.0.{i // 250}.{i % 250}"}],
                       "nodeInfo": {"kubeletVersion": "v1.36.2", "osImage": "Amazon Linux 2023",
                                    "kernelVersion": "6.12.0", "containerRuntimeVersion": "containerd://2.1.4",
                                    "architecture": "amd64", "operatingSystem": "linux", "bootID": b.uid(),
                                    "machineID": b.uid(), "systemUUID": b.uid(), "kubeProxyVersion": ""}},
        }  # fmt: skip
        yield "leases.coordination.k8s.io", {
            "metadata": b.meta(name, "kube-node-lease"),
            "spec": {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": b.at(0.2 if ready else 30)},
        }  # fmt: skip


def namespaces(b: _Builder) -> Named:
    for name in [*b.namespaces, "kube-system", "kube-node-lease", "kube-public", "default"]:
        yield "namespaces", {
            "metadata": b.meta(name, labels={"kubernetes.io/metadata.name": name}),
            "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"},
        }  # fmt: skip
        for kind, spec in (
            ("resourcequotas", {"hard": {"requests.cpu": "2000", "pods": "5000"}}),
            ("limitranges", {"limits": [{"type": "Container", "default": {"memory": "512Mi"}}]}),
        ):
            yield (
                kind,
                {"metadata": b.meta("team", name), "spec": spec, "status": dict(spec) | {"used": {"pods": "250"}}},
            )


def services(b: _Builder) -> Named:
    for i in range(b.deployments):
        app, namespace = f"app-{i:03}", b.team(i)
        port = {"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}
        yield "services", {
            "metadata": b.meta(app, namespace, {"app": app}),
            "spec": {"selector": {"app": app}, "ports": [port], "type": "ClusterIP",
                     "clusterIP": f"172.20.{i // 250}.{i % 250}"},
            "status": {"loadBalancer": {}},
        }  # fmt: skip
        yield "endpointslices.discovery.k8s.io", {
            "metadata": b.meta(f"{app}-{b.suffix(5)}", namespace, {"kubernetes.io/service-name": app}),
            "addressType": "IPv4", "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
            "endpoints": [
                {"addresses": [f"100.{64 + i % 60}.{n}.{i % 250}"], "conditions": {"ready": True, "serving": True},
                 "targetRef": {"kind": "Pod", "namespace": namespace, "name": f"{app}-{n}"}} for n in range(20)],
        }  # fmt: skip
        if i % 6 == 0:
            backend = {"service": {"name": app, "port": {"number": 80}}}
            yield "ingresses.networking.k8s.io", {
                "metadata": b.meta(app, namespace),
                "spec": {"ingressClassName": "nginx", "rules": [{"host": f"{app}.example.com", "http": {"paths": [
                    {"path": "/", "pathType": "Prefix", "backend": backend}]}}]},
                "status": {"loadBalancer": {"ingress": [{"hostname": "lb.example.com"}]}},
            }  # fmt: skip
    yield (
        "ingressclasses.networking.k8s.io",
        {"metadata": b.meta("nginx"), "spec": {"controller": "k8s.io/ingress-nginx"}},
    )
    for name in ("gp3", "io2"):
        yield "storageclasses.storage.k8s.io", {
            "metadata": b.meta(name), "provisioner": "ebs.csi.aws.com", "reclaimPolicy": "Delete",
            "volumeBindingMode": "WaitForFirstConsumer",
        }  # fmt: skip


def configuration(b: _Builder) -> Named:
    for i in range(b.deployments):
        app, namespace = f"app-{i:03}", b.team(i)
        yield "configmaps", {
            "metadata": b.meta(f"{app}-config", namespace),
            "data": {"app.yaml": "server:\n  port: 8080\n" + "# setting\n" * 120, "LOG_LEVEL": "info"},
        }  # fmt: skip
        yield "secrets", {
            "metadata": b.meta(f"{app}-db", namespace), "type": "Opaque",
            "data": {"url": "cG9zdGdyZXM6Ly9zZWNyZXQtdmFsdWU=", "password": "c2VjcmV0LXZhbHVl"},
        }  # fmt: skip
    for i, namespace in enumerate(b.namespaces):
        yield "configmaps", {"metadata": b.meta("kube-root-ca.crt", namespace), "data": {"ca.crt": "x" * 1100}}
        yield "cronjobs.batch", {
            "metadata": b.meta(f"nightly-{i}", namespace),
            "spec": {"schedule": "0 2 * * *", "concurrencyPolicy": "Forbid", "jobTemplate": {"spec": {
                "template": b.template(f"nightly-{i}", 1)}}},
            "status": {"lastScheduleTime": b.at(400), "lastSuccessfulTime": b.at(395)},
        }  # fmt: skip


def access(b: _Builder) -> Named:
    group = "rbac.authorization.k8s.io"
    rules = [
        {"apiGroups": [""], "resources": ["pods", "configmaps"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"]},
    ]
    for i in range(b.deployments):
        yield "serviceaccounts", {"metadata": b.meta(f"app-{i:03}", b.team(i))}
    for i, namespace in enumerate(b.namespaces):
        for n in range(3):
            name = f"role-{n}"
            subject = {"kind": "ServiceAccount", "name": f"app-{i:03}", "namespace": namespace}
            yield f"roles.{group}", {"metadata": b.meta(name, namespace), "rules": rules}
            yield f"rolebindings.{group}", {
                "metadata": b.meta(name, namespace), "subjects": [subject],
                "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
            }  # fmt: skip
            yield f"clusterroles.{group}", {"metadata": b.meta(f"{namespace}-{name}"), "rules": rules * 4}
            yield f"clusterrolebindings.{group}", {
                "metadata": b.meta(f"{namespace}-{name}"), "subjects": [subject],
                "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": f"{namespace}-{name}"},
            }  # fmt: skip


def policies(b: _Builder) -> Named:
    for i in range(0, b.deployments, 2):
        app, namespace = f"app-{i:03}", b.team(i)
        selector = {"matchLabels": {"app": app}}
        yield "poddisruptionbudgets.policy", {
            "metadata": b.meta(app, namespace), "spec": {"minAvailable": 1, "selector": selector},
            "status": {"currentHealthy": 20, "desiredHealthy": 1, "disruptionsAllowed": 19, "expectedPods": 20},
        }  # fmt: skip
        if i % 4 == 0:
            yield "horizontalpodautoscalers.autoscaling", {
                "metadata": b.meta(app, namespace),
                "spec": {"minReplicas": 2, "maxReplicas": 40, "scaleTargetRef": {
                    "apiVersion": "apps/v1", "kind": "Deployment", "name": app}, "metrics": [{"type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]},
                "status": {"currentReplicas": 20, "desiredReplicas": 20, "conditions": [
                    {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound"}]},
            }  # fmt: skip
            yield "networkpolicies.networking.k8s.io", {
                "metadata": b.meta(app, namespace),
                "spec": {"podSelector": selector, "policyTypes": ["Ingress"],
                         "ingress": [{"from": [{"podSelector": {}}]}]},
            }  # fmt: skip
    for kind in ("validating", "mutating"):
        for i in range(3):
            yield f"{kind}webhookconfigurations.admissionregistration.k8s.io", {
                "metadata": b.meta(f"{kind}-{i}"),
                "webhooks": [{"name": f"{kind}-{i}.example.com", "failurePolicy": "Ignore", "timeoutSeconds": 5,
                              "clientConfig": {"service": {"name": "app-000", "namespace": b.team(0), "port": 443},
                                               "caBundle": "Q0E=" * 300},
                              "rules": [{"operations": ["CREATE"], "apiGroups": ["apps"], "apiVersions": ["v1"],
                                         "resources": ["deployments"]}]}],
            }  # fmt: skip


def add_ons(b: _Builder) -> Named:
    """CRDs and the objects of the optional kinds."""
    for i in range(40):
        yield "customresourcedefinitions.apiextensions.k8s.io", {
            "metadata": b.meta(f"things{i}.example.com"),
            "spec": {"group": "example.com", "scope": "Namespaced",
                     "names": {"kind": f"Thing{i}", "plural": f"things{i}"},
                     "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
                         "type": "object", "properties": {f"field{n}": {"type": "string", "description": "A field" * 9}
                                                          for n in range(60)}}}}]},
            "status": {"conditions": [{"type": "Established", "status": "True"}], "storedVersions": ["v1"]},
        }  # fmt: skip
    for i in range(min(20, b.deployments)):
        app, namespace = f"app-{i:03}", b.team(i)
        for resource, spec in (
            ("verticalpodautoscalers.autoscaling.k8s.io", {"targetRef": {"kind": "Deployment", "name": app}}),
            ("gateways.gateway.networking.k8s.io", {"gatewayClassName": "eg", "listeners": [
                {"name": "http", "port": 80}]}),
            ("httproutes.gateway.networking.k8s.io", {"hostnames": [f"{app}.example.com"], "rules": [
                {"backendRefs": [{"name": app, "port": 80}]}]}),
            ("volumesnapshots.snapshot.storage.k8s.io", {"source": {"persistentVolumeClaimName": f"data-{app}-0"}}),
            ("things0.example.com", {"size": i}),
        ):  # fmt: skip
            yield resource, {"metadata": b.meta(app, namespace), "spec": spec, "status": {"conditions": []}}


def events(b: _Builder) -> Named:
    """About one event for two pods, mostly ordinary."""
    count = (b.deployment_pods + b.jobs) // 2
    for i in range(count):
        app, namespace = f"app-{i % b.deployments:03}", b.team(i % b.deployments)
        warning = i % 5 == 0
        reason = "BackOff" if warning else ("Scheduled", "Pulled", "Created", "Started")[i % 4]
        yield "events", {
            "metadata": b.meta(f"{app}.{b.suffix(16)}", namespace, age=i % 60),
            "involvedObject": {"kind": "Pod", "namespace": namespace, "name": f"{app}-{b.suffix(5)}", "uid": b.uid(),
                               "apiVersion": "v1"},
            "reason": reason, "type": "Warning" if warning else "Normal", "count": 1 + i % 30,
            "message": "Back-off restarting failed container app" if warning else f"{reason} container app",
            "firstTimestamp": b.at(i % 60 + 1), "lastTimestamp": b.at(i % 60), "source": {"component": "kubelet"},
            "reportingComponent": "kubelet",
        }  # fmt: skip


def metrics(b: _Builder) -> Named:
    window = {"timestamp": b.at(0.3), "window": "20s"}
    for name in b.nodes:
        yield "nodes.metrics.k8s.io", {
            "metadata": {"name": name}, **window,
            "usage": {"cpu": f"{b.random.randint(1, 15) * 10**9}n", "memory": "24312Mi"},
        }  # fmt: skip
    for i in range(b.deployment_pods):
        yield "pods.metrics.k8s.io", {
            "metadata": {"name": f"app-{i % b.deployments:03}-{i}", "namespace": b.team(i % b.deployments)}, **window,
            "containers": [{"name": "app", "usage": {"cpu": f"{i % 400}m", "memory": f"{100 + i % 300}Mi"}}],
        }  # fmt: skip
