"""Scores the held-out suites: `python -m tests.bench.heldout.score [first|fresh] [-v]`."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

from tests.bench.heldout import FIRST, FRESH, Case, Fault, Suite

ALARM = 0.5
SURE = 0.9


@dataclass
class Score:
    """Counts of one run; `lines` say what went wrong, case by case."""

    top1: list[bool] = field(default_factory=list)
    top3: list[bool] = field(default_factory=list)
    several: list[bool] = field(default_factory=list)
    alarms: list[bool] = field(default_factory=list)
    partial: list[bool] = field(default_factory=list)
    claims: list[tuple[float, bool]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def extra(self) -> int:
        """Wrong claims above 0.5."""
        return sum(p > ALARM and not right for p, right in self.claims)

    @property
    def sure_and_wrong(self) -> int:
        return sum(p >= SURE and not right for p, right in self.claims)


def score(suite: Suite) -> Score:
    """Runs every case of a suite through the engine."""
    from chalicelib.rootcause import diagnose
    from chalicelib.state.world import World

    out = Score()
    for case in suite.cases:
        dump, faults = case.make()
        problems = diagnose(World(dump.finish())).problems
        out.claims += [(p.probability, any(_is(p, f) for f in faults)) for p in problems]
        verdict = _VERDICTS[case.group](out, problems, faults)
        if not verdict or any(p.probability > ALARM and not any(_is(p, f) for f in faults) for p in problems):
            out.lines.append(_line(case, verdict, problems, faults))
    return out


def _is(problem: Any, truth: Fault) -> bool:
    return problem.mode == truth.mode and problem.resource in truth.refs


def _incident(out: Score, problems: Any, faults: list[Fault]) -> bool:
    first = bool(problems) and _is(problems[0], faults[0]) and problems[0].probability > ALARM
    out.top1.append(first)
    out.top3.append(any(_is(p, faults[0]) for p in problems[:3]))
    return first


def _several(out: Score, problems: Any, faults: list[Fault]) -> bool:
    """All found, above 0.5 and before anything wrong."""
    lead = problems[: len(faults)]
    found = all(any(_is(p, f) and p.probability > ALARM for p in lead) for f in faults)
    out.several.append(found)
    return found


def _healthy(out: Score, problems: Any, faults: list[Fault]) -> bool:
    quiet = not any(p.probability > ALARM for p in problems)
    out.alarms.append(not quiet)
    return quiet


def _partial(out: Score, problems: Any, faults: list[Fault]) -> bool:
    """Nothing wrong above 0.5, nothing at all at 0.9 or more; where there is a fault, its object is named."""
    modest = all(p.probability < SURE and (p.probability <= ALARM or any(_is(p, f) for f in faults)) for p in problems)
    named = not faults or any(p.resource in f.refs for f in faults for p in problems)
    out.partial.append(modest and named)
    return modest and named


_VERDICTS = {"incident": _incident, "several": _several, "healthy": _healthy, "partial": _partial}


def _line(case: Case, verdict: bool, problems: Any, faults: list[Fault]) -> str:
    want = "; ".join(f"{f.mode} {f.refs[0]}" for f in faults) or "no fault"
    got = "; ".join(f"{p.mode} {p.resource} {p.probability:.2f}" for p in problems[:4]) or "nothing"
    return f"{'extra' if verdict else 'MISS '} {case.group:8} {case.name}\n        want {want}\n        got  {got}"


def summary(out: Score) -> str:
    def share(hits: list[bool]) -> str:
        return f"{sum(hits)}/{len(hits)}"

    return (
        f"top-1 {share(out.top1)}, top-3 {share(out.top3)}, several {share(out.several)}, partial "
        f"{share(out.partial)}, "
        f"false alarms {share(out.alarms)}, wrong > 0.5 {out.extra}, wrong >= 0.9 {out.sure_and_wrong} "
        f"of {sum(p >= SURE for p, _ in out.claims)} claims"
    )


def main() -> None:
    suites = {"first": FIRST, "fresh": FRESH}
    names = [a for a in sys.argv[1:] if a in suites] or list(suites)
    for name in names:
        out = score(suites[name])
        print(f"{name}: {summary(out)}")
        if "-v" in sys.argv:
            print("\n".join(out.lines))


if __name__ == "__main__":
    main()
