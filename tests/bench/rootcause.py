"""Root causes: the recorded clusters, cost and its growth, and the scenario suite with the measures of its design."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.bench.measure import in_own_process, measured

CLUSTERS = Path(__file__).resolve().parents[1] / "data" / "clusters"
CPU_S = {1_000: 0.5, 10_000: 3.0}
GROWTH = 12.0
SURE = 0.9


def run() -> list[dict[str, Any]]:
    return [*_recorded(), *_cost(), *_scenarios()]


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


def _scenarios() -> list[dict[str, Any]]:
    from tests.bench.rootcause_scenarios import scenarios

    tally = _Tally()
    for scenario in scenarios():
        cluster, answers = scenario.make()
        problems = cluster.diagnosis().problems
        claimed = [(p.resource, p.mode, p.probability) for p in problems]
        if scenario.faults == 0:
            tally.quiet(any(p > 0.5 for _, _, p in claimed))
        elif scenario.faults == 2:
            right = [any(r in refs and m == mode and p > 0.5 for r, m, p in claimed) for refs, mode in answers]
            tally.pairs.append(all(right))
        else:
            refs, mode = answers[0]
            tally.single(scenario.level, scenario.identifiable, refs, mode, claimed)
    return tally.rows()


class _Tally:
    """Counts over the suite."""

    def __init__(self) -> None:
        self.top1: dict[str, list[bool]] = defaultdict(list)
        self.top3: list[bool] = []
        self.levels: dict[str, list[bool]] = defaultdict(list)
        self.abstained: list[bool] = []
        self.pairs: list[bool] = []
        self.alarms: list[bool] = []
        self.calibration: list[tuple[float, bool]] = []

    def quiet(self, alarm: bool) -> None:
        self.alarms.append(alarm)

    def single(self, level: str, identifiable: bool, refs: set[Any], mode: str, claimed: list[Any]) -> None:
        right = [r in refs and m == mode for r, m, _ in claimed]
        self.calibration += [(p, hit) for (_, _, p), hit in zip(claimed, right, strict=True)]
        if not identifiable:
            self.abstained.append(all(hit or p <= 0.5 for (_, _, p), hit in zip(claimed, right, strict=True)))
            return
        first = bool(right) and right[0] and claimed[0][2] > 0.5
        self.top1[mode].append(first)
        self.top3.append(any(right[:3]))
        self.levels[level].append(first)

    def _lean(self) -> str:
        stated = sum(p for p, _ in self.calibration) / len(self.calibration)
        return f"stated {stated:.2f}, right {_share([hit for _, hit in self.calibration]):.2f} on average"

    def rows(self) -> list[dict[str, Any]]:
        micro = [hit for hits in self.top1.values() for hit in hits]
        macro = sum(_share(hits) for hits in self.top1.values()) / len(self.top1)
        sure = [hit for p, hit in self.calibration if p >= SURE]
        error = calibration_error(self.calibration)
        wrong = 1 - _share(sure)
        worst = sorted((round(_share(hits), 2), mode) for mode, hits in self.top1.items())[:3]
        return [
            _row("scenarios: top-1", _share(micro), ">= 0.92", _share(micro) >= 0.92, f"{len(micro)} decidable cases"),
            _row(
                "scenarios: top-1, macro", macro, ">= 0.90", macro >= 0.90, f"{len(self.top1)} modes, weakest {worst}"
            ),
            _row("scenarios: top-3", _share(self.top3), ">= 0.97", _share(self.top3) >= 0.97),
            *(_row(f"scenarios: top-1, {k}", _share(v), "", True, f"{len(v)} cases") for k, v in self.levels.items()),
            _row(
                "undecidable cases not claimed",
                _share(self.abstained),
                "1",
                _share(self.abstained) == 1,
                f"{len(self.abstained)} cases",
            ),
            _row(
                "two faults: both found",
                _share(self.pairs),
                ">= 0.85",
                _share(self.pairs) >= 0.85,
                f"{len(self.pairs)} cases",
            ),
            _row("quiet clusters: false alarms", _share(self.alarms), "<= 0.02", _share(self.alarms) <= 0.02),
            _row("expected calibration error", error, "<= 0.05", error <= 0.05, self._lean()),
            _row("wrong at >= 0.9", wrong, "<= 0.01", wrong <= 0.01, f"{len(sure)} claims"),
        ]


def _share(hits: list[bool]) -> float:
    return sum(hits) / len(hits) if hits else 1.0


def calibration_error(pairs: list[tuple[float, bool]], bins: int = 10) -> float:
    """Expected calibration error: mean distance of stated probability and hit rate over ten bins, weighted by size."""
    groups: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for probability, hit in pairs:
        groups[min(int(probability * bins), bins - 1)].append((probability, hit))
    total = 0.0
    for group in groups.values():
        stated = sum(p for p, _ in group) / len(group)
        total += len(group) / len(pairs) * abs(stated - _share([hit for _, hit in group]))
    return total


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
