"""A real Prometheus over the demo: `python -m infra.local.demo.prometheus PARENT FOLDER PORT`.

Waits for the demo of FOLDER, makes blocks of its history with promtool, and becomes Prometheus on 127.0.0.1:PORT, which
scrapes the running demo from then on. The programs are Debian's package `prometheus`, or any others on the PATH.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from infra.local.demo.world.openmetrics import read_plan, write_openmetrics
from infra.local.demo_client import DemoAway, DemoClient, DemoRefused
from infra.local.layout import write_private
from infra.local.lifeline import die_with_parent

_BLOCK = "744h"  # default two-hour blocks re-read the whole file for each block and take minutes
_LOOKBACK = "12m"  # more than the step of the written history
_WAITS_S, _LOOKS_EVERY_S = 180.0, 0.5


class NotPossible(RuntimeError):
    """There can be no Prometheus now; the message says why."""


def state_of(demo: DemoClient, *, within_s: float = _WAITS_S) -> dict[str, object]:
    """The demo's state, once it answers. Raises NotPossible."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return demo.state()
        except (DemoAway, DemoRefused) as error:
            if time.monotonic() > deadline:
                raise NotPossible(str(error)) from None
            time.sleep(_LOOKS_EVERY_S)


def backfill(plan: Path, folder: Path) -> int:
    """Make blocks in `folder/data` of the history that a plan describes; samples written, 0 when they are there.

    Raises subprocess.CalledProcessError when promtool refuses.
    """
    mark, data = folder / "made-of", folder / "data"
    digest = hashlib.sha256(plan.read_bytes()).hexdigest()
    if mark.exists() and mark.read_text() == digest:
        return 0
    shutil.rmtree(folder, ignore_errors=True)
    data.mkdir(mode=0o700, parents=True)
    text = folder / "history.om"
    count = write_openmetrics(text, read_plan(plan))
    make = ["promtool", "tsdb", "create-blocks-from", "openmetrics", f"--max-block-duration={_BLOCK}"]
    subprocess.run([*make, str(text), str(data)], check=True, stdout=subprocess.DEVNULL)
    text.unlink()
    mark.write_text(digest)
    return count


def configuration(demo: DemoClient, authority: Path) -> str:
    """What Prometheus scrapes: the demo, with the administrator's token. YAML (JSON is YAML)."""
    server, token = demo.address()
    target = {
        "job_name": "demo",
        "scheme": "https",
        "metrics_path": "/sim/metrics",
        "honor_labels": True,
        "authorization": {"credentials": token},
        "tls_config": {"ca_file": str(authority)},
        "static_configs": [{"targets": [urlsplit(server).netloc]}],
    }
    return json.dumps({"global": {"scrape_interval": "30s"}, "scrape_configs": [target]})


def command(folder: Path, port: int) -> list[str]:
    """Prometheus on loopback over `folder`."""
    return [
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--storage.tsdb.retention.time=90d",
        f"--query.lookback-delta={_LOOKBACK}",
        "--log.level=warn",
    ]


def prepare(home: Path) -> Path:
    """Everything but the start: the folder Prometheus works in. Raises NotPossible, CalledProcessError."""
    demo, folder = DemoClient(home), home / "prometheus"
    state = state_of(demo)
    began = time.monotonic()
    if state["scale"]:
        shutil.rmtree(folder, ignore_errors=True)
        print("The large world has no written history; Prometheus begins with the present.", flush=True)
    else:
        count = backfill(home / "history" / "plan.json", folder)
        print(f"History: {count} samples in {time.monotonic() - began:.1f} s.", flush=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(folder / "prometheus.yml", configuration(demo, home / "ca.crt"))
    return folder


def main(arguments: Sequence[str]) -> int:
    parent, home, port = int(arguments[0]), Path(arguments[1]), int(arguments[2])
    die_with_parent(parent)
    try:
        folder = prepare(home)
    except (NotPossible, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Prometheus at http://127.0.0.1:{port}", flush=True)
    # The same process goes on as Prometheus, so what ends this one ends that one.
    os.execvp("prometheus", command(folder, port))  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
