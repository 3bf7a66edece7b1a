"""The written past: series chunks of the product, and the OpenMetrics file for Prometheus."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from infra.local.demo.world.build import World
from infra.local.demo.world.curves import Curves
from infra.local.demo.world.exposition import Exposition
from infra.local.demo.world.history import chunks, read_chunk, write_history
from infra.local.demo.world.openmetrics import Plan, history_times, plan_of, read_plan, write_openmetrics
from infra.local.demo.world.series import all_series
from tests.unit.demo.world.conftest import NOW

NAMES = {
    "cpu_usage_cores", "cpu_requests_cores", "memory_working_set_bytes", "memory_requests_bytes", "memory_limits_bytes",
    "restarts_total", "network_receive_bytes_per_second", "network_transmit_bytes_per_second", "fs_used_bytes",
    "fs_capacity_bytes", "pods", "requests_per_second", "errors_per_second", "latency_p95_seconds",
}  # fmt: skip
"""Of the product's series; nobody in this company sets CPU limits, so what follows from those is absent."""
LABELS = {"cluster", "node", "namespace", "workload_kind", "workload", "container", "claim"}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history")
    write_history(folder, tenant="local", cluster="demo", seed=2, until=NOW, days=2)
    return folder


def rows(folder: Path, step: str, day: datetime) -> list[dict[str, Any]]:
    return read_chunk(folder / "local" / "demo" / "series" / step / f"{day:%Y%m%d}.msgpack.zst")


def test_there_is_a_chunk_for_each_day_and_step(written: Path) -> None:
    found = [str(path.relative_to(written)) for path in chunks(written)]
    days = [f"{NOW - timedelta(days=back):%Y%m%d}" for back in (2, 1, 0)]
    assert found == [f"local/demo/series/{step}/{day}.msgpack.zst" for step in ("1h", "5m") for day in days]


def test_rows_have_the_products_names_labels_and_form(written: Path) -> None:
    found = rows(written, "5m", NOW - timedelta(days=1))
    assert {row["name"] for row in found} == NAMES
    assert set().union(*(row["labels"] for row in found)) == LABELS
    assert {row["step_s"] for row in found} == {300}
    assert {len(row["values"]) for row in found} == {288}
    assert Counter((row["name"], *sorted(row["labels"].items())) for row in found).most_common(1)[0][1] == 1


def test_the_last_day_ends_now(written: Path) -> None:
    today = rows(written, "5m", NOW)
    end = {row["start"] + row["step_s"] * (len(row["values"]) - 1) for row in today}
    assert end == {int(NOW.timestamp())}


def test_both_steps_tell_the_same(written: Path) -> None:
    day = NOW - timedelta(days=1)
    fine, coarse = rows(written, "5m", day), rows(written, "1h", day)
    for one, other in zip(fine, coarse, strict=True):
        assert (one["name"], one["labels"]) == (other["name"], other["labels"])
        assert one["values"][::12] == other["values"]


def test_values_are_the_curves_to_five_digits(written: Path) -> None:
    row = next(
        r for r in rows(written, "5m", NOW) if r["labels"].get("workload") == "fares" and r["name"] == "cpu_usage_cores"
    )
    series = next(
        s for s in all_series(2, "demo", NOW.timestamp()) if s.labels == row["labels"] and s.name == row["name"]
    )
    times = row["start"] + np.arange(len(row["values"])) * 300.0
    assert np.allclose(row["values"], series.values(times), rtol=1e-4)


def test_the_state_says_how_far_it_is(written: Path) -> None:
    told = json.loads((written / "state.json").read_text())
    assert (told["state"], told["files"], told["days"]) == ("ready", 6, 2)


def test_the_same_seed_writes_the_same_bytes(written: Path, tmp_path: Path) -> None:
    write_history(tmp_path, tenant="local", cluster="demo", seed=2, until=NOW, days=0)
    name = f"local/demo/series/5m/{NOW:%Y%m%d}.msgpack.zst"
    assert (tmp_path / name).read_bytes() == (written / name).read_bytes()


def test_scheduled_tasks_use_nothing_between_their_runs() -> None:
    series = next(s for s in all_series(2, "demo", 0) if s.labels.get("workload") == "invoice-run" and s.name == "pods")
    hour = np.floor(NOW.timestamp() / 3600) * 3600
    minutes = series.values(hour + np.arange(60) * 60.0)
    assert minutes[5] == 1
    assert minutes[30] == minutes[59] == 0


# -- OpenMetrics ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plan(company: World) -> Plan:
    whole = plan_of(company.api, 2)
    kept = tuple(pod for pod in whole.pods if pod.app in ("fares", "pg-booking", "node-agent"))
    return msgspec.structs.replace(whole, pods=kept)


def text_of(plan: Plan, folder: Path, days: int = 14) -> list[str]:
    write_openmetrics(folder / "history.om", plan, days=days)
    return (folder / "history.om").read_text().splitlines()


SAMPLE = re.compile(r'^([a-z_]+)\{((?:[a-z_]+="[^"]*",?)*)\} (\S+) (\d+)$')


def test_the_file_has_families_one_after_the_other_and_ends_as_it_must(plan: Plan, tmp_path: Path) -> None:
    lines = text_of(plan, tmp_path, days=1)
    assert lines[-1] == "# EOF"
    family, seen = "", set()
    for line in lines[:-1]:
        if line.startswith("# TYPE "):
            family = line.split()[2]
            assert family not in seen
            seen.add(family)
        else:
            match = SAMPLE.match(line)
            assert match, line
            assert match[1].removesuffix("_total") == family
    assert {"container_cpu_usage_seconds", "kube_pod_owner", "kubelet_volume_stats_used_bytes"} <= seen


def samples(lines: list[str], name: str, app: str) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for line in lines:
        match = SAMPLE.match(line)
        if match and match[1] == name and f'container="{app}"' in match[2]:
            pod = re.search(r'pod="([^"]+)"', match[2])
            assert pod
            found.setdefault(pod[1], []).append((int(match[4]), float(match[3])))
    return found


def test_counters_only_grow_and_a_pod_has_no_past_before_its_creation(plan: Plan, tmp_path: Path) -> None:
    series = samples(text_of(plan, tmp_path), "container_cpu_usage_seconds_total", "fares")
    assert all(values == sorted(values) for values in series.values())
    now = {pod.pod: pod.since for pod in plan.pods if pod.app == "fares" and pod.until is None}
    assert all(series[name][0][0] >= since for name, since in now.items())
    before = set(series) - now.keys()
    assert len(before) == len(now)
    assert max(series[name][-1][0] for name in before) < max(now.values())


def test_a_plan_survives_its_file(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_bytes(msgspec.json.encode(plan))
    assert read_plan(tmp_path / "plan.json") == plan


def test_the_present_begins_where_the_past_ends(company: World, plan: Plan) -> None:
    exposed = Exposition(company, plan).text()
    pod = next(one for one in plan.pods if one.app == "pg-booking" and one.until is None)
    line = next(
        line
        for line in exposed.splitlines()
        if line.startswith("container_cpu_usage_seconds_total") and pod.pod in line
    )
    times = history_times(plan.until)
    written = np.sum(Curves(2).cpu(pod.load, "consumer", pod.described.program.cpu, times[pod.lived(times)]) * 600)
    assert float(line.rpartition(" ")[2]) == pytest.approx(float(written), rel=1e-6)


def test_what_is_exposed_has_the_names_and_labels_of_what_is_written(
    company: World, plan: Plan, tmp_path: Path
) -> None:
    write_openmetrics(tmp_path / "h.om", plan, days=1)
    heads = {re.sub(r" \S+ \d+$", "", line) for line in (tmp_path / "h.om").read_text().splitlines() if "{" in line}
    now = {re.sub(r" \S+$", "", line) for line in Exposition(company, plan).text().splitlines() if "{" in line}
    current = {pod.pod for pod in plan.pods if pod.until is None}
    lasting = {
        head
        for head in heads
        if any(f'pod="{name}"' in head for name in current) or ("node=" in head and "pod=" not in head)
    }
    assert lasting
    assert lasting <= now
