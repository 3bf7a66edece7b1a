"""A tiny HTTP front end around the protocol core, on a free port of loopback, for clients under test."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from chalicelib.mcp.messages import HttpRequest
from chalicelib.mcp.server import McpServer


def origins_of(url: str) -> frozenset[str]:
    """Both names of loopback with the port of a URL."""
    port = urlsplit(url).port
    return frozenset({f"http://127.0.0.1:{port}", f"http://localhost:{port}"})


@contextmanager
def served(server: Callable[[str], McpServer]) -> Iterator[str]:
    """The URL of a server; every request gets a new `server(url)`, as a Lambda function might."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _respond(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = HttpRequest(self.command, dict(self.headers), dict(parse_qsl(url.query)), body)
            response = server(address).handle(request)
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        do_GET = do_POST = do_DELETE = _respond

        def log_message(self, *_: object) -> None:
            """Keep the test output clean."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up is no error of ours."""
            if not isinstance(sys.exception(), ConnectionError):
                super().handle_error(request, client_address)  # type: ignore[arg-type]

    http = Server(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{http.server_address[1]}/mcp"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield address
    finally:
        http.shutdown()
        http.server_close()
        thread.join(5)
