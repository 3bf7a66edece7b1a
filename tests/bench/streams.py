"""100 open WebSockets on the embedded stack, each asks questions: first frame, order, completeness.

Two ways of asking: `steady` (each person asks every ten seconds or so, at a moment of their own) and `burst` (all
hundred in the same instant). The same machine carries the clients, the product and the embedded AWS.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from typing import Any

import websockets

from tests.bench.stack import Stack, running

SOCKETS, ROUNDS, PAUSE_S = 100, 3, 10.0
FIRST_FRAME_S = 1.0
QUESTIONS = ("what is wrong?", "show failing pods", "how is the cluster?", "list deployments in shop")
DEADLINE_S = 120


def run() -> list[dict[str, Any]]:
    with running() as stack:
        cluster = stack.get("/clusters")["items"][0]["id"]
        asyncio.run(_all(stack, cluster, 4, 1, 0))
        steady = asyncio.run(_all(stack, cluster, SOCKETS, ROUNDS, PAUSE_S))
        burst = asyncio.run(_all(stack, cluster, SOCKETS, 1, 0))
    return [*_rows("steady", steady, judged=True), *_rows("burst", burst, judged=False)]


def _rows(name: str, results: list[dict[str, Any]], *, judged: bool) -> list[dict[str, Any]]:
    bad = [r for r in results if not r["in_order"]]
    rows: list[dict[str, Any]] = []
    for part in ("accepted", "first frame", "whole answer"):
        times = sorted(r[part] for r in results)
        p95 = times[int(len(times) * 0.95)]
        row = {"what": f"{name}: {part}", "n": len(times), "p50 s": times[len(times) // 2], "p95 s": p95}
        if part == "first frame" and judged:
            row |= {"target": f"p95 <= {FIRST_FRAME_S:.0f} s", "ok": p95 <= FIRST_FRAME_S}
        rows.append(row)
    rows.append(
        {"what": f"{name}: answers with frames out of order or lost", "n": len(bad), "target": "0", "ok": not bad}
    )
    return rows


async def _all(stack: Stack, cluster: str, sockets: int, rounds: int, pause_s: float) -> list[dict[str, Any]]:
    people = await asyncio.gather(*(_person(stack, cluster, n, rounds, pause_s) for n in range(sockets)))
    return [answer for answers in people for answer in answers]


async def _person(stack: Stack, cluster: str, number: int, rounds: int, pause_s: float) -> list[dict[str, Any]]:
    url = stack.url.replace("http:", "ws:") + "/ws"
    chance = random.Random(number)
    found = []
    async with asyncio.timeout(DEADLINE_S), websockets.connect(url, additional_headers=stack.headers) as socket:
        for turn in range(rounds):
            await asyncio.sleep(chance.random() * pause_s)
            found.append(await _ask(socket, cluster, QUESTIONS[(number + turn) % len(QUESTIONS)]))
    return found


async def _ask(socket: websockets.ClientConnection, cluster: str, question: str) -> dict[str, Any]:
    """Times of one answer. Each question starts a conversation of its own, so its frames count from 1."""
    started = time.perf_counter()
    await socket.send(json.dumps({"action": "chat", "message": question, "cluster": cluster}))
    found: dict[str, Any] = {"accepted": 0.0, "first frame": 0.0, "whole answer": 0.0, "in_order": False}
    numbers: list[int] = []
    async for text in socket:
        message = json.loads(text)
        at = time.perf_counter() - started
        for frame in message if isinstance(message, list) else [message]:
            if frame["t"] == "accepted":
                found["accepted"] = at
                continue
            found["first frame"] = found["first frame"] or at
            numbers.append(frame.get("seq", 0))
            if frame["t"] in ("end", "error"):
                whole = numbers == list(range(1, len(numbers) + 1))
                return found | {"whole answer": at, "in_order": frame["t"] == "end" and whole}
    return found
