"""100 WebSockets at once on the embedded stack, each asks a question: first frame, order, completeness."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import websockets

from tests.bench.stack import Stack, running

SOCKETS = 100
FIRST_FRAME_S = 1.0
QUESTIONS = ("what is wrong?", "show failing pods", "how is the cluster?", "list deployments in shop")
DEADLINE_S = 120


def run() -> list[dict[str, Any]]:
    with running() as stack:
        cluster = stack.get("/clusters")["items"][0]["id"]
        asyncio.run(_all(stack, cluster, 4))
        results = asyncio.run(_all(stack, cluster, SOCKETS))
    accepted = sorted(r["accepted"] for r in results)
    first = sorted(r["first"] for r in results)
    whole = sorted(r["end"] for r in results)
    p95 = int(len(first) * 0.95)
    bad = [r for r in results if not r["in_order"]]
    return [
        {"what": "accepted", "n": len(results), "p50 s": accepted[len(accepted) // 2], "p95 s": accepted[p95]},
        {"what": "first frame", "n": len(results), "p50 s": first[len(first) // 2], "p95 s": first[p95],
         "target": f"p95 <= {FIRST_FRAME_S:.0f} s", "ok": first[p95] <= FIRST_FRAME_S},
        {"what": "whole answer", "n": len(results), "p50 s": whole[len(whole) // 2], "p95 s": whole[p95]},
        {"what": "frames out of order or lost", "n": len(bad), "target": "0", "ok": not bad},
    ]  # fmt: skip


async def _all(stack: Stack, cluster: str, sockets: int) -> list[dict[str, Any]]:
    return list(await asyncio.gather(*(_one(stack, cluster, n) for n in range(sockets))))


async def _one(stack: Stack, cluster: str, number: int) -> dict[str, Any]:
    url = stack.url.replace("http:", "ws:") + "/ws"
    async with asyncio.timeout(DEADLINE_S), websockets.connect(url, additional_headers=stack.headers) as socket:
        started = time.perf_counter()
        question = {"action": "chat", "message": QUESTIONS[number % len(QUESTIONS)], "cluster": cluster}
        await socket.send(json.dumps(question))
        found: dict[str, Any] = {"accepted": 0.0, "first": 0.0, "end": 0.0, "in_order": False}
        numbers: list[int] = []
        async for text in socket:
            frame = json.loads(text)
            at = time.perf_counter() - started
            if frame["t"] == "accepted":
                found["accepted"] = at
                continue
            if not numbers:
                found["first"] = at
            numbers.append(frame.get("seq", 0))
            if frame["t"] in ("end", "error"):
                found |= {"end": at, "in_order": frame["t"] == "end" and numbers == list(range(1, len(numbers) + 1))}
                return found
    return found
