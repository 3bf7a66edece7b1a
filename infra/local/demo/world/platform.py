"""What the platform team runs: kube-system, the edge, and what watches over it all."""

from __future__ import annotations

from infra.local.demo.controllers.programs import Call, Program
from infra.local.demo.server.store import Object
from infra.local.demo.world.manifests import REGISTRY, App

_EKS = "602401143452.dkr.ecr.us-west-2.amazonaws.com/eks"
_EVERYWHERE: tuple[Object, ...] = ({"operator": "Exists"},)
_CRITICAL = "system-node-critical"


def _daemon(namespace: str, name: str, image: str, tag: str, *, cpu: str, memory: str, mib: float, **extra: object) -> App:
    program = Program(name, listens=(), memory_mib=mib, cpu=0.02, serves=())
    return App(
        namespace, name, image, tag, program, kind="DaemonSet", port=0, service_port=None, probes="none", cpu=cpu,
        memory=memory, memory_limit="512Mi", tolerations=_EVERYWHERE, priority=_CRITICAL if namespace == "kube-system" else "",
        shape="flat", team="platform", pod_extra={"hostNetwork": True} if extra.get("host") else {},
    )  # fmt: skip


SYSTEM = (
    _daemon("kube-system", "aws-node", f"{_EKS}/amazon-k8s-cni", "v1.20.4", cpu="25m", memory="64Mi", mib=58, host=True),
    _daemon("kube-system", "kube-proxy", f"{_EKS}/kube-proxy", "v1.36.0", cpu="50m", memory="64Mi", mib=41, host=True),
    _daemon("kube-system", "ebs-csi-node", f"{_EKS}/aws-ebs-csi-driver", "v1.52.1", cpu="20m", memory="64Mi", mib=47),
    App(
        "kube-system", "coredns", f"{_EKS}/coredns", "v1.13.1", Program("coredns", listens=(53, 9153), memory_mib=38, cpu=0.03, serves=()),
        port=53, port_name="dns-tcp", service_port=None, probes="tcp", memory="70Mi", memory_limit="170Mi", shape="flat",
        priority="system-cluster-critical", team="platform",
    ),
    App(
        "kube-system", "ebs-csi-controller", f"{_EKS}/aws-ebs-csi-driver", "v1.52.1",
        Program("ebs-csi-controller", listens=(), memory_mib=62, serves=()), port=0, service_port=None, probes="none",
        priority="system-cluster-critical", shape="flat", team="platform",
    ),
    App(
        "kube-system", "metrics-server", "registry.k8s.io/metrics-server/metrics-server", "v0.8.0",
        Program("metrics-server", listens=(10250,), memory_mib=68, serves=()), replicas=1, port=10250, port_name="https",
        service_port=443, probes="tcp", shape="flat", team="platform",
    ),
    App(
        "kube-system", "cluster-autoscaler", "registry.k8s.io/autoscaling/cluster-autoscaler", "v1.36.0",
        Program("cluster-autoscaler", listens=(8085,), memory_mib=96, serves=()), replicas=1, port=8085, service_port=None,
        probes="none", account="cluster-autoscaler", memory_limit="512Mi", shape="flat", team="platform",
    ),
)  # fmt: skip

EDGE = (
    App(
        "edge", "router", "registry.k8s.io/ingress-nginx/controller", "v1.14.0",
        Program("router", listens=(8080, 8443, 10254), tls=frozenset({8443}), memory_mib=180, cpu=0.12, serves=("/", "/search", "/track")),
        service_port=None, memory="256Mi", memory_limit="512Mi", shape="consumer", team="platform", account="router",
        priority="business-critical",
    ),
    App(
        "edge", "signin-proxy", f"{REGISTRY}/edge/signin-proxy", "7.3.0",
        Program("signin-proxy", listens=(4180,), memory_mib=70, cpu=0.04, serves=("/oauth2/auth", "/oauth2/callback"),
                needs_env=("COOKIE_SECRET",), calls=(Call("https://login.harborline.example", what="identity provider"),)),
        port=4180, env={"COOKIE_SECRET": ("Secret", "signin-cookie", "secret"), "UPSTREAM": "http://storefront.booking.svc"},
        shape="consumer", team="platform",
    ),
    App(
        "edge", "cert-manager", "quay.io/jetstack/cert-manager-controller", "v1.19.1",
        Program("cert-manager", listens=(9402,), memory_mib=75, serves=()), replicas=1, port=9402, service_port=None,
        probes="none", account="cert-manager", shape="flat", team="platform",
    ),
    App(
        "edge", "policy-gate", f"{REGISTRY}/edge/policy-gate", "1.8.2",
        Program("policy-gate", listens=(9443,), tls=frozenset({9443}), memory_mib=60, serves=()), replicas=1, port=9443,
        port_name="https", service_port=443, probes="tcp", shape="flat", team="platform",
    ),
)  # fmt: skip

OBSERVABILITY = (
    _daemon("observability", "node-agent", "cr.fluentbit.io/fluent/fluent-bit", "4.1.1", cpu="30m", memory="64Mi", mib=49),
    _daemon("observability", "node-stats", "quay.io/prometheus/node-exporter", "v1.10.2", cpu="20m", memory="32Mi", mib=23, host=True),
    App(
        "observability", "metrics-store", "docker.io/victoriametrics/victoria-metrics", "v1.128.0",
        Program("metrics-store", listens=(8428,), memory_mib=1400, cpu=0.35, grows_s=7200, serves=("/api/v1/query_range",)),
        kind="StatefulSet", replicas=1, port=8428, service_port=8428, cpu="500m", memory="2Gi", memory_limit="4Gi",
        claim="100Gi", probes="tcp", node_selector={"pool": "memory"}, shape="flat", team="platform",
    ),
    App(
        "observability", "log-store", "docker.io/grafana/loki", "3.5.7",
        Program("log-store", listens=(3100,), memory_mib=620, cpu=0.22, grows_s=3600, serves=("/loki/api/v1/push",)),
        kind="StatefulSet", replicas=1, port=3100, service_port=3100, cpu="250m", memory="768Mi", memory_limit="2Gi",
        claim="50Gi", probes="tcp", shape="office", team="platform",
    ),
    App(
        "observability", "dashboards", "docker.io/grafana/grafana", "12.2.1",
        Program("dashboards", listens=(3000,), memory_mib=150, cpu=0.04, serves=("/d/overview", "/api/ds/query"), needs_env=("GF_SECURITY_ADMIN_PASSWORD",)),
        replicas=1, port=3000, env={"GF_SECURITY_ADMIN_PASSWORD": ("Secret", "dashboards-admin", "password")},
        memory="192Mi", memory_limit="384Mi", shape="office", team="platform",
    ),
    App(
        "observability", "alert-router", "quay.io/prometheus/alertmanager", "v0.29.0",
        Program("alert-router", listens=(9093,), memory_mib=44, serves=("/api/v2/alerts",)), replicas=1, port=9093,
        service_port=9093, config="alert-router", probes="tcp", shape="flat", team="platform",
    ),
    App(
        "observability", "trivy-operator", "ghcr.io/aquasecurity/trivy-operator", "0.29.0",
        Program("trivy-operator", listens=(9090,), memory_mib=190, serves=(), may=(("list", "", "pods"),)), replicas=1, port=9090,
        service_port=None, probes="none", account="trivy-operator", memory="256Mi", memory_limit="512Mi", shape="flat", team="platform",
    ),
)  # fmt: skip

PLATFORM = (*SYSTEM, *EDGE, *OBSERVABILITY)
