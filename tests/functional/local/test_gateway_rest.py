"""REST through the gateway, over real HTTP."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.local.gateway.limits import Limits
from tests.functional.local.gateway_server import COOKIE, Served, serving

JSON = {"content-type": "application/json"}
UI = {"index.html": "<!doctype html><title>Kubilitics</title>", "assets/app-1a2b.js": "export default 1;\n" * 200}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("gw"), Limits(integration_s=0.5, body_bytes=100_000), ui=UI) as served:
        yield served


def test_a_route_gets_its_parameters_as_api_gateway_gives_them(gateway: Served) -> None:
    answer = gateway.ask("GET", "/api/v1/things/system%3Anode?limit=5&limit=6")
    assert answer.status == 200
    assert answer.json == {"name": "system%3Anode", "query": {"limit": "6"}, "method": "GET"}
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_fixed_route_wins_over_a_placeholder(gateway: Served) -> None:
    assert gateway.ask("GET", "/api/v1/things/special").json == {"special": True}


def test_a_trailing_slash_is_the_same_route(gateway: Served) -> None:
    assert gateway.ask("GET", "/api/v1/things/special/").status == 200


def test_an_unknown_route_answers_404_in_the_one_error_shape(gateway: Served) -> None:
    answer = gateway.ask("GET", "/api/v1/nothing/here")
    assert answer.status == 404
    assert set(answer.json["error"]) == {"code", "message", "remedy", "details"}


def test_a_wrong_method_answers_405_with_the_right_ones(gateway: Served) -> None:
    answer = gateway.ask("PATCH", "/api/v1/things/one", JSON, b"{}")
    assert answer.status == 405
    assert answer.headers["allow"] == "DELETE, GET"
    assert answer.json["error"]["details"]["allowed"] == ["DELETE", "GET"]


def test_a_slow_handler_answers_504(gateway: Served) -> None:
    answer = gateway.ask("GET", "/api/v1/slow?seconds=2")
    assert answer.status == 504
    assert answer.json["error"]["code"] == "gateway_timeout"


def test_a_body_over_the_limit_answers_413(gateway: Served) -> None:
    answer = gateway.ask("POST", "/api/v1/echo", JSON, b"x" * 100_001)
    assert answer.status == 413
    assert answer.json["error"]["details"] == {"limit": 100_000}


def test_a_chunked_body_over_the_limit_answers_413(gateway: Served) -> None:
    chunks = iter([b"y" * 60_000, b"y" * 60_000])
    answer = gateway.ask("POST", "/api/v1/echo", JSON, chunks)  # type: ignore[arg-type]
    assert answer.status == 413


def test_a_body_at_the_limit_arrives_whole(gateway: Served) -> None:
    answer = gateway.ask("POST", "/api/v1/echo", JSON, b"z" * 100_000)
    assert (answer.status, answer.json["length"]) == (201, 100_000)


def test_binary_bodies_pass_unchanged(gateway: Served) -> None:
    content = bytes(range(256)) * 10
    headers = {"content-type": "application/octet-stream", "accept": "application/octet-stream"}
    answer = gateway.ask("POST", "/api/v1/blob", headers, content)
    assert answer.body == bytes(reversed(content))
    assert answer.headers["content-type"] == "application/octet-stream"


def test_concurrent_requests_keep_their_own_request(gateway: Served) -> None:
    waits = [f"0.{n:02d}" for n in range(1, 25)]
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda wait: gateway.ask("GET", f"/api/v1/slow?seconds={wait}").json, waits))
    assert [answer["seconds"] for answer in answers] == waits


def test_long_json_is_compressed_for_those_who_take_it(gateway: Served) -> None:
    plain = gateway.ask("GET", "/api/v1/long")
    packed = gateway.ask("GET", "/api/v1/long", {"accept-encoding": "gzip, br"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 5


def test_short_json_is_not_compressed(gateway: Served) -> None:
    assert "content-encoding" not in gateway.ask("GET", "/api/v1/things/a", {"accept-encoding": "gzip"}).headers


def test_several_cookies_survive(gateway: Served) -> None:
    answer = gateway.ask("GET", "/api/v1/cookies")
    assert answer.headers["set-cookie"] == "a=1, b=2"


def test_the_authorizer_admits_refuses_and_is_asked_once(gateway: Served) -> None:
    gateway.app.seen.clear()
    answers = [gateway.ask("GET", "/api/v1/private", {"authorization": "Bearer good"}) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert answers[0].json == {"tenant": "acme", "principalId": "someone"}
    assert gateway.app.seen == ["Bearer good"]
    assert gateway.ask("GET", "/api/v1/private").status == 401
    assert gateway.ask("GET", "/api/v1/private", {"authorization": "Bearer guess"}).status == 403
    assert gateway.ask("GET", "/api/v1/private", {"authorization": "Bearer narrow"}).status == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example"])
def test_another_host_name_answers_421(gateway: Served, host: str) -> None:
    answer = gateway.ask("GET", "/api/v1/things/a", {"host": host})
    assert answer.status == 421
    assert answer.json["error"]["code"] == "misdirected_request"


def test_a_cookie_acts_only_from_our_own_page(gateway: Served) -> None:
    cookie = JSON | {"cookie": "kubilitics_session=x"}
    foreign = cookie | {"origin": "http://localhost:3000"}
    ours = cookie | {"origin": gateway.origin}
    assert gateway.ask("POST", "/api/v1/echo", cookie, b"{}").status == 403
    assert gateway.ask("POST", "/api/v1/echo", foreign, b"{}").json["error"]["code"] == "foreign_origin"
    assert gateway.ask("POST", "/api/v1/echo", ours, b"{}").status == 201
    assert gateway.ask("GET", "/api/v1/things/a", {"cookie": "kubilitics_session=x"}).status == 200


def test_a_bearer_token_needs_no_origin(gateway: Served) -> None:
    assert gateway.ask("POST", "/api/v1/echo", JSON | {"authorization": "Bearer t"}, b"{}").status == 201


def test_the_page_signs_the_browser_in_and_says_what_it_may_load(gateway: Served) -> None:
    answer = gateway.ask("GET", "/")
    assert answer.status == 200
    assert answer.headers["set-cookie"] == COOKIE
    assert answer.headers["cache-control"] == "no-cache"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "connect-src 'self' http://127.0.0.1:4566" in policy
    assert "frame-ancestors 'none'" in policy


def test_an_address_inside_the_application_is_the_same_page(gateway: Served) -> None:
    answer = gateway.ask("GET", "/clusters/one/pods", {"accept": "text/html"})
    assert answer.body == UI["index.html"].encode()
    dotted = gateway.ask("GET", "/clusters/one/pods/web-1.2", {"accept": "text/html,*/*"})
    assert dotted.body == UI["index.html"].encode()


def test_hashed_files_are_kept_for_a_year_and_sent_compressed(gateway: Served) -> None:
    answer = gateway.ask("GET", "/assets/app-1a2b.js", {"accept-encoding": "gzip"})
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert gzip.decompress(answer.body).decode() == UI["assets/app-1a2b.js"]
    assert "set-cookie" not in answer.headers


def test_a_known_page_is_not_sent_again(gateway: Served) -> None:
    tag = gateway.ask("GET", "/").headers["etag"]
    again = gateway.ask("GET", "/", {"if-none-match": tag})
    assert (again.status, again.body) == (304, b"")


def test_a_missing_file_is_not_the_page(gateway: Served) -> None:
    assert gateway.ask("GET", "/assets/gone-1.js").status == 404


@pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt"])
def test_no_path_leaves_the_folder(gateway: Served, tmp_path_factory: pytest.TempPathFactory, path: str) -> None:
    (tmp_path_factory.getbasetemp() / "gw0" / "secret.txt").write_text("SECRET")
    assert b"SECRET" not in gateway.ask("GET", path, {"accept": "text/plain"}).body


def test_a_page_takes_no_posts(gateway: Served) -> None:
    assert gateway.ask("POST", "/", JSON, b"{}").status == 405


def test_head_has_headers_and_no_body(gateway: Served) -> None:
    answer = gateway.ask("HEAD", "/")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


def test_without_a_built_interface_the_page_says_how_to_build_it(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        answer = served.ask("GET", "/")
    assert answer.status == 200
    assert b"make run" in answer.body


def test_with_a_link_only_its_first_holder_is_signed_in(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.write_text("the-key\n")
    with serving(tmp_path, link=link, ui=UI) as served:
        assert served.ask("GET", "/").status == 401
        assert served.ask("GET", "/?key=guess").status == 401
        first = served.ask("GET", "/?key=the-key")
        assert (first.status, first.headers["location"]) == (303, "/")
        assert first.headers["set-cookie"] == COOKIE
        assert served.ask("GET", "/?key=the-key").status == 401
        assert served.ask("GET", "/", {"cookie": "kubilitics_session=signed"}).status == 200
    assert not link.exists()


def test_error_bodies_are_json_in_utf8(gateway: Served) -> None:
    answer = gateway.ask("GET", "/api/v1/%C3%A9t%C3%A9")
    assert json.loads(answer.body.decode())["error"]["details"]["path"] == "/api/v1/été"
