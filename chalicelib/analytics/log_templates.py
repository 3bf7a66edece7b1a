"""What the lines of logs have in common: templates, and which of them are new, vanished or surging.

A `Miner` gives lines of the same origin the same template. What is said of templates does not depend on how a miner
finds them. Pure: lines and the time that counts as now are arguments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from chalicelib.analytics.drain import LINE_CHARS, TEMPLATE_CHARS, drain_miner
from chalicelib.state.messages import masked

Change = Literal["", "new", "surging", "vanished"]
SURGE = 3.0
"""How much more often a template must come than before to be surging."""
SURGE_LINES = 5
VANISHED_LINES = 3
MAX_TEMPLATES = 2000
"""Lines beyond so many templates are counted as one: a log of random text must not fill the memory."""
REST = "(other lines)"


_CONTINUES = re.compile(
    r"\s|\}|\)|at [\w.$<]+[(:]|Caused by: |\.\.\. \d+ (?:more|common frames)|File \"|During handling of |"
    r"The above exception was |goroutine \d+ \[|created by |stack backtrace:|note: run with |"
    r"[\w./*()]{1,200}\(0x[0-9a-f]|exit status \d+$"
)


def continues(text: str) -> bool:
    """Whether a line goes on with the one before: it is indented, or a frame of a stack trace."""
    return _CONTINUES.match(text[:LINE_CHARS]) is not None


class LogLine(Protocol):
    """A line as the miner and the statistics need it."""

    @property
    def text(self) -> str: ...
    @property
    def at(self) -> datetime | None: ...
    @property
    def pod(self) -> str: ...
    @property
    def level(self) -> str: ...


Miner = Callable[[Sequence[str]], Sequence[str]]
"""The template of each line, in the order of the lines."""


def mask_miner(lines: Sequence[str]) -> Sequence[str]:
    """Lines that are equal but for numbers, ids, addresses, times and quoted text have one template."""
    return [masked(line[:LINE_CHARS])[:TEMPLATE_CHARS] for line in lines]


@dataclass(slots=True)
class Template:
    """One template and what is known of its lines."""

    text: str
    count: int = 0
    recent: int = 0
    before: int = 0
    level: str = "info"
    change: Change = ""
    only_in: bool = False
    """Seen in every pod that is asked about, and in none of the others."""
    pods: set[str] = field(default_factory=set)
    first: datetime | None = None
    last: datetime | None = None
    lines: list[int] = field(default_factory=list)
    """Places of some of its lines, the first and the latest ones."""


@dataclass(frozen=True, slots=True)
class Split:
    """How many of all lines are recent and how many came before, and how long both spans are in seconds."""

    recent: int
    before: int
    recent_s: float
    before_s: float


LEVELS = ("debug", "info", "warn", "error", "crit")
LINES_KEPT = 4


def templates_of(
    lines: Sequence[LogLine],
    now: datetime,
    recent: timedelta,
    *,
    subjects: Set[str] = frozenset(),
    others: Set[str] = frozenset(),
    miner: Miner = drain_miner,
) -> tuple[list[Template], Split]:
    """Templates, the most telling first: what went wrong before what is only frequent.

    `recent` is the span before `now` that is compared with everything before it. `subjects` are pods asked about;
    `others` their siblings. Lines without a time count, but say nothing about change.
    """
    found: dict[str, Template] = {}
    since = now - recent
    for place, (line, text) in enumerate(zip(lines, miner([line.text for line in lines]), strict=True)):
        key = text if text in found or len(found) < MAX_TEMPLATES else REST
        _count(found.setdefault(key, Template(key)), line, place, since)
    split = _split(lines, now, since)
    for template in found.values():
        template.change = _change(template, split)
        template.only_in = bool(subjects and others) and subjects <= template.pods and not template.pods & others
    return sorted(found.values(), key=_telling), split


def _count(template: Template, line: LogLine, place: int, since: datetime) -> None:
    template.count += 1
    template.pods.add(line.pod)
    if LEVELS.index(line.level) > LEVELS.index(template.level):
        template.level = line.level
    if len(template.lines) >= LINES_KEPT:
        template.lines.pop(1)
    template.lines.append(place)
    if line.at is None:
        return
    template.first = min(template.first or line.at, line.at)
    template.last = max(template.last or line.at, line.at)
    if line.at >= since:
        template.recent += 1
    else:
        template.before += 1


def _split(lines: Iterable[LogLine], now: datetime, since: datetime) -> Split:
    times = [line.at for line in lines if line.at is not None]
    before = [at for at in times if at < since]
    before_s = (since - min(before)).total_seconds() if before else 0.0
    return Split(len(times) - len(before), len(before), (now - since).total_seconds(), before_s)


def _change(template: Template, split: Split) -> Change:
    """Nothing is new where nothing was read from before, and nothing has vanished where nothing is recent."""
    if not split.recent or not split.before:
        return ""
    if template.recent and not template.before:
        return "new"
    if not template.recent:
        return "vanished" if template.before >= VANISHED_LINES else ""
    rate, usual = template.recent / split.recent_s, template.before / max(split.before_s, split.recent_s)
    return "surging" if template.recent >= SURGE_LINES and rate >= SURGE * usual else ""


def _telling(template: Template) -> tuple[int, bool, int, int, str]:
    changes = ("new", "surging", "vanished", "")
    return (
        -LEVELS.index(template.level), not template.only_in, changes.index(template.change), -template.count,
        template.text,
    )  # fmt: skip
