"""One object: its status, its health, its details, its events; and the cluster as a whole."""

from __future__ import annotations

import re
from typing import Any

from chalicelib.assistant import blocks
from chalicelib.assistant.answers.diagnosis import show_problem
from chalicelib.assistant.blocks import code, column, plain
from chalicelib.assistant.intents import intent
from chalicelib.assistant.turn import Turn, kind_title, named
from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Ref
from chalicelib.state.quantity import format_bytes, format_cores
from chalicelib.state.query.query import ranked

EVENT_COLUMNS = (
    column("last", "Last", "age"), column("type", "Type"), column("reason", "Reason"), column("message", "Message"),
    column("count", "Count", "number"), column("object", "Object", "ref"),
)  # fmt: skip
MAX_FACTS = 12


def _has_subject(turn: Turn) -> bool:
    return bool(turn.found.apps or turn.found.guesses)


def _single(turn: Turn) -> bool:
    """Whether one object is named, not a list of pods of it."""
    exact = turn.exact
    plural = re.search(
        r"\b(running|scheduled) on\b|\b(pods|deployments|services|nodes|claims|events|jobs|replicas)\b", turn.text
    )
    return bool(exact.apps) and not plural


@intent(
    "overview",
    75,
    r"^(how('s| is| are)|hows) (the |my |this |our )?(cluster|things|everything|it)( doing| going| looking)?$",
    r"\boverview\b",
    r"^(summari[sz]e|sum up)\b",
    r"^how (healthy|well|good|bad) is (the |my |this |our )?cluster\b",
    r"^(give me |show )?(a |the )?(cluster )?(summary|status|health|dashboard|state)( of (the|my|this) cluster)?$",
    r"\b(state|status|health|summary) of (the |my |this |our )?cluster\b",
    r"^cluster( \S+)?$",
    r"^(what|which) version\b",
    r"^how big is\b",
    r"^describe (the |this |my )?cluster$",
    r"\bcluster (health|status|overview|summary|info|version)\b",
    examples=("how is the cluster?",),
)
def overview(turn: Turn) -> None:
    """The cluster on one page."""
    from chalicelib.tools.overview import overview as overview_of

    turn.desk.needs("Pod", "Node", "Deployment")
    data = overview_of(turn.view, turn.desk.now)
    problems = turn.desk.problems()
    nodes, pods, health = data["nodes"], data["pods"]["by_status"], data["health"]
    total = sum(pods.values())
    down = f" (not ready: {', '.join(code(n) for n in nodes['not_ready'])})" if nodes["not_ready"] else ""
    score = "unknown" if health["score"] is None else f"{health['score']} of 100"
    turn.say(
        f"{code(turn.desk.record.name)} runs Kubernetes {code(data['version'] or 'unknown')} with "
        f"{nodes['total']} nodes, "
        f"{nodes['ready']} of them ready{down}, and {total} pods. Health: **{score}**. "
        f"{data['problems']['critical']} critical problems, {data['problems']['warning']} warnings."
    )
    if data["version"] and re.search(r"\bversion\b", turn.text):
        return
    turn.add(blocks.bars("Pods by status", "pods", "count", [(w, float(n)) for w, n in list(pods.items())[:12]]))
    usage = data["usage"]
    if usage["cpu"]["allocatable"]:
        turn.say(
            " ".join(
                filter(None, (_use("CPU", usage["cpu"], format_cores), _use("Memory", usage["memory"], format_bytes)))
            )
        )
    for problem in list(problems)[:3]:
        show_problem(turn, problem)
    for name in nodes["not_ready"][:3]:
        turn.desk.cite_status(Ref("Node", "", name))
    turn.listed(p.resource for p in problems)
    turn.suggest("what is wrong?", "what changed in the last hour?", "nodes by memory")


def _use(what: str, of: dict[str, Any], form: Any) -> str:
    used = f", {form(of['used'])} used" if of["used"] is not None else ", use not measured"
    return f"{what}: {form(of['requested'])} of {form(of['allocatable'])} requested{used}."


@intent(
    "status", 80,
    r"^(is|are|does|has) .+", r"\b(status|health|state|condition) of\b", r"^how (is|are|'s|does) .+", r"^how's .+",
    r"^.+ (status|health|state)$", r"^(check|check on|status|health) .+",
    examples=("status of {object}",), when=_has_subject,
)  # fmt: skip
def status(turn: Turn) -> None:
    """Whether an object is well, with its score and problems."""
    ref = turn.one("status of {}")
    if ref is None:
        turn.which("status of {}", turn.troubled())
        return
    turn.about(ref)
    say_status(turn, ref)


def say_status(turn: Turn, ref: Ref) -> None:
    obj = turn.view.snapshot.find(ref)
    if turn.worked:
        turn.say(
            "I have changed nothing. "
            + (
                f"You were offered {code(turn.memory.proposed)}; whether somebody ran it I can't tell. "
                if turn.memory.proposed
                else ""
            )
            + f"This is how {named(ref)} looks now:"
        )
    if obj is None:
        turn.say(f"{named(ref)} does not exist in the cluster as it was read.")
        turn.desk.cite_absence(ref, f"there is no {ref}")
        return
    state = turn.world.status(ref.kind, obj)
    health = turn.view.health_of(ref.kind, obj)
    turn.desk.cite_status(ref)
    problems = turn.problems_about(ref)
    own = [p for p in turn.view.problems_of(ref) if p.severity != "info"]
    verdict = (
        "yes, it is well"
        if state.level == "ok" and not own
        else "no, it is not well"
        if state.level in ("warn", "crit") or own
        else "it is on its way"
    )
    reason = f" ({plain(state.reason)})" if state.reason else ""
    score = "" if health.score is None else f" Health {health.score} of 100."
    asked = f"{verdict[0].upper()}{verdict[1:]}: " if re.match(r"(is|are|does|has)\b", turn.text) else ""
    turn.say(f"{asked}{named(ref)} is **{plain(state.word)}**{reason}.{score}")
    pods = turn.world.pods_of(ref) if ref.kind != "Pod" else []
    if pods:
        turn.say(
            f"{sum(p.ready for p in pods)} of {kind_title('Pod', len(pods))} ready, "
            f"{sum(p.restarts for p in pods)} restarts."
        )
    for problem in problems[:3]:
        show_problem(turn, problem)
    if len(problems) > 3:
        turn.say(f"and {len(problems) - 3} more problems.")
    where = f"{ref.kind.lower()} {ref.namespace + '/' if ref.namespace else ''}{ref.name}"
    turn.suggest(f"describe {where}", f"events of {where}", *([f"why is {where} failing?"] if problems else []))


@intent(
    "describe",
    90,
    r"^(describe|inspect|show|get|open|display|find|where is|where's|tell me (?:more |all )?about|more about"
    r"|details?|info|information"
    r"|about|what is|what's|who is|"
    r"give me|see|view)\b",
    r"^:?(d|describe) ",
    r"\bdetails? (of|about|for)\b",
    r"^\S+$",
    r"^\S+ \S+$",
    examples=("describe {object}",),
    when=lambda t: _single(t) or (bool(t.found.guesses or t.found.note) and not t.query.kind),
)
def describe(turn: Turn) -> None:
    """An object's facts, conditions and containers."""
    from chalicelib.tools.detail import detail

    ref = turn.one("describe {}")
    if ref is None:
        turn.which("describe {}", turn.troubled())
        return
    turn.about(ref)
    whole = detail(turn.view, ref.kind, ref.namespace or "-", ref.name)
    row = whole["row"]
    word = row["status"]["word"]
    turn.desk.cite_status(ref)
    reason = f" ({plain(row['status']['reason'])})" if row["status"]["reason"] else ""
    turn.say(f"{named(ref)} is **{plain(word)}**{reason}.")
    facts = [{"fact": f["label"], "value": _fact(f)} for f in whole["summary"] if f["label"] != "Status"][:MAX_FACTS]
    turn.add(blocks.table(f"{ref.kind} {ref.name}", (column("fact", "Fact"), column("value", "Value")), facts))
    bad = [c for c in whole["conditions"] if c["level"] in ("warn", "crit")]
    for found in bad[:4]:
        turn.say(
            f"Condition {code(found['type'])} is {code(found['status'])}: "
            f"{plain(found['message'] or found['reason'] or 'no reason given')}"
        )
    for container in (whole["containers"] or [])[:6]:
        turn.say(_container(container))
    for problem in turn.problems_about(ref)[:3]:
        show_problem(turn, problem)
    where = f"{ref.kind.lower()} {ref.namespace + '/' if ref.namespace else ''}{ref.name}"
    turn.suggest(
        f"events of {where}", f"what depends on {where}?", *([f"logs of {where}"] if turn.world.pods_of(ref) else [])
    )


def _fact(fact: dict[str, Any]) -> str:
    value, type_ = fact["value"], fact["type"]
    if type_ == "bytes":
        return format_bytes(float(value))
    if type_ == "cpu":
        return format_cores(float(value))
    if type_ == "ratio":
        return f"{float(value):.0%}"
    return blocks.visible(", ".join(map(str, value)) if isinstance(value, list) else str(value), 300)


def _container(container: dict[str, Any]) -> str:
    state = container.get("state") or {}
    last = container.get("last_state") or {}
    said = f"Container {code(container['name'])} runs {code(container['image'])}"
    if state:
        said += f", {plain(str(state.get('state', '')))} {plain(str(state.get('reason') or ''))}".rstrip()
    if last.get("state") == "terminated":
        said += f"; before that it ended with {code(last.get('reason') or 'exit')} (exit code {last.get('exit_code')})"
    if container.get("restarts"):
        said += f"; {container['restarts']} restarts"
    return said + "."


@intent(
    "events",
    40,
    r"\bevents? (of|for|on|about|from)\b",
    r"^(show |get |list |the |latest |recent |last |warning )*events\b",
    r"\bevents$",
    examples=("events of {object}",),
    when=lambda t: bool(_has_subject(t) or re.fullmatch(r"(show |get |the |me )*events", t.text)),
)
def events(turn: Turn) -> None:
    """Events about an object and what it owns."""
    from chalicelib.tools.events import about, event_json

    turn.desk.needs("Event")
    bare = not _has_subject(turn)
    ref = None if bare and turn.memory.subject is None and turn.screen is None else turn.one("events of {}")
    if ref is None:
        turn.which("events of {}", turn.troubled())
        return
    turn.about(ref)
    found = about(turn.view, ref)
    if turn.query.span:
        start, _ = turn.query.span.bounds(turn.desk.now)
        found = [e for e in found if e.last_seen and e.last_seen >= start]
    if not found:
        turn.say(f"No events about {named(ref)} are kept. Kubernetes drops events after about an hour by default.")
        turn.desk.cite_status(ref)
        return
    warnings = sum(e.type == "Warning" for e in found)
    turn.say(
        f"**{len(found)} events** about {named(ref)} and what it owns, {warnings} of them warnings; the newest first."
    )
    rows = [{**event_json(e), "message": blocks.visible(e.message, 300)} for e in found[: blocks.TABLE_ROWS]]
    turn.add(blocks.table("Events", EVENT_COLUMNS, rows, total=len(found)))
    for event in found[:10]:
        turn.desk.cite_event(event)
    where = f"{ref.kind.lower()} {ref.namespace + '/' if ref.namespace else ''}{ref.name}"
    turn.suggest(f"why is {where} failing?", f"status of {where}")


def worst_rows(turn: Turn, kind: str, count: int) -> list[dict[str, Any]]:
    """The rows of a kind that are worst."""
    return ranked(turn.desk.rows(kind), "status")[:count]


def title_of(kind: str) -> str:
    return KINDS[kind].title
