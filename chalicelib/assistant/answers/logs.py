"""Logs of a pod or a workload: the last lines, those that look like errors, those of the container before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib.assistant.blocks import as_written, code, plain
from chalicelib.assistant.intents import intent
from chalicelib.assistant.turn import Turn, named
from chalicelib.errors import KubiliticsError
from chalicelib.state.meta import Ref

if TYPE_CHECKING:
    from chalicelib.clusters.source import ClusterSource
    from chalicelib.tools.logs import Line

LINES = 20
MAX_LINES = 60
_LAST = re.compile(r"\b(?:last|latest|tail(?: -n)?|-n)\s+(\d{1,4})(?:\s+(?:lines?|log))?\b")
_ERRORS = re.compile(r"\b(errors?|exceptions?|failures?|warnings?|panics?|stack ?traces?)\b")
_PREVIOUS = re.compile(r"\b(previous|before (?:the|it) (?:crash|restart)\w*|crashed|last crash|-p)\b")
_GREP = re.compile(
    r"\b(?:containing|contain|grep|matching|with the (?:text|word)|mentioning|about)\s+[\"'“]?([^\"'”?]{2,60})"
)
_CONTAINER = re.compile(r"\bcontainer\s+([a-z0-9][a-z0-9.-]{0,62})\b")


@intent(
    "logs",
    30,
    r"\blogs?\b",
    r"\b(errors|exceptions|stack ?traces?) (of|from|in|for) \S+",
    r"\bwhat does \S+ (print|say|write)\b",
    r"\btail\b",
    r"\b(last|latest) \d+ lines\b",
    r"\bstdout\b",
    examples=("logs of {failing}", "errors in the logs of {failing}"),
    when=lambda t: "logs" in t.text or " log" in f" {t.text}" or bool(t.exact.apps),
)
def logs(turn: Turn) -> None:
    """Log lines, shown as they are and cited."""
    pods = [p.resource for p in turn.desk.problems() if turn.world.pods_of(p.resource)]
    ref = turn.one("logs of {}")
    if ref is None:
        turn.which("logs of {}", pods)
        return
    ref = _with_logs(turn, ref)
    previous = bool(_PREVIOUS.search(turn.text))
    wanted = _LAST.search(turn.text)
    tail = min(MAX_LINES, int(wanted.group(1))) if wanted else LINES
    read_logs(turn, ref, tail=max(1, tail), previous=previous, errors=bool(_ERRORS.search(turn.text)))


def _with_logs(turn: Turn, ref: Ref) -> Ref:
    """The pod to read when an object has one pod or one that is worst; the object itself else."""
    pods = turn.world.pods_of(ref)
    if ref.kind == "Pod" or not pods:
        return ref
    bad = [p for p in pods if turn.world.status("Pod", p).level in ("crit", "warn")]
    chosen = bad or pods
    return Ref("Pod", chosen[0].metadata.namespace, chosen[0].metadata.name) if len(chosen) == 1 else ref


def read_logs(turn: Turn, ref: Ref, *, tail: int, previous: bool, errors: bool) -> None:
    from chalicelib.tools.logs import collect

    turn.about(ref)
    turn.desk.needs("Pod")
    grep = _GREP.search(turn.text)
    container = _CONTAINER.search(turn.text)
    span = turn.query.span
    since = timedelta(seconds=span.seconds) if span and span.kind == "last" and span.seconds else None
    source, note = _source(turn)
    try:
        log = collect(
            source, turn.view, ref.kind, ref.namespace, ref.name, previous=previous, tail=2000, since=since,
            grep=grep.group(1).strip() if grep else "", container=container.group(1) if container else "",
        )  # fmt: skip
    except KubiliticsError as error:
        _no_log(turn, ref, error, previous)
        return
    lines = [x for x in log.lines if x.level in ("error", "crit", "warn")] if errors else log.lines
    which = "previous " if previous else ""
    if errors and not lines:
        turn.say(f"No line of the {which}log of {named(ref)} looks like an error ({log.total} lines read).")
        lines = log.lines
    if not lines:
        turn.say(f"The {which}log of {named(ref)} is empty.")
        return
    shown = lines[-tail:]
    what = "lines that look like errors" if errors and lines is not log.lines else "lines"
    turn.say(
        f"The last {len(shown)} of {len(lines)} {what} of the {which}log of {named(ref)}"
        f"{f', container {code(log.container)}' if log.container else ''}:"
    )
    prefix = log.merged
    quoted = [f"{line.pod}: {line.text}" if prefix else line.text for line in shown]
    turn.say(fenced(quoted))
    _cite(turn, ref, shown, previous)
    for gap in log.gaps:
        turn.say(f"Not read: {plain(gap.message)}")
    if note:
        turn.say(note)
    turn.suggest(*_next(ref, previous))


def _source(turn: Turn) -> tuple[ClusterSource | None, str]:
    """The cluster to read from; None when it cannot be reached, then what was kept answers."""
    try:
        return turn.desk.tools.source(), ""
    except KubiliticsError as error:
        return (
            None,
            (
                f"The cluster itself could not be asked ({plain(error.message)}); these lines were kept from the last "
                "reading."
            ),
        )


def _cite(turn: Turn, ref: Ref, lines: Sequence[Line], previous: bool) -> None:
    by_pod: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for line in lines:
        by_pod.setdefault((line.pod, line.container), []).append((line.n, line.text))
    for (pod, container), kept in by_pod.items():
        turn.desk.cite_lines(Ref("Pod", ref.namespace, pod), container, kept, previous)


def fenced(lines: list[str]) -> str:
    """Lines of a cluster in a code fence that they cannot close."""
    body = "\n".join(as_written(line, 500).replace("```", "'''") for line in lines)
    return f"```text\n{body}\n```"


def _no_log(turn: Turn, ref: Ref, error: KubiliticsError, previous: bool) -> None:
    turn.degraded = True
    turn.desk.cite_status(ref)
    turn.say(
        f"I have no {'previous ' if previous else ''}log of {named(ref)}: {plain(error.message)} {plain(error.remedy)}"
    )
    where = f"{ref.kind.lower()} {ref.namespace}/{ref.name}"
    turn.suggest(f"events of {where}", f"why is {where} failing?")


def _next(ref: Ref, previous: bool) -> list[str]:
    where = f"{ref.kind.lower()} {ref.namespace}/{ref.name}"
    first = f"logs of {where}" if previous else f"previous logs of {where}"
    return [first, f"why is {where} failing?", f"events of {where}"]
