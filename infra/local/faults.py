"""`python -m infra.local.faults [inject NAME | heal NAME]`: the faults of the running demo cluster, in a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from infra.local.demo_client import DemoAway, DemoClient, DemoRefused
from infra.local.options import read_options

_OFF = "The demo cluster does not run. Start it with `make run` (and without DEMO=0), then try again."


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    demo = DemoClient(read_options(os.environ).layout.demo)
    action, name = (*arguments, "", "")[:2]
    try:
        if action in ("inject", "heal"):
            return _change(demo, action, name)
        print("\n".join(table(demo.faults())))
    except DemoRefused as error:
        print(f"{error} `make demo-faults` lists the faults.", file=sys.stderr)
        return 1
    except DemoAway:
        print(_OFF, file=sys.stderr)
        return 1
    return 0


def _change(demo: DemoClient, action: str, name: str) -> int:
    if not name:
        print(f"Give a name: make demo-{'fault' if action == 'inject' else 'heal'} NAME=...", file=sys.stderr)
        return 1
    fault = demo.inject(name) if action == "inject" else demo.heal(name)
    if action == "inject":
        print(f"{fault['title']}: injected; the cluster shows it within about 30 s. End it: make demo-heal NAME={name}")
    else:
        print(f"{fault['title']}: healed; the cluster recovers within about a minute.")
    return 0


def table(faults: Sequence[dict[str, Any]]) -> list[str]:
    """One line per fault, active ones first."""
    width = max((len(fault["name"]) for fault in faults), default=0)
    ordered = sorted(faults, key=lambda fault: (not fault["active"], fault["name"]))
    return [f"{'*' if f['active'] else ' '} {f['name']:<{width}}  {f['title']}" for f in ordered] + [
        "", "* is active. Inject: make demo-fault NAME=...   Heal: make demo-heal NAME=...",
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
