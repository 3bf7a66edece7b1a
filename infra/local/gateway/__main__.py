"""`python -m infra.local.gateway PARENT DESCRIPTOR`: the gateway process, on a socket that the supervisor
opened.

The socket stays open in the supervisor, so while a killed gateway is started again, clients wait instead of
failing.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import uvicorn

from infra.local.demo_client import DemoClient
from infra.local.gateway.access import OneTimeLink
from infra.local.gateway.application import Demo, Gateway, PeopleRoutes, SignIn
from infra.local.gateway.limits import Limits
from infra.local.gateway.pages import Pages
from infra.local.layout import ROOT, Layout
from infra.local.lifeline import die_with_parent
from infra.local.signature import SignatureCheck

if TYPE_CHECKING:
    from chalicelib.accounts import Principal
    from infra.local.people import People


def main() -> None:
    """Serve until SIGTERM."""
    die_with_parent(int(sys.argv[1]))
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("infra.local").setLevel(logging.INFO)
    logging.getLogger("uvicorn.error").addFilter(_not_a_refused_handshake)
    listening = socket.socket(fileno=int(sys.argv[2]))
    limits = Limits()
    config = uvicorn.Config(
        build(limits),
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        # websockets takes (message, frame) limits; a longer one closes with 1009, as in API Gateway.
        ws_max_size=(limits.websocket_message_bytes, limits.websocket_frame_bytes),  # type: ignore[arg-type]
        ws_per_message_deflate=False,
        ws_ping_interval=60,
        timeout_keep_alive=65,
        timeout_graceful_shutdown=5,
        access_log=False,
        log_level="warning",
        server_header=False,
    )
    uvicorn.Server(config).run(sockets=[listening])


def _not_a_refused_handshake(record: logging.LogRecord) -> bool:
    # uvicorn reports each WebSocket that was answered with an HTTP error as a fault of the application.
    return "without completing handshake" not in record.getMessage()


def build(limits: Limits) -> Gateway:
    """The gateway over the product's app, as the environment says."""
    from app import app
    from chalicelib import wiring
    from infra.local.people import People

    people = People(wiring.services())
    home = Layout(Path(os.environ["KUBILITICS_HOME"]))
    aws = os.environ["AWS_ENDPOINT_URL"]
    origin = os.environ["KUBILITICS_PUBLIC_ORIGIN"]
    sockets = (origin.replace("http:", "ws:"), origin.replace("http:", "ws:").replace("127.0.0.1", "localhost"))
    return Gateway(
        app,
        Pages(Path(os.environ.get("KUBILITICS_UI") or ROOT / "build" / "web"), (aws, *sockets)),
        SignatureCheck(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]),
        _sign_in(home, people),
        limits,
        _demo(),
        PeopleRoutes(people, _identify),
    )


def _demo() -> Demo:
    """The demo cluster, guarded like the API."""
    from chalicelib.accounts import require

    def authorize(method: str, headers: Mapping[str, str], permission: str) -> None:
        require(_identify(method, headers), permission)

    folder = os.environ.get("KUBILITICS_DEMO")
    return Demo(DemoClient(Path(folder)) if folder else None, authorize)


def _identify(method: str, headers: Mapping[str, str]) -> Principal:
    from chalicelib import wiring
    from chalicelib.api.authentication import authenticate

    return authenticate(_Asked(method, headers), wiring.services())  # type: ignore[arg-type]


class _Asked(NamedTuple):
    """The part of a request that tells who sent it."""

    method: str
    headers: Mapping[str, str]


def _sign_in(home: Layout, people: People) -> SignIn:
    from chalicelib.wiring import COOKIE

    # Reads the signing key, so that no request waits for it.
    people.local_admin()
    link = OneTimeLink(home.link) if os.environ.get("KUBILITICS_LOCAL_AUTH") == "link" else None
    return SignIn(people.local_admin, link, cookie_name=COOKIE, persons=people)


if __name__ == "__main__":
    main()
