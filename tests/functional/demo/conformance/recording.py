"""The recorded exchanges and steps."""

from __future__ import annotations

import json
import lzma
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[3] / "data" / "kube"


@dataclass(frozen=True)
class Exchange:
    """One recorded request with its answer."""

    id: str
    step: str
    what: str
    client: str
    user: str
    method: str
    path: str
    query: dict[str, Any]
    headers: dict[str, str]
    body: Any
    status: int
    answer: Any
    omitted: bool
    stream: bool


@lru_cache(maxsize=1)
def exchanges() -> tuple[Exchange, ...]:
    """All exchanges in the order they happened."""
    found = []
    with lzma.open(DATA / "golden_traces.jsonl.xz", "rt") as lines:
        for line in lines:
            entry = json.loads(line)
            request, response = entry["request"], entry["response"]
            answer = response.get("body")
            omitted = isinstance(answer, dict) and bool(answer.get("omitted"))
            found.append(
                Exchange(
                    entry["id"],
                    entry["step"],
                    entry["what"],
                    entry["client"],
                    entry["user"],
                    request["method"],
                    request["path"],
                    request.get("query") or {},
                    request.get("headers") or {},
                    request.get("body"),
                    response["status"],
                    answer,
                    omitted,
                    bool(response.get("stream")),
                )
            )
    return tuple(found)


@lru_cache(maxsize=1)
def _steps() -> dict[str, Any]:
    with lzma.open(DATA / "golden_steps.json.xz", "rt") as text:
        found: dict[str, Any] = json.load(text)
    return found


def manifests() -> dict[str, str]:
    return dict(_steps()["manifests"])


@lru_cache(maxsize=1)
def commands() -> dict[str, str]:
    """The command of each step."""
    return {step["step"]: step.get("cmd") or "" for step in _steps()["steps"]}


@lru_cache(maxsize=1)
def preconditions() -> dict[str, str]:
    """What had to be so before a step, in words."""
    return {step["step"]: step["precondition"] for step in _steps()["steps"] if step.get("precondition")}
