"""Changes: random ones whose preview says safe, random ones taken back, attacks, and what a preview costs.

A preview that says "safe" and then does not end well is a failure, and so is an undo that leaves a difference.
"""

from __future__ import annotations

import json
import random
import secrets
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from chalicelib.accounts.identity import Principal
from chalicelib.clusters.connect import connect
from chalicelib.clusters.kubeconfig import read_kubeconfig
from chalicelib.safety.readings import Readings
from chalicelib.safety.service import Safety
from chalicelib.state.ids import TenantId
from chalicelib.state.snapshot import encode_snapshot
from chalicelib.store.memory import memory_store
from chalicelib.store.records import ClusterRecord, NewAuditEvent
from tests.bench.demo import started
from tests.bench.measure import in_own_process

CHANGES, UNDOS, PREVIEWS = 500, 200, 20
PREVIEW_S = 2.0
PRODUCERS, RECORDS = 4, 2_000
Row = dict[str, Any]


def run() -> list[Row]:
    return [*_changes(), *_undos(), _chain(), *in_own_process("tests.bench.safety")["rows"]]


def _changes() -> list[Row]:
    from tests.functional.safety.random_changes import trial

    found = [trial(seed) for seed in range(CHANGES)]
    wrong = [one for one in found if one.wrong]
    verdicts = Counter(one.verdict for one in found)
    note = "; ".join(f"seed {one.seed}: {one.text}" for one in wrong[:5])
    return [
        {"what": f"random changes: {verdict}", "value": count} for verdict, count in sorted(verdicts.items())
    ] + [
        {"what": "called safe, and did not end well", "value": len(wrong), "target": "0", "ok": not wrong, "note": note}
    ]  # fmt: skip


def _undos() -> list[Row]:
    from tests.functional.safety.random_changes import undo_trial

    found = []
    seed = 0
    while sum(one.outcome == "undone" for one in found) < UNDOS:
        found.append(undo_trial(seed))
        seed += 1
    wrong = [one for one in found if one.wrong]
    note = "; ".join(f"seed {one.seed}: {one.text}" for one in wrong[:5])
    return [
        {
            "what": "changes taken back",
            "value": sum(one.outcome == "undone" for one in found),
            "note": f"of {seed} drawn",
        },
        {"what": "not as before", "value": len(wrong), "target": "0", "ok": not wrong, "note": note},
    ]


def _chain() -> Row:
    store, tenant = memory_store(), TenantId("acme")

    def produce(producer: int) -> None:
        for number in range(RECORDS // PRODUCERS):
            event = NewAuditEvent(id=f"au_{producer}_{number}", at=_now(), actor="a", action="b")
            store.audit.submit(tenant, event)

    with ThreadPoolExecutor(PRODUCERS) as pool:
        list(pool.map(produce, range(PRODUCERS)))
    found = store.audit.verify(tenant)
    ok = found.ok and found.events == RECORDS
    return {
        "what": f"audit chain of {PRODUCERS} producers",
        "value": found.events,
        "target": f"{RECORDS}, whole",
        "ok": ok,
    }


def _previews() -> list[Row]:
    """Previews on 1,000 nodes with 10,000 pods, served by a process of its own. Each reads all pods and nodes anew."""
    with TemporaryDirectory() as folder, started(Path(folder), "--scale"):
        text = (Path(folder) / "kubilitics.kubeconfig").read_text()
        cluster = connect(read_kubeconfig(text), hosted=False, name="large")
        store, tenant = memory_store(), TenantId("acme")
        record = store.clusters.add(
            tenant, ClusterRecord(id="cl", tenant=tenant, name="large", source="kubeconfig", created_at=_now())
        )
        began = time.process_time()
        whole = cluster.snapshot(now=_now())
        read_s = time.process_time() - began
        store.objects.put(tenant, "first", encode_snapshot(whole))
        record = store.clusters.update(tenant, msgspec.structs.replace(record, snapshot_key="first"))
        readings = Readings(store, lambda *_: cluster, lambda *_: record, _now)
        safety = Safety(store, readings, _now, secrets.token_bytes, lambda *_: None)
        person = Principal(tenant, "ana", "Ana", "admin")
        draw = random.Random(1)
        found = [one for one in whole.of("Deployment") if one.metadata.namespace != "kube-system"]
        cpu, wall = [], []
        for one in draw.sample(list(found), PREVIEWS):
            where = {"namespace": one.metadata.namespace, "name": one.metadata.name, "kind": "Deployment"}
            at, used = time.monotonic(), time.process_time()
            safety.create(person, record, "restart", where)
            wall.append(time.monotonic() - at)
            cpu.append(time.process_time() - used)
    rows: list[Row] = [{"what": "reading 10,000 pods, CPU s", "value": round(read_s, 2)}]
    for name, values in (("CPU s", cpu), ("wall s", wall)):
        ordered = sorted(values)
        p95 = ordered[int(len(ordered) * 0.95)]
        rows.append(
            {"what": f"preview among 10,000 pods, p95 {name}", "value": round(p95, 3), "target": f"< {PREVIEW_S}",
             "ok": p95 < PREVIEW_S, "note": f"p50 {ordered[len(ordered) // 2]:.3f}, n {len(ordered)}"}
        )  # fmt: skip
    return rows


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"rows": _previews()}) + "\n")
