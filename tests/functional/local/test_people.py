"""Signing people in on one machine: links that work once, several sessions in one browser, a second tenant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.accounts import Principal, verify_token
from chalicelib.api.authentication import authenticate
from chalicelib.errors import KubiliticsError
from infra.local.gateway.__main__ import _Asked
from infra.local.gateway.application import PeopleRoutes
from infra.local.people import People
from tests.functional.api.harness import Api, build_api
from tests.functional.local.gateway_server import Answered, Served, serving

UI = {"index.html": "<!doctype html><title>page</title>"}


@pytest.fixture
def api() -> Iterator[Api]:
    yield build_api()
    wiring.install(None)


@pytest.fixture
def served(api: Api, tmp_path: Path) -> Iterator[Served]:
    def identify(method: str, headers: Any) -> Principal:
        return authenticate(_Asked(method, headers), api.services)  # type: ignore[arg-type]

    with serving(tmp_path, ui=UI, people=PeopleRoutes(People(api.services), identify)) as gateway:
        yield gateway


class Browser:
    """Keeps cookies as a browser does, and sends our Origin."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self.jar: dict[str, str] = {}

    def ask(self, method: str, path: str, content: object = None, origin: str = "") -> Answered:
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.jar.items())}
        if method == "POST":
            headers["origin"] = origin or self._served.origin
        answer = self._served.ask(method, path, headers, None if content is None else json.dumps(content).encode())
        # Several headers come joined; a comma stands in none of ours.
        for one in answer.headers.get("set-cookie", "").split(", "):
            self.jar |= {name: morsel.value for name, morsel in SimpleCookie(one).items()}
        return answer

    def people(self) -> list[tuple[str, bool]]:
        return [(one["user"], one["present"]) for one in self.ask("GET", "/local/people").json["items"]]


def add(served: Served, api: Api, **user: str) -> Any:
    body = json.dumps({"tenant": "", **user}).encode()
    answer = served.ask("POST", "/local/people/add", {"authorization": f"Bearer {api.token}"}, body)
    assert answer.status == 201, answer.body
    return answer.json


def test_a_browser_holds_several_people_and_goes_on_as_one_of_them(api: Api, served: Served) -> None:
    browser = Browser(served)
    browser.ask("GET", "/")
    assert browser.people() == [("admin", True)]
    ana = add(served, api, name="ana", role="viewer")
    assert verify_token(api.services.store, ana["token"]).role == "viewer"
    assert browser.ask("GET", ana["path"]).headers["location"] == "/"
    assert browser.people() == [("admin", False), ("ana", True)]
    browser.ask("GET", "/")
    assert browser.people() == [("admin", False), ("ana", True)], "opening a page makes nobody somebody else"
    assert browser.ask("POST", "/local/people/switch", {"tenant": "local", "user": "admin"}).status == 204
    assert browser.people() == [("admin", True), ("ana", False)]


def test_a_link_works_once_and_only_in_the_browser_that_opened_it(api: Api, served: Served) -> None:
    ana = add(served, api, name="ana", role="operator")
    first, second = Browser(served), Browser(served)
    first.ask("GET", "/")
    first.ask("GET", ana["path"])
    assert second.ask("GET", ana["path"]).status == 401
    second.ask("GET", "/")
    refused = second.ask("POST", "/local/people/switch", {"tenant": "local", "user": "ana"})
    assert (refused.status, refused.json["error"]["code"]) == (404, "unknown_person")
    assert second.people() == [("admin", True)]


def test_a_session_is_an_http_only_cookie_and_other_sites_cannot_switch(api: Api, served: Served) -> None:
    browser = Browser(served)
    ana = add(served, api, name="ana", role="viewer")
    cookies = browser.ask("GET", ana["path"]).headers["set-cookie"]
    assert len(re.findall("HttpOnly; SameSite=Strict", cookies)) == 2
    wanted = {"tenant": "local", "user": "ana"}
    assert browser.ask("POST", "/local/people/switch", wanted, origin="http://evil.example").status == 403


def test_a_cookie_under_another_name_is_not_that_person(api: Api, served: Served) -> None:
    browser = Browser(served)
    browser.ask("GET", add(served, api, name="ana", role="viewer")["path"])
    own = browser.jar["kubilitics_session"]
    stolen = Browser(served)
    stolen.jar = {"kubilitics_person_" + "0" * 16: own}
    assert stolen.ask("POST", "/local/people/switch", {"tenant": "local", "user": "admin"}).status == 404


def test_a_removed_person_is_held_no_more(api: Api, served: Served) -> None:
    browser = Browser(served)
    browser.ask("GET", add(served, api, name="ana", role="viewer")["path"])
    assert api.call("DELETE", "/api/v1/users/ana").status == 204
    assert browser.people() == []


def test_a_second_tenant_is_made_by_who_runs_the_machine_and_sees_nothing_of_the_first(
    api: Api, served: Served
) -> None:
    eve = add(served, api, name="eve", role="admin", tenant="other")
    who = verify_token(api.services.store, eve["token"])
    assert (who.tenant, who.role) == ("other", "admin")
    assert api.call("GET", "/api/v1/users", headers={"authorization": f"Bearer {eve['token']}"}).json["total"] == 1
    body = json.dumps({"name": "mallory", "role": "admin", "tenant": "local"}).encode()
    refused = served.ask("POST", "/local/people/add", {"authorization": f"Bearer {eve['token']}"}, body)
    assert refused.status == 403


def test_only_an_administrator_makes_users_and_links(api: Api, served: Served) -> None:
    ana = add(served, api, name="ana", role="operator")
    headers = {"authorization": f"Bearer {ana['token']}"}
    body = json.dumps({"user": "admin"}).encode()
    assert served.ask("POST", "/local/people/link", headers, body).status == 403
    made = served.ask("POST", "/local/people/link", {"authorization": f"Bearer {api.token}"}, b'{"user": "ana"}')
    assert made.json["path"].startswith("/?key=link_local_")
    missing = served.ask("POST", "/local/people/link", {"authorization": f"Bearer {api.token}"}, b'{"user": "bob"}')
    assert missing.status == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "", "role": "viewer", "tenant": ""},
        {"name": "ana", "role": "king", "tenant": ""},
        {"name": "ana", "role": "viewer", "tenant": "a_b"},
        {"name": "ana", "role": "viewer"},
        {"name": "ana", "role": 1, "tenant": ""},
        [],
    ],
)
def test_bad_input_gets_a_clear_error(api: Api, served: Served, wrong: object) -> None:
    headers = {"authorization": f"Bearer {api.token}"}
    answer = served.ask("POST", "/local/people/add", headers, json.dumps(wrong).encode())
    assert answer.status == 400
    assert answer.json["error"]["remedy"]


def test_adding_and_linking_are_on_record(api: Api, served: Served) -> None:
    add(served, api, name="ana", role="viewer")
    logged = [event["action"] for event in api.call("GET", "/api/v1/audit?limit=10").json["items"]]
    assert {"user.add", "user.link"} <= set(logged)


def test_nobody_is_held_without_cookies(api: Api) -> None:
    people = People(api.services)
    assert people.held("") == []
    assert people.held("kubilitics_person_x=nonsense; =;;") == []
    with pytest.raises(KubiliticsError):
        people.redeem("link_local_" + "a" * 43)
