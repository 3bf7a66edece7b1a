"""List, inject and heal faults of the running demo: `python -m infra.local.demo.faults list|inject NAME|heal NAME`."""

from __future__ import annotations

import argparse
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from infra.local.demo.admin import ADDRESS_FILE, TOKEN_FILE

HOME = Path(".local/demo")


class NotRunning(RuntimeError):
    """There is no demo to talk to; the message says how to start one."""


def ask(home: Path, method: str, path: str) -> Any:
    """One request to the demo's admin interface. Raises NotRunning, or RuntimeError with the demo's own words."""
    try:
        address = (home / ADDRESS_FILE).read_text().strip()
        token = (home / TOKEN_FILE).read_text().strip()
    except FileNotFoundError as error:
        raise NotRunning(f"No demo cluster has been started in {home}. Start it with `make run`.") from error
    request = urllib.request.Request(address + path, method=method, headers={"authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise RuntimeError(json.load(error)["error"]["message"]) from error
    except OSError as error:
        raise NotRunning(f"The demo cluster of {home} does not answer. Start it with `make run`.") from error


def _table(faults: list[dict[str, Any]]) -> str:
    lines, family = [], ""
    for one in faults:
        if one["family"] != family:
            family = one["family"]
            lines.append(f"\n{family}")
        lines.append(f"  {'*' if one['active'] else ' '} {one['name']:<24} {one['title']}")
    active = sum(1 for one in faults if one["active"])
    return "\n".join(lines).strip("\n") + f"\n\n{len(faults)} faults, {active} active (*)"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="demo.faults", description="Faults of the demo cluster.")
    parser.add_argument("verb", choices=("list", "inject", "heal"))
    parser.add_argument("name", nargs="?", default="")
    parser.add_argument("--home", type=Path, default=HOME)
    options = parser.parse_args(arguments)
    try:
        if options.verb == "list":
            print(_table(ask(options.home, "GET", "/faults")["items"]))
            return 0
        if not options.name:
            parser.error(f"{options.verb} needs the name of a fault; `list` shows them")
        fault = ask(options.home, "POST", f"/faults/{options.name}/{options.verb}")
        print(f"{fault['name']}: {'active' if fault['active'] else 'healed'}. {fault['title']}.")
        return 0
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
