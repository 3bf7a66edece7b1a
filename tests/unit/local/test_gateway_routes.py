"""Matching paths and deciding on origins, without a server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.gateway.access import refusal
from infra.local.gateway.routes import Match, RouteTable

ROUTES = RouteTable(
    ["/clusters", "/clusters/{id}", "/clusters/{id}/problems", "/clusters/{id}/resources/{kind}/{ns}/{name}", "/a.b"]
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/clusters", Match("/clusters", {})),
        ("/clusters/", Match("/clusters", {})),
        ("/clusters/x%2Fy", Match("/clusters/{id}", {"id": "x%2Fy"})),
        ("/clusters/x/problems", Match("/clusters/{id}/problems", {"id": "x"})),
        (
            "/clusters/x/resources/pods/-/node.1",
            Match(
                "/clusters/{id}/resources/{kind}/{ns}/{name}", {"id": "x", "kind": "pods", "ns": "-", "name": "node.1"}
            ),
        ),
        ("/clusters/x/other", None),
        ("/clusters//problems", None),
        ("/axb", None),
    ],
)
def test_a_path_finds_its_route(path: str, expected: Match | None) -> None:
    assert ROUTES.match(path) == expected


@given(st.text(max_size=100))
def test_no_path_breaks_the_table(path: str) -> None:
    found = ROUTES.match("/" + path)
    assert found is None or all(value and "/" not in value for value in found.parameters.values())


def test_a_request_without_cookie_or_token_reaches_the_app_which_asks_for_one() -> None:
    assert refusal("POST", {"host": "127.0.0.1:8000"}) is None


def test_localhost_is_ours_too_and_each_name_is_its_own_origin() -> None:
    headers = {"host": "localhost:8000", "cookie": "s=1", "origin": "http://localhost:8000"}
    assert refusal("POST", headers) is None
    crossed = refusal("POST", headers | {"origin": "http://127.0.0.1:8000"})
    assert crossed is not None
    assert crossed.status == 403


def test_a_missing_host_is_misdirected() -> None:
    refused = refusal("GET", {})
    assert refused is not None
    assert refused.status == 421
