from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from chalicelib.clusters.connect import connect
from chalicelib.clusters.connection import BearerToken, StaticConnection
from chalicelib.clusters.live import LiveCluster
from chalicelib.clusters.transport import ApiServer
from tests.scale.generate import Estate, generate
from tests.scale.server import ScaleServer
from tests.unit.clusters.kubeconfigs import a_certificate

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def estate() -> Estate:
    """20 nodes and 1,200 pods: three pages of pods."""
    return generate(nodes=20, pods=1200)


@pytest.fixture
def server(estate: Estate) -> Iterator[ScaleServer]:
    with ScaleServer(estate, tokens={"good"}) as running:
        yield running


@pytest.fixture
def cluster(server: ScaleServer) -> LiveCluster:
    found = connect(StaticConnection(server=server.url, token="good"), hosted=False, name="test")
    assert isinstance(found, LiveCluster)
    return found


@pytest.fixture
def tls_server(estate: Estate, tmp_path) -> Iterator[Callable[..., ScaleServer]]:
    """Starts https servers with a certificate for the given names."""
    with ExitStack() as stack:

        def start(*hosts: str, expired: bool = False, client_ca: bytes = b"") -> ScaleServer:
            certificate, key = a_certificate(*hosts, expired=expired).save(tmp_path, f"server{expired}")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            if client_ca:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(cadata=client_ca.decode())
            return stack.enter_context(ScaleServer(estate, tls=context))

        yield start


class RenewableToken(BearerToken):
    """A token that has expired, with a good one to be had."""

    def __init__(self, tokens: list[str]) -> None:
        super().__init__(tokens[0])
        self.left = tokens[1:]
        self.renewals = 0

    def renew(self) -> bool:
        self.renewals += 1
        if self.left:
            self._token = self.left.pop(0)
        return True


def cluster_with(server: ScaleServer, credential: BearerToken, *, namespace: str = "") -> LiveCluster:
    api = ApiServer(StaticConnection(server=server.url), credential, hosted=False)
    return LiveCluster("test", api, namespace=namespace)
