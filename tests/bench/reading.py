"""Reading 10,000 pods and a whole cluster over HTTP: ours beside the kubernetes client's typed models and plain json.

Each method runs in a process of its own against the same paged server; memory is what the process holds above what it
held before it read, at the end and at its peak.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.measure import ROOT, in_own_process, rss_mb

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NODES, PODS = 1_000, 10_000
LIST_CPU_S, LIST_MB, SNAPSHOT_CPU_S, SNAPSHOT_MB = 0.5, 64.0, 5.0, 512.0


def run() -> list[dict[str, Any]]:
    with serving() as url:
        measure(url, "snapshot")  # fills the server's page cache, so that it does not compete for the processor
        ours, plain, typed = (measure(url, method) for method in ("ours", "json", "typed"))
        whole = measure(url, "snapshot")
    return [
        {"what": f"list {ours['items']:,} pods, CPU s", "ours": ours["cpu_s"], "json": plain["cpu_s"],
         "kubernetes client": typed["cpu_s"], "target": f"<= {LIST_CPU_S}", "ok": ours["cpu_s"] <= LIST_CPU_S},
        {"what": "  memory held, MB", "ours": ours["held_mb"], "json": plain["held_mb"],
         "kubernetes client": typed["held_mb"], "target": f"<= {LIST_MB:.0f}", "ok": ours["held_mb"] <= LIST_MB},
        {"what": "  memory at its peak, MB", "ours": ours["peak_mb"], "json": plain["peak_mb"],
         "kubernetes client": typed["peak_mb"], "target": f"<= {LIST_MB:.0f}", "ok": ours["peak_mb"] <= LIST_MB},
        {"what": f"whole snapshot, {whole['kinds']} kinds, CPU s", "ours": whole["cpu_s"],
         "target": f"<= {SNAPSHOT_CPU_S:.0f}", "ok": whole["cpu_s"] <= SNAPSHOT_CPU_S},
        {"what": "  memory of the whole process at its peak, MB", "ours": whole["process_mb"],
         "target": f"<= {SNAPSHOT_MB:.0f}", "ok": whole["process_mb"] <= SNAPSHOT_MB},
    ]  # fmt: skip


@contextmanager
def serving(nodes: int = NODES, pods: int = PODS) -> Iterator[str]:
    """The URL of a scale server in a process of its own."""
    arguments = [sys.executable, "-m", "tests.scale.server", "--nodes", str(nodes), "--pods", str(pods)]
    server = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait(10)


def measure(url: str, method: str) -> dict[str, Any]:
    return in_own_process("tests.bench.reading", url, method)


def pods_ours(url: str) -> Callable[[], Any]:
    source = cluster(url)
    return lambda: source.snapshot(kinds=["Pod"], deadline_s=120, now=NOW).of("Pod")


def snapshot_ours(url: str) -> Callable[[], Any]:
    source = cluster(url)

    def read() -> list[Any]:
        taken = source.snapshot(deadline_s=120, now=NOW)
        assert not taken.gaps, taken.gaps
        return [taken]

    return read


def cluster(url: str) -> Any:
    from chalicelib.clusters.connect import connect
    from chalicelib.clusters.connection import StaticConnection

    return connect(StaticConnection(server=url, token="bench"), hosted=False)


def pods_json(url: str) -> Callable[[], Any]:
    import urllib3

    pool = urllib3.PoolManager()

    def read() -> list[Any]:
        items: list[Any] = []
        token = ""
        while True:
            fields = {"limit": "500"} | ({"continue": token} if token else {})
            answer = pool.request("GET", f"{url}/api/v1/pods", fields=fields, headers={"Accept-Encoding": "gzip"})
            page = json.loads(answer.data)
            items += page["items"]
            token = page["metadata"].get("continue", "")
            if not token:
                return items

    return read


def pods_typed(url: str) -> Callable[[], Any]:
    from kubernetes import client

    core = client.CoreV1Api(client.ApiClient(client.Configuration(host=url)))

    def read() -> list[Any]:
        items: list[Any] = []
        token = None
        while True:
            page = core.list_pod_for_all_namespaces(limit=500, _continue=token)
            items += page.items
            token = page.metadata._continue
            if not token:
                return items

    return read


METHODS = {"ours": pods_ours, "json": pods_json, "typed": pods_typed, "snapshot": snapshot_ours}


def main(url: str, method: str) -> None:
    import resource

    # What every method needs before it can read: connections, imports. Not a part of reading.
    read = METHODS[method](url)
    warm_up(method)
    gc.collect()
    before = rss_mb()
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    started = cpu_s(resource)
    result = read()
    used = cpu_s(resource) - started
    items, held, peak = len(result), rss_mb() - before, status_mb("VmHWM")
    kinds = len(result[0].objects) if method == "snapshot" else 1
    memory = {"held_mb": held, "peak_mb": peak - before, "process_mb": peak}
    print(json.dumps({"cpu_s": used, "items": items, "kinds": kinds, **memory}))


def warm_up(method: str) -> None:
    if method in ("ours", "snapshot"):
        import urllib3  # noqa: F401


def cpu_s(resource: Any) -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return float(used.ru_utime + used.ru_stime)


def status_mb(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
