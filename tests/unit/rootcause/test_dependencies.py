"""Running workloads that complain: each mode where it is, where something else resembles it, and where it is over."""

from __future__ import annotations

import pytest

from chalicelib.state.meta import Ref
from tests.unit.rootcause.builders import Cluster, a_cluster, ago, only, sure

CART = Ref("Deployment", "shop", "cart")
DB = Ref("StatefulSet", "shop", "db")
SERVES = "2026-03-04T11:59:0{}Z INFO served path=/ status=200"
OVER = "2026-03-04T11:59:59Z INFO database came back"
CALLER, SERVER = CART, DB
LINES = {
    "db_bad_credentials": ('FATAL: password authentication failed for user "cart"', CALLER),
    "cache_auth_or_memory": ("ReplyError: NOAUTH Authentication required.", CALLER),
    "db_connections_exhausted": ("FATAL: sorry, too many clients already", SERVER),
    "db_read_only": ("ERROR: cannot execute INSERT in a read-only transaction", SERVER),
    "db_slow_query_or_missing_index": ("ERROR: canceling statement due to statement timeout", SERVER),
    "queue_lag_or_poison_message": ("ERROR Error deserializing VALUE for partition orders-0 at offset 41", CALLER),
    "broker_partition": ("org.apache.kafka.common.errors.NotEnoughReplicasException: rejected", CALLER),
    "storage_io_errors": ("write /data/segment: input/output error", CALLER),
    "mesh_mtls_or_authz_denies": ("upstream returned 403: RBAC: access denied", CALLER),
    "certificate_expired": ("x509: certificate has expired or is not yet valid", CALLER),
    "fd_conntrack_ephemeral_port_exhaustion": ("accept4: too many open files", CALLER),
    "ephemeral_storage_or_disk_full": ("write /tmp/x: no space left on device", CALLER),
    "retry_storm": ("503 upstream_rq_pending_overflow", CALLER),
}


def log(line: str, *more: str, minute: int = 59) -> str:
    lines = [f"2026-03-04T11:{minute:02}:{second:02}Z ERROR {line}" for second in range(10, 50, 8)]
    return "\n".join([SERVES.format(1), *lines, *more]) + "\n"


def shop(text: str) -> Cluster:
    cluster = a_cluster()
    env = [{"name": "DB_HOST", "value": "db"}, {"name": "DB_PORT", "value": "5432"}]
    cluster.deployment("shop/cart", env=env).says(text)
    return cluster


@pytest.mark.parametrize("mode", LINES)
def test_a_failure_that_goes_on_is_named_with_who_is_at_fault(mode: str):
    line, resource = LINES[mode]
    problem = only(shop(log(line)).diagnosis())
    assert (problem.mode, problem.resource) == (mode, resource)
    assert line[:30] in problem.evidence[0].text


@pytest.mark.parametrize("mode", LINES)
def test_a_failure_that_is_over_is_not_named(mode: str):
    line, _ = LINES[mode]
    assert sure(shop(log(line, minute=20)).diagnosis()) == [], "long ago by its time"
    assert sure(shop(log(line, OVER)).diagnosis()) == [], "recovered since"
    once = f"{SERVES.format(1)}\n2026-03-04T11:59:10Z ERROR {line}\n{SERVES.format(2)}\n"
    assert sure(shop(once).diagnosis()) == [], "once is weather"


@pytest.mark.parametrize("mode", LINES)
def test_a_line_that_only_informs_is_no_failure(mode: str):
    line, _ = LINES[mode]
    text = "\n".join(f"2026-03-04T11:59:{s}Z INFO self-test of alerting: {line}" for s in range(10, 20))
    assert sure(shop(text).diagnosis()) == []


def test_several_callers_of_one_server_are_one_problem():
    cluster = shop(log(LINES["db_connections_exhausted"][0]))
    env = [{"name": "DSN", "value": "postgres://u@db:5432/x"}]
    cluster.deployment("shop/mail", env=env).says(log(LINES["db_connections_exhausted"][0]))
    problem = only(cluster.diagnosis())
    assert problem.resource == DB
    assert {CART, Ref("Deployment", "shop", "mail")} <= set(problem.explains)


# Addresses

REFUSED = "dial tcp: lookup {} on 10.96.0.10:53: no such host"


def caller(line: str, **env: str) -> Cluster:
    cluster = a_cluster()
    found = cluster.deployment("shop/cart", env=[{"name": k, "value": v} for k, v in env.items()])
    found.says(log(line))
    return cluster


def test_a_variable_with_a_misspelled_service_is_a_typo_before_it_is_a_wrong_address():
    found = caller(REFUSED.format("apii"), API_URL="http://apii:80/v1").diagnosis()
    assert (only(found).resource, only(found).mode) == (CART, "hostname_typo")
    assert "env_var_wrong_address" in [h.mode for h in found.hypotheses]


def test_a_variable_that_names_the_pod_itself_where_nothing_listens_is_a_wrong_address():
    line = "Error: error sending request for url (http://localhost:8081/v1)\n\nCaused by:\n  Connection refused"
    cluster = a_cluster()
    cluster.deployment("shop/cart", env=[{"name": "API_URL", "value": "http://localhost:8081"}]).crashing(1, log=line)
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (CART, "env_var_wrong_address")


def test_a_variable_with_the_wrong_namespace_is_a_wrong_address():
    problem = only(caller(REFUSED.format("api.bank.svc"), API_URL="http://api.bank.svc:80").diagnosis())
    assert (problem.resource, problem.mode) == (CART, "env_var_wrong_address")


def test_a_misspelled_name_that_no_variable_holds_is_a_typo():
    problem = only(caller(REFUSED.format("apii")).diagnosis())
    assert (problem.resource, problem.mode) == (CART, "hostname_typo")


def test_an_absent_service_in_a_variable_that_nobody_calls_is_no_fault():
    assert caller("ready", API_URL="http://apii:80").diagnosis().outcome == "no_fault"


def test_a_variable_with_a_port_that_its_service_does_not_have_is_a_wrong_address():
    line = "dial tcp 10.96.3.4:8081: connect: connection refused (http://api:8081/)"
    problem = only(caller(line, API_URL="http://api:8081").diagnosis())
    assert (problem.resource, problem.mode) == (CART, "env_var_wrong_address")


def test_a_database_that_is_ready_on_another_port_is_called_on_a_wrong_one():
    line = 'could not connect to server: connection to server at "db" (10.1.0.9), port 5433 failed: Connection refused'
    problem = only(caller(line, DB_HOST="db", DB_PORT="5433").diagnosis())
    assert (problem.resource, problem.mode) == (CART, "db_wrong_port")


def test_the_right_port_is_not_blamed_when_the_database_has_no_pods():
    cluster = caller("dial tcp: connect db:5432: connection refused", DB_HOST="db", DB_PORT="5432")
    assert "db_wrong_port" not in [p.mode for p in cluster.diagnosis().problems]


# Secrets


def with_secret(secret_minutes: float, started_minutes: float) -> Cluster:
    cluster = a_cluster()
    source = {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db-login", "key": "password"}}}
    cart = cluster.deployment("shop/cart", env=[source, {"name": "DB_HOST", "value": "db"}])
    secret = cluster.add("Secret", "shop/db-login", {"type": "Opaque", "keys": ["password"], "keyCount": 1})
    secret["metadata"]["creationTimestamp"] = ago(secret_minutes)
    for pod in cart.pods:
        pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"] = ago(started_minutes)
    cart.says(log(LINES["db_bad_credentials"][0]))
    return cluster


def test_a_secret_that_is_newer_than_the_container_explains_a_refused_login():
    problem = only(with_secret(30, 9000).diagnosis())
    assert (problem.resource, problem.mode) == (CART, "secret_rotated_but_env_stale")


def test_an_older_secret_does_not():
    assert only(with_secret(9000, 30).diagnosis()).mode == "db_bad_credentials"


def test_an_egress_policy_that_forgets_dns_is_blamed_for_names_that_cannot_be_resolved():
    cluster = caller("getaddrinfo EAI_AGAIN api", API_URL="http://api")
    rules = [{"to": [{"podSelector": {"matchLabels": {"app": "api"}}}], "ports": [{"port": 8080}]}]
    policy = {"podSelector": {"matchLabels": {"app": "cart"}}, "policyTypes": ["Egress"], "egress": rules}
    cluster.add("NetworkPolicy", "shop/tight", {"spec": policy})
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (Ref("NetworkPolicy", "shop", "tight"), "networkpolicy_blocks")
    policy["egress"] = [*rules, {"ports": [{"port": 53, "protocol": "UDP"}]}]
    assert "networkpolicy_blocks" not in [p.mode for p in cluster.diagnosis().problems]
