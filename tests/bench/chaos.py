"""Investigations while the worker and the gateway are killed with -9 and the embedded AWS is stopped and started.

Whatever is killed, every investigation that was accepted comes to its conclusion, with every step done once.
"""

from __future__ import annotations

import os
import random
import signal
import time
import urllib.error
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from infra.local.process import STEADY_AFTER_S
from tests.bench.stack import Stack, running

WAVES, A_WAVE = 5, 10
SEED = 20260
ACCEPTED_WITHIN_S = 120.0
CONCLUDED_WITHIN_S = 300.0
BACK_WITHIN_S = 60.0
KILLS_WITHIN_S = 3.0
"""A wave of ten takes about so long when nothing is killed."""
WAITED_S = 5.0
"""Between two steps of an investigation that nothing disturbs there is a tenth of a second."""
ONCE = ("reading", "scope", "symptoms", "proposal", "conclusion", "comparison")
"""Steps that every investigation takes exactly once."""
Json = dict[str, Any]


@dataclass
class Seen:
    """What happened, and everything about it that was not as promised."""

    started: int = 0
    concluded: int = 0
    steps: int = 0
    interrupted: int = 0
    """Investigations that waited for a killed part, before their first step or between two."""
    kills: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def run() -> list[Json]:
    started = time.monotonic()
    seen = chaos(WAVES, A_WAVE, SEED, aws_stops=2)
    for line in seen.wrong:
        print("  wrong:", line)
    return [
        {
            "what": "investigations under kill -9", "started": seen.started, "concluded": seen.concluded,
            "interrupted": seen.interrupted, "steps": seen.steps,
            "worker kills": seen.kills["worker"], "gateway kills": seen.kills["gateway"],
            "AWS stops": seen.kills["aws"], "wrong": len(seen.wrong), "wall s": round(time.monotonic() - started),
            "target": "all conclude, no step twice, journals and audit chain whole",
            "ok": not seen.wrong and seen.interrupted > 0 and seen.concluded == seen.started >= WAVES * A_WAVE,
        }
    ]  # fmt: skip


def chaos(waves: int, a_wave: int, seed: int, *, aws_stops: int) -> Seen:
    """Waves of investigations; in each a worker and a gateway are killed, in the first `aws_stops` AWS is stopped."""
    chance = random.Random(seed)
    seen = Seen()
    with running() as stack:
        cluster = _read_cluster(stack)
        problems = stack.get(f"/clusters/{cluster}/problems?limit=200")["items"]
        ids: list[str] = []
        for wave in range(waves):
            asked = [_question(cluster, chance.choice(problems), n) for n in range(a_wave)]
            ids += _one_wave(stack, asked, chance, seen, aws=wave < aws_stops)
            _settle(stack, ids)
            if wave < aws_stops and wave + 1 < waves:
                # While AWS is away a restarted part may fail at its start: the supervisor must not count these on.
                time.sleep(STEADY_AFTER_S + 1)
        _judge(stack, ids, seen)
    return seen


def _read_cluster(stack: Stack) -> str:
    """The sample cluster, once it is read."""
    _until(lambda: any(c["status"] == "ready" for c in stack.get("/clusters")["items"]), 120.0, "no cluster is read")
    found: str = stack.get("/clusters")["items"][0]["id"]
    return found


def _question(cluster: str, problem: Json, number: int) -> Json:
    target = {key: value or "" for key, value in problem["resource"].items()}
    return {"cluster": cluster, "question": f"{number}: {problem['title']}?"[:200], "target": target}


def _one_wave(stack: Stack, asked: Sequence[Json], chance: random.Random, seen: Seen, *, aws: bool) -> list[str]:
    """Start investigations from several clients at once, and kill in between at random points."""
    parts = ["worker", "gateway", *(["aws"] if aws else [])]
    plan = sorted((chance.uniform(0.2, KILLS_WITHIN_S), part) for part in parts)
    began = time.monotonic()
    with ThreadPoolExecutor(4) as clients:
        accepted = [clients.submit(_start, stack, one) for one in asked]
        for at, part in plan:
            time.sleep(max(0.0, began + at - time.monotonic()))
            seen.kills[part] += _end(stack, part)
        ids = [one.result() for one in accepted]
    seen.started += len(ids)
    return ids


def _start(stack: Stack, body: Json) -> str:
    """An accepted investigation. A client whose request was lost asks again, as a person would."""
    until, pause = time.monotonic() + ACCEPTED_WITHIN_S, 0.2
    while True:
        try:
            found: str = stack.call("POST", "/investigations", body)["id"]
            return found
        except urllib.error.HTTPError as error:
            if error.code < 500 or time.monotonic() > until:
                raise
        except (OSError, ValueError):
            if time.monotonic() > until:
                raise
        time.sleep(pause)
        pause = min(2 * pause, 2.0)


def _end(stack: Stack, part: str) -> int:
    """Kill a part once it runs; the embedded AWS is asked to stop, so that it saves. How many were ended."""
    _until(lambda: stack.child(part) is not None, BACK_WITHIN_S, f"the {part} is down")
    pid = stack.child(part)
    if pid is None:
        return 0
    try:
        os.kill(pid, signal.SIGTERM if part == "aws" else signal.SIGKILL)
    except ProcessLookupError:
        return 0
    return 1


def _settle(stack: Stack, ids: Sequence[str]) -> None:
    """Wait until every investigation has ended; what never does is found by the judge."""
    waiting = set(ids)

    def settled() -> bool:
        for one in sorted(waiting):
            if stack.get(f"/investigations/{one}/steps?limit=1")["status"] in ("created", "investigating"):
                return False
            waiting.discard(one)
        return True

    try:
        _until(settled, CONCLUDED_WITHIN_S, "")
    except TimeoutError:
        return


def _until(true: Callable[[], bool], within_s: float, what: str) -> None:
    """Raises TimeoutError. A part that is down meanwhile is no answer yet."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if true():
                return
        except (OSError, ValueError, KeyError):
            pass
        time.sleep(0.5)
    raise TimeoutError(what)


def _judge(stack: Stack, ids: Sequence[str], seen: Seen) -> None:
    """Everything that was promised, looked at in what is stored."""
    if len(set(ids)) != len(ids):
        seen.wrong.append("two clients got one investigation")
    # Those too that were begun for a client whose answer was lost.
    listed = {i["id"] for i in _all(stack, "/investigations?limit=200")}
    for one in sorted(listed | set(ids)):
        found = stack.get(f"/investigations/{one}")
        seen.concluded += one in ids and found["status"] == "concluded"
        seen.steps += len(found["steps"])
        seen.interrupted += _waited(found)
        seen.wrong += [f"{one}: {what}" for what in _wrong_with(found)]
    audited = (e for e in _all(stack, "/audit?limit=200") if e["action"] == "investigation.start")
    starts = Counter(e["detail"]["investigation"] for e in audited)
    seen.wrong += [f"{one}: {starts[one]} starts in the audit log" for one in sorted(listed) if starts[one] != 1]
    if not stack.get("/audit/verify")["ok"]:
        seen.wrong.append("the audit chain is broken")


def _waited(found: Json) -> bool:
    moments = [datetime.fromisoformat(t) for t in (found["created_at"], *(s["ended_at"] for s in found["steps"]))]
    return any((after - before).total_seconds() > WAITED_S for before, after in pairwise(moments))


def _wrong_with(found: Json) -> list[str]:
    steps = found["steps"]
    kinds = Counter(step["kind"] for step in steps)
    work = Counter((step["kind"], step["title"], step["hypothesis"]) for step in steps)
    claims = {
        f"it is {found['status']}": found["status"] == "concluded",
        f"steps are numbered {[s['n'] for s in steps]}": [s["n"] for s in steps] == list(range(1, len(steps) + 1)),
        f"{found['steps_done']} steps are counted, {len(steps)} are there": found["steps_done"] == len(steps),
        f"done twice: {[key for key, count in work.items() if count > 1]}": max(work.values(), default=0) <= 1,
        f"not once: {[k for k in ONCE if kinds[k] != 1]}": all(kinds[k] == 1 for k in ONCE),
        f"failed: {[s['title'] for s in steps if s['failed']]}": not any(s["failed"] for s in steps),
        "it ends with something else than the comparison": bool(steps) and steps[-1]["kind"] == "comparison",
        "no hypothesis was settled": found["outcome"] == "no_fault" or bool(found["hypotheses"]),
    }
    return [what for what, holds in claims.items() if not holds]


def _all(stack: Stack, path: str) -> list[Json]:
    items: list[Json] = []
    cursor = ""
    while True:
        page = stack.get(path + (f"&cursor={cursor}" if cursor else ""))
        items += page["items"]
        cursor = page.get("next") or ""
        if not cursor:
            return items
