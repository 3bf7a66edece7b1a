"""Starts the parts in order, keeps them running, and stops them in the opposite order."""

from __future__ import annotations

import http.client
import shutil
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from infra.local import environment
from infra.local.demo_parts import DemoParts
from infra.local.embedded_aws.serve import CLEAN_MARKER
from infra.local.instance import NEEDED_BYTES, CannotStart, disk_full, free_port
from infra.local.options import Options
from infra.local.process import RESTART_LIMIT, Child, ProductFailed, python_module, run_module, wait_until
from infra.local.recovery import Beginning, StillInUse, begin, wait_for_predecessor

_LOOK_EVERY_S = 0.2
_LOOK_AT_DISK_EVERY_S = 30.0
_AWS_STARTS_WITHIN_S = 60.0
_GATEWAY_STARTS_WITHIN_S = 60.0
_PROBE_S = 1.0


class StopRequested(Exception):
    """Ctrl-C came while the parts were starting."""


class Supervisor:
    """The embedded stack of one installation. `say` prints one line to the person who started it."""

    def __init__(self, options: Options, listening: socket.socket, say: Callable[[str], None]) -> None:
        self._options = options
        self._say = say
        self._stop = threading.Event()
        self._disk_warned = False
        self._aws_port = free_port()
        layout = options.layout
        product = environment.for_product(options, self._aws_port) | {"KUBILITICS_UI": str(options.ui)}
        self._product = product
        self.aws = Child(
            "embedded AWS",
            python_module("infra.local.embedded_aws.serve", python=options.ministack_python),
            environment.for_ministack(options, self._aws_port),
            layout.logs / "ministack.log",
            grace_s=60.0,  # it saves
        )
        descriptor = listening.fileno()
        self.gateway = Child(
            "gateway",
            python_module("infra.local.gateway", str(descriptor)),
            product,
            layout.logs / "gateway.log",
            pass_descriptors=(descriptor,),
        )
        self.worker = Child(
            "worker", python_module("infra.local.worker"), product, layout.logs / "worker.log", grace_s=20.0
        )
        self.demo = DemoParts(options, say)

    def request_stop(self, *_: object) -> None:
        """Leave `watch` soon; safe in a signal handler."""
        self._stop.set()

    def start(self) -> Beginning:
        """Everything up and answering. Raises CannotStart or StopRequested, with nothing left running."""
        try:
            beginning = self._start_aws()
            self.gateway.start()
            self.worker.start()
            if not self._wait(self._gateway_answers, self.gateway, _GATEWAY_STARTS_WITHIN_S):
                raise CannotStart(_failed(self.gateway))
            # Last, so that nothing of the service waits for the processor while a world is made.
            self.demo.start()
            return beginning
        except BaseException:
            self.stop()
            raise

    def watch(self) -> bool:
        """Until asked to stop; restarts what ends. False when a part could not be kept running."""
        looked_at_disk = 0.0
        while not self._stop.wait(_LOOK_EVERY_S):
            for child in (self.aws, self.gateway, self.worker):
                if not child.running and not self._revive(child):
                    return self._stop.is_set()
            self.demo.look()
            if time.monotonic() - looked_at_disk > _LOOK_AT_DISK_EVERY_S:
                looked_at_disk = time.monotonic()
                self._look_at_disk()
        return True

    def stop(self) -> bool:
        """Demo, gateway, worker, then the embedded AWS, which saves. False when it could not save everything."""
        self.demo.stop()
        self.gateway.stop()
        self.worker.stop()
        self.aws.stop()
        return (self._options.layout.aws / CLEAN_MARKER).exists()

    def _start_aws(self) -> Beginning:
        layout = self._options.layout
        try:
            wait_for_predecessor(layout)
        except StillInUse as error:
            raise CannotStart(f"{error} Stop that process and start again.") from None
        beginning = begin(layout)
        self.aws.start()
        if not self._wait(self._aws_answers, self.aws, _AWS_STARTS_WITHIN_S):
            raise CannotStart(_failed(self.aws))
        try:
            self.run_in_product("infra.local.prepare", *(["restore"] if beginning.source == "backup" else []))
        except ProductFailed as error:
            raise CannotStart(f"The tables could not be prepared. {error}") from None
        return beginning

    def _wait(self, ready: Callable[[], bool], child: Child, within_s: float) -> bool:
        """Whether the child answers in time. Raises StopRequested."""
        answered = wait_until(lambda: self._stop.is_set() or ready(), child, within_s=within_s)
        if self._stop.is_set():
            raise StopRequested
        return answered

    def run_in_product(self, module: str, *arguments: str) -> str:
        """Run a module of ours to its end as the gateway and the worker run. Raises ProductFailed."""
        return run_module(module, *arguments, environment=self._product)

    def _revive(self, child: Child) -> bool:
        """Start a dead child again after a pause; False when that was tried often enough or the stop came first."""
        pause_s = child.pause_before_restart_s()
        if pause_s is None:
            self._say(f"The {child.name} ended {RESTART_LIMIT + 1} times in a row ({child.ending}). Its last lines:")
            self._say(f"{child.last_words()}\n    Log: {child.log}")
            return False
        self._say(f"The {child.name} ended ({child.ending}); starting it again.")
        if self._stop.wait(pause_s):
            return False
        try:
            if child is self.aws:
                return self._revive_aws()
            child.start()
        except CannotStart as error:
            self._say(str(error))
            return False
        except StopRequested:
            return False
        return True

    def _revive_aws(self) -> bool:
        # The worker must not take up work between an empty AWS and the restored one.
        self.worker.stop()
        message = self._start_aws().message
        self.worker.start()
        if message:
            self._say(message)
        return True

    def _aws_answers(self) -> bool:
        try:
            with urllib.request.urlopen(environment.aws_health_url(self._aws_port), timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _gateway_answers(self) -> bool:
        # The socket is open already: until the gateway takes it, a request waits in its queue.
        connection = http.client.HTTPConnection("127.0.0.1", self._options.port, timeout=_PROBE_S)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status < 500
        except OSError:
            return False
        finally:
            connection.close()

    def _look_at_disk(self) -> None:
        free = shutil.disk_usage(self._options.layout.home).free
        if free < NEEDED_BYTES and not self._disk_warned:
            self._say(disk_full(self._options.layout.home, free))
        self._disk_warned = free < NEEDED_BYTES


def stop_on_signals(supervisor: Supervisor) -> None:
    """Ctrl-C, SIGTERM and a closed terminal all stop cleanly."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, supervisor.request_stop)


def _failed(child: Child) -> str:
    return (
        f"The {child.name} did not start ({child.ending}). Its last lines:\n{child.last_words()}\n    Log: {child.log}"
    )
