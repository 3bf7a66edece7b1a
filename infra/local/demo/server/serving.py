"""Running the API server: HTTPS on loopback, with its CA, its users and their kubeconfigs in one folder."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from infra.local.demo.server import certificates, kubeconfigs
from infra.local.demo.server.api import Api
from infra.local.demo.server.asgi import Application
from infra.local.demo.server.bootstrap import bootstrap
from infra.local.demo.server.server import Server

HOST = "127.0.0.1"
TICK_S = 0.1


@dataclass
class Serving:
    """A server being run; all work on `server.api` must happen on its event loop (`call`)."""

    server: Server
    folder: Path
    port: int = 0
    kubeconfigs: dict[str, Path] = field(default_factory=dict)
    tick: Callable[[], None] = lambda: None
    """What controllers do as time passes; called every `TICK_S` on the server's thread."""
    _uvicorn: uvicorn.Server | None = None
    _thread: threading.Thread | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _socket: socket.socket | None = None

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    def prepare(self) -> None:
        """Open the port, make certificates and kubeconfigs, let the users in."""
        authority, _, _ = certificates.ensure(self.folder)
        self._socket = socket.create_server((HOST, self.port))
        self.port = self._socket.getsockname()[1]
        self.server.address = f"{HOST}:{self.port}"
        bootstrap(self.server.api)
        known = kubeconfigs.admit(self.server.api, self.folder)
        self.kubeconfigs = kubeconfigs.write(self.folder, self.url, authority, known)

    async def serve(self) -> None:
        """Serve until told to stop; call `prepare` first."""
        if self._socket is None:
            self.prepare()
        _, certificate, key = certificates.ensure(self.folder)
        application = Application(self.server)
        config = uvicorn.Config(
            application, ssl_certfile=str(certificate), ssl_keyfile=str(key), log_level="warning", access_log=False,
            timeout_graceful_shutdown=1, lifespan="on", timeout_keep_alive=120,
        )  # fmt: skip
        self._uvicorn = uvicorn.Server(config)
        self._uvicorn.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._loop = asyncio.get_running_loop()
        sockets = [self._socket] if self._socket else None
        ticking = asyncio.ensure_future(self._ticking())
        try:
            await self._uvicorn.serve(sockets=sockets)
        finally:
            ticking.cancel()
            application.close()

    async def _ticking(self) -> None:
        while True:
            self.tick()
            await asyncio.sleep(TICK_S)

    # -- in a thread of its own ---------------------------------------------------------------------------------

    def start(self) -> Serving:
        """Serve in a background thread (tests, tools); returns when connections are taken."""
        if self._socket is None:
            self.prepare()
        self._thread = threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True, name="demo-api")
        self._thread.start()
        waited = threading.Event()
        while not (self._uvicorn and self._uvicorn.started):
            waited.wait(0.01)
            if not self._thread.is_alive():
                raise RuntimeError("the demo API server did not start")
        return self

    def call(self, work: Callable[[], object]) -> object:
        """Do something on the server's own thread and wait for it: the store has one writer."""
        if self._loop is None:
            return work()

        async def on_loop() -> object:
            return work()

        return asyncio.run_coroutine_threadsafe(on_loop(), self._loop).result()

    def stop(self) -> None:
        if self._uvicorn:
            self._uvicorn.should_exit = True
        if self._thread:
            self._thread.join(timeout=10)


def serving(api: Api, folder: Path, port: int = 0) -> Serving:
    """A server for an API, not yet started."""
    return Serving(Server(api), folder, port)
