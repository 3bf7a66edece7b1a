"""Root causes: the recorded clusters, cost and its growth, and the scenario suite with the measures of its design."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.bench.measure import in_own_process, measured

CLUSTERS = Path(__file__).resolve().parents[1] / "data" / "clusters"
CPU_S = {1_000: 0.5, 10_000: 3.0}
GROWTH = 12.0


def run(verbose: bool = False) -> list[dict[str, Any]]:
    """`verbose` lists every miss of the scenarios with what was said instead."""
    return [*_recorded(), *_cost(), *_scenarios(verbose)]


def _row(what: str, value: Any, target: str, ok: bool, note: str = "") -> dict[str, Any]:
    return {"what": what, "value": value, "target": target, "ok": ok, "note": note}


def _answers(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((CLUSTERS / f"{name}.answers.json").read_text())
    return found


def _recorded() -> list[dict[str, Any]]:
    from chalicelib.clusters.recorded import read_recording
    from chalicelib.rootcause import diagnose
    from chalicelib.state.world import World

    rows = []
    for name in ("incidents", "scale"):
        problems = diagnose(World(read_recording(CLUSTERS / f"{name}.tar.xz", cluster=name).snapshot())).problems
        answers = _answers(name)
        found, wrong = 0, {p.id for p in problems if p.probability > 0.5}
        for answer in answers:
            hit = [p for p in problems if p.mode == answer["mode"] and _names(answer, p.resource)]
            sure = bool(hit) and hit[0].probability > 0.5
            found += bool(hit) and sure == answer.get("identifiable", True)
            wrong -= {p.id for p in hit if answer.get("identifiable", True)}
        note = f"found {found}, wrong {len(wrong)}, missed {len(answers) - found}"
        rows.append(_row(f"{name}: found", f"{found}/{len(answers)}", "all", found == len(answers) and not wrong, note))
    healthy = diagnose(World(read_recording(CLUSTERS / "healthy.tar.xz", cluster="healthy").snapshot()))
    rows.append(_row("healthy: alarms", len(healthy.problems), "0", healthy.outcome == "no_fault", healthy.outcome))
    return rows


def _names(answer: dict[str, Any], resource: Any) -> bool:
    space = answer.get("namespace", "")
    objects = [(answer["kind"], space, answer["name"])]
    objects += [(o["kind"], o.get("namespace", resource.namespace), o["name"]) for o in answer.get("also", ())]
    return tuple(resource) in objects


def _cost() -> list[dict[str, Any]]:
    spent = {pods: in_own_process("tests.bench.rootcause", str(pods))["cpu_s"] for pods in CPU_S}
    rows = [_row(f"diagnosis of {n:,} pods, CPU s", spent[n], f"<= {CPU_S[n]}", spent[n] <= CPU_S[n]) for n in CPU_S]
    ratio = spent[10_000] / max(spent[1_000], 1e-3)
    return [*rows, _row("growth for ten times the pods", ratio, f"<= {GROWTH:.0f}x", ratio <= GROWTH)]


def _scenarios(verbose: bool) -> list[dict[str, Any]]:
    from tests.bench.rootcause_scenarios.score import by_mode, rows, score

    out = score()
    if verbose:
        print("\n".join([*out.lines, "", *by_mode(out)]))
    from tests.bench.calibrate import claims, judged

    whole = judged(claims(out.claims))
    error = whole["error_cross_validated"]
    note = f"{whole['claims']} claims, first runs included; wrong at >= 0.9: {whole['wrong_at_0.9_cross_validated']}"
    return [*rows(out), _row("calibration error over unseen modes", error, "<= 0.05", error <= 0.05, note)]


def generated(pods: int) -> Any:
    """A snapshot of the made-up estate."""
    from chalicelib.state.decode import decode_page, sorted_objects
    from chalicelib.state.kinds import KINDS
    from chalicelib.state.snapshot import Snapshot
    from tests.scale.generate import NOW, generate

    objects = {}
    for name, items in generate(nodes=max(pods // 10, 10), pods=pods).lists.items():
        entry = KINDS.get(name)
        if entry is not None:
            body = b'{"items":[' + b",".join(item.body for item in items) + b"]}"
            objects[entry.kind] = sorted_objects(decode_page(body, entry).items)
    return Snapshot("generated", NOW, objects)


def main(pods: int) -> None:
    from chalicelib.rootcause import diagnose
    from chalicelib.state.world import World

    snapshot = generated(pods)
    spent, found = measured(lambda: diagnose(World(snapshot)))
    print(json.dumps({"cpu_s": spent, "outcome": found.outcome, "problems": len(found.problems)}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
