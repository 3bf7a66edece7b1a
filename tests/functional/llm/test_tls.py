"""A certificate must be trusted and name the provider, though an address is dialled: else nothing is sent."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chalicelib import network
from chalicelib.llm.errors import LlmUnreachable
from chalicelib.llm.events import collected
from chalicelib.llm.messages import Request, user
from chalicelib.llm.ports import Connection
from chalicelib.llm.providers import provider_of
from chalicelib.llm.stream import Limits, stream
from tests.functional.llm.dialects import DIALECTS, Said
from tests.functional.llm.test_contract import ALL, resolver_with
from tests.functional.llm.wire_server import WireServer, wire_server
from tests.unit.clusters.kubeconfigs import a_certificate, an_authority

NAME = "models.example"


@contextmanager
def serving(folder: Path, *hosts: str) -> Iterator[WireServer]:
    certificate, key = a_certificate(*hosts).save(folder, "provider")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with wire_server(tls=context) as server:
        yield server


def asked(kind: Any, server: WireServer) -> str:
    dialect = DIALECTS[kind]
    server.play(dialect.stream(Said(texts=("ok",))))
    port = server.url.rpartition(":")[2]
    provider = provider_of(Connection(kind, "x", dialect.base_url(f"https://{NAME}:{port}"), key="test-key-of-nobody"))
    return collected(stream(provider, Request("m", [user("?")]), ALL, Limits(lambda: 10.0))).text


@pytest.fixture(autouse=True)
def _resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(0, 0, 0, "", ("127.0.0.1", 0))]
    monkeypatch.setattr(network.socket, "getaddrinfo", resolver_with(NAME, lambda *_, **__: found))


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our test authority among the public ones."""
    from httpx2 import HTTPTransport

    made = HTTPTransport.__init__
    context = ssl.create_default_context(cadata=an_authority().certificate.decode())
    monkeypatch.setattr(HTTPTransport, "__init__", lambda self, **more: made(self, **{**more, "verify": context}))


@pytest.mark.parametrize("kind", DIALECTS)
def test_an_untrusted_certificate_is_refused_before_anything_is_sent(kind: str, tmp_path: Path) -> None:
    with serving(tmp_path, NAME) as server:
        with pytest.raises(LlmUnreachable):
            asked(kind, server)
        assert server.asked == []


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("kind", DIALECTS)
def test_the_certificate_names_the_provider_and_not_the_address(kind: str, tmp_path: Path) -> None:
    with serving(tmp_path, NAME) as server:
        assert asked(kind, server) == "ok"
    with serving(tmp_path, "127.0.0.1") as server:
        with pytest.raises(LlmUnreachable):
            asked(kind, server)
        assert server.asked == []
