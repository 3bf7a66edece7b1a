"""Containers that end: memory, missing variables, init steps, the application's own errors."""

from __future__ import annotations

import pytest

from chalicelib.state.meta import Ref
from tests.unit.rootcause.builders import a_cluster, ago, only, sure

CART = Ref("Deployment", "shop", "cart")


def test_a_container_killed_for_memory_is_named_with_its_limit():
    cluster = a_cluster()
    cluster.deployment("shop/cart", resources={"limits": {"memory": "256Mi"}}).crashing(137, "OOMKilled")
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (CART, "oom_killed")
    assert "256Mi" in problem.summary
    assert problem.severity == "critical"


def test_memory_that_does_not_suffice_to_start_is_the_same_cause():
    cluster = a_cluster()
    text = (
        "failed to create containerd task: OCI runtime create failed: container "
        "init was OOM-killed (memory limit too low?): unknown"
    )
    cluster.deployment("shop/cart", resources={"limits": {"memory": "4Mi"}}).crashing(128, "StartError", message=text)
    assert sure(cluster.diagnosis()) == [(CART, "oom_killed")]


def test_a_container_that_runs_between_two_kills_still_counts():
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart").restarted_long_ago()
    for pod in cart.pods:
        pod["status"]["containerStatuses"][0]["lastState"]["terminated"].update(startedAt=ago(5), finishedAt=ago(4))
    assert sure(cluster.diagnosis()) == [(CART, "oom_killed")]


def test_a_kill_by_the_liveness_probe_is_not_called_memory():
    cluster = a_cluster()
    probe = {"httpGet": {"path": "/", "port": 8080}}
    cluster.deployment("shop/cart", resources={"limits": {"memory": "256Mi"}}, livenessProbe=probe).crashing(137)
    assert "oom_killed" not in [mode for _, mode in sure(cluster.diagnosis())]


MISSING = {
    "Python": (
        'Traceback (most recent call last):\n  File "/app/main.py", line 4, in <module>\n    url = '
        "os.environ['PAY_URL']\n  File \"<frozen os>\", line 685, in __getitem__\nKeyError: 'PAY_URL'"
    ),
    "pydantic": (
        "pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings\npay_url\n  Field "
        "required [type=missing, input_value={}, input_type=dict]"
    ),
    "Go envconfig": "2026/03/04 11:59:00 required key PAY_URL missing value",
    "Go env": 'panic: env: required environment variable "PAY_URL" is not set\n\ngoroutine 1 [running]:',
    "Node": "Error: Missing required environment variable: PAY_URL\n    at Object.<anonymous> (/app/index.js:3:9)",
    "Node config": 'Error: Config validation error: "PAY_URL" is required',
    "Spring": (
        "Caused by: java.lang.IllegalArgumentException: Could not resolve placeholder 'PAY_URL' in value \"${PAY_URL}\""
    ),
    "Ruby": '/app/boot.rb:2:in `fetch\': key not found: "PAY_URL" (KeyError)',
    "Rust": "thread 'main' panicked at src/main.rs:5:40:\nPAY_URL must be set: NotPresent",
    "shell": "/entrypoint.sh: line 4: PAY_URL: unbound variable",
    "shell test": "/entrypoint.sh: 3: PAY_URL: parameter not set",
    "Django": "django.core.exceptions.ImproperlyConfigured: Set the PAY_URL environment variable",
    "decouple": "decouple.UndefinedValueError: PAY_URL not found. Declare it as envvar or define a default value.",
    "PHP": 'Uncaught EnvNotFoundException: Environment variable not found: "PAY_URL".',
    "plain": 'level=fatal msg="PAY_URL is not set"',
}


@pytest.mark.parametrize("log", MISSING.values(), ids=MISSING.keys())
def test_a_missing_variable_is_named_in_the_words_of_many_languages(log):
    cluster = a_cluster()
    cluster.deployment("shop/cart", env=[{"name": "LOG_LEVEL", "value": "info"}]).crashing(
        1, log="starting\n" + log + "\n"
    )
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (CART, "missing_env_var")
    assert "PAY_URL" in problem.summary


def test_a_variable_that_is_set_is_not_called_missing():
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart", env=[{"name": "PAY_URL", "value": "x"}])
    cart.crashing(1, log=MISSING["Go env"])
    assert "missing_env_var" not in [mode for _, mode in sure(cluster.diagnosis())]


def test_a_variable_from_a_config_map_counts_as_set():
    cluster = a_cluster()
    cluster.add("ConfigMap", "shop/settings", {"data": {"PAY_URL": "x"}})
    cart = cluster.deployment("shop/cart", envFrom=[{"configMapRef": {"name": "settings"}}])
    cart.crashing(1, log=MISSING["Go env"])
    assert "missing_env_var" not in [mode for _, mode in sure(cluster.diagnosis())]


def test_an_error_code_is_not_taken_for_a_variable():
    cluster = a_cluster()
    cluster.deployment("shop/cart").crashing(
        1,
        log=(
            "Error: Cannot find module 'express'\n  code: "
            "'MODULE_NOT_FOUND',\nERR_MODULE_NOT_FOUND: package is required"
        ),
    )
    assert "missing_env_var" not in [mode for _, mode in sure(cluster.diagnosis())]


TRACES = {
    "Python": (
        'Traceback (most recent call last):\n  File "/app/main.py", line 9, in '
        "<module>\n    run()\nZeroDivisionError: division by zero"
    ),
    "Java": (
        'Exception in thread "main" java.lang.NullPointerException: cart is null\n\tat com.shop.Cart.main(Cart.java:12)'
    ),
    "Go": (
        "panic: runtime error: invalid memory address or nil pointer dereference\n"
        "[signal SIGSEGV]\n\ngoroutine 1 [running]:\nmain.main()"
    ),
    "Node": (
        "TypeError: Cannot read properties of undefined (reading 'id')\n    at Object.<anonymous> (/app/index.js:7:21)"
    ),
    "Rust": "thread 'main' panicked at src/main.rs:2:5:\ncalled `Option::unwrap()` on a `None` value",
}


@pytest.mark.parametrize("log", TRACES.values(), ids=TRACES.keys())
def test_a_stack_trace_without_a_cluster_cause_is_the_applications_error(log):
    cluster = a_cluster()
    cluster.deployment("shop/cart").crashing(2, log="starting up\n" + log)
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (CART, "app_exception")


def test_without_a_log_the_crash_is_told_and_its_cause_is_not():
    cluster = a_cluster()
    cluster.deployment("shop/cart").crashing(1)
    (problem,) = cluster.diagnosis().problems
    assert (problem.resource, problem.mode) == (CART, "app_exception")
    assert problem.probability < 0.5
    assert any("log of the previous container" in m for m in problem.missing)


def test_an_init_container_that_fails_is_named():
    cluster = a_cluster()
    cluster.deployment("shop/cart").crashing(1, init="migrate", log="migration 42 failed: relation exists")
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (CART, "init_container_crash")
    assert "migrate" in problem.summary


def test_an_init_container_killed_for_memory_is_a_memory_problem():
    cluster = a_cluster()
    cluster.deployment("shop/cart").crashing(137, "OOMKilled", init="migrate")
    assert sure(cluster.diagnosis()) == [(CART, "oom_killed")]


WORDS = {
    "certificate_expired": "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
    "ephemeral_storage_or_disk_full": "write /data/wal: no space left on device",
    "sidecar_port_conflict": "listen tcp :8080: bind: address already in use",
    "db_bad_credentials": 'FATAL: password authentication failed for user "cart"',
    "db_connections_exhausted": "FATAL: sorry, too many clients already",
    "volume_permission_denied": "mkdir: cannot create directory '/data/cache': Permission denied",
    "script_or_args_error": "error: unknown flag: --prot",
}


@pytest.mark.parametrize(("mode", "text"), WORDS.items())
def test_last_words_that_name_a_known_reason_outrank_a_plain_exception(mode, text):
    cluster = a_cluster()
    cluster.deployment("shop/cart").crashing(1, log=f"starting\n{text}\n")
    assert sure(cluster.diagnosis()) == [(CART, mode)]


def test_a_crash_for_a_dead_dependency_is_explained_by_the_dependency():
    cluster = a_cluster()
    cluster.deployment("shop/store", resources={"limits": {"memory": "64Mi"}}).crashing(137, "OOMKilled")
    cluster.service("shop/store", port=6379)
    cluster.deployment("shop/cart").crashing(
        1, log="panic: dial tcp: connect to store.shop.svc:6379: connection refused"
    )
    problem = only(cluster.diagnosis())
    assert (problem.resource.name, problem.mode) == ("store", "oom_killed")
    assert CART in problem.explains


def test_an_init_container_that_waits_for_ever_is_named_with_its_last_words():
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart").having(initContainers=[{"name": "wait", "image": "busybox"}])
    cart.waiting("PodInitializing")
    for pod in cart.pods:
        pod["status"]["initContainerStatuses"] = [{"name": "wait", "state": {"running": {"startedAt": ago(20)}}}]
        cluster.log(pod, "wait", "nslookup: can't resolve 'queue.example.org'\nwaiting for queue")
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (CART, "init_container_hang")
    assert "waiting for queue" in problem.summary


def test_jobs_of_one_cron_job_that_fail_alike_are_the_cron_jobs_problem():
    cluster = a_cluster()
    cron = cluster.add("CronJob", "shop/sync", {"spec": {"schedule": "@hourly"}, "status": {}})
    for name in ("sync-1", "sync-2"):
        owner = {"kind": "CronJob", "name": "sync", "uid": cron["metadata"]["uid"], "controller": True}
        job = cluster.add("Job", f"shop/{name}", {"metadata": {"ownerReferences": [owner]}, "status": {"active": 1}})
        pod = cluster.pod(f"shop/{name}-x").waiting("ErrImagePull", "manifest unknown").pods[0]
        pod["metadata"]["ownerReferences"] = [
            {"kind": "Job", "name": name, "uid": job["metadata"]["uid"], "controller": True}
        ]
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (Ref("CronJob", "shop", "sync"), "image_not_found")
