"""The API against its own OpenAPI document: no 5xx, and every refusal has code, message and remedy.

A small fixed sample; `make bench` runs many more examples of the same through `tests.bench.fuzz`.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app import app
from chalicelib import wiring
from chalicelib.accounts.identity import Principal
from chalicelib.api.openapi import document
from chalicelib.investigations.office import NewInvestigation
from chalicelib.state.ids import TenantId
from tests.functional.api.harness import CLUSTERS, Api, build_api

CHECKED = [content_type_conformance, response_schema_conformance, status_code_conformance]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))
DOCUMENT = "/api/v1/openapi.json"


@functools.cache
def filled_api() -> Api:
    api = build_api()
    cluster = api.add_recorded("incidents", CLUSTERS / "incidents.tar.xz")
    for number, question in enumerate(("why is shop/catalog failing?", "what is wrong in payments?", "still running")):
        wanted = NewInvestigation(cluster=cluster, question=question, id=f"iv_{'abc'[number] * 26}")
        api.services.investigations.start(ADMIN, wanted)
        if question != "still running":
            api.work()
    return api


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The API as a WSGI application, which is what the fuzzer drives."""
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    if path == DOCUMENT:  # asked for while tests are collected, before there is an installation
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(document()).encode()]
    api = filled_api()
    wiring.install(api.services)
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode("utf-8", "replace")
    headers = {"authorization": f"Bearer {api.token}"}
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    query = environ.get("QUERY_STRING", "")
    answer = api.call(environ["REQUEST_METHOD"], quote(path) + (f"?{query}" if query else ""), body, headers=headers)
    start_response(f"{answer.status} X", [(k, str(v)) for k, v in answer.headers.items()])
    return [answer.text.encode()]


schema = schemathesis.openapi.from_wsgi(DOCUMENT, application)


ADMIN = Principal(TenantId("local"), "admin", "Local admin", "admin")
REAL = {
    "investigation": tuple(f"iv_{letter * 26}" for letter in "abc"),
    "cluster": ("incidents",),
    "kind": ("Pod", "deploy", "Node", "Secret", "events", "tenants.platform.example.com"),
    "namespace": ("shop", "payments", "-"),
    "name": ("cart", "catalog", "ip-10-0-2-58.ec2.internal", "payments-db"),
    "tool": ("observe_resources", "observe_resource", "observe_topology_graph", "find_tools", "analyze_blast_radius"),
}


@schema.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Most made-up names give a 404 at once; three of four are exchanged for names that exist."""
    for name, value in (path_parameters or {}).items():
        number = sum(map(ord, str(value)))
        if name in REAL and number % 4:
            path_parameters[name] = REAL[name][number % len(REAL[name])]  # type: ignore[index]
    return path_parameters


@pytest.fixture(autouse=True, scope="module")
def _restore_services():
    yield
    wiring.install(None)


def test_the_document_describes_every_route():
    documented = set(schema.raw_schema["paths"])
    of_mcp = {"/mcp", "/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"}
    assert documented == set(app.routes) - of_mcp


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_request_breaks_it(case):
    answer = case.call()
    assert answer.status_code < 500 or answer.status_code in (502, 503, 504), answer.text
    if answer.status_code >= 400:
        error = answer.json()["error"]
        assert error["code"]
        assert error["message"]
        assert error["remedy"]
    case.validate_response(answer, checks=CHECKED)
