"""Accounts and rights, some of them wider than they should be."""

from __future__ import annotations

from infra.local.demo.server.store import Object
from infra.local.demo.world.manifests import obj

_API = "rbac.authorization.k8s.io/v1"


def _role(name: str, rules: list[Object], namespace: str = "") -> Object:
    return obj("Role" if namespace else "ClusterRole", name, namespace, api=_API, rules=rules)


def _rule(groups: str, resources: str, verbs: str) -> Object:
    return {
        "apiGroups": ["" if one == "core" else one for one in groups.split()],
        "resources": resources.split(),
        "verbs": verbs.split(),
    }


def _bind(name: str, role: str, subjects: list[Object], namespace: str = "", *, cluster_role: bool = True) -> Object:
    kind = "ClusterRole" if cluster_role else "Role"
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role}
    return obj(
        "RoleBinding" if namespace else "ClusterRoleBinding",
        name,
        namespace,
        api=_API,
        roleRef=reference,
        subjects=subjects,
    )


def _account(namespace: str, name: str) -> Object:
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def _group(name: str) -> Object:
    return {"kind": "Group", "name": name, "apiGroup": "rbac.authorization.k8s.io"}


def access() -> list[Object]:
    """ServiceAccounts, roles and bindings. The CI account is cluster-admin, and a developer group reads Secrets."""
    accounts = [
        ("kube-system", "cluster-autoscaler"),
        ("edge", "router"),
        ("edge", "cert-manager"),
        ("observability", "trivy-operator"),
        ("analytics", "ci-deployer"),
        ("sandbox", "preview-bot"),
        ("fleet", "leader"),
    ]
    return [
        *(obj("ServiceAccount", name, namespace) for namespace, name in accounts),
        _role(
            "trivy-operator",
            [_rule("core apps batch", "*", "get list watch"), _rule("aquasecurity.github.io", "*", "*")],
        ),
        _bind("trivy-operator", "trivy-operator", [_account("observability", "trivy-operator")]),
        _role(
            "router",
            [
                _rule(
                    "core networking.k8s.io discovery.k8s.io",
                    "services endpoints secrets ingresses ingressclasses endpointslices configmaps",
                    "get list watch",
                )
            ],
        ),
        _bind("router", "router", [_account("edge", "router")]),
        _role(
            "autoscaler",
            [_rule("core", "nodes pods", "get list watch update"), _rule("core", "pods/eviction", "create")],
        ),
        _bind("autoscaler", "autoscaler", [_account("kube-system", "cluster-autoscaler")]),
        _role(
            "cert-manager", [_rule("core", "secrets", "*"), _rule("networking.k8s.io", "ingresses", "get list watch")]
        ),
        _bind("cert-manager", "cert-manager", [_account("edge", "cert-manager")]),
        _bind("ci-deployer", "cluster-admin", [_account("analytics", "ci-deployer")]),
        _bind("developers-edit", "edit", [_group("developers")], "sandbox"),
        _bind("developers-view", "view", [_group("developers")]),
        _role("secret-reader", [_rule("core", "secrets", "get list")]),
        _bind("developers-secrets", "secret-reader", [_group("developers")]),
        _role("everything", [_rule("*", "*", "*")], "sandbox"),
        _bind("preview-bot", "everything", [_account("sandbox", "preview-bot")], "sandbox", cluster_role=False),
        _role("leader", [_rule("coordination.k8s.io", "leases", "get create update")], "fleet"),
        _bind("leader", "leader", [_account("fleet", "leader")], "fleet", cluster_role=False),
    ]


def secrets() -> list[Object]:
    """Secrets with made-up values; none of them opens anything."""
    opaque = {
        ("booking", "pg-booking-admin"): {"password": "demo-admin-7"},
        ("booking", "pg-booking-app"): {"password": "demo-booking-1"},
        ("booking", "fares-keys"): {"currency": "demo-currency"},
        ("billing", "pg-billing-admin"): {"password": "demo-admin-8"},
        ("billing", "pg-billing-app"): {"password": "demo-billing-1"},
        ("billing", "acquirer"): {"token": "demo-acquirer"},
        ("edge", "signin-cookie"): {"secret": "demo-cookie"},
        ("observability", "dashboards-admin"): {"password": "demo-dashboards", "user": "admin"},
    }
    made = [
        obj("Secret", name, namespace, type="Opaque", stringData=data) for (namespace, name), data in opaque.items()
    ]
    pull = {".dockerconfigjson": '{"auths":{"registry.harborline.example":{"auth":"ZGVtbzpkZW1v"}}}'}
    made += [
        obj("Secret", "registry-pull", namespace, type="kubernetes.io/dockerconfigjson", stringData=pull)
        for namespace in ("analytics", "fleet")
    ]
    for namespace, name in (("booking", "www-tls"), ("tracking", "track-tls"), ("billing", "billing-tls")):
        made.append(obj("Secret", name, namespace, type="kubernetes.io/tls", stringData={"tls.crt": "", "tls.key": ""}))
    return made


def settings() -> list[Object]:
    return [
        obj(
            "ConfigMap",
            "storefront-settings",
            "booking",
            data={"settings.yaml": "currency: USD\nlocale: en-US\n", "feature-flags": "new-seat-picker=on"},
        ),
        obj("ConfigMap", "seat-map-layouts", "booking", data={"layouts.json": '{"mv-olympic": {"decks": 4}}'}),
        obj(
            "ConfigMap",
            "alert-router",
            "observability",
            data={"alertmanager.yml": "route:\n  receiver: on-call\nreceivers:\n  - name: on-call\n"},
        ),
        obj(
            "ConfigMap",
            "coredns",
            "kube-system",
            data={
                "Corefile": ".:53 {\n    errors\n    health\n    kubernetes cluster.local in-addr.arpa ip6.arpa\n"
                "    forward . /etc/resolv.conf\n    cache 30\n    loop\n    reload\n    loadbalance\n}\n"
            },
        ),
        obj("ConfigMap", "dispatch-regions", "fleet", data={"regions": "us-west,us-east"}),
    ]
