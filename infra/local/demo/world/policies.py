"""Namespaces, classes, budgets, autoscalers, routes, network policies, quotas: what stands around the workloads."""

from __future__ import annotations

from infra.local.demo.server.store import Object
from infra.local.demo.world.manifests import obj

NAMESPACES = {
    "booking": ("production", "booking"),
    "fleet": ("production", "fleet"),
    "billing": ("production", "billing"),
    "tracking": ("production", "tracking"),
    "analytics": ("production", "data"),
    "edge": ("production", "platform"),
    "observability": ("production", "platform"),
    "sandbox": ("development", "booking"),
}

CRITICAL = "business-critical"


def namespaces() -> list[Object]:
    made = []
    for name, (stage, team) in NAMESPACES.items():
        labels = {"environment": stage, "team": team, "cost-center": f"cc-{4000 + 17 * len(name)}"}
        if name == "billing":
            labels["pod-security.kubernetes.io/enforce"] = "baseline"
        made.append(obj("Namespace", name, labels=labels))
    return made


def classes() -> list[Object]:
    """Storage, ingress, priority, CSI driver, and the metrics API."""
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    storage = {"provisioner": "ebs.csi.aws.com", "reclaimPolicy": "Delete", "allowVolumeExpansion": True}
    wait = {"volumeBindingMode": "WaitForFirstConsumer"}
    api = "storage.k8s.io/v1"
    service = {"name": "metrics-server", "namespace": "kube-system", "port": 443}
    spec = {"group": "metrics.k8s.io", "version": "v1beta1", "service": service, "groupPriorityMinimum": 100}
    return [
        obj("StorageClass", "gp3", api=api, annotations=default, parameters={"type": "gp3"}, **storage, **wait),
        obj(
            "StorageClass",
            "io2",
            api=api,
            parameters={"type": "io2", "iops": "4000"},
            **{**storage, "reclaimPolicy": "Retain"},
            **wait,
        ),
        obj(
            "StorageClass",
            "gp3-immediate",
            api=api,
            parameters={"type": "gp3"},
            volumeBindingMode="Immediate",
            **storage,
        ),
        obj("CSIDriver", "ebs.csi.aws.com", api=api, spec={"attachRequired": True, "podInfoOnMount": False}),
        obj("IngressClass", "edge", api="networking.k8s.io/v1", spec={"controller": "k8s.io/ingress-nginx"}),
        obj("PriorityClass", CRITICAL, api="scheduling.k8s.io/v1", value=100_000, description="Earns money"),
        obj("PriorityClass", "batch-low", api="scheduling.k8s.io/v1", value=-100, description="May wait"),
        obj(
            "APIService",
            "v1beta1.metrics.k8s.io",
            api="apiregistration.k8s.io/v1",
            spec={**spec, "versionPriority": 100, "insecureSkipTLSVerify": True},
        ),
    ]


def autoscaler(namespace: str, name: str, low: int, high: int, percent: int = 70) -> Object:
    """A HorizontalPodAutoscaler of a Deployment by CPU."""
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}},
    }
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    spec = {"scaleTargetRef": target, "minReplicas": low, "maxReplicas": high, "metrics": [metric]}
    return obj("HorizontalPodAutoscaler", name, namespace, api="autoscaling/v2", spec=spec)


def budget(namespace: str, name: str, **spec: object) -> Object:
    """A PodDisruptionBudget of an application."""
    selector = {"matchLabels": {"app.kubernetes.io/name": name}}
    return obj("PodDisruptionBudget", name, namespace, api="policy/v1", spec={**spec, "selector": selector})


def route(namespace: str, name: str, host: str, paths: dict[str, tuple[str, int]], *, tls: str = "") -> Object:
    """An Ingress of one host, from paths to (Service, port)."""
    listed = [
        {"path": path, "pathType": "Prefix", "backend": {"service": {"name": target, "port": {"number": port}}}}
        for path, (target, port) in paths.items()
    ]
    spec: Object = {"ingressClassName": "edge", "rules": [{"host": host, "http": {"paths": listed}}]}
    if tls:
        spec["tls"] = [{"hosts": [host], "secretName": tls}]
    return obj("Ingress", name, namespace, api="networking.k8s.io/v1", spec=spec)


def scaling_and_routes() -> list[Object]:
    """Autoscalers, budgets, Ingresses and load balancers."""
    router = {"app.kubernetes.io/name": "router"}
    ports = [{"name": "http", "port": 80, "targetPort": 8080}, {"name": "https", "port": 443, "targetPort": 8443}]
    legacy = [{"name": "ftp", "port": 21, "targetPort": 21}]
    return [
        autoscaler("booking", "storefront", 3, 8),
        autoscaler("booking", "availability", 2, 6),
        autoscaler("tracking", "parcel-tracker", 3, 9, 75),
        budget("booking", "reservations", minAvailable=2),
        budget("billing", "payments", maxUnavailable=1),
        budget("tracking", "stream", maxUnavailable=1),
        budget("fleet", "telemetry-broker", maxUnavailable=1),
        route(
            "booking",
            "storefront",
            "www.harborline.example",
            {"/": ("storefront", 80), "/api/sailings": ("availability", 80)},
            tls="www-tls",
        ),
        route("tracking", "track", "track.harborline.example", {"/": ("parcel-tracker", 80)}, tls="track-tls"),
        route(
            "billing",
            "billing",
            "billing.harborline.example",
            {"/invoices": ("invoices", 80), "/pay": ("payments", 80)},
            tls="billing-tls",
        ),
        route("observability", "dashboards", "metrics.harborline.example", {"/": ("dashboards", 80)}),
        obj(
            "Service",
            "router",
            "edge",
            labels=router,
            spec={"type": "LoadBalancer", "selector": router, "ports": ports},
        ),
        obj(
            "Service",
            "partner-ftp",
            "tracking",
            spec={"type": "LoadBalancer", "selector": {"app.kubernetes.io/name": "partner-ftp"}, "ports": legacy},
            annotations={
                "harborline.example/note": "partner moved to the API in spring; kept for the contract's last month"
            },
        ),
        obj(
            "Service",
            "kube-dns",
            "kube-system",
            labels={"k8s-app": "kube-dns"},
            spec={
                "clusterIP": "10.96.0.10",
                "selector": {"app.kubernetes.io/name": "coredns"},
                "ports": [
                    {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53},
                    {"name": "dns-tcp", "port": 53, "targetPort": 53},
                ],
            },
        ),
    ]


def network_policies() -> list[Object]:
    """Only what may talk to the databases, and a default for billing."""
    api = "networking.k8s.io/v1"

    def of(name: str) -> Object:
        return {"matchLabels": {"app.kubernetes.io/name": name}}

    def allow(namespace: str, name: str, clients: list[str], port: int) -> Object:
        peers = [{"podSelector": of(client)} for client in clients]
        rule = {"from": peers, "ports": [{"port": port}]}
        return obj(
            "NetworkPolicy",
            f"{name}-clients",
            namespace,
            api=api,
            spec={"podSelector": of(name), "ingress": [rule], "policyTypes": ["Ingress"]},
        )

    front = {"namespaceSelector": {"matchLabels": {"environment": "production"}}}
    return [
        allow("booking", "pg-booking", ["availability", "reservations"], 5432),
        allow("billing", "pg-billing", ["invoices", "invoice-run", "statements"], 5432),
        allow("booking", "session-cache", ["storefront"], 6379),
        obj(
            "NetworkPolicy",
            "from-production",
            "billing",
            api=api,
            spec={
                "podSelector": of("payments"),
                "policyTypes": ["Ingress"],
                "ingress": [{"from": [front], "ports": [{"port": 8080}]}],
            },
        ),
    ]


def quotas() -> list[Object]:
    hard = {
        "requests.cpu": "2",
        "requests.memory": "4Gi",
        "limits.memory": "8Gi",
        "pods": "12",
        "persistentvolumeclaims": "4",
    }
    big = {"requests.cpu": "6", "requests.memory": "16Gi", "pods": "40"}
    limits = {
        "type": "Container",
        "default": {"memory": "256Mi"},
        "defaultRequest": {"cpu": "50m", "memory": "64Mi"},
        "max": {"memory": "4Gi"},
    }
    return [
        obj("ResourceQuota", "sandbox", "sandbox", spec={"hard": hard}),
        obj("ResourceQuota", "analytics", "analytics", spec={"hard": big}),
        obj("LimitRange", "defaults", "sandbox", spec={"limits": [limits]}),
    ]


def unused() -> list[Object]:
    """What costs money and serves nobody."""
    claim = {"accessModes": ["ReadWriteOnce"], "storageClassName": "gp3-immediate"}
    return [
        obj(
            "PersistentVolumeClaim",
            "import-2024",
            "analytics",
            spec={**claim, "resources": {"requests": {"storage": "500Gi"}}},
        ),
        obj(
            "PersistentVolumeClaim",
            "lab-scratch",
            "sandbox",
            spec={**claim, "resources": {"requests": {"storage": "80Gi"}}},
        ),
        obj(
            "PersistentVolume",
            "old-ledger-archive",
            spec={
                "capacity": {"storage": "250Gi"},
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "io2",
                "persistentVolumeReclaimPolicy": "Retain",
                "csi": {"driver": "ebs.csi.aws.com", "fsType": "ext4", "volumeHandle": "vol-0d41c6fe2279a8b03"},
            },
        ),
    ]
