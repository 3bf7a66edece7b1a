"""Replay the golden traces: `python -m tests.functional.demo.conformance [-v] [exchange ids]`."""

from __future__ import annotations

import sys

from tests.functional.demo.conformance.renaming import renamed
from tests.functional.demo.conformance.replay import Replay


def main(arguments: list[str]) -> int:
    verbose = "-v" in arguments
    wanted = [argument for argument in arguments if not argument.startswith("-")]
    names = "--renamed" in arguments
    results = Replay(renamed if names else lambda value: value).run()
    for result in results:
        if wanted and not any(result.exchange.id == name or result.exchange.step == name for name in wanted):
            continue
        if result.differences and (verbose or wanted):
            print(f"{result.exchange.id} {result.exchange.method} {result.exchange.path}  ({result.exchange.what})")
            for line in result.differences[: 400 if wanted else 6]:
                print("    " + line[:600])
    print(f"{sum(result.matches for result in results)} of {len(results)} exchanges match")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
