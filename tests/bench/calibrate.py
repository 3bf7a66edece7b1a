"""Fits how stated probabilities follow from odds: `python -m tests.bench.calibrate [--write] [--feedback FILE ...]`.

The engine's odds rank hypotheses well and were set by judgement, so they may be too timid or too bold as a whole. One
number corrects that: the exponent on the odds, `p' = sigmoid(exponent * logit(p))` (temperature scaling; Guo et al.
2017, "On Calibration of Modern Neural Networks", section 4.2). It keeps the order of claims and what lies above one
half. It is fitted by likelihood on every claim of the scenario suite and of the first runs of the held-out suites, with
Platt's smoothed targets, and judged by five-fold cross-validation over cases. `--write` puts it into
`chalicelib/rootcause`. `--feedback` adds what people said of conclusions: the answer of
`GET /api/v1/investigation-feedback`.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path

from tests.bench.rootcause_scenarios.score import calibration_error, score

TABLE = Path(__file__).resolve().parents[2] / "chalicelib" / "rootcause" / "calibration.json"
FIRST_RUNS = Path(__file__).with_name("heldout") / "first_runs.json"
FOLDS = 5
CANDIDATES = [1.0 + step / 100 for step in range(-50, 151)]
Claim = tuple[float, bool]


def claims() -> list[list[Claim]]:
    """Per case its claims: (probability from the odds alone, whether it was right).

    Held-out cases count as they were answered the first time, before anybody looked: what was fixed since is no longer
    a sample of the unknown.
    """
    from chalicelib.rootcause.ranking import uncalibrated

    stated = score(rename=False).claims.values()
    found = [[(uncalibrated(p), hit) for p, hit in case] for case in stated]
    for run in json.loads(FIRST_RUNS.read_text()).values():
        found += [[(p, bool(hit)) for p, hit in case] for case in run["claims"].values()]
    return [case for case in found if case]


def fed_back(export: Path) -> list[list[Claim]]:
    """Claims of investigations that people judged, by their odds: what was stated had the exponent on it already."""
    from chalicelib.rootcause.ranking import uncalibrated

    told = json.loads(export.read_text())["claims"]
    return [[(uncalibrated(p), bool(hit)) for p, hit in case] for case in told.values() if case]


def scaled(probability: float, exponent: float) -> float:
    bounded = min(max(probability, 1e-6), 1 - 1e-6)
    return 1 / (1 + ((1 - bounded) / bounded) ** exponent)


def fit(pairs: Sequence[Claim]) -> float:
    """The exponent with the highest likelihood; targets are smoothed so that no claim counts as certain."""
    hits = sum(hit for _, hit in pairs)
    yes, no = (hits + 1) / (hits + 2), 1 / (len(pairs) - hits + 2)

    def loss(exponent: float) -> float:
        total = 0.0
        for probability, hit in pairs:
            stated, target = scaled(probability, exponent), yes if hit else no
            total -= target * math.log(stated) + (1 - target) * math.log(1 - stated)
        return total

    return min(CANDIDATES, key=loss)


def judged(cases: Sequence[list[Claim]]) -> dict[str, float]:
    """Calibration error before, after, and cross-validated: each case scored by an exponent that never saw it."""
    pairs = [claim for case in cases for claim in case]
    exponent = fit(pairs)
    crossed: list[Claim] = []
    for fold in range(FOLDS):
        others = [claim for index, case in enumerate(cases) if index % FOLDS != fold for claim in case]
        own = fit(others)
        crossed += [
            (scaled(p, own), hit) for index, case in enumerate(cases) if index % FOLDS == fold for p, hit in case
        ]
    sure = [hit for p, hit in crossed if p >= 0.9]
    return {
        "exponent": exponent,
        "claims": len(pairs),
        "right": round(sum(hit for _, hit in pairs) / len(pairs), 3),
        "stated_before": round(sum(p for p, _ in pairs) / len(pairs), 3),
        "stated_after": round(sum(scaled(p, exponent) for p, _ in pairs) / len(pairs), 3),
        "error_before": round(calibration_error(pairs), 4),
        "error_after": round(calibration_error([(scaled(p, exponent), hit) for p, hit in pairs]), 4),
        "error_cross_validated": round(calibration_error(crossed), 4),
        "wrong_at_0.9_cross_validated": round(1 - sum(sure) / len(sure), 4) if sure else 0.0,
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--write", action="store_true")
    options.add_argument("--feedback", nargs="*", type=Path, default=[], metavar="FILE")
    given = options.parse_args()
    result = judged([*claims(), *(case for export in given.feedback for case in fed_back(export))])
    print(json.dumps(result, indent=1))
    if given.write:
        TABLE.write_text(json.dumps({"exponent": result["exponent"]}) + "\n")


if __name__ == "__main__":
    main()
