"""Room on nodes and in quotas."""

from __future__ import annotations

import re
from typing import Any

from chalicelib.assistant import blocks
from chalicelib.assistant.blocks import code, column, plain
from chalicelib.assistant.intents import intent
from chalicelib.assistant.turn import Turn
from chalicelib.state.meta import Ref
from chalicelib.state.quantity import format_bytes, format_cores, quantity

QUOTA_COLUMNS = (
    column("namespace", "Namespace"), column("quota", "Quota"), column("resource", "Resource"), column("used", "Used"),
    column("hard", "Limit"), column("share", "Share", "ratio"),
)  # fmt: skip


@intent(
    "quota",
    56,
    r"\bquotas?\b",
    examples=("quota of {namespace}",),
    when=lambda t: not re.match(r"(explain|what is a|define)\b", t.text),
)
def quota(turn: Turn) -> None:
    """Used and allowed of the quotas of one or all namespaces."""
    turn.desk.needs("ResourceQuota")
    names = turn.namespaces or [w for w in turn.vocabulary.namespaces if re.search(rf"\b{re.escape(w)}\b", turn.text)]
    quotas = [q for q in turn.view.snapshot.of("ResourceQuota") if not names or q.metadata.namespace in names]
    where = f"namespace {', '.join(code(n) for n in names)}" if names else code(turn.desk.record.name)
    if not quotas:
        known = turn.view.snapshot.was_read("ResourceQuota")
        turn.say(
            f"No ResourceQuota limits {where}." if known else f"I can't say: ResourceQuotas of {where} were not read."
        )
        return
    rows: list[dict[str, Any]] = []
    for found in quotas:
        hard = found.status.hard or found.spec.hard
        for resource, share in found.ratios.items():
            rows.append(
                {
                    "namespace": found.metadata.namespace,
                    "quota": found.metadata.name,
                    "resource": resource,
                    "used": str(found.status.used.get(resource, "0")),
                    "hard": str(hard[resource]),
                    "share": round(share, 3),
                }
            )
        turn.desk.cite_object(
            Ref("ResourceQuota", found.metadata.namespace, found.metadata.name),
            "/status/used",
            dict(found.status.used),
            f"quota {found.metadata.namespace}/{found.metadata.name}",
        )
    rows.sort(key=lambda r: (-r["share"], r["namespace"], r["resource"]))
    full = [r for r in rows if r["share"] >= 1]
    said = "; ".join(
        f"{code(r['resource'])} of {code(r['namespace'])} is used up ({code(r['used'])} of {code(r['hard'])})"
        for r in full
    )
    turn.say(
        f"{len(quotas)} quota{'s' * (len(quotas) != 1)} in {where}. "
        + (f"{said}." if full else f"The fullest is {rows[0]['resource']} at {rows[0]['share']:.0%}." if rows else "")
    )
    turn.add(blocks.table("Quotas", QUOTA_COLUMNS, rows))
    turn.listed(Ref("ResourceQuota", q.metadata.namespace, q.metadata.name) for q in quotas)
    if names:
        turn.namespace = names[0]
    turn.suggest(
        *(f"pods in {r['namespace']} by cpu" for r in full[:1]), "how much cpu is left?", "explain ResourceQuota"
    )


_COLUMNS = (
    column("node", "Node"), column("status", "Status", "status"), column("pods", "Pods", "number"),
    column("cpu_free", "CPU not requested", "cpu"), column("memory_free", "Memory not requested", "bytes"),
    column("cpu_used", "CPU used", "cpu"), column("memory_used", "Memory used", "bytes"),
)  # fmt: skip


@intent(
    "capacity",
    57,
    (
        r"\b(free|spare|unused|unrequested|remaining|left( over)?|headroom) ?(cpu|memory|ram|capacity|resources|space"
        r"|room)?\b.*"
    ),
    r"\bcapacity\b",
    r"\broom (for|to)\b",
    r"\bfit (another|one more|a|more|\d+)\b",
    r"\butili[sz]ation\b",
    r"\b(allocatable|available) (cpu|memory|resources|capacity)\b",
    r"\bhow (full|loaded|busy)\b",
    r"\bresource usage\b",
    r"\bhow much (cpu|memory|ram)\b",
    r"\bcan (another|one more|a) .* fit\b",
    r"\bdoes .* fit\b",
    examples=("which node has the most free memory?",),
    when=lambda t: (
        not t.exact.apps
        and not re.search(
            r"\b(cost|forecast|will|pods? (with|using)|unused (config|secret|claim|service|volume|pv))", t.text
        )
    ),
)
def capacity(turn: Turn) -> None:
    """What nodes can still take, by requests, with use beside it where it is measured."""
    turn.desk.needs("Node", "Pod")
    nodes = turn.view.snapshot.of("Node")
    if not nodes:
        turn.say("I can't tell: no nodes were read. To know, I need the right to list nodes.")
        turn.degraded = True
        return
    rows = [_row(turn, n) for n in nodes]
    usable = [r for r in rows if r["status"]["level"] == "ok"]
    memory = bool(re.search(r"\b(memory|ram|mem)\b", turn.text))
    key = "memory_free" if memory else "cpu_free"
    rows.sort(key=lambda r: (r["status"]["level"] != "ok", -r[key], r["node"]))
    form = format_bytes if memory else format_cores
    total = {k: sum(r[k] for r in usable) for k in ("cpu_free", "memory_free")}
    turn.say(
        f"On {len(usable)} of {len(rows)} nodes that take pods, {code(format_cores(total['cpu_free']))} cores and "
        f"{code(format_bytes(total['memory_free']))} of memory are not requested by any pod."
    )
    if usable:
        best = max(usable, key=lambda r: (r[key], r["node"]))
        word = "memory" if memory else "CPU"
        turn.say(
            f"{code(best['node'])} has the most {word} free: {code(form(best[key]))}. One pod can take at most "
            "that, if no taint or rule keeps it away."
        )
    out = [r for r in rows if r["status"]["level"] != "ok"]
    if out:
        turn.say(
            "Not counted: " + ", ".join(f"{code(r['node'])} ({plain(r['status']['word'])})" for r in out[:6]) + "."
        )
    if turn.view.snapshot.node_usage is None:
        turn.say("Use is not measured here (no metrics.k8s.io), so this counts requests only.")
    turn.add(blocks.table("Nodes", _COLUMNS, rows))
    turn.listed(Ref("Node", "", r["node"]) for r in rows)
    turn.desk.cite_rows("Node", [{"namespace": "", "name": r["node"]} for r in rows])
    turn.suggest("pending pods", "top 10 pods by memory", "quotas")


def _row(turn: Turn, node: Any) -> dict[str, Any]:
    name = node.metadata.name
    requested = turn.world.requested_on(name)
    used = turn.world.node_usage(name)
    state = turn.world.status("Node", node)
    allocatable = node.status.allocatable
    return {
        "node": name,
        "status": {"level": state.level, "word": state.word, "reason": state.reason},
        "pods": turn.world.pods_on(name),
        "cpu_free": round(max(0.0, quantity(allocatable.get("cpu")) - requested[0]), 3),
        "memory_free": max(0.0, quantity(allocatable.get("memory")) - requested[1]),
        "cpu_used": round(used.cpu, 3) if used else None,
        "memory_used": used.memory if used else None,
    }
