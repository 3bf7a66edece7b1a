"""A real Prometheus over the demo: its written history, and the present that goes on from it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infra.local.demo import prometheus
from infra.local.demo.world.curves import Curves
from infra.local.instance import free_port
from tests.functional.demo.world.conftest import Running

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None,
    reason="prometheus is not installed (Debian: apt-get install --no-install-recommends prometheus)",
)
DAY_S = 86_400.0


@dataclass
class PromQl:
    url: str

    def _get(self, path: str, **query: Any) -> Any:
        with urllib.request.urlopen(f"{self.url}{path}?{urllib.parse.urlencode(query)}", timeout=20) as answer:
            return json.load(answer)["data"]["result"]

    def at(self, query: str, moment: float) -> dict[str, float]:
        """Values by their first label."""
        found = self._get("/api/v1/query", query=query, time=moment)
        return {next(iter(one["metric"].values()), ""): float(one["value"][1]) for one in found}

    def over(self, query: str, start: float, end: float, step: float) -> list[float]:
        found = self._get("/api/v1/query_range", query=query, start=start, end=end, step=step)
        return [float(value) for _, value in found[0]["values"]] if found else []


@pytest.fixture(scope="module")
def running(demo: Running) -> Iterator[PromQl]:
    """What `make run PROMETHEUS=1` starts: the module itself, as a child of this process."""
    port = free_port()
    module = [sys.executable, "-m", "infra.local.demo.prometheus", str(os.getpid()), str(demo.home), str(port)]
    process = subprocess.Popen(module, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while not _ready(url):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.2)
    yield PromQl(url)
    process.terminate()
    process.wait(timeout=20)


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def test_thirty_days_answer_promql(running: PromQl, demo: Running) -> None:
    query = 'sum(rate(container_cpu_usage_seconds_total{namespace="booking"}[1h]))'
    values = running.over(query, demo.plan.until - 29.9 * DAY_S, demo.plan.until, 3600)
    assert len(values) > 29 * 24
    assert min(values) > 0


def test_the_history_has_the_curves_daily_form(running: PromQl, demo: Running) -> None:
    query = 'avg(rate(container_cpu_usage_seconds_total{container="fares"}[20m]))'
    start = demo.plan.until - 20 * DAY_S
    seen = np.array(running.over(query, start, start + 3 * DAY_S, 600))
    app = demo.world.apps["booking", "fares"]
    times = np.arange(start, start + 3 * DAY_S + 1, 600)
    meant = Curves(demo.plan.seed).cpu("booking/fares", app.shape, app.program.cpu, times - 600)
    assert np.corrcoef(seen, meant)[0, 1] > 0.98
    assert seen.mean() == pytest.approx(meant.mean(), rel=0.03)


def test_a_pod_has_no_history_before_it_was_created_but_its_workload_has(running: PromQl, demo: Running) -> None:
    early = demo.plan.until - 25 * DAY_S
    pods = running.at('kube_pod_owner{pod=~"seat-map-.*"} * 0 + 1', early)
    now = {pod.pod for pod in demo.plan.pods if pod.app == "seat-map" and pod.until is None}
    found = running.at('count by (pod) (kube_pod_owner{pod=~"seat-map-.*"})', early)
    assert len(pods) >= 1
    assert len(found) == demo.world.apps["booking", "seat-map"].replicas
    assert not now & found.keys()


def test_the_present_goes_on_where_the_history_ends(running: PromQl, demo: Running) -> None:
    query = 'sum(container_cpu_usage_seconds_total{container="pg-booking"})'
    written = running.at(query, demo.plan.until)[""]
    deadline = time.monotonic() + 60
    while True:
        latest = running.at(query, time.time())[""]
        if latest != written:
            break
        assert time.monotonic() < deadline
        time.sleep(0.5)
    cores = demo.world.apps["booking", "pg-booking"].program.cpu
    assert 0 < latest - written < 4 * cores * (time.time() - demo.plan.until)


def test_an_equal_plan_is_not_written_twice(running: PromQl, demo: Running, tmp_path: Path) -> None:
    assert prometheus.backfill(demo.home / "history" / "plan.json", demo.home / "prometheus") == 0
