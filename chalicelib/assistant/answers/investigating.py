"""Investigations in a conversation: start one, ask what it found, look at its steps, judge it, look again."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chalicelib.accounts.identity import allows
from chalicelib.assistant import blocks
from chalicelib.assistant.answers.diagnosis import why, wrong
from chalicelib.assistant.blocks import code, column, plain
from chalicelib.assistant.intents import intent
from chalicelib.assistant.references import OF_INVESTIGATIONS, TRUE_CAUSE
from chalicelib.assistant.turn import Turn
from chalicelib.errors import Conflict, KubiliticsError, NotFound
from chalicelib.investigations import sessions
from chalicelib.investigations.alike import compare
from chalicelib.investigations.hypotheses import hypotheses_of, name_of, ref_of
from chalicelib.investigations.office import NewInvestigation, running
from chalicelib.investigations.sessions import READ, WRITE, Filter
from chalicelib.state.ids import TenantId, new_id
from chalicelib.store.investigation_records import Alike, Conclusion, Investigation, Link, StoredHypothesis, Verdict
from chalicelib.store.keys import digest

WAIT_S = 12.0
"""How long an answer waits for its investigation; what takes longer goes on and is shown as it goes."""
NOT_RUN = (
    "Not executed. **Change** on the page of the object asks for it with a preview and an approval; or run it yourself."
)
SHOWN = 5
LISTED = 10
STEP_COLUMNS = (column("n", "Step", "number"), column("title", "What"), column("summary", "Found"))
HYPOTHESIS_COLUMNS = (
    column("resource", "Resource", "ref"), column("title", "Hypothesis"), column("status", "Status"),
    column("probability", "Probability", "ratio"), column("why", "Because"),
)  # fmt: skip
PAST_COLUMNS = (
    column("when", "When", "age"), column("question", "Asked"), column("outcome", "Outcome"), column("cause", "Cause"),
    column("id", "Investigation"),
)  # fmt: skip
ALIKE_COLUMNS = (
    column("when", "When", "age"), column("similarity", "Alike", "ratio"), column("cause", "Cause"),
    column("why", "Because"), column("solved_by", "Solved by"), column("id", "Investigation"),
)  # fmt: skip
_RIGHT = re.compile(r"\b(you were|you're|that'?s|that was|it'?s|it was) (right|correct|spot on|exactly right)\b", re.I)
_WRONG = re.compile(r"\b(you were|you're|that'?s|that was) (wrong|incorrect|not (it|right|the cause))\b", re.I)
_PARTLY = re.compile(r"\b(partly|half|not quite|almost)\b", re.I)


@intent(
    "investigate",
    15,
    r"^(investigate|look into|dig into|get to the bottom of)\b",
    r"\b(start|open|run|begin) (an? |another |the )?(new )?investigation\b",
    examples=("investigate {failing}",),
    when=lambda t: t.context.investigations is not None and allows(t.context.tools.principal, WRITE),
)
def investigate(turn: Turn) -> None:
    """Start an investigation, and tell what it finds when it is quick."""
    desk = turn.context.investigations
    if desk is None:
        return
    target = None
    if turn.found.apps or turn.found.guesses or not (turn.namespaces or turn.found.unknown):
        target = turn.one("investigate {}", prefer=turn.troubled())
        if turn.asked_back():
            return
    principal, record = turn.context.tools.principal, turn.desk.record
    wanted = NewInvestigation(
        cluster=record.id,
        question=turn.question,
        namespace="" if target else (turn.namespaces[0] if turn.namespaces else ""),
        target=name_of(target) if target else None,
        trigger="chat",
        links=(Link(type="conversation", id=turn.context.conversation),) if turn.context.conversation else (),
        # The same turn answered again after a crash is the same investigation.
        id=new_id("iv", bytes.fromhex(digest(turn.context.turn, record.id))) if turn.context.turn else "",
    )
    session = desk.start_here(principal, wanted, WAIT_S)
    if target is not None:
        turn.about(target)
    _tell(turn, session)


@intent("no_investigation", 16, r"^investigate\b", r"\b(start|open|run|begin) (an? )?(new )?investigation\b")
def not_allowed(turn: Turn) -> None:
    """Whoever may not start one is told what the engine knows."""
    turn.say("Your role may not keep an investigation; this is what is known now. An operator can start one.")
    if turn.found.apps or turn.found.guesses or turn.screen:
        why(turn)
    else:
        wrong(turn)


@intent("findings", 12, OF_INVESTIGATIONS["findings"], examples=("what did you find?",))
def findings(turn: Turn) -> None:
    """What the investigation in hand has found by now."""
    session = _in_hand(turn)
    if session is not None:
        _tell(turn, session)


@intent("steps", 12, OF_INVESTIGATIONS["steps"], examples=("show the steps",))
def steps(turn: Turn) -> None:
    """The journal of the investigation in hand."""
    session, desk = _in_hand(turn), turn.context.investigations
    if session is None or desk is None:
        return
    held = desk.office.store.investigations.steps(_tenant(turn), session.id)
    rows = [
        {"n": s.n, "title": plain(s.title) + (" (failed)" if s.failed else ""), "summary": plain(s.summary, 200)}
        for s in held
    ]
    turn.desk.cited.extend(e for s in held for e in s.evidence[:1])
    turn.say(f"{len(held)} steps of the investigation {_about(session)}:")
    turn.add(blocks.table("Steps", STEP_COLUMNS, rows[-blocks.TABLE_ROWS :], total=len(rows)))
    turn.suggest("what did you find?", "similar incidents?")


@intent("recheck", 12, OF_INVESTIGATIONS["recheck"], examples=("is it fixed?",))
def recheck(turn: Turn) -> None:
    """Look again whether the cause is still there."""
    session, desk = _in_hand(turn), turn.context.investigations
    if session is None or desk is None:
        return
    if not allows(turn.context.tools.principal, WRITE):
        turn.say("Your role may not look again for an investigation. Ask for the status of the object instead.")
        return
    try:
        seen = desk.check_again(turn.context.tools.principal, session.id)
    except Conflict as error:
        turn.say(f"{plain(error.message)} {plain(error.remedy)}")
        return
    last = seen.follow_up.rechecks[-1] if seen.follow_up and seen.follow_up.rechecks else None
    words = {"resolved": "**Yes**, it is gone.", "reopened": "**No**, it is back.", "open": "**No**, not yet."}
    said = words.get(seen.resolution, "") if last and last.result != "not_checked" else "I could not look."
    turn.say(f"{said} {plain(last.text) if last else ''}".strip())
    if seen.cause is not None:
        turn.about(ref_of(seen.cause.resource))
    turn.suggest("show the steps", "similar incidents?")


@intent("verdict", 12, OF_INVESTIGATIONS["verdict"], examples=())
def verdict(turn: Turn) -> None:
    """A person says whether the conclusion was right, and what it really was."""
    session, desk = _in_hand(turn), turn.context.investigations
    if session is None or desk is None:
        return
    said, cause = _verdict_of(turn.asked)
    try:
        sessions.give_feedback(desk.office, turn.context.tools.principal, session.id, said, cause=cause)
    except KubiliticsError as error:
        turn.say(f"{plain(error.message)} {plain(error.remedy)}")
        return
    kept = f": {plain(cause)}" if cause else ""
    turn.say(f"Thank you. I noted for the investigation {_about(session)} that it was **{said}**{kept}.")
    turn.suggest("is it fixed?", "similar incidents?")


def _verdict_of(text: str) -> tuple[Verdict, str]:
    """(verdict, true cause) of what a person said."""
    if _RIGHT.search(text):
        return "right", ""
    found = TRUE_CAUSE.search(text)
    cause = " ".join(found["cause"].split()).rstrip(".! ") if found else ""
    if _PARTLY.search(text):
        return "partly", cause
    return ("wrong", cause) if cause or _WRONG.search(text) else ("right", "")


@intent("similar", 12, OF_INVESTIGATIONS["similar"], examples=("similar incidents?",))
def similar(turn: Turn) -> None:
    """Past incidents like the one in hand, and what ended them."""
    session, desk = _in_hand(turn), turn.context.investigations
    if session is None or desk is None:
        return
    alike = compare(desk.office.store, _tenant(turn), session, LISTED)
    if not alike:
        turn.say(f"No past investigation is like the one {_about(session)}.")
        return
    turn.say(f"**{len(alike)}** past investigation{'s' * (len(alike) != 1)} like the one {_about(session)}:")
    turn.add(blocks.table("Similar incidents", ALIKE_COLUMNS, [_alike_row(a) for a in alike]))


def _alike_row(alike: Alike) -> dict[str, object]:
    return {
        "when": alike.concluded_at.isoformat().replace("+00:00", "Z"),
        "similarity": alike.similarity,
        "cause": plain(alike.cause, 160),
        "why": plain("; ".join(alike.reasons), 160),
        "solved_by": plain(alike.solved_by, 160),
        "id": alike.investigation,
    }


@intent("past", 13, OF_INVESTIGATIONS["past"], examples=("past investigations",))
def past(turn: Turn) -> None:
    """The history of investigations, of one object when one is named."""
    desk = turn.context.investigations
    if desk is None or not allows(turn.context.tools.principal, READ):
        turn.say("Investigations are not kept here.")
        return
    resource = turn.found.apps[0][0].name if turn.found.apps else ""
    wanted = Filter(cluster=turn.desk.record.id, resource=resource, namespace=next(iter(turn.namespaces), ""))
    page = sessions.search(desk.office, turn.context.tools.principal, wanted, LISTED)
    of = f" of {code(resource)}" if resource else ""
    if not page.items:
        turn.say(f"There is no past investigation{of} in {code(turn.desk.record.name)}.")
        turn.suggest("what is wrong?")
        return
    rows = [
        {
            "when": s.created_at.isoformat().replace("+00:00", "Z"),
            "question": plain(s.question, 120),
            "outcome": s.outcome.replace("_", " ") or s.status,
            "cause": plain(s.cause.summary, 160) if s.cause else "",
            "id": s.id,
        }
        for s in page.items
    ]
    more = " at least" if page.next else ""
    turn.say(f"{len(rows)}{more} past investigation{'s' * (len(rows) != 1)}{of}, newest first:")
    turn.add(blocks.table("Investigations", PAST_COLUMNS, rows))


@intent("then", 12, OF_INVESTIGATIONS["then"], examples=())
def cluster_then(turn: Turn) -> None:
    """The cluster as the investigation in hand judged it."""
    session = _in_hand(turn)
    if session is None:
        return
    if session.snapshot is None:
        turn.say("That investigation has not read the cluster.")
        return
    try:
        result = turn.desk.call("observe_cluster_at", at=session.snapshot.as_of.isoformat())
    except NotFound as error:
        turn.say(f"{plain(error.message)} {plain(error.remedy)}")
        return
    turn.say(f"As it was judged, at {session.snapshot.as_of:%Y-%m-%d %H:%M:%S} UTC: {plain(result.summary)}")


# Telling


def _in_hand(turn: Turn) -> Investigation | None:
    """The investigation of this conversation, else the newest of the cluster; says so when there is none."""
    desk, principal = turn.context.investigations, turn.context.tools.principal
    if desk is None or not allows(principal, READ):
        turn.say("Investigations are not kept here.")
        return None
    found = None
    if turn.memory.investigation:
        found = desk.office.store.investigations.find(principal.tenant, turn.memory.investigation)
    if found is None:
        page = sessions.search(desk.office, principal, Filter(cluster=turn.desk.record.id), 1)
        found = page.items[0] if page.items else None
    if found is None:
        turn.say("There is no investigation yet. Start one, for example:")
        turn.add(blocks.suggestions(["investigate this cluster"]))
        turn.suggest("investigate this cluster", "what is wrong?")
        return None
    turn.investigation = found.id
    return found


def _tenant(turn: Turn) -> TenantId:
    return turn.context.tools.principal.tenant


def _about(session: Investigation) -> str:
    return f"“{plain(session.question, 120)}” of {session.created_at:%Y-%m-%d %H:%M} UTC"


def _tell(turn: Turn, session: Investigation) -> None:
    """What is known by now: the conclusion with its hypotheses, or that it still runs."""
    desk = turn.context.investigations
    if desk is None:
        return
    turn.investigation = session.id
    store, tenant = desk.office.store, _tenant(turn)
    turn.add(blocks.investigation(session.id, session.question, session.status, session.outcome, session.message))
    if running(session):
        turn.say(f"It is at step {session.steps}. Ask me what I found in a moment.")
        turn.suggest("what did you find?", "show the steps")
        return
    conclusion = store.investigations.conclusion(tenant, session.id)
    if session.status == "cancelled" or conclusion is None:
        turn.say("It was cancelled before it came to a conclusion.")
        turn.suggest("show the steps")
        return
    turn.say(plain(conclusion.message, 1200))
    held = hypotheses_of(store.investigations.steps(tenant, session.id), conclusion)
    _hypotheses(turn, held)
    _after(turn, session, conclusion)


def _hypotheses(turn: Turn, held: Sequence[StoredHypothesis]) -> None:
    if not held:
        return
    first = held[0]
    if first.status != "refuted":
        turn.about(ref_of(first.resource))
        if first.remedy:
            turn.say(f"What to do: {plain(first.remedy)}")
            if first.command:
                turn.add(blocks.action(first.title, NOT_RUN, first.command))
    turn.desk.cited.extend(e for h in held[:SHOWN] for e in (*h.supporting, *h.contradicting))
    rows = [
        {
            "resource": {"kind": h.resource.kind, "namespace": h.resource.namespace, "name": h.resource.name},
            "title": h.title,
            "status": h.status,
            "probability": h.probability,
            "why": plain(h.why or h.summary, 200),
        }
        for h in held
    ]
    if len(rows) > 1:
        turn.add(blocks.table("Hypotheses", HYPOTHESIS_COLUMNS, rows))
    turn.listed(ref_of(h.resource) for h in held)


def _after(turn: Turn, session: Investigation, conclusion: Conclusion) -> None:
    if conclusion.alike:
        first = conclusion.alike[0]
        solved = f", which was solved by: {plain(first.solved_by)}" if first.solved_by else ""
        when = f"{first.concluded_at:%Y-%m-%d %H:%M} UTC"
        turn.say(f"It looks like the one of {when} ({first.similarity:.0%} alike){solved}.")
    missing = [m for h in conclusion.hypotheses if h.status == "proposed" for m in h.missing]
    if missing:
        turn.say("To be surer I need: " + "; ".join(plain(m) for m in dict.fromkeys(missing[:4])) + ".")
    if session.cause is not None:
        turn.suggest("is it fixed?", "similar incidents?", "show the steps", f"why is {_ask(session)} failing?")
    else:
        turn.suggest("what is wrong?", "show the steps")


def _ask(session: Investigation) -> str:
    resource = session.cause.resource if session.cause else None
    if resource is None:
        return "it"
    return f"{resource.kind.lower()} {resource.namespace + '/' if resource.namespace else ''}{resource.name}"
