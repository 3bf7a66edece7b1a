"""Scores the scenarios by level of evidence: micro, macro, top-3, calibration, alarms, pairs, renaming, citations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.rootcause import diagnose
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Snapshot
from chalicelib.state.world import World
from tests.bench.rootcause_scenarios.case import CASES, Case, Fault
from tests.bench.rootcause_scenarios.checks import is_new, resolves
from tests.bench.rootcause_scenarios.estate import LEVELS, at_level

ALARM = 0.5
SURE = 0.9
Hits = list[bool]
Claim = tuple[float, bool]


@dataclass
class Score:
    """Counts of one run. `lines` say what went wrong, case by case; `claims` keep what was said of each case."""

    top1: dict[str, Hits] = field(default_factory=lambda: defaultdict(list))
    top3: Hits = field(default_factory=list)
    levels: dict[str, Hits] = field(default_factory=lambda: defaultdict(list))
    all_cases: dict[str, Hits] = field(default_factory=lambda: defaultdict(list))
    new: Hits = field(default_factory=list)
    known: Hits = field(default_factory=list)
    withheld: Hits = field(default_factory=list)
    alarms: Hits = field(default_factory=list)
    several: Hits = field(default_factory=list)
    renamed: Hits = field(default_factory=list)
    citations: Hits = field(default_factory=list)
    claims: dict[str, list[Claim]] = field(default_factory=lambda: defaultdict(list))
    lines: list[str] = field(default_factory=list)

    def pairs(self) -> list[Claim]:
        return [claim for found in self.claims.values() for claim in found]


def score(cases: Iterable[Case] | None = None, *, rename: bool = True) -> Score:
    """Runs cases (all by default) at every level of evidence."""
    out = Score()
    for case in CASES if cases is None else cases:
        estate, faults = case.make()
        whole = estate.snapshot()
        stated = _diagnose(out, whole)
        for level in LEVELS:
            problems = stated if level == "extras" else _diagnose(out, at_level(whole, level))
            _GROUPS[case.group](out, case, level, problems, faults)
        if rename:
            again, _ = case.make()
            swap = again.cipher()
            other = diagnose(World(again.snapshot(rename=True))).problems
            same = _facts(stated, swap) == _facts(other, str)
            out.renamed.append(same)
            if not same:
                out.lines.append(f"RENAMED {case.name}: {_said(stated)} became {_said(other)}")
    return out


def _diagnose(out: Score, snapshot: Snapshot) -> Sequence[Any]:
    problems = diagnose(World(snapshot)).problems
    for problem in problems:
        for evidence in problem.evidence:
            good = resolves(evidence, snapshot)
            out.citations.append(good)
            if not good:
                out.lines.append(f"CITATION of {problem.mode}: {evidence.type} {evidence.ref} {evidence.text[:80]}")
    return problems


def _facts(problems: Sequence[Any], swap: Any) -> list[tuple[Any, ...]]:
    return sorted(
        (p.mode, p.resource.kind, swap(p.resource.namespace), swap(p.resource.name), round(p.probability, 6))
        for p in problems
    )


def right(problem: Any, fault: Fault) -> bool:
    return problem.mode == fault.mode and problem.resource in fault.refs


def _near(problem: Any, fault: Fault) -> bool:
    return problem.mode in fault.near and problem.resource in fault.refs


def _claim(out: Score, case: Case, level: str, problems: Sequence[Any], faults: Sequence[Fault], lenient: bool) -> None:
    for problem in problems:
        hit = any(right(problem, f) or (lenient and _near(problem, f)) for f in faults)
        out.claims[f"{case.name}, {level}"].append((round(problem.probability, 3), hit))


def _incident(out: Score, case: Case, level: str, problems: Sequence[Any], faults: Sequence[Fault]) -> None:
    decidable = LEVELS.index(level) >= LEVELS.index(case.needs)
    _claim(out, case, level, problems, faults, lenient=not decidable)
    first = bool(problems) and right(problems[0], faults[0]) and problems[0].probability > ALARM
    out.all_cases[level].append(first)
    if not decidable:
        modest = all(p.probability <= ALARM or right(p, faults[0]) or _near(p, faults[0]) for p in problems)
        out.withheld.append(modest)
        if not modest:
            out.lines.append(_line("CLAIMED", case, level, problems, faults))
        return
    out.levels[level].append(first)
    if not first:
        out.lines.append(_line("MISS", case, level, problems, faults))
    if level == LEVELS[-1]:
        out.top1[case.mode].append(first)
        out.top3.append(any(right(p, faults[0]) for p in problems[:3]))
        (out.new if is_new(case) else out.known).append(first)


def _quiet(out: Score, case: Case, level: str, problems: Sequence[Any], faults: Sequence[Fault]) -> None:
    _claim(out, case, level, problems, faults, lenient=False)
    alarm = any(p.probability > ALARM for p in problems)
    out.alarms.append(alarm)
    if alarm:
        out.lines.append(_line("ALARM", case, level, problems, faults))


def _several(out: Score, case: Case, level: str, problems: Sequence[Any], faults: Sequence[Fault]) -> None:
    if level != LEVELS[-1]:
        return
    _claim(out, case, level, problems, faults, lenient=False)
    found = all(any(right(p, f) and p.probability > ALARM for p in problems) for f in faults)
    if len(faults) == 1:  # a cascade: its cause comes before all that it causes
        found = found and right(problems[0], faults[0])
    out.several.append(found)
    if not found:
        out.lines.append(_line("SEVERAL", case, level, problems, faults))


_GROUPS = {"incident": _incident, "quiet": _quiet, "several": _several}


def _said(problems: Sequence[Any]) -> str:
    return "; ".join(f"{p.mode} {_short(p.resource)} {p.probability:.2f}" for p in problems[:4]) or "nothing"


def _short(ref: Ref) -> str:
    return f"{ref.kind} {ref.namespace}/{ref.name}"


def _line(what: str, case: Case, level: str, problems: Sequence[Any], faults: Sequence[Fault]) -> str:
    want = "; ".join(f"{f.mode} {_short(min(f.refs))}" for f in faults) or "no fault"
    mark = " (new wording)" if is_new(case) else ""
    return f"{what} [{level}] {case.name}{mark}\n        want {want}\n        said {_said(problems)}"


def by_mode(out: Score) -> list[str]:
    """Top-1 of every mode that is not always told, the weakest first."""
    weak = sorted((share(hits), mode, hits) for mode, hits in out.top1.items() if not all(hits))
    return [f"{mode}: {sum(hits)} of {len(hits)}" for _, mode, hits in weak]


def share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else 1.0


def calibration_error(pairs: Sequence[Claim], bins: int = 10) -> float:
    """Expected calibration error: mean distance of stated probability and hit rate over ten bins, weighted by size."""
    groups: dict[int, list[Claim]] = defaultdict(list)
    for probability, hit in pairs:
        groups[min(int(probability * bins), bins - 1)].append((probability, hit))
    total = 0.0
    for group in groups.values():
        stated = sum(p for p, _ in group) / len(group)
        total += len(group) / len(pairs) * abs(stated - share([hit for _, hit in group]))
    return total


def rows(out: Score) -> list[dict[str, Any]]:
    """The table of a run, each measure with its target."""
    micro = [hit for hits in out.top1.values() for hit in hits]
    macro = sum(map(share, out.top1.values())) / max(len(out.top1), 1)
    weak = sorted((round(share(hits), 2), mode) for mode, hits in out.top1.items())
    absent = sum(not any(hits) for hits in out.top1.values())
    pairs = out.pairs()
    sure = [hit for p, hit in pairs if p >= SURE]
    error, wrong, gap = calibration_error(pairs), 1 - share(sure), share(out.known) - share(out.new)
    lean = f"stated {sum(p for p, _ in pairs) / max(len(pairs), 1):.2f}, right {share([h for _, h in pairs]):.2f}"
    table = [
        _row("scenarios: top-1", share(micro), 0.92, f"{len(micro)} incidents, all evidence"),
        _row("scenarios: top-1, macro", macro, 0.90, f"{len(out.top1)} modes, {absent} never, weakest {weak[0]}"),
        _row("scenarios: top-3", share(out.top3), 0.97),
    ]
    for level, hits in out.levels.items():
        note = f"{len(hits)} decidable; {share(out.all_cases[level]):.2f} of all {len(out.all_cases[level])}"
        table.append(_row(f"top-1, up to {level}", share(hits), None, note))
    return [
        *table,
        _row("top-1, new wording", share(out.new), None, f"{len(out.new)} incidents, {_part(out):.0%} of all"),
        _row("known less new wording", gap, 0.05, f"known {share(out.known):.2f}", most=True),
        _row("new wording, share of incidents", _part(out), 1 / 3),
        _row("undecidable cases not claimed", share(out.withheld), None, f"{len(out.withheld)} cases"),
        _row("two faults: all found", share(out.several), 0.85, f"{len(out.several)} cases"),
        _row("quiet clusters: false alarms", share(out.alarms), 0.02, f"{len(out.alarms)} readings", most=True),
        _row("expected calibration error", error, 0.05, lean, most=True),
        _row("wrong at >= 0.9", wrong, 0.01, f"{len(sure)} claims", most=True),
        _row("renaming changes nothing", share(out.renamed), 1.0, f"{len(out.renamed)} cases"),
        _row("citations resolve", share(out.citations), 1.0, f"{len(out.citations)} citations"),
    ]


def _part(out: Score) -> float:
    return len(out.new) / max(len(out.new) + len(out.known), 1)


def _row(what: str, value: float, bar: float | None, note: str = "", *, most: bool = False) -> dict[str, Any]:
    target = "" if bar is None else f"{'<=' if most else '>='} {bar:.3g}"
    good = True if bar is None else value <= bar if most else value >= bar
    return {"what": what, "value": value, "target": target, "ok": good, "note": note}
