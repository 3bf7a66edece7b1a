"""Lambda on this machine: the Runtime API on loopback, and a process that sees what a function sees.

The process is Python without its site-packages. Its path is that of Lambda's Python runtime: the function's code,
the attached layers laid over each other as `/opt/python`, the standard library, and what the runtime itself brings
(boto3 and awslambdaric).
"""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from chalicelayer.layers import RUNTIME

ANSWER_S = 60
"""How long an invocation may take, cold start included; a bound for hanging tests and no measurement."""

_BOOTSTRAP = """
import json, sys
sys.path[:] = json.loads(sys.argv[1]) + [path for path in sys.path if path]
import runpy
sys.argv = ["awslambdaric", sys.argv[2]]
runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
"""


class FunctionFailed(Exception):
    """The function answered an invocation with an error, or ended."""


class QuietServer(ThreadingHTTPServer):
    """Says nothing when a function is stopped while it waits for its next event."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@dataclass
class RuntimeApi:
    """The part of Lambda's Runtime API that awslambdaric speaks (version 2018-06-01)."""

    timeout_s: int
    events: queue.Queue[tuple[str, bytes]] = field(default_factory=queue.Queue)
    answers: queue.Queue[tuple[str, Any]] = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        self._server = QuietServer(("127.0.0.1", 0), _handler_for(self))
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class LambdaProcess:
    """One warm function. Use as a context manager."""

    def __init__(self, handler: str, path: Sequence[Path], environment: dict[str, str], timeout_s: int = 29) -> None:
        self._api = RuntimeApi(timeout_s)
        self._requests = 0
        code = path[0]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _BOOTSTRAP, json.dumps([str(entry) for entry in path]), handler],
            cwd=code,
            env=environment
            | {
                "AWS_LAMBDA_RUNTIME_API": self._api.address,
                "AWS_LAMBDA_FUNCTION_NAME": handler.replace(".", "-"),
                "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
                "AWS_EXECUTION_ENV": f"AWS_Lambda_python3.{sys.version_info.minor}",
                "LAMBDA_TASK_ROOT": str(code),
                "_HANDLER": handler,
                # Lambda mounts code and layers read-only.
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._log: list[str] = []
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()

    def __enter__(self) -> LambdaProcess:
        return self

    def __exit__(self, *ended: object) -> None:
        self._process.kill()
        self._process.wait()
        self._api.close()

    @property
    def log(self) -> str:
        return "".join(self._log)

    def invoke(self, event: dict[str, Any]) -> Any:
        """The function's result. Raises FunctionFailed with its error and its log."""
        self._requests += 1
        self._api.events.put((f"request-{self._requests}", json.dumps(event).encode()))
        for _ in range(ANSWER_S * 4):
            try:
                kind, result = self._api.answers.get(timeout=0.25)
            except queue.Empty:
                if self._process.poll() is not None:
                    self._reader.join(timeout=5)
                    raise FunctionFailed(f"the process ended with {self._process.returncode}\n{self.log}") from None
                continue
            if kind == "error":
                raise FunctionFailed(f"{json.dumps(result, indent=1)}\n{self.log}")
            return result
        raise FunctionFailed(f"no answer within {ANSWER_S} s\n{self.log}")

    def _read_log(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._log.append(line)


def _handler_for(api: RuntimeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            request, event = api.events.get()
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", request)
            self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + api.timeout_s) * 1000)))
            self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:f")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(event)))
            self.end_headers()
            self.wfile.write(event)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kind = "response" if self.path.endswith("/response") else "error"
            api.answers.put((kind, json.loads(body or b"null")))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    return Handler


def runtime_folder(target: Path) -> Path:
    """What Lambda's Python runtime brings: boto3 with its requirements, and the runtime client."""
    for name in (*RUNTIME, "awslambdaric", "snapshot-restore-py", "simplejson"):
        found = distribution(name)
        for file in found.files or ():
            if not file.parts[0].startswith("..") and "__pycache__" not in file.parts:
                _link(Path(found.locate_file(file)), target / file)
    return target


def overlay(layers: Sequence[Path], target: Path) -> Path:
    """The layers laid over each other, as Lambda unpacks them below /opt; a later one wins."""
    for layer in layers:
        for path in layer.rglob("*"):
            if path.is_file():
                _link(path, target / path.relative_to(layer))
    return target


def _link(source: Path, target: Path) -> None:
    """A hard link where the disk allows it, for a symbolic one would show the real folder to the program."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)
