"""Providers, their test, usage and budgets over the real app; the provider is a fake server on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.accounts.identity import Principal
from chalicelib.llm.chain import Settled
from chalicelib.llm.messages import Request, user
from chalicelib.llm.stream import Limits
from chalicelib.state.ids import TenantId
from tests.functional.api.harness import Api, build_api, user_token
from tests.functional.llm.dialects import DIALECTS, Said
from tests.functional.llm.wire_server import WireServer, wire_server

KEY = "sk-proj-not-a-real-key-of-anybody-0123456789"
COMPATIBLE, ANTHROPIC = DIALECTS["compatible"], DIALECTS["anthropic"]


@pytest.fixture
def api() -> Iterator[Api]:
    yield build_api()
    wiring.install(None)


@pytest.fixture(scope="module")
def server() -> Iterator[WireServer]:
    with wire_server() as server:
        yield server


def call(api: Api, method: str, path: str, body: Any = None) -> Any:
    return api.call(method, f"/api/v1/llm{path}", body)


def added(api: Api, server: WireServer, **more: Any) -> dict[str, Any]:
    wanted = {
        "kind": "compatible", "name": "local", "model": "m", "base_url": COMPATIBLE.base_url(server.url), "key": KEY,
    }  # fmt: skip
    answer = call(api, "POST", "/providers", wanted | more)
    assert answer.status == 201, answer.text
    return dict(answer.json)


def test_a_key_goes_in_and_never_comes_out(api: Api, server: WireServer) -> None:
    provider = added(api, server)
    assert provider["key_set_at"] is not None
    call(api, "PUT", f"/providers/{provider['id']}/key", {"key": KEY + "x"})
    everything = [
        call(api, "GET", "/providers").text, api.get("/audit").text, json.dumps(provider),
        call(api, "PATCH", f"/providers/{provider['id']}", {"name": "other"}).text,
    ]  # fmt: skip
    assert not any("not-a-real-key" in text for text in everything)
    assert api.services.store.secrets.get(TenantId("local"), "llm", provider["id"]) == KEY + "x"
    refused = call(api, "PUT", f"/providers/{provider['id']}/key", {"key": "", "extra": KEY})
    assert refused.status == 400
    assert "not-a-real-key" not in refused.text


def test_another_address_forgets_the_key_and_the_test(api: Api, server: WireServer) -> None:
    provider = added(api, server)
    changed = call(api, "PATCH", f"/providers/{provider['id']}", {"base_url": "http://127.0.0.1:9/v1"}).json
    assert (changed["key_set_at"], changed["test_ok"]) == (None, None)
    assert api.services.store.secrets.names(TenantId("local"), "llm") == []


def test_a_test_learns_the_model_and_is_counted(api: Api, server: WireServer) -> None:
    provider = added(api, server)
    server.forget()
    server.play(
        COMPATIBLE.models("m"),
        COMPATIBLE.stream(Said(texts=("ok",))),
        COMPATIBLE.stream(Said(texts=("ok",))),
        COMPATIBLE.stream(Said(calls=[("c", "ping", '{"word":"ok"}')], stop="tool")),
        COMPATIBLE.stream(Said(texts=("no json",))),
    )
    tested = call(api, "POST", f"/providers/{provider['id']}/test").json
    assert tested["models"] == ["m"]
    assert tested["provider"]["test_ok"] is True
    assert [step["ok"] for step in tested["provider"]["test_steps"]] == [True, True, True, True, False]
    assert (tested["provider"]["profile"]["tools"], tested["provider"]["profile"]["json_schema"]) == (True, False)
    assert server.headers[-1]["authorization"] == f"Bearer {KEY}"
    usage = call(api, "GET", "/usage").json
    assert (usage["total"]["calls"], usage["total"]["unpriced"], usage["total"]["usd"]) == (1, 1, 0)
    assert usage["total"]["input_tokens"] == 4 * 125
    assert [u["user"] for u in usage["users"]] == ["admin"]
    assert len(usage["days"]) == 1
    assert usage["prices"]["source"].startswith("genai-prices")


def test_a_wrong_key_is_told_in_words(api: Api, server: WireServer) -> None:
    provider = added(
        api, server, kind="anthropic", name="claude", model="claude-sonnet-5-5", base_url=ANTHROPIC.base_url(server.url)
    )
    server.play(ANTHROPIC.error(401, f"invalid x-api-key {KEY}"))
    tested = call(api, "POST", f"/providers/{provider['id']}/test").json["provider"]
    assert tested["test_ok"] is False
    assert "401" in tested["test_steps"][-1]["message"]
    assert "not-a-real-key" not in json.dumps(tested)
    assert call(api, "GET", "/usage").json["total"]["failed"] == 1


def test_a_question_goes_through_the_chain_in_its_order(api: Api, server: WireServer) -> None:
    first = added(api, server, base_url="http://127.0.0.1:9/v1", name="gone")
    second = added(api, server, name="second")
    added(api, server, name="off")
    call(api, "PATCH", f"/providers/{call(api, 'GET', '/providers').json['items'][2]['id']}", {"enabled": False})
    server.play(COMPATIBLE.stream(Said(texts=("All well.",))))
    admin = Principal(TenantId("local"), "admin", "Admin", "admin")
    events = list(api.services.models.chain(admin).ask(Request("", [user("?")]), Limits(lambda: 5.0)))
    assert isinstance(events[-1], Settled)
    assert (events[-1].provider, events[-1].degraded) == (second["id"], True)
    assert {a.provider for a in events[-1].attempts} == {first["id"]}


def test_budgets_are_set_shown_and_hold(api: Api, server: WireServer) -> None:
    provider = added(api, server)
    wanted = [
        {"scope": "tenant", "period": "month", "usd": 12.5, "tokens": 100},
        {"scope": "user", "period": "day", "tokens": 50_000},
    ]
    kept = call(api, "PUT", "/budgets", {"items": wanted}).json["items"]
    assert kept[0] == {
        "scope": "tenant", "period": "month", "usd": 12.5, "tokens": 100, "used_usd": 0.0, "used_tokens": 0,
    }  # fmt: skip
    assert call(api, "GET", "/budgets").json["items"] == kept
    server.play(COMPATIBLE.error(401, "no"))
    refused = call(api, "POST", f"/providers/{provider['id']}/test")
    assert (refused.status, refused.error["code"]) == (429, "llm_budget_exceeded")
    assert call(api, "PUT", "/budgets", {"items": [wanted[0], wanted[0]]}).status == 400


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"base_url": "file:///etc/passwd"}, "invalid_base_url"),
        ({"base_url": "http://user:pw@host/v1"}, "invalid_base_url"),
        ({"base_url": ""}, "invalid_base_url"),
        ({"kind": "other"}, "invalid_request"),
        ({"model": "a b"}, "invalid_request"),
        ({"name": "twice"}, "name_taken"),
    ],
)
def test_bad_providers_are_refused_with_a_remedy(
    api: Api, server: WireServer, wanted: dict[str, Any], code: str
) -> None:
    added(api, server, name="twice")
    body = {"kind": "compatible", "name": "x", "model": "m", "base_url": "http://127.0.0.1:9/v1"} | wanted
    answer = call(api, "POST", "/providers", body)
    assert (answer.status in (400, 409), answer.error["code"], bool(answer.error["remedy"])) == (True, code, True)


def test_hosted_mode_refuses_our_own_network(api: Api, server: WireServer) -> None:
    api.services.settings = api.services.settings.model_copy(update={"hosted": True})
    refused = call(api, "POST", "/providers", {
        "kind": "compatible", "name": "x", "model": "m", "base_url": server.url + "/v1",
    })  # fmt: skip
    assert refused.error["code"] == "invalid_base_url"
    provider = call(api, "POST", "/providers", {
        "kind": "compatible", "name": "x", "model": "m", "base_url": "https://localhost/v1",
    }).json  # fmt: skip
    server.forget()
    tested = call(api, "POST", f"/providers/{provider['id']}/test").json["provider"]
    assert "loopback" in tested["test_steps"][-1]["message"]
    assert server.asked == []


@pytest.mark.parametrize(
    ("role", "read", "write"), [("viewer", 403, 403), ("operator", 403, 403), ("auditor", 200, 403)]
)
def test_only_administrators_change_and_only_auditors_look(
    api: Api, server: WireServer, role: str, read: int, write: int
) -> None:
    provider = added(api, server)
    token = user_token(api.services, role)
    sent = {"authorization": f"Bearer {token}"}
    for path in ("/providers", "/usage", "/budgets"):
        assert api.call("GET", f"/api/v1/llm{path}", headers=sent).status == read
    for method, path, body in (
        ("POST", f"/providers/{provider['id']}/test", None),
        ("DELETE", f"/providers/{provider['id']}", None),
        ("PUT", "/budgets", {"items": []}),
    ):
        assert api.call(method, f"/api/v1/llm{path}", body, headers=sent).status == write


def test_another_tenant_sees_nothing(api: Api, server: WireServer) -> None:
    provider = added(api, server)
    sent = {"authorization": f"Bearer {user_token(api.services, 'admin', tenant='other')}"}
    assert api.call("GET", "/api/v1/llm/providers", headers=sent).json["items"] == []
    assert api.call("DELETE", f"/api/v1/llm/providers/{provider['id']}", headers=sent).status == 404
    assert api.call("GET", "/api/v1/llm/usage", headers=sent).json["total"]["calls"] == 0


def test_a_removed_provider_takes_its_key_with_it(api: Api, server: WireServer) -> None:
    provider = added(api, server)
    assert call(api, "DELETE", f"/providers/{provider['id']}").status == 204
    assert call(api, "GET", "/providers").json["items"] == []
    assert api.services.store.secrets.names(TenantId("local"), "llm") == []
    assert call(api, "DELETE", f"/providers/{provider['id']}").error["code"] == "unknown_provider"
