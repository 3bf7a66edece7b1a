"""100 users at once on the embedded stack: cached reads and engine answers over the sample cluster.

Each user asks, reads the answer, pauses about a second, and asks again. Load generator and product share the machine.
"""

from __future__ import annotations

import asyncio
import random
import resource
import time
from collections import defaultdict
from typing import Any

import aiohttp

from tests.bench.stack import Stack, running

USERS, ROUNDS, PAUSE_S = 100, 15, 1.0
P50_S, P95_S = 0.100, 0.500


def run() -> list[dict[str, Any]]:
    with running() as stack:
        cluster = stack.get("/clusters")["items"][0]["id"]
        asyncio.run(_all(stack, cluster, users=4, rounds=2))  # warm: every view and row set is built once
        started = time.monotonic()
        seen, errors = asyncio.run(_all(stack, cluster, users=USERS, rounds=ROUNDS))
        wall = time.monotonic() - started
    generator = resource.getrusage(resource.RUSAGE_SELF)
    rows = [_row(name, times) for name, times in sorted(seen.items())]
    everything = [t for times in seen.values() for t in times]
    total = _row("all requests", everything)
    total |= {"requests/s": len(everything) / wall, "errors": errors, "target": "p50 <= 100, p95 <= 500 ms, 0 errors"}
    total["ok"] = total["p50 ms"] <= P50_S * 1000 and total["p95 ms"] <= P95_S * 1000 and errors == 0
    rows.append(total)
    rows.append({"what": "load generator CPU s", "n": round(generator.ru_utime + generator.ru_stime, 1)})
    return rows


def _row(name: str, times: list[float]) -> dict[str, Any]:
    ordered = sorted(times)
    return {
        "what": name, "n": len(ordered), "p50 ms": 1000 * ordered[len(ordered) // 2],
        "p95 ms": 1000 * ordered[int(len(ordered) * 0.95)], "max ms": 1000 * ordered[-1],
    }  # fmt: skip


def _requests(cluster: str) -> list[tuple[str, str, str, Any]]:
    base = f"/api/v1/clusters/{cluster}"
    tool = {"cluster": cluster, "kind": "Deployment", "limit": 10}
    return [
        ("overview", "GET", f"{base}/overview", None),
        ("problems", "GET", f"{base}/problems", None),
        ("list pods", "GET", f"{base}/resources/Pod?limit=100", None),
        ("list filtered", "GET", f"{base}/resources/Deployment?q=failing&sort=name", None),
        ("kinds", "GET", "/api/v1/kinds", None),
        ("tool", "POST", "/api/v1/tools/observe_resources", tool),
    ]


async def _all(stack: Stack, cluster: str, *, users: int, rounds: int) -> tuple[dict[str, list[float]], int]:
    seen: dict[str, list[float]] = defaultdict(list)
    failures: list[str] = []
    connector = aiohttp.TCPConnector(limit=users)
    async with aiohttp.ClientSession(stack.url, headers=stack.headers, connector=connector) as session:
        await asyncio.gather(*(_user(session, cluster, n, rounds, seen, failures) for n in range(users)))
    if failures:
        print("first failure:", failures[0])
    return seen, len(failures)


async def _user(
    session: aiohttp.ClientSession,
    cluster: str,
    number: int,
    rounds: int,
    seen: dict[str, list[float]],
    failures: list[str],
) -> None:
    chance = random.Random(number)
    await asyncio.sleep(chance.random() * PAUSE_S)
    for _ in range(rounds):
        name, method, path, body = chance.choice(_requests(cluster))
        started = time.perf_counter()
        async with session.request(method, path, json=body) as answer:
            text = await answer.read()
            if answer.status != 200:
                failures.append(f"{name}: {answer.status} {text[:200]!r}")
        seen[name].append(time.perf_counter() - started)
        await asyncio.sleep(PAUSE_S * (0.5 + chance.random()))
