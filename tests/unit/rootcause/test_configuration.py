"""ConfigMaps, Secrets, keys and commands that a container needs before it can run."""

from __future__ import annotations

import pytest

from chalicelib.state.meta import Ref
from tests.unit.rootcause.builders import a_cluster, only, sure

CART = Ref("Deployment", "shop", "cart")
FROM_MAP = [{"configMapRef": {"name": "settings"}}]
FROM_SECRET = [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "login", "key": "token"}}}]
FROM_KEY = [{"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "level"}}}]


def test_an_absent_config_map_is_derived_from_the_reference_alone():
    cluster = a_cluster()
    cluster.deployment("shop/cart", envFrom=FROM_MAP).waiting("CreateContainerConfigError")
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (CART, "missing_configmap")
    assert {e.type for e in problem.evidence} >= {"object", "absence"}


@pytest.mark.parametrize("text", ['configmap "settings" not found', 'configmaps "settings" not found'])
def test_the_kubelets_message_decides_where_config_maps_were_not_read(text):
    cluster = a_cluster().without("ConfigMap")
    cluster.deployment("shop/cart", envFrom=FROM_MAP).waiting("CreateContainerConfigError", text)
    assert sure(cluster.diagnosis()) == [(CART, "missing_configmap")]


def test_an_absent_secret_volume_keeps_the_pod_in_creation():
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart").having(volumes=[{"name": "tls", "secret": {"secretName": "cart-tls"}}])
    cart.waiting("ContainerCreating").reported(
        "FailedMount", 'MountVolume.SetUp failed for volume "tls" : secret "cart-tls" not found'
    )
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (CART, "missing_secret")


def test_an_absent_secret_is_found_when_its_event_has_expired():
    cluster = a_cluster()
    cluster.deployment("shop/cart").having(volumes=[{"name": "tls", "secret": {"secretName": "cart-tls"}}]).waiting(
        "ContainerCreating"
    )
    assert sure(cluster.diagnosis()) == [(CART, "missing_secret")]


def test_a_projected_volume_counts_too():
    cluster = a_cluster()
    volume = {"name": "all", "projected": {"sources": [{"secret": {"name": "cart-tls"}}]}}
    cluster.deployment("shop/cart").having(volumes=[volume]).waiting("ContainerCreating")
    assert sure(cluster.diagnosis()) == [(CART, "missing_secret")]


def test_a_secret_for_the_environment_is_named():
    cluster = a_cluster()
    cluster.deployment("shop/cart", env=FROM_SECRET).waiting("CreateContainerConfigError", 'secret "login" not found')
    assert sure(cluster.diagnosis()) == [(CART, "missing_secret")]


def test_a_key_that_a_config_map_lacks_is_named_without_any_message():
    cluster = a_cluster()
    cluster.add("ConfigMap", "shop/settings", {"data": {"colour": "blue"}})
    cluster.deployment("shop/cart", env=FROM_KEY).waiting("CreateContainerConfigError")
    problem = only(cluster.diagnosis())
    assert problem.mode == "missing_key_in_configmap_or_secret"
    assert "level" in problem.summary


def test_a_key_that_a_secret_lacks_is_taken_from_the_kubelet_when_keys_are_not_readable():
    cluster = a_cluster().without("Secret", reason="forbidden")
    cluster.deployment("shop/cart", env=FROM_SECRET).waiting(
        "CreateContainerConfigError", "couldn't find key token in Secret shop/login"
    )
    assert sure(cluster.diagnosis()) == [(CART, "missing_key_in_configmap_or_secret")]


def test_a_key_of_a_volume_item_is_named():
    cluster = a_cluster()
    cluster.add("ConfigMap", "shop/settings", {"data": {"colour": "blue"}})
    volume = {"name": "conf", "configMap": {"name": "settings", "items": [{"key": "app.yaml", "path": "app.yaml"}]}}
    cart = cluster.deployment("shop/cart").having(volumes=[volume]).waiting("ContainerCreating")
    cart.reported(
        "FailedMount",
        'MountVolume.SetUp failed for volume "conf" : configmap references non-existent config key: app.yaml',
    )
    assert sure(cluster.diagnosis()) == [(CART, "missing_key_in_configmap_or_secret")]


def test_a_config_map_that_was_created_since_is_not_blamed():
    cluster = a_cluster()
    cluster.add("ConfigMap", "shop/settings", {"data": {"a": "b"}})
    cluster.deployment("shop/cart", envFrom=FROM_MAP).waiting(
        "CreateContainerConfigError", 'configmap "settings" not found'
    )
    assert sure(cluster.diagnosis()) == []


def test_a_running_pod_with_an_absent_config_map_is_well():
    cluster = a_cluster()
    cluster.deployment("shop/cart", envFrom=FROM_MAP)
    assert cluster.diagnosis().outcome == "no_fault"


@pytest.mark.parametrize(
    "text",
    [
        "container has runAsNonRoot and image will run as root",
        "container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root",
        'container\'s runAsUser breaks non-root policy (pod: "cart-1_shop(6c1)", container: cart)',
    ],
)
def test_a_container_that_would_run_as_root_is_told_apart(text: str):
    cluster = a_cluster()
    cluster.deployment("shop/cart").waiting("CreateContainerConfigError", text)
    assert sure(cluster.diagnosis()) == [(CART, "security_context_invalid")]


CANNOT_RUN = {
    "runc": (
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create "
        'failed: unable to start container process: exec: "serve": executable file not found in $PATH: unknown'
    ),
    "docker": (
        'OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "/app/'
        'run": stat /app/run: no such file or directory: unknown'
    ),
    "crun": "container create failed: executable file `serve` not found in $PATH: No such file or directory",
}


@pytest.mark.parametrize("text", CANNOT_RUN.values(), ids=CANNOT_RUN.keys())
def test_a_program_that_is_not_in_the_image_is_named(text):
    cluster = a_cluster()
    cluster.deployment("shop/cart", command=["serve"]).crashing(128, "StartError", message=text)
    assert sure(cluster.diagnosis()) == [(CART, "bad_command")]


def test_exit_127_with_the_shells_words_is_a_bad_command():
    cluster = a_cluster()
    cluster.deployment("shop/cart", command=["sh", "-c", "srve"]).crashing(127, log="sh: srve: not found\n")
    assert sure(cluster.diagnosis()) == [(CART, "bad_command")]


def test_exit_1_is_no_bad_command():
    cluster = a_cluster()
    cluster.deployment("shop/cart", command=["serve"]).crashing(1, log="panic: runtime error: index out of range")
    assert sure(cluster.diagnosis()) == [(CART, "app_exception")]
