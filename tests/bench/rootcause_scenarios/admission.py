# ruff: noqa: E501  (messages stand as API servers, policy engines and proxies write them)
"""What the API server, a policy or a mesh refuses: modes 72 to 83."""

from __future__ import annotations

from typing import Any

from tests.bench.heldout.props import hook, quota
from tests.bench.rootcause_scenarios.case import Scene, incident
from tests.bench.rootcause_scenarios.estate import DAY, counter, jump

QUOTA = ("ResourceQuota harbour-share",)


def refused(s: Scene, text: str, *, kind: str = "Deployment", keep: int = 0, **made: Any) -> None:
    """New pods are refused; `text` says why, after the name of the pod."""
    s.victim(kind=kind, age=35, **made)
    pod = f"{s.name}-0" if kind == "StatefulSet" else f"{s.name}-7f9c5d8b6-k9xq2"
    told = f'pods "{pod}" is forbidden: {text}'
    prefix = f"create Pod {pod} in StatefulSet {s.name} failed error: " if kind == "StatefulSet" else "Error creating: "
    s.app.refused(prefix + told, keep=keep)


def _quota(hard: dict[str, str], used: dict[str, str], text: str, **made: Any) -> Any:
    def build(s: Scene) -> None:
        quota(s.d, s.space, "harbour-share", hard, used)
        refused(s, "exceeded quota: harbour-share, " + text, **made)

    return build


def needs(**requests: str) -> dict[str, Any]:
    return {"c": {"resources": {"requests": requests, "limits": requests}}}


for _mode, _name, _hard, _used, _text, _made in (
    ("quota_cpu", "requests_cpu_used_up", {"requests.cpu": "8"}, {"requests.cpu": "7800m"}, "requested: requests.cpu=500m, used: requests.cpu=7800m, limited: requests.cpu=8", needs(cpu="500m")),
    ("quota_cpu", "limits_cpu_used_up", {"limits.cpu": "16"}, {"limits.cpu": "16"}, "requested: limits.cpu=1, used: limits.cpu=16, limited: limits.cpu=16", {"kind": "StatefulSet", **needs(cpu="1")}),
    ("quota_cpu", "old_keys_without_a_prefix", {"cpu": "4"}, {"cpu": "3900m"}, "requested: cpu=250m, used: cpu=3900m, limited: cpu=4", needs(cpu="250m")),
    ("quota_memory", "requests_memory_used_up", {"requests.memory": "16Gi"}, {"requests.memory": "15872Mi"}, "requested: requests.memory=1Gi, used: requests.memory=15872Mi, limited: requests.memory=16Gi", needs(memory="1Gi")),
    ("quota_memory", "limits_memory_used_up", {"limits.memory": "32Gi"}, {"limits.memory": "32Gi"}, "requested: limits.memory=2Gi, used: limits.memory=32Gi, limited: limits.memory=32Gi", {"kind": "StatefulSet", **needs(memory="2Gi")}),
    ("quota_memory", "rollout_needs_memory_for_its_surge", {"requests.memory": "4Gi"}, {"requests.memory": "4Gi"}, "requested: requests.memory=512Mi, used: requests.memory=4Gi, limited: requests.memory=4Gi", {"keep": 1, **needs(memory="512Mi")}),
    ("quota_pods", "pods_used_up", {"pods": "20"}, {"pods": "20"}, "requested: pods=1, used: pods=20, limited: pods=20", {}),
    ("quota_pods", "count_of_pods_used_up", {"count/pods": "12"}, {"count/pods": "12"}, "requested: count/pods=1, used: count/pods=12, limited: count/pods=12", {"kind": "StatefulSet"}),
    ("quota_pods", "one_replica_is_left_out", {"pods": "9"}, {"pods": "9"}, "requested: pods=1, used: pods=9, limited: pods=9", {"keep": 1}),
):  # fmt: skip
    incident(_mode, name=_name, refs=QUOTA)(_quota(_hard, _used, _text, **_made))


def _service_quota(hard: str, by: str, reason: str, text: str) -> Any:
    def build(s: Scene) -> Any:
        quota(s.d, s.space, "harbour-share", {hard: "5"}, {hard: "5"})
        app = s.victim(age=35, service=False)
        told = text.format(name=s.name, hard=hard)
        s.d.event(app.obj, reason, told, by=by, count=14)
        s.caller('level=error msg="lookup failed" err="no such host" host=' + s.name + "\n")
        return s.fault(
            "quota_services",
            f"Deployment {s.name}",
            f"Service {s.name}",
            f"Namespace /{s.space}",
            *QUOTA,
            near=("service_missing",),
        )

    return build


_SVC = 'services "{name}" is forbidden: exceeded quota: harbour-share, requested: {hard}=1, used: {hard}=5, limited: {hard}=5'
incident("quota_services", name="operator_cannot_make_the_service")(
    _service_quota("services", "harbour-operator", "FailedCreate", "Error creating: " + _SVC)
)
incident(
    "quota_services",
    name="sync_of_the_service_failed",
    words="one or more objects failed to apply",
    source="argo-cd gitops-engine pkg/sync",
)(
    _service_quota(
        "services",
        "argocd-application-controller",
        "OperationCompleted",
        "Sync operation failed: one or more objects failed to apply, reason: " + _SVC,
    )
)
incident(
    "quota_services",
    name="load_balancers_used_up",
    words="Helm upgrade failed",
    source="fluxcd/helm-controller internal/action",
)(
    _service_quota(
        "services.loadbalancers",
        "helm-controller",
        "UpgradeFailed",
        "Helm upgrade failed for release: cannot create resource: " + _SVC,
    )
)


def _storage_quota(key: str, hard: str, used: str, asked: str) -> Any:
    def build(s: Scene) -> Any:
        quota(s.d, s.space, "harbour-share", {key: hard}, {key: used})
        claim_name = f"plates-{s.name}-0"
        s.victim(
            kind="StatefulSet",
            replicas=1,
            age=35,
            over={
                "spec": {
                    "volumeClaimTemplates": [
                        {
                            "metadata": {"name": "plates"},
                            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "50Gi"}}},
                        }
                    ]
                }
            },
        )
        s.app.refused(
            f'create Claim {claim_name} for Pod {s.name}-0 in StatefulSet {s.name} failed error: persistentvolumeclaims "{claim_name}" is forbidden: exceeded quota: harbour-share, requested: {key}={asked}, used: {key}={used}, limited: {key}={hard}'
        )
        return s.fault("quota_storage", f"StatefulSet {s.name}", f"PersistentVolumeClaim {claim_name}", *QUOTA)

    return build


for _name, _key, _hard, _used, _asked in (
    ("requests_storage_used_up", "requests.storage", "200Gi", "180Gi", "50Gi"),
    ("claims_used_up", "persistentvolumeclaims", "4", "4", "1"),
    ("storage_of_one_class_used_up", "gp3.storageclass.storage.k8s.io/requests.storage", "100Gi", "100Gi", "50Gi"),
):
    incident("quota_storage", name=_name)(_storage_quota(_key, _hard, _used, _asked))


# LimitRange, accounts, Pod Security


def _limits(limit: dict[str, Any], text: str, **made: Any) -> Any:
    def build(s: Scene) -> None:
        s.d.add("LimitRange", s.space, "berth-sizes", {"spec": {"limits": [{"type": "Container", **limit}]}})
        refused(s, text, **made)

    return build


incident("limitrange_violation", name="above_the_maximum", refs=("LimitRange berth-sizes",))(
    _limits(
        {"max": {"memory": "2Gi"}}, "maximum memory usage per Container is 2Gi, but limit is 4Gi", **needs(memory="4Gi")
    )
)
incident("limitrange_violation", name="ratio_too_high", refs=("LimitRange berth-sizes",))(
    _limits(
        {"maxLimitRequestRatio": {"cpu": "4"}},
        "cpu max limit to request ratio per Container is 4, but provided ratio is 10.000000",
        c={"resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "1"}}},
    )
)
incident(
    "limitrange_violation",
    name="no_limit_where_one_is_demanded",
    words="No limit is specified",
    source="kubernetes plugin/pkg/admission/limitranger",
    refs=("LimitRange berth-sizes",),
)(
    _limits(
        {"type": "Pod", "max": {"cpu": "2"}},
        "maximum cpu usage per Pod is 2.  No limit is specified",
        kind="StatefulSet",
        c={"resources": {"requests": {"cpu": "100m"}, "limits": {}}},
    )
)


def _account(kind: str, keep: int, text: str) -> Any:
    def build(s: Scene) -> None:
        refused(s, text.format(ns=s.space), kind=kind, keep=keep, spec={"serviceAccountName": "berth-bot"})

    return build


_SA = 'error looking up service account {ns}/berth-bot: serviceaccount "berth-bot" not found'
for _name, _kind, _keep in (
    ("account_never_made", "Deployment", 0),
    ("account_of_a_stateful_set", "StatefulSet", 0),
    ("account_deleted_later", "Deployment", 1),
):
    incident("service_account_missing", name=_name, refs=("ServiceAccount berth-bot",))(_account(_kind, _keep, _SA))


def _psa(level: str, text: str, keep: int, **made: Any) -> Any:
    def build(s: Scene) -> None:
        s.d.namespace(s.space, {"pod-security.kubernetes.io/enforce": level})
        refused(s, f'violates PodSecurity "{level}:latest": {text}', keep=keep, **made)

    return build


incident("psa_rejects_recreate", name="restricted_needs_non_root", refs=())(
    _psa(
        "restricted",
        'allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false), runAsNonRoot != true (pod or container "main" must set securityContext.runAsNonRoot=true)',
        1,
    )
)
incident("psa_rejects_recreate", name="baseline_forbids_privileged")(
    _psa(
        "baseline",
        'privileged (container "main" must not set securityContext.privileged=true)',
        0,
        c={"securityContext": {"privileged": True}},
    )
)
incident(
    "psa_rejects_recreate",
    name="baseline_forbids_host_namespaces",
    words="host namespaces (",
    source="kubernetes pod-security-admission policy/check_hostNamespaces.go",
)(
    _psa(
        "baseline",
        "host namespaces (hostNetwork=true), hostPort (container uses hostPort 9600)",
        0,
        kind="StatefulSet",
        spec={"hostNetwork": True},
    )
)

# Webhooks

HOOK = 'Internal error occurred: failed calling webhook "{hook}": failed to call webhook: Post "https://cargo-guard.{ns}.svc:443/validate?timeout=10s": '


def _webhook(mode: str, error: str, *, pods: int, service: bool = True, log: str = "") -> Any:
    def build(s: Scene) -> Any:
        far = s.topology.casts[1].space
        guard = s.d.app(far, "cargo-guard", replicas=pods, age=20 * DAY, labels=s.labels("cargo-guard"))
        if not pods:
            guard.obj["metadata"]["generation"] = 3
        elif log:
            guard.log(log)
        if service:
            s.d.service(far, "cargo-guard", selector=s.labels("cargo-guard"), ports=[{"port": 443, "targetPort": 8080}])
        hook(s.d, "Validating", "cargo-rules", "rules.cargo-guard.example", far, "cargo-guard", "/validate")
        s.victim(age=35)
        s.app.refused("Error creating: " + HOOK.format(hook="rules.cargo-guard.example", ns=far) + error.format(ns=far))
        return s.fault(
            mode,
            f"Deployment {s.name}",
            "ValidatingWebhookConfiguration /cargo-rules",
            f"Deployment {far}/cargo-guard",
            f"Service {far}/cargo-guard",
            near=("zero_replicas", "service_missing"),
        )

    return build


incident("webhook_unavailable_or_slow", name="guard_scaled_to_zero")(
    _webhook("webhook_unavailable_or_slow", 'no endpoints available for service "cargo-guard"', pods=0)
)
incident(
    "webhook_unavailable_or_slow",
    name="guard_too_slow",
    words="context deadline exceeded",
    source="Go net/http; kubernetes apiserver webhook",
)(
    _webhook(
        "webhook_unavailable_or_slow", "context deadline exceeded", pods=2, log="slow: 14 s to evaluate 812 rules\n"
    )
)
incident(
    "webhook_unavailable_or_slow",
    name="guard_hangs_up",
    words="unexpected EOF",
    source="Go io.ErrUnexpectedEOF in net/http",
)(_webhook("webhook_unavailable_or_slow", "unexpected EOF", pods=1))
incident(
    "webhook_unavailable_or_slow",
    name="guard_answers_bad_gateway",
    words="the server responded with the status code 502",
    source="kubernetes apiserver webhook errors",
)(
    _webhook(
        "webhook_unavailable_or_slow",
        "the server responded with the status code 502 but did not return more information",
        pods=1,
    )
)
incident("webhook_tls_mismatch", name="unknown_authority")(
    _webhook(
        "webhook_tls_mismatch",
        "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        pods=1,
    )
)
incident(
    "webhook_tls_mismatch",
    name="name_not_in_the_certificate",
    words="x509: certificate is not valid for any names",
    source="Go crypto/x509/verify.go",
)(
    _webhook(
        "webhook_tls_mismatch",
        "tls: failed to verify certificate: x509: certificate is not valid for any names, but wanted to match cargo-guard.{ns}.svc",
        pods=1,
    )
)
incident(
    "webhook_tls_mismatch",
    name="legacy_common_name",
    words="relies on legacy Common Name field",
    source="Go crypto/x509/verify.go",
)(_webhook("webhook_tls_mismatch", "x509: certificate relies on legacy Common Name field, use SANs instead", pods=2))


# Network policies, meshes


def _policy(spec: dict[str, Any], log: str, *, connect: str = "") -> Any:
    def build(s: Scene) -> Any:
        s.victim(age=9 * DAY)
        s.app.log("listening\n")
        s.d.add(
            "NetworkPolicy",
            s.space,
            "berth-fence",
            {"spec": {"podSelector": {"matchLabels": s.labels(s.name)}, **spec}},
            age=28,
        )
        s.caller(log.format(host=f"{s.name}.{s.space}.svc.cluster.local", name=s.name) * 8)
        if connect:
            s.d.connect(s.space, s.name, 80, connect)
        return s.fault(
            "networkpolicy_blocks",
            "NetworkPolicy berth-fence",
            f"Deployment {s.name}",
            f"Service {s.name}",
            f"Deployment {s.cast.caller}",
        )

    return build


incident(
    "networkpolicy_blocks",
    needs="logs",
    name="ingress_only_from_another_namespace",
    words="upstream request timeout",
    source="envoyproxy/envoy router",
)(
    _policy(
        {
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ops"}}}]}],
        },
        "GET http://{host}/v1/plan 504 upstream request timeout\n",
        connect="dial tcp 172.20.9.10:80: i/o timeout",
    )
)
incident(
    "networkpolicy_blocks",
    needs="logs",
    name="default_deny_of_the_namespace",
    words="java.net.SocketTimeoutException: Connect timed out",
    source="OpenJDK sun.nio.ch.NioSocketImpl",
)(
    _policy(
        {"policyTypes": ["Ingress"]},
        "java.net.SocketTimeoutException: Connect timed out\n\tat java.base/sun.nio.ch.NioSocketImpl.timedFinishConnect(NioSocketImpl.java:546)\nCaused by: while calling http://{host}/v1/plan\n",
        connect="i/o timeout",
    )
)


@incident(
    "networkpolicy_blocks",
    needs="logs",
    words="Temporary failure in name resolution",
    source="glibc resolv/gai_strerror",
    near=("app_exception", "coredns_misconfigured_or_stale", "dependency_unreachable"),
)
def egress_rule_without_dns(s: Scene) -> Any:
    s.victim(age=40)
    s.d.add(
        "NetworkPolicy",
        s.space,
        "berth-fence",
        {
            "spec": {
                "podSelector": {"matchLabels": s.labels(s.name)},
                "policyTypes": ["Egress"],
                "egress": [{"to": [{"podSelector": {}}], "ports": [{"port": 5432, "protocol": "TCP"}]}],
            }
        },
        age=41,
    )
    s.crash(
        1,
        f"socket.gaierror: [Errno -3] Temporary failure in name resolution\nwhile resolving {s.topology.store[0]}.{s.space}.svc.cluster.local\n",
    )
    return s.fault(
        "networkpolicy_blocks",
        "NetworkPolicy berth-fence",
        f"Deployment {s.name}",
        near=("app_exception", "dependency_unreachable"),
    )


def _mesh(caller: str, proxy: str) -> Any:
    def build(s: Scene) -> Any:
        sidecar = {"name": "istio-proxy", "image": "docker.io/istio/proxyv2:1.22.1"}
        s.victim(age=9 * DAY, sidecars=[sidecar])
        s.app.log("listening\n")
        s.app.log(proxy.format(name=s.name, ns=s.space, port=s.port) * 6, container="istio-proxy")
        s.caller(caller.format(name=s.name) * 6)
        s.d.metric(
            "istio_requests_total",
            counter(jump(0.1, 30, 24)),
            destination_service=f"{s.name}.{s.space}.svc.cluster.local",
            response_code="403" if "403" in caller else "503",
            response_flags="-" if "403" in caller else "UF,URX",
            reporter="destination",
        )
        return s.fault(
            "mesh_mtls_or_authz_denies", f"Deployment {s.name}", f"Service {s.name}", f"Deployment {s.cast.caller}"
        )

    return build


incident(
    "mesh_mtls_or_authz_denies",
    needs="logs",
    name="authorization_policy_denies",
    words="rbac_access_denied_matched_policy",
    source="envoyproxy/envoy source/extensions/filters/common/rbac/utility.cc",
)(
    _mesh(
        "upstream {name} answered 403: RBAC: access denied\n",
        '[2025-03-14T09:28:53.132Z] "GET /v1/plan HTTP/1.1" 403 - rbac_access_denied_matched_policy[none] - "-" 0 19 0 - "-" "okhttp/4.12" "{name}:80" "-" inbound|{port}|| - 10.244.0.11:{port} 10.244.0.12:52784\n',
    )
)
incident(
    "mesh_mtls_or_authz_denies",
    needs="logs",
    name="plain_client_of_strict_mtls",
    words="WRONG_VERSION_NUMBER",
    source="BoringSSL err_data; envoy transport_sockets/tls",
)(
    _mesh(
        "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: remote connection failure, transport failure reason: TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end calling {name}\n",
        '[2025-03-14T09:28:53.132Z] "- - -" 0 NR filter_chain_not_found - "-" 0 0 0 - "-" "-" "-" "-" "-" - - 10.244.0.11:{port} 10.244.0.12:52784 - -\n',
    )
)
incident(
    "mesh_mtls_or_authz_denies",
    needs="logs",
    name="linkerd_denies_the_client",
    words="unauthorized request on route",
    source="linkerd2-proxy linkerd/app/inbound/src/policy",
)(
    _mesh(
        "GET http://{name}/v1/plan -> 403 Forbidden, server: linkerd-proxy\n",
        "INFO inbound:server{{port={port}}}: linkerd_app_inbound::policy::http: Request denied server=default/{name} tls=None(NoClientHello) client=10.244.0.12:52784 error=unauthorized request on route\n",
    )
)
