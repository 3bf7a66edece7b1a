"""The assistant without a model: one question in, one answer out; the same question on the same cluster and
conversation has the same answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import chalicelib.assistant.answers  # noqa: F401  registers the intents
from chalicelib.assistant import blocks
from chalicelib.assistant.blocks import code, plain
from chalicelib.assistant.context import Answer, AssistantContext
from chalicelib.assistant.desk import Desk, clusters_of, reachable
from chalicelib.assistant.intents import INTENTS
from chalicelib.assistant.memory import Memory, Remembered, title_of
from chalicelib.assistant.references import Resolved, resolve
from chalicelib.assistant.turn import Turn
from chalicelib.state.kinds import KINDS
from chalicelib.state.snapshot import Gap

MAX_QUESTION = 2_000
MAX_SUGGESTIONS = 4
OLD_S = 60
_EVERYWHERE = re.compile(
    r"\b(?:in|across|on|of|over) (?:all|every|each)(?: of)?(?: my| the| our)? clusters?\b", re.IGNORECASE
)
TIMELESS = ("explain", "thanks", "help", "language", "later", "clusters", "unknown", "reference")
"""Intents whose answer does not depend on when the cluster was read."""
SPOKEN_OF = ("greeting", "thanks", "help", "language", "unknown")
"""Intents that leave what was spoken of before in place."""


def answer(question: str, context: AssistantContext) -> Answer:
    """Answer a question.

    Raises NotFound for an unknown cluster and ClusterError when no asked cluster can be read; whatever else goes wrong
    is said in the answer. Same question, snapshot, conversation and screen: identical answer.
    """
    asked = question[:MAX_QUESTION].strip()
    memory = Memory.of(context.memory).beside(context.screen)
    records = clusters_of(context)
    if _EVERYWHERE.search(asked):
        records = list(context.tools.clusters("*"))
        asked = " ".join(_EVERYWHERE.sub(" ", asked).split()) or "what is wrong"
    desks, failed = reachable(context, records)
    if not desks:
        _ = Desk(context, records[0]).view
    if len(records) == 1:
        return _answer_one(asked, question, context, desks[0], memory)
    return _answer_many(asked, question, context, desks, failed, memory)


def _answer_one(asked: str, question: str, context: AssistantContext, desk: Desk, memory: Memory) -> Answer:
    turn, intent = _run(asked, context, desk, memory)
    if intent not in TIMELESS:
        _say_freshness(turn)
        _say_gaps(turn)
    desk.keep()
    return _compose(question, turn, intent, memory, desk)


def _run(asked: str, context: AssistantContext, desk: Desk, memory: Memory) -> tuple[Turn, str]:
    screen = _screen(context.screen)
    resolved = resolve(asked, memory, screen, desk.vocabulary)
    turn = Turn(
        asked=asked,
        question=resolved.text,
        context=context,
        desk=desk,
        memory=memory,
        screen=screen,
        worked=resolved.worked,
    )
    if resolved.missing:
        _say_missing(turn, resolved)
        return turn, "reference"
    intent = INTENTS.route(turn)
    intent.handler(turn)
    return turn, intent.name


def _say_missing(turn: Turn, resolved: Resolved) -> None:
    """A reference that points at nothing is asked back."""
    if resolved.missing == "items":
        turn.ask(
            "Why what? Choose one of the list:",
            [
                (
                    f"{i.kind} {i.name}",
                    f"why is {i.kind.lower()} {i.namespace + '/' if i.namespace else ''}{i.name} failing?",
                )
                for i in turn.memory.items
            ],
        )
    elif resolved.missing == "why":
        turn.which("why is {} failing?", turn.troubled())
    else:
        turn.say(
            f"I don't know what {code(resolved.missing)} refers to: there is no list before it. Ask for a list "
            "first, for example:"
        )
        turn.add(blocks.suggestions(["failing pods", "what is wrong?"]))
        turn.suggest("failing pods", "what is wrong?")


def _answer_many(
    asked: str,
    question: str,
    context: AssistantContext,
    desks: list[Desk],
    failed: list[tuple[str, str]],
    memory: Memory,
) -> Answer:
    """Each cluster answers for itself; one that does not answer is named."""
    whole = Answer(intent="", question=asked)
    said = f"{len(desks)} of {len(desks) + len(failed)} clusters answered."
    whole.blocks.append(blocks.text(said))
    last: tuple[Turn, str, Desk] | None = None
    for desk in desks:
        turn, intent = _run(asked, context, desk, memory)
        _say_gaps(turn)
        desk.keep()
        part = _compose(question, turn, intent, memory, desk)
        whole.blocks += [
            blocks.text(f"**{plain(desk.record.name)}** (as of {desk.now:%Y-%m-%d %H:%M} UTC)"),
            *part.blocks,
        ]
        whole.citations += [c for c in part.citations if c not in whole.citations]
        whole.steps += part.steps
        whole.unparsed = part.unparsed
        last = last or (turn, intent, desk)
    for name, error in failed:
        whole.blocks.append(blocks.text(f"{code(name)} did not answer: {plain(error)}"))
    whole.degraded = bool(failed)
    if last is not None:
        first = _compose(question, last[0], last[1], memory, last[2])
        whole.intent, whole.suggestions, whole.memory = (
            first.intent,
            first.suggestions,
            {**first.memory, "cluster": "*"},
        )
    return whole


def _screen(screen: Mapping[str, Any]) -> Remembered | None:
    """The object of the page, if it shows one."""
    entry = KINDS.get(str(screen.get("kind") or ""))
    name = str(screen.get("name") or "")
    if entry is None:
        return None
    namespace = str(screen.get("namespace") or "") if entry.namespaced else ""
    return Remembered(entry.kind, "" if namespace == "-" else namespace, name) if name or namespace else None


def _say_freshness(turn: Turn) -> None:
    """When the facts are of: for recordings, and when they are older than a minute or could not be refreshed."""
    view = turn.view
    moment = f"{view.as_of:%Y-%m-%d %H:%M} UTC"
    if view.note:
        turn.degraded = True
        turn.say(f"*As of {moment}: {plain(view.note)}*")
    elif view.snapshot.recorded:
        turn.say(f"*From the recording of {moment}.*")
    elif (turn.context.tools.now - view.as_of).total_seconds() > OLD_S:
        turn.say(f"*As of {moment}.*")


def _say_gaps(turn: Turn) -> None:
    """What this answer wanted and could not read. Kinds that a recording never held are named together."""
    gaps = [g for g in dict.fromkeys(turn.desk.gaps) if _matters(turn, g)]
    absent = list(dict.fromkeys(_title_of(g.kind) for g in gaps if g.reason == "not_recorded" and not g.namespace))
    others = [g for g in gaps if g.reason != "not_recorded"]
    said = [f"the recording holds no {', '.join(absent[:6])}{_more(len(absent) - 6)}"] if absent else []
    partly = sorted({_title_of(g.kind) for g in gaps if g.reason == "not_recorded" and g.namespace})
    said += [f"it holds {', '.join(partly)} of some namespaces only"] if partly else []
    said += [f"{plain(_title_of(g.kind))}: {plain(g.message or g.reason, 160).rstrip('.')}" for g in others[:3]]
    if said:
        turn.say("Not read, so this may be incomplete: " + "; ".join(said) + _more(len(others) - 3) + ".")
    turn.degraded = turn.degraded or bool(others)


def _matters(turn: Turn, gap: Gap) -> bool:
    """Whether a gap touches this answer: optional evidence when it was refused, logs of the object asked for."""
    if gap.reason == "not_installed":
        return False
    if gap.kind == "Log":
        return turn.subject is not None and f"{turn.subject.namespace}/{turn.subject.name}" in gap.message
    return gap.kind in KINDS or gap.kind == "*" or gap.reason != "not_recorded"


def _title_of(kind: str) -> str:
    entry = KINDS.get(kind)
    return entry.title.lower() if entry else kind


def _more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""


def _compose(question: str, turn: Turn, intent: str, memory: Memory, desk: Desk) -> Answer:
    suggested = list(dict.fromkeys(turn.suggestions))[:MAX_SUGGESTIONS]
    keeps = intent in SPOKEN_OF or intent == "reference"
    after = Memory(
        title=memory.title or title_of(question),
        intent=memory.intent if keeps else intent,
        question=memory.question if keeps else turn.question,
        subject=turn.subject or memory.subject,
        items=turn.items or memory.items,
        namespace=turn.namespace or memory.namespace,
        cluster=desk.record.id,
        screen=turn.screen,
        proposed=turn.proposed or memory.proposed,
        investigation=turn.investigation or memory.investigation,
        on_screen=memory.on_screen,
        turns=memory.turns + 1,
    )
    return Answer(
        intent=intent,
        blocks=turn.blocks,
        citations=list(dict.fromkeys(desk.cited)),
        suggestions=suggested,
        memory=after.as_dict(),
        degraded=turn.degraded,
        unparsed=turn.unparsed,
        steps=desk.steps,
        question=turn.question,
    )
