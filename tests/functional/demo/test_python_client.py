"""The official Python client against a demo API server over HTTPS."""

from __future__ import annotations

import json
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient

from infra.local.demo.server.api import Api, copy_of
from infra.local.demo.server.serving import Serving, serving


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    server = serving(Api(seed=5), tmp_path_factory.mktemp("demo") / "api").start()
    server.call(lambda: furnish(server.server.api))
    yield server
    server.stop()


def furnish(api: Api) -> None:
    """One namespace with five pods on a node, and a budget that lets none of them go."""
    api.create("Namespace", {"metadata": {"name": "shop"}})
    api.create("ServiceAccount", {"metadata": {"name": "default"}}, namespace="shop")
    api.load([{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "spec": {}, "status": {}}])
    for number in range(5):
        body = {"metadata": {"name": f"cart-{number}", "labels": {"app": "cart"}}}
        body["spec"] = {"containers": [{"name": "app", "image": "registry.example.com/cart:1"}]}
        api.create("Pod", body, namespace="shop")
        pod = copy_of(api.bind("shop", f"cart-{number}", "n1"))
        pod["status"]["phase"] = "Running"
        api.update_status("Pod", pod)
    spec = {"minAvailable": 5, "selector": {"matchLabels": {"app": "cart"}}}
    budget = copy_of(api.create("PodDisruptionBudget", {"metadata": {"name": "cart"}, "spec": spec}, namespace="shop"))
    counts = {
        "currentHealthy": 5,
        "desiredHealthy": 5,
        "expectedPods": 5,
        "disruptionsAllowed": 0,
        "observedGeneration": 1,
    }
    api.update_status("PodDisruptionBudget", {**budget, "status": counts})


def connect(running: Serving, user: str = "admin") -> Any:
    return config.new_client_from_config(str(running.kubeconfigs[user]))


def core(running: Serving, user: str = "admin") -> Any:
    return client.CoreV1Api(connect(running, user))


def test_typed_lists_and_their_selectors(running: Serving) -> None:
    api = core(running)
    pods = api.list_namespaced_pod(
        "shop", label_selector="app=cart", field_selector="spec.nodeName=n1,status.phase=Running"
    )
    assert [pod.metadata.name for pod in pods.items] == [f"cart-{number}" for number in range(5)]
    assert pods.items[0].spec.containers[0].image == "registry.example.com/cart:1"
    assert api.list_namespaced_pod("shop", label_selector="app!=cart").items == []


def test_pages_are_cut_and_continued(running: Serving) -> None:
    api, found, token = core(running), [], None
    while True:
        page = api.list_namespaced_pod("shop", limit=2, _continue=token)
        found += [pod.metadata.name for pod in page.items]
        token = page.metadata._continue
        if not token:
            break
        assert page.metadata.remaining_item_count == 5 - len(found)
    assert found == [f"cart-{number}" for number in range(5)]


def test_a_watch_is_told_that_its_revision_is_gone_and_starts_again(running: Serving) -> None:
    api = core(running)
    api.create_namespaced_config_map("shop", client.V1ConfigMap(metadata=client.V1ObjectMeta(name="before")))
    running.call(lambda: running.server.api.store.compact())
    with pytest.raises(ApiException) as gone:
        list(watch.Watch().stream(api.list_namespaced_config_map, "shop", resource_version="1", timeout_seconds=5))
    assert gone.value.status == 410
    listed = api.list_namespaced_config_map("shop")
    api.create_namespaced_config_map("shop", client.V1ConfigMap(metadata=client.V1ObjectMeta(name="after")))
    follower = watch.Watch()
    for event in follower.stream(
        api.list_namespaced_config_map, "shop", resource_version=listed.metadata.resource_version, timeout_seconds=20
    ):
        assert (event["type"], event["object"].metadata.name) == ("ADDED", "after")
        follower.stop()


@pytest.mark.parametrize("dry_run", [["All"], None])
def test_an_eviction_against_the_budget_is_429(running: Serving, dry_run: list[str] | None) -> None:
    options = client.V1DeleteOptions(dry_run=dry_run)
    body = client.V1Eviction(metadata=client.V1ObjectMeta(name="cart-0", namespace="shop"), delete_options=options)
    with pytest.raises(ApiException) as refused:
        core(running).create_namespaced_pod_eviction("cart-0", "shop", body)
    assert refused.value.status == 429
    assert "would violate the pod's disruption budget" in json.loads(refused.value.body)["message"]


def test_dry_runs_change_nothing_at_all(running: Serving) -> None:
    api = core(running)
    before = running.server.api.revision
    made = api.create_namespaced_config_map("shop", {"metadata": {"name": "ghost"}}, dry_run="All")
    assert made.metadata.uid
    api.patch_namespaced_pod("cart-1", "shop", {"metadata": {"labels": {"x": "y"}}}, dry_run="All")
    api.delete_namespaced_pod("cart-1", "shop", dry_run="All")
    api.delete_collection_namespaced_pod("shop", dry_run="All")
    assert running.server.api.revision == before


def test_a_stale_replace_is_a_conflict(running: Serving) -> None:
    api = core(running)
    api.create_namespaced_config_map("shop", {"metadata": {"name": "stale"}})
    stale = api.read_namespaced_config_map("stale", "shop")
    api.patch_namespaced_config_map("stale", "shop", {"data": {"a": "1"}})
    with pytest.raises(ApiException) as refused:
        api.replace_namespaced_config_map("stale", "shop", stale)
    assert (refused.value.status, json.loads(refused.value.body)["reason"]) == (409, "Conflict")


def test_the_dynamic_client_finds_kinds_by_discovery(running: Serving) -> None:
    pods = DynamicClient(connect(running)).resources.get(api_version="v1", kind="Pod")
    assert pods.get(name="cart-2", namespace="shop").spec.nodeName == "n1"


def test_viewers_read_and_do_not_write_and_never_see_secrets(running: Serving) -> None:
    api = core(running, "viewer")
    assert len(api.list_namespaced_pod("shop").items) == 5
    for refused in (
        lambda: api.delete_namespaced_pod("cart-0", "shop", dry_run="All"),
        lambda: api.list_namespaced_secret("shop"),
    ):
        with pytest.raises(ApiException) as error:
            refused()
        assert error.value.status == 403


def test_the_version_says_that_this_is_a_simulator(running: Serving) -> None:
    assert client.VersionApi(connect(running)).get_code().git_version.endswith("-sim")


def test_what_the_folder_holds_is_private_and_the_certificate_is_needed(running: Serving) -> None:
    for path in running.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(running.folder.stat().st_mode) & 0o077 == 0
    trusted = client.Configuration(host=running.url)
    with pytest.raises(Exception, match="certificate verify failed"):
        client.VersionApi(client.ApiClient(trusted)).get_code(_request_timeout=5)


def test_a_second_start_keeps_tokens_and_authority(tmp_path: Path) -> None:
    first, second = serving(Api(), tmp_path / "api"), serving(Api(), tmp_path / "api")
    first.prepare()
    before = {path.name: path.read_bytes() for path in first.folder.glob("*") if path.suffix != ".kubeconfig"}
    second.prepare()
    assert {path.name: path.read_bytes() for path in second.folder.glob("*") if path.suffix != ".kubeconfig"} == before


def test_curl_like_clients_get_gzip_only_for_what_is_big(running: Serving) -> None:
    token = json.loads((running.folder / "tokens.json").read_text())["admin"]
    command = ["curl", "-s", "-D", "-", "-o", "/dev/null", "--compressed", "--cacert", str(running.folder / "ca.crt")]
    command += ["-H", f"Authorization: Bearer {token}"]
    small = subprocess.run([*command, running.url + "/version"], capture_output=True, text=True, check=True).stdout
    big = subprocess.run(
        [*command, running.url + "/openapi/v3/api/v1"], capture_output=True, text=True, check=True
    ).stdout
    assert "content-encoding" not in small.lower()
    assert "content-encoding: gzip" in big.lower()
