"""`python -m tests.bench.rootcause_scenarios WORD ...`: the cases whose name or mode holds a word, and what is said."""

from __future__ import annotations

import sys

from tests.bench.rootcause_scenarios import CASES
from tests.bench.rootcause_scenarios.score import by_mode, score


def main(words: list[str]) -> int:
    chosen = [case for case in CASES if not words or any(word in f"{case.name} {case.mode}" for word in words)]
    if not chosen:
        print(f"no case has one of {words} in its name or mode", file=sys.stderr)
        return 2
    out = score(chosen)
    print("\n".join([*out.lines, *by_mode(out)]))
    told = [hit for hits in out.top1.values() for hit in hits]
    print(
        f"incidents told {sum(told)} of {len(told)}, several {sum(out.several)} of {len(out.several)}, "
        f"false alarms {sum(out.alarms)} of {len(out.alarms)} readings, renamed alike {sum(out.renamed)} of "
        f"{len(out.renamed)}, claimed without evidence {out.withheld.count(False)} of {len(out.withheld)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
