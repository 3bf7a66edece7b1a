"""Every engine once over 1,000 and over 10,000 pods: CPU, memory, and whether the cost grows linearly."""

from __future__ import annotations

import json
import sys
from typing import Any

from tests.bench.measure import in_own_process, measured, peak_mb, rss_mb

SIZES = (1_000, 10_000)
ENGINE_CPU_S, ENGINE_MB, GROWTH = 10.0, 512.0, 12.0


def run() -> list[dict[str, Any]]:
    small, large = (in_own_process("tests.bench.engines", str(size)) for size in SIZES)
    rows = [
        {
            "what": name,
            "1,000 pods CPU s": small["cpu_s"][name],
            "10,000 pods CPU s": large["cpu_s"][name],
            "growth": large["cpu_s"][name] / max(small["cpu_s"][name], 1e-3),
        }
        for name in small["cpu_s"]
    ]
    before, after = sum(small["cpu_s"].values()), sum(large["cpu_s"].values())
    whole = {"what": "all engines", "1,000 pods CPU s": before, "10,000 pods CPU s": after, "growth": after / before}
    target = f"<= {ENGINE_CPU_S:.0f} s, <= {GROWTH:.0f}x"
    rows.append(whole | {"target": target, "ok": after <= ENGINE_CPU_S and after / before <= GROWTH})
    extra = {"what": "memory above the snapshot, MB", "10,000 pods CPU s": large["extra_mb"]}
    rows.append(extra | {"target": f"<= {ENGINE_MB:.0f} MB", "ok": large["extra_mb"] <= ENGINE_MB})
    return rows


def main(pods: int) -> None:
    from chalicelib.analytics.health import cluster_health, resource_health
    from chalicelib.rootcause import diagnose
    from chalicelib.state.world import World
    from tests.bench.reading import NOW, cluster, serving

    with serving(max(pods // 10, 10), pods) as url:
        snapshot = cluster(url).snapshot(deadline_s=120, now=NOW)
    before = rss_mb()
    world = World(snapshot)
    cpu: dict[str, float] = {}
    cpu["graph"], _ = measured(lambda: world.graph)
    cpu["root causes"], diagnosis = measured(lambda: diagnose(world))
    cpu["health"], _ = measured(
        lambda: (
            [resource_health(kind, obj, world, ()) for kind, obj in snapshot.all()]
            + [cluster_health(world, diagnosis.problems)]
        )
    )
    print(json.dumps({"cpu_s": cpu, "extra_mb": peak_mb() - before, "problems": len(diagnosis.problems)}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
