"""Fits how stated probabilities follow from odds: `python -m tests.bench.calibrate [--write] [--feedback FILE ...]`.

The engine's odds rank hypotheses well and were set by judgement, so they may be too timid or too bold as a whole. Two
numbers correct that: exponents on the odds, `p' = sigmoid(exponent * logit(p))`, one above one half and one below
(temperature scaling; Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2). They keep the order of
claims and what lies above one half. They are fitted by likelihood on every claim of the scenario suite and of the first
runs of all suites, with Platt's smoothed targets, and judged by five-fold cross-validation over failure modes.

`--write` puts them into `chalicelib/rootcause`. `--feedback` adds what people said of conclusions: the answer of
`GET /api/v1/investigation-feedback`.
"""

from __future__ import annotations

import argparse
import json
import math
import zlib
from collections.abc import Sequence
from pathlib import Path

from tests.bench.rootcause_scenarios import CASES
from tests.bench.rootcause_scenarios.score import calibration_error, score

TABLE = Path(__file__).resolve().parents[2] / "chalicelib" / "rootcause" / "calibration.json"
FIRST_RUNS = Path(__file__).with_name("heldout") / "first_runs.json"
FOLDS = 5
HALF = 0.5
UNSEEN = (FIRST_RUNS, Path(__file__).with_name("rootcause_scenarios") / "first_run_all_modes.json")
ABOVE = [1.0 + step / 100 for step in range(-50, 51)]
"""Not above 1.5, so that hints which merely agree (0.8 by their odds) are never stated at 0.9 or more."""
BELOW = [1.0 + step / 100 for step in range(-50, 51)]
"""Not below 0.5, so that claims that are not sure stay apart."""
Claim = tuple[float, bool]
Exponents = tuple[float, float]
Family = tuple[str, list[Claim]]


def claims(stated: dict[str, list[Claim]] | None = None) -> list[Family]:
    """Per case its family (mode or name) and its claims: (probability from the odds alone, whether it was right).

    Held-out cases count as they were answered the first time, before anybody looked: what was fixed since is no longer
    a sample of the unknown.
    """
    from chalicelib.rootcause.ranking import uncalibrated

    modes = {case.name: case.mode or case.name for case in CASES}
    stated = score(rename=False).claims if stated is None else stated
    found = [(_family(name, modes), [(uncalibrated(p), hit) for p, hit in case]) for name, case in stated.items()]
    for path in UNSEEN:
        told = json.loads(path.read_text())
        for run in told.values() if "claims" not in told else [told]:
            for name, case in run["claims"].items():
                found.append((_family(name, modes), [(p, bool(hit)) for p, hit in case]))
    return [(family, case) for family, case in found if case]


def _family(name: str, modes: dict[str, str]) -> str:
    case = name.rsplit(", ", 1)[0]
    return modes.get(case, case)


def fed_back(export: Path) -> list[Family]:
    """Claims of investigations that people judged, by their odds: what was stated had the exponents on it already."""
    from chalicelib.rootcause.ranking import uncalibrated

    told = json.loads(export.read_text())["claims"]
    return [(name, [(uncalibrated(p), bool(hit)) for p, hit in case]) for name, case in told.items() if case]


def scaled(probability: float, exponents: Exponents) -> float:
    bounded = min(max(probability, 1e-6), 1 - 1e-6)
    return 1 / (1 + ((1 - bounded) / bounded) ** exponents[bounded < HALF])


def fit(pairs: Sequence[Claim]) -> Exponents:
    """The exponents with the highest likelihood; targets are smoothed so that no claim counts as certain."""
    hits = sum(hit for _, hit in pairs)
    yes, no = (hits + 1) / (hits + 2), 1 / (len(pairs) - hits + 2)

    def loss(own: Sequence[Claim], exponent: float) -> float:
        total = 0.0
        for probability, hit in own:
            said, target = scaled(probability, (exponent, exponent)), yes if hit else no
            total -= target * math.log(said) + (1 - target) * math.log(1 - said)
        return total

    above = [pair for pair in pairs if pair[0] >= HALF]
    below = [pair for pair in pairs if pair[0] < HALF]
    return min(ABOVE, key=lambda e: loss(above, e)), min(BELOW, key=lambda e: loss(below, e))


def judged(families: Sequence[Family]) -> dict[str, float]:
    """Calibration error before, after, and cross-validated: each family scored by exponents that never saw it."""
    pairs = [claim for _, case in families for claim in case]
    exponents = fit(pairs)
    crossed: list[Claim] = []
    for fold in range(FOLDS):
        mine = [case for family, case in families if zlib.crc32(family.encode()) % FOLDS == fold]
        others = [c for family, case in families if zlib.crc32(family.encode()) % FOLDS != fold for c in case]
        own = fit(others)
        crossed += [(scaled(p, own), hit) for case in mine for p, hit in case]
    sure = [hit for p, hit in crossed if p >= 0.9]
    return {
        "above": exponents[0],
        "below": exponents[1],
        "claims": len(pairs),
        "right": round(sum(hit for _, hit in pairs) / len(pairs), 3),
        "stated_before": round(sum(p for p, _ in pairs) / len(pairs), 3),
        "stated_after": round(sum(scaled(p, exponents) for p, _ in pairs) / len(pairs), 3),
        "error_before": round(calibration_error(pairs), 4),
        "error_after": round(calibration_error([(scaled(p, exponents), hit) for p, hit in pairs]), 4),
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
        TABLE.write_text(json.dumps({side: result[side] for side in ("above", "below")}) + "\n")


if __name__ == "__main__":
    main()
