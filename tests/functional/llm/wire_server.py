"""A fake model server on loopback: plays wire texts to the real SDKs, cut into pieces at random places.

It is a fake: no model is behind it. What it plays is written from the types of the official packages (`dialects.py`).
"""

from __future__ import annotations

import contextlib
import json
import random
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Played:
    """One answer on the wire. `cut` ends the connection after so many bytes, `pause_at` stops there for `pause_s`."""

    body: bytes = b""
    status: int = 200
    media: str = "text/event-stream"
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    pause_at: int | None = None
    pause_s: float = 0.0


class WireServer:
    """Answers in the order in which they were queued; the last one again and again."""

    def __init__(self, seed: int = 0) -> None:
        self.queue: list[Played] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.headers: list[dict[str, str]] = []
        self.closed = threading.Event()
        self._random = random.Random(seed)
        self.url = ""

    def forget(self, seed: int = 0) -> None:
        self.asked.clear()
        self.headers.clear()
        self.closed.clear()
        self._random.seed(seed)

    def play(self, *answers: Played) -> None:
        self.queue = list(answers)

    def answer(self) -> Played:
        return self.queue.pop(0) if len(self.queue) > 1 else self.queue[0]

    def pieces(self, body: bytes, at: int | None) -> Iterator[bytes]:
        """The body in pieces of 1 to 40 bytes, with an edge at `at`."""
        start = 0
        while start < len(body):
            end = min(len(body), start + self._random.choice((1, 2, 3, 7, 40)))
            if at is not None and start < at < end:
                end = at
            yield body[start:end]
            start = end


@contextmanager
def wire_server(seed: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[WireServer]:
    played = WireServer(seed)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _respond(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            played.asked.append((self.path, json.loads(raw) if raw else {}))
            played.headers.append({k.lower(): v for k, v in self.headers.items()})
            answer = played.answer()
            with contextlib.suppress(OSError):
                self._send(answer)
                return
            played.closed.set()

        def _send(self, answer: Played) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.media)
            self.send_header("Transfer-Encoding", "chunked")
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            sent, body = 0, answer.body if answer.cut is None else answer.body[: answer.cut]
            for piece in played.pieces(body, answer.pause_at):
                if sent == answer.pause_at:
                    self._wait(answer.pause_s)
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                self.wfile.flush()
                sent += len(piece)
            if answer.cut is not None:
                self.close_connection = True
                self.connection.close()
                return
            if answer.pause_at == sent:
                self._wait(answer.pause_s)
            self.wfile.write(b"0\r\n\r\n")

        def _wait(self, seconds: float) -> None:
            """Silence; ends early when the client has gone."""
            self.connection.settimeout(0.02)
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                try:
                    if self.connection.recv(1) == b"":
                        raise ConnectionResetError
                except TimeoutError:
                    continue
            self.connection.settimeout(None)

        do_GET = do_POST = _respond

        def log_message(self, *_: object) -> None:
            """Keep the test output clean."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that refuses our certificate or hangs up is no error of ours."""

    http = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        http.socket = tls.wrap_socket(http.socket, server_side=True)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    played.url = f"{'https' if tls else 'http'}://127.0.0.1:{http.server_address[1]}"
    try:
        yield played
    finally:
        http.shutdown()
        http.server_close()
        thread.join(5)
