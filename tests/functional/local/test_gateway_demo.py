"""`/local/demo/...` of the local gateway: who may ask, and what it says while the demo cluster is off or away."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chalicelib.errors import Forbidden, Unauthenticated
from infra.local.demo.control import Control
from infra.local.demo.server.serving import serving as cluster_serving
from infra.local.demo.world.demo import healthy_world
from infra.local.demo_client import DemoClient
from infra.local.gateway.application import Demo
from tests.functional.local.gateway_server import Answered, Served, serving

ADMIN = {"authorization": "Bearer admin"}
VIEWER = {"authorization": "Bearer viewer"}
UI = {"index.html": "<!doctype html><title>Kubilitics</title>"}


def authorize(method: str, headers: Mapping[str, str], permission: str) -> None:
    """Two users, as the product's own tokens would give them."""
    token = headers.get("authorization", "")
    if token not in ("Bearer admin", "Bearer viewer"):
        raise Unauthenticated("This needs a token or a session.")
    if token == "Bearer viewer" and permission != "clusters:read":
        raise Forbidden(f"The role 'viewer' does not include {permission!r}.")


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway whose demo cluster has not come up."""
    client = DemoClient(tmp_path_factory.mktemp("demo"))
    with serving(tmp_path_factory.mktemp("gw"), ui=UI, demo=Demo(client, authorize)) as served:
        yield served


def post(gateway: Served, action: str, body: object, headers: Mapping[str, str] = ADMIN) -> Answered:
    sent = {**headers, "content-type": "application/json"}
    return gateway.ask("POST", f"/local/demo/{action}", sent, json.dumps(body).encode())


def test_without_a_token_or_session_nothing_is_told(away: Served) -> None:
    for answer in (away.ask("GET", "/local/demo/faults"), post(away, "inject", {"name": "x"}, {})):
        assert answer.status == 401
        assert answer.json["error"]["code"] == "unauthenticated"


def test_a_page_of_another_site_is_refused_before_anything_is_read(away: Served) -> None:
    answer = post(away, "inject", {"name": "x"}, {"origin": "http://evil.example", "cookie": "kubilitics_session=s"})
    assert answer.status == 403
    assert answer.json["error"]["code"] == "foreign_origin"


def test_a_viewer_may_look_and_not_break(away: Served) -> None:
    assert away.ask("GET", "/local/demo/faults", VIEWER).status == 503
    assert post(away, "inject", {"name": "x"}, VIEWER).status == 403
    assert post(away, "heal", {"name": "x"}, VIEWER).status == 403


def test_a_demo_that_does_not_answer_is_a_clear_error(away: Served) -> None:
    answer = away.ask("GET", "/local/demo/faults", ADMIN)
    assert answer.status == 503
    assert answer.json["error"]["code"] == "demo_away"
    assert "try again" in answer.json["error"]["remedy"]


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": 1}, {"name": "x", "more": 1}, [], "x"])
def test_a_body_that_names_no_fault_is_refused(away: Served, body: object) -> None:
    answer = post(away, "inject", body)
    assert answer.status == 400
    assert '{"name": "..."}' in answer.json["error"]["remedy"]


def test_a_large_body_is_refused(away: Served) -> None:
    assert post(away, "inject", {"name": "x" * 10_000}).status == 413


def test_wrong_methods_and_addresses_are_named(away: Served) -> None:
    wrong = away.ask("GET", "/local/demo/inject", ADMIN)
    assert wrong.status == 405
    assert wrong.json["error"]["details"]["allowed"] == ["POST"]
    nothing = away.ask("GET", "/local/demo/everything", ADMIN)
    assert nothing.status == 404
    assert "/local/demo/faults" in nothing.json["error"]["remedy"]


def test_a_demo_that_is_off_says_how_to_turn_it_on(tmp_path: Path) -> None:
    with serving(tmp_path, ui=UI, demo=Demo(None, authorize)) as gateway:
        answer = gateway.ask("GET", "/local/demo/faults", ADMIN)
    assert answer.status == 503
    assert answer.json["error"]["code"] == "demo_off"
    assert "make run" in answer.json["error"]["remedy"]


@pytest.fixture(scope="module")
def present(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway over a small world with its scenarios."""
    home = tmp_path_factory.mktemp("demo")
    world, faults = healthy_world(seed=1, now=datetime.now(UTC))
    api_server = cluster_serving(world.api, home)
    api_server.server.extension = Control(faults, lambda: {"ready": True}, str)
    world.go_live()
    api_server.start()
    with serving(tmp_path_factory.mktemp("gw"), ui=UI, demo=Demo(DemoClient(home), authorize)) as served:
        yield served
    api_server.stop()


def active(gateway: Served) -> list[str]:
    answer = gateway.ask("GET", "/local/demo/faults", VIEWER)
    assert answer.status == 200
    return [fault["name"] for fault in answer.json["items"] if fault["active"]]


def test_a_fault_is_injected_and_healed_through_the_gateway(present: Served) -> None:
    assert active(present) == []
    injected = post(present, "inject", {"name": "image-tag-typo"})
    assert (injected.status, injected.json["active"]) == (200, True)
    assert active(present) == ["image-tag-typo"]
    assert post(present, "heal", {"name": "image-tag-typo"}).json["active"] is False
    assert active(present) == []


def test_an_unknown_fault_is_a_404_that_names_the_list(present: Served) -> None:
    answer = post(present, "inject", {"name": "meteor"})
    assert (answer.status, answer.json["error"]["code"]) == (404, "unknown_fault")
    assert "/local/demo/faults" in answer.json["error"]["remedy"]


def test_what_ships_to_aws_has_no_such_route() -> None:
    from app import app

    assert not [path for path in app.routes if path.startswith("/local")]
