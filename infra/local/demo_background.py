"""What the demo does after its start: how far its history and its Prometheus are, told when they are there.

Both take a while on a busy machine, and the product is usable meanwhile; so they are followed, never waited for.
"""

from __future__ import annotations

import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar

from infra.local.demo_client import DemoAway, DemoClient, DemoRefused
from infra.local.layout import Layout
from infra.local.options import Options

T = TypeVar("T")
_WITHIN_S = 600.0
_LOOK_EVERY_S = 1.0


def follow_history(options: Options, say: Callable[[str], None]) -> None:
    """Say once that the history is written, or that it failed; nothing where none is written (a large demo)."""
    layout = options.layout
    if not options.demo.on:
        return
    history = _awaited(lambda: _history(DemoClient(layout.demo)))
    if history is None:
        say(f"The demo's history is still not written; see {layout.logs / 'demo.log'}.")
    elif history["state"] == "failed":
        say(f"The demo's history could not be written; see {layout.logs / 'demo.log'}.")
    elif history["state"] == "ready":
        what = f"{history['days']} days of {history['series']} series, {history['seconds']:.0f} s"
        say(f"The demo's history is written ({what}): {history['folder']}")


def follow_prometheus(options: Options, say: Callable[[str], None]) -> None:
    """Say once where Prometheus is, when it answers."""
    wanted = options.demo.on and options.demo.prometheus
    if not wanted or shutil.which("prometheus") is None or shutil.which("promtool") is None:
        return
    url = _awaited(lambda: _answering(options.layout))
    if url is None:
        say(f"The demo's Prometheus is still not there; see {options.layout.logs / 'prometheus.log'}.")
    else:
        say(f"Prometheus with the demo's metrics: {url}")


def _history(demo: DemoClient) -> dict[str, Any] | None:
    """The history's state once it changes no more."""
    try:
        told: dict[str, Any] = demo.state()["history"]
    except (DemoAway, DemoRefused):
        return None
    return None if told["state"] in ("starting", "writing") else told


def _answering(layout: Layout) -> str | None:
    """The address of Prometheus once it answers there."""
    try:
        url = f"http://127.0.0.1:{(layout.demo / 'prometheus-port').read_text().strip()}"
        with urllib.request.urlopen(f"{url}/-/ready", timeout=2) as answer:
            return url if answer.status == 200 else None
    except (urllib.error.URLError, OSError):
        return None


def _awaited(look: Callable[[], T | None]) -> T | None:
    """What a look finds, or None when it found nothing for ten minutes."""
    deadline = time.monotonic() + _WITHIN_S
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(_LOOK_EVERY_S)
    return None
