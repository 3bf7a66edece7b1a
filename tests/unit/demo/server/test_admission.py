"""Quota, limits, disruption budgets, pod security, webhooks, and who may do what."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.demo.server.api import ApiError, Caller, copy_of
from tests.unit.demo.server.builders import DEPLOYMENTS, MAPS, PODS, Cluster, a_deployment, a_pod, read


def refused(call: Any, *arguments: Any, **named: Any) -> ApiError:
    with pytest.raises(ApiError) as error:
        call(*arguments, **named)
    return error.value


def with_quota(**hard: str) -> Cluster:
    cluster = Cluster()
    spec = {"hard": {name.replace("_", "."): value for name, value in hard.items()}}
    cluster.api.create("ResourceQuota", {"metadata": {"name": "small"}, "spec": spec}, namespace="shop")
    return cluster


def test_a_pod_over_quota_is_refused_also_as_a_dry_run() -> None:
    cluster = with_quota(requests_cpu="200m")
    for dry_run in (True, False):
        error = refused(cluster.api.create, "Pod", a_pod(cpu="300m"), namespace="shop", caller=Caller(dry_run=dry_run))
        assert error.message == (
            'pods "cart" is forbidden: exceeded quota: small, requested: requests.cpu=300m, used: requests.cpu=0, '
            "limited: requests.cpu=200m"
        )


def test_a_deployment_over_quota_is_accepted_because_its_pods_come_later() -> None:
    cluster = with_quota(pods="1")
    assert cluster.send("POST", DEPLOYMENTS + "?dryRun=All", a_deployment(replicas=50)).status == 201


def test_a_quota_on_cpu_makes_requests_mandatory() -> None:
    error = refused(with_quota(requests_cpu="1").api.create, "Pod", a_pod(), namespace="shop")
    assert "failed quota: small: must specify requests.cpu for: app" in error.message


def test_a_limit_range_fills_in_and_refuses() -> None:
    cluster = Cluster()
    item = {"type": "Container", "default": {"memory": "64Mi"}, "max": {"memory": "256Mi"}}
    cluster.api.create("LimitRange", {"metadata": {"name": "lim"}, "spec": {"limits": [item]}}, namespace="shop")
    made = cluster.api.create("Pod", a_pod("one"), namespace="shop")
    assert made["spec"]["containers"][0]["resources"]["limits"] == {"memory": "64Mi"}
    big = a_pod("two")
    big["spec"]["containers"][0]["resources"] = {"limits": {"memory": "1Gi"}}
    error = refused(cluster.api.create, "Pod", big, namespace="shop")
    assert error.message == 'pods "two" is forbidden: maximum memory usage per Container is 256Mi, but limit is 1Gi'


def running(cluster: Cluster, name: str) -> None:
    cluster.api.create("Pod", a_pod(name, app="cart"), namespace="shop")
    cluster.api.bind("shop", name, "n1")
    pod = copy_of(cluster.api.get("Pod", "shop", name))
    pod["status"]["phase"] = "Running"
    cluster.api.update_status("Pod", pod)


def with_budget(allowed: int) -> Cluster:
    cluster = Cluster()
    running(cluster, "cart")
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "cart"}}}
    budget = cluster.api.create("PodDisruptionBudget", {"metadata": {"name": "cart"}, "spec": spec}, namespace="shop")
    status = {
        "disruptionsAllowed": allowed,
        "currentHealthy": 1,
        "desiredHealthy": 1,
        "expectedPods": 1,
        "observedGeneration": 1,
    }
    cluster.api.update_status("PodDisruptionBudget", {**copy_of(budget), "status": status})
    return cluster


@pytest.mark.parametrize("dry_run", [True, False])
def test_an_eviction_the_budget_forbids_is_429(dry_run: bool) -> None:
    error = refused(with_budget(0).api.evict, "shop", "cart", dry_run=dry_run)
    assert (error.code, error.reason) == (429, "TooManyRequests")
    assert error.details == {
        "causes": [
            {
                "reason": "DisruptionBudget",
                "message": "The disruption budget cart needs 1 healthy pods and has 1 currently",
            }
        ]
    }


def test_an_allowed_eviction_uses_up_the_budget_and_a_dry_one_does_not() -> None:
    cluster = with_budget(1)
    cluster.api.evict("shop", "cart", dry_run=True)
    assert "deletionTimestamp" not in cluster.api.get("Pod", "shop", "cart")["metadata"]
    cluster.api.evict("shop", "cart")
    assert cluster.api.get("Pod", "shop", "cart")["metadata"]["deletionTimestamp"]
    assert cluster.api.get("PodDisruptionBudget", "shop", "cart")["status"]["disruptionsAllowed"] == 0


def test_restricted_namespaces_refuse_pods_and_warn_about_templates() -> None:
    cluster = Cluster()
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    cluster.api.patch("Namespace", "", "shop", {"metadata": {"labels": labels}})
    error = refused(cluster.api.create, "Pod", a_pod(), namespace="shop")
    assert error.message.startswith('pods "cart" is forbidden: violates PodSecurity "restricted:latest": ')
    answer = cluster.send("POST", DEPLOYMENTS, a_deployment())
    assert answer.status == 201
    assert "would violate PodSecurity" in answer.headers["warning"]


def test_a_webhook_nobody_answers_blocks_what_it_guards_also_dry() -> None:
    cluster = Cluster()
    rule = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
    client = {"service": {"namespace": "shop", "name": "nowhere", "path": "/validate"}}
    hook = {"name": "guard.example.com", "clientConfig": client, "rules": [rule], "sideEffects": "None"}
    cluster.api.create("ValidatingWebhookConfiguration", {"metadata": {"name": "guard"}, "webhooks": [hook]})
    for target in (MAPS, MAPS + "?dryRun=All"):
        status = read(cluster.send("POST", target, {"metadata": {"name": "a"}}))
        assert (status["code"], status["reason"]) == (500, "InternalError")
        assert 'service "nowhere" not found' in status["message"]


def test_a_missing_service_account_or_priority_class_refuses_the_pod() -> None:
    cluster = Cluster()
    pod = a_pod()
    pod["spec"]["serviceAccountName"] = "nobody"
    error = refused(cluster.api.create, "Pod", pod, namespace="shop")
    assert 'error looking up service account shop/nobody: serviceaccount "nobody" not found' in error.message
    pod = a_pod()
    pod["spec"]["priorityClassName"] = "vip"
    assert (
        "no PriorityClass with name vip was found" in refused(cluster.api.create, "Pod", pod, namespace="shop").message
    )


def allow(cluster: Cluster, *verbs: str, resources: tuple[str, ...] = ("pods",)) -> None:
    rule = {"apiGroups": ["", "apps"], "resources": list(resources), "verbs": list(verbs)}
    cluster.api.create("Role", {"metadata": {"name": "r"}, "rules": [rule]}, namespace="shop")
    subject = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "dev"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
    cluster.api.create(
        "RoleBinding", {"metadata": {"name": "b"}, "subjects": [subject], "roleRef": role}, namespace="shop"
    )


def test_dry_run_needs_the_same_rights_as_the_real_thing() -> None:
    cluster = Cluster()
    allow(cluster, "get", "list")
    assert cluster.send("GET", PODS, user="dev").status == 200
    status = read(cluster.send("DELETE", PODS + "/cart?dryRun=All", user="dev"))
    assert status["message"] == (
        'pods "cart" is forbidden: User "dev" cannot delete resource "pods" in API group "" in the namespace "shop"'
    )


def test_patching_deployments_does_not_grant_their_scale() -> None:
    cluster = Cluster()
    cluster.api.create("Deployment", a_deployment(), namespace="shop")
    allow(cluster, "patch", resources=("deployments",))
    merge = {"content_type": "application/merge-patch+json"}
    body = {"spec": {"replicas": 1}}
    assert cluster.send("PATCH", DEPLOYMENTS + "/cart", body, user="dev", **merge).status == 200
    assert cluster.send("PATCH", DEPLOYMENTS + "/cart/scale", body, user="dev", **merge).status == 403


def test_access_reviews_say_what_the_requests_would_meet() -> None:
    cluster = Cluster()
    allow(cluster, "list")
    target = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    for verb, allowed in (("list", True), ("delete", False)):
        body = {"spec": {"resourceAttributes": {"namespace": "shop", "verb": verb, "resource": "pods"}}}
        assert read(cluster.send("POST", target, body, user="dev"))["status"]["allowed"] is allowed


def test_impersonation_needs_the_right_to_it() -> None:
    cluster = Cluster()
    assert cluster.send("GET", PODS, impersonate_user="dev").status == 403
    assert "cannot impersonate" in read(cluster.send("GET", PODS, user="dev", impersonate_user="admin"))["message"]


def test_the_audit_list_tells_writes_from_dry_runs_and_reads() -> None:
    cluster = Cluster()
    cluster.send("GET", PODS)
    cluster.send("POST", MAPS + "?dryRun=All", {"metadata": {"name": "dry"}})
    cluster.send("DELETE", MAPS + "/none", {"dryRun": ["All"]})
    cluster.send("POST", MAPS, {"metadata": {"name": "wet"}})
    assert [(entry.verb, entry.path) for entry in cluster.server.audit.writes()] == [("create", MAPS)]
    assert len(cluster.server.audit.entries()) == 4
