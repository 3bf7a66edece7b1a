"""Connecting, checking, renaming and removing clusters through the real routes."""

import io
import tarfile

import pytest

from chalicelib.state.ids import TenantId
from tests.functional.api.harness import CLUSTERS

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://203.0.113.7:6443"}}]
users: [{name: u, user: {token: very-secret-token}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
"""


def add(api, name, source, **more):
    return api.post("/clusters", {"name": name, "source": source, **more})


def test_a_recorded_cluster_is_added_uploaded_checked_and_read(api, incidents):
    found = api.get(f"/clusters/{incidents}").json
    assert (found["status"], found["source"], found["version"]) == ("ready", "recorded", "v1.36.2")
    overview = api.get(f"/clusters/{incidents}/overview").json
    assert overview["counts"]["Pod"] == 98
    assert overview["nodes"] == {"ready": 7, "total": 8, "not_ready": ["ip-10-0-2-58.ec2.internal"]}
    assert overview["health"]["score"] < 90


def test_adding_a_recording_gives_an_upload_and_checking_before_it_says_what_to_do(api):
    added = add(api, "empty", {"type": "recorded"}).json
    assert added["upload"]["method"] == "PUT"
    assert added["status"] == "pending"
    refused = api.post(f"/clusters/{added['id']}/check")
    assert refused.status == 409
    assert refused.error["code"] == "recording_not_uploaded"
    assert "PUT" in refused.error["remedy"]


def test_an_upload_that_is_no_recording_is_refused_and_can_be_replaced(api):
    identifier = add(api, "wrong-first", {"type": "recorded"}).json["id"]
    key, objects = f"{identifier}/recording/upload", api.services.store.objects
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("hello.txt"))
    objects.put(TenantId("local"), key, held.getvalue())
    refused = api.post(f"/clusters/{identifier}/check")
    assert (refused.status, refused.error["code"]) == (400, "archive_not_recognised")
    objects.put(TenantId("local"), key, (CLUSTERS / "healthy.tar.xz").read_bytes())
    assert api.post(f"/clusters/{identifier}/check").json["reachable"]


def test_credentials_go_to_the_secret_store_and_to_no_answer(api):
    added = add(api, "live", {"type": "kubeconfig", "kubeconfig": KUBECONFIG})
    assert added.status == 201, added.text
    assert added.json["server"] == "https://203.0.113.7:6443"
    shown = added.text + api.get("/clusters").text + api.get("/audit").text
    assert "very-secret-token" not in shown
    store = api.services.store
    assert "very-secret-token" in store.secrets.get(TenantId("local"), added.json["id"], "connection")
    for table in store.tables.values():
        assert not [item for _, item in table.scan() if b"very-secret-token" in item.body]


@pytest.mark.parametrize(
    ("kubeconfig", "hint"),
    [
        (KUBECONFIG.replace("token: very-secret-token", "exec: {command: aws, args: [eks, get-token]}"), "role"),
        (KUBECONFIG.replace("token: very-secret-token", "tokenFile: /etc/passwd"), "inline"),
        (KUBECONFIG.replace("https://203", "ftp://203"), "https"),
        ("not: [a, kubeconfig", "kubeconfig"),
        ("", "kubeconfig"),
    ],
)
def test_a_hostile_kubeconfig_is_refused_with_a_remedy_that_fits(api, kubeconfig, hint):
    refused = add(api, "bad", {"type": "kubeconfig", "kubeconfig": kubeconfig})
    assert refused.status == 400
    assert hint in (refused.error["message"] + refused.error["remedy"]).lower()
    assert "bad" not in [c["name"] for c in api.get("/clusters").json["items"]]


def test_a_name_can_be_taken_once(api, incidents):
    refused = add(api, "incidents", {"type": "recorded"})
    assert (refused.status, refused.error["code"]) == (409, "name_taken")


def test_a_cluster_is_renamed_and_found_under_its_new_name(api):
    identifier = add(api, "old-name", {"type": "recorded"}).json["id"]
    renamed = api.call("PATCH", f"/api/v1/clusters/{identifier}", {"name": "prod-eu-1", "production": True})
    assert (renamed.json["name"], renamed.json["production"]) == ("prod-eu-1", True)
    assert api.get("/clusters/prod-eu-1").json["id"] == identifier


def test_production_is_judged_by_the_name_until_somebody_says_otherwise(api):
    assert add(api, "shop-prod", {"type": "recorded"}).json["production"] is True
    assert add(api, "products-dev", {"type": "recorded"}).json["production"] is False
    assert add(api, "prod-copy", {"type": "recorded"}, production=False).json["production"] is False


def test_removing_needs_the_name_and_takes_everything_along(api):
    identifier = api.add_recorded("short-lived", CLUSTERS / "healthy.tar.xz")
    refused = api.call("DELETE", f"/api/v1/clusters/{identifier}")
    assert (refused.status, refused.error["code"]) == (400, "confirmation_required")
    assert api.call("DELETE", f"/api/v1/clusters/{identifier}?confirm=short-lived").status == 204
    assert api.get(f"/clusters/{identifier}").status == 404
    assert not api.services.store.objects.list(TenantId("local"), f"{identifier}/")


def test_an_unknown_cluster_is_answered_with_the_names_that_exist(api, incidents):
    for path in ("", "/overview", "/problems", "/resources/Pod"):
        missing = api.get(f"/clusters/no-such{path}")
        assert (missing.status, missing.error["code"]) == (404, "unknown_cluster")
        assert "incidents" in missing.error["remedy"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x"}, "source"),
        ({"name": "", "source": {"type": "recorded"}}, "name"),
        ({"name": "x", "source": {"type": "carrier-pigeon"}}, "source"),
        ({"name": "x", "source": {"type": "recorded"}, "extra": 1}, "extra"),
        ("not json", "body"),
        ("", "body"),
    ],
)
def test_a_request_that_does_not_fit_names_the_field(api, body, field):
    refused = api.call("POST", "/api/v1/clusters", body)
    assert refused.status == 400
    assert field in (refused.error["message"] + str(refused.error["details"]))
    assert refused.error["remedy"]
