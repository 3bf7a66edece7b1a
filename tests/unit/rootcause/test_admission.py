"""Pods that the API server refuses, by message and, where messages are gone, by the rules themselves."""

from __future__ import annotations

import pytest

from chalicelib.state.meta import Ref
from tests.unit.rootcause.builders import a_cluster, only, sure

CART = Ref("Deployment", "shop", "cart")
FORBIDDEN = 'pods "cart-6d5f7c9b84-x" is forbidden: '
REFUSALS = {
    "quota_cpu": "exceeded quota: limits, requested: requests.cpu=200m, used: requests.cpu=1, limited: requests.cpu=1",
    "quota_memory": (
        "exceeded quota: limits, requested: limits.memory=1Gi, used: limits.memory=8Gi, limited: limits.memory=8Gi"
    ),
    "quota_pods": "exceeded quota: limits, requested: pods=1, used: pods=10, limited: pods=10",
    "limitrange_violation": "maximum memory usage per Container is 1Gi, but limit is 2Gi",
    "service_account_missing": 'error looking up service account shop/robot: serviceaccount "robot" not found',
    "psa_rejects_recreate": (
        'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "cart" must '
        "set securityContext.allowPrivilegeEscalation=false)"
    ),
}


@pytest.mark.parametrize("where", ["event", "condition"])
@pytest.mark.parametrize(("mode", "text"), REFUSALS.items())
def test_the_api_servers_refusal_is_named(mode, text, where):
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart").having(serviceAccountName="robot")
    if mode != "service_account_missing":
        cluster.add("ServiceAccount", "shop/robot")
    cart.not_created(FORBIDDEN + text, event=where == "event", condition_too=where == "condition")
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (CART, mode)


OTHER_WORDS = {
    "quota_cpu": "failed quota: limits: must specify limits.cpu for: cart; requests.cpu for: cart",
    "limitrange_violation": (
        "[minimum cpu usage per Container is 100m, but request is 50m, maximum "
        "memory usage per Pod is 1Gi, but limit is 2Gi]"
    ),
}


@pytest.mark.parametrize(("mode", "text"), OTHER_WORDS.items())
def test_rarer_words_of_the_same_rules_are_understood(mode, text):
    cluster = a_cluster()
    cluster.deployment("shop/cart").not_created(FORBIDDEN + text)
    assert sure(cluster.diagnosis()) == [(CART, mode)]


def with_quota(c):
    c.add(
        "ResourceQuota",
        "shop/limits",
        {"spec": {}, "status": {"hard": {"requests.cpu": "1"}, "used": {"requests.cpu": "900m"}}},
    )
    return c.deployment("shop/cart", resources={"requests": {"cpu": "200m"}})


def with_limit_range(c):
    c.add("LimitRange", "shop/range", {"spec": {"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]}})
    return c.deployment("shop/cart", resources={"limits": {"memory": "2Gi"}})


def without_account(c):
    return c.deployment("shop/cart").having(serviceAccountName="robot")


def with_host_network(c):
    c.namespace("shop", **{"pod-security.kubernetes.io/enforce": "baseline"})
    return c.deployment("shop/cart").having(hostNetwork=True)


COMPUTED = [
    (with_quota, "quota_cpu"),
    (with_limit_range, "limitrange_violation"),
    (without_account, "service_account_missing"),
    (with_host_network, "psa_rejects_recreate"),
]


@pytest.mark.parametrize(("make", "mode"), COMPUTED)
def test_the_rule_is_found_when_every_message_has_expired(make, mode):
    cluster = a_cluster()
    make(cluster).not_created()
    assert sure(cluster.diagnosis()) == [(CART, mode)]


@pytest.mark.parametrize(("make", "mode"), COMPUTED)
def test_the_same_rule_is_silent_while_all_pods_run(make, mode):
    cluster = a_cluster()
    make(cluster)
    assert cluster.diagnosis().outcome == "no_fault"


def test_a_refusal_of_an_old_revision_is_not_reported():
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart")
    old = cart.replica_set
    cart.changed(image="registry.local/cart:2")
    cluster.event(old, "FailedCreate", "Error creating: " + FORBIDDEN + REFUSALS["quota_cpu"])
    assert cluster.diagnosis().outcome == "no_fault"


def webhook(cluster, *, policy="Fail", selector=None):
    rule = {"operations": ["CREATE"], "apiGroups": [""], "resources": ["pods"]}
    hook = {
        "name": "images.policy.local",
        "failurePolicy": policy,
        "rules": [rule],
        "namespaceSelector": selector or {},
        "clientConfig": {"service": {"name": "guard", "namespace": "ops", "port": 443}},
    }
    return cluster.add("ValidatingWebhookConfiguration", "guard", {"webhooks": [hook]})


CALL = (
    'Internal error occurred: failed calling webhook "images.policy.local": failed to call '
    'webhook: Post "https://guard.ops.svc:443/validate?timeout=2s": '
)
UNAVAILABLE = [
    'no endpoints available for service "guard"',
    "dial tcp 10.96.0.9:443: connect: connection refused",
    "context deadline exceeded",
    'service "guard" not found',
]


@pytest.mark.parametrize("text", UNAVAILABLE)
def test_a_webhook_that_does_not_answer_is_blamed_on_what_stands_behind_it(text):
    cluster = a_cluster()
    webhook(cluster)
    guard = cluster.deployment("ops/guard", 0)
    guard.object["metadata"]["generation"] = 2
    cluster.service("ops/guard", port=443)
    cluster.deployment("shop/cart").not_created(CALL + text)
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (Ref("Deployment", "ops", "guard"), "webhook_unavailable_or_slow")
    assert CART in problem.explains


def test_a_webhook_whose_pods_crash_is_explained_by_the_crash():
    cluster = a_cluster()
    webhook(cluster)
    cluster.deployment("ops/guard").crashing(137, "OOMKilled")
    cluster.service("ops/guard", port=443)
    cluster.deployment("shop/cart").not_created(CALL + UNAVAILABLE[0])
    modes = {mode for ref, mode in sure(cluster.diagnosis()) if ref == Ref("Deployment", "ops", "guard")}
    assert "oom_killed" in modes
    assert all(ref != CART for ref, _ in sure(cluster.diagnosis()))


def test_a_webhook_without_backend_is_found_when_the_messages_have_expired():
    cluster = a_cluster()
    configuration = webhook(cluster)
    cluster.deployment("shop/cart").not_created()
    assert sure(cluster.diagnosis()) == [
        (Ref("ValidatingWebhookConfiguration", "", configuration["metadata"]["name"]), "webhook_unavailable_or_slow")
    ]


def test_a_webhook_that_fails_open_or_looks_elsewhere_is_not_blamed():
    for policy, selector in (("Ignore", {}), ("Fail", {"matchLabels": {"guarded": "yes"}})):
        cluster = a_cluster()
        webhook(cluster, policy=policy, selector=selector)
        cluster.deployment("ops/guard")
        cluster.service("ops/guard", port=443)
        with_quota(cluster).not_created()
        assert sure(cluster.diagnosis()) == [(CART, "quota_cpu")]


def test_a_webhook_certificate_is_told_apart():
    cluster = a_cluster()
    webhook(cluster)
    cluster.deployment("ops/guard")
    cluster.service("ops/guard", port=443)
    cluster.deployment("shop/cart").not_created(
        CALL + "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    )
    assert [mode for _, mode in sure(cluster.diagnosis())] == ["webhook_tls_mismatch"]


@pytest.mark.parametrize(
    ("said", "mode"),
    [
        (
            'admission webhook "validate.kyverno.svc-fail" denied the request: resource Pod/shop/cart-x was blocked '
            "due to the following policies\n\ndisallow-privileged:\n  privileged: 'Privileged mode is not allowed'",
            "psa_rejects_recreate",
        ),
        (
            'admission webhook "validation.gatekeeper.sh" denied the request: [must-have-owner] you must provide '
            'labels: {"owner"}',
            "rollout_stuck",
        ),
    ],
)
def test_a_policy_engines_denial_is_a_security_refusal_only_where_it_speaks_of_security(said: str, mode: str):
    cluster = a_cluster()
    cluster.deployment("shop/cart").not_created(f"Error creating: {said}")
    assert only(cluster.diagnosis()).mode == mode
