"""Templates of investigations, as data: which failure modes one is about, and what it reads in which order."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from chalicelib.errors import unknown
from chalicelib.investigations.reads import READS
from chalicelib.rootcause.modes import modes

GENERAL = "general"
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Template:
    """One entry of templates.toml. `modes` None: every failure mode."""

    id: str
    title: str
    about: str
    words: tuple[str, ...]
    kinds: tuple[str, ...]
    modes: frozenset[str] | None
    reads: tuple[str, ...]

    def is_about(self, mode: str) -> bool:
        return self.modes is None or mode in self.modes


@cache
def templates() -> dict[str, Template]:
    """All templates by id, in the order in which they are tried.

    Raises ValueError for an entry that names an unknown read or is there twice.
    """
    found: dict[str, Template] = {}
    text = Path(__file__).with_name("templates.toml").read_text(encoding="utf-8")
    numbers = {mode.n: mode.id for mode in modes().values()}
    for entry in tomllib.loads(text)["template"]:
        ranges = [range(first, last + 1) for first, last in entry["modes"]]
        template = Template(
            id=entry["id"],
            title=entry["title"],
            about=entry["about"],
            words=tuple(entry["words"]),
            kinds=tuple(entry["kinds"]),
            modes=frozenset(numbers[n] for r in ranges for n in r if n in numbers) if ranges else None,
            reads=tuple(entry["reads"]),
        )
        strange = [name for name in template.reads if name not in READS]
        if template.id in found or strange:
            raise ValueError(f"template {template.id}: there twice, or unknown reads {strange}")
        found[template.id] = template
    return found


def template_of(name: str) -> Template:
    """A template by its id. Raises NotFound `unknown_template` with the valid ones."""
    found = templates().get(name)
    if found is None:
        raise unknown("template", name, templates())
    return found


def fitting(question: str, kind: str = "") -> Template:
    """The template for a question: by its target's kind when only that kind asks for one, else by its words."""
    by_words = [t for t in templates().values() if _asked_for(question, t.words)]
    by_kind = [t for t in templates().values() if kind and kind in t.kinds]
    if by_kind and by_kind[0].id != "pod_failure":
        return by_kind[0]
    return next(iter([*by_words, *by_kind]), templates()[GENERAL])


def _asked_for(question: str, words: Sequence[str]) -> bool:
    text = f" {' '.join(_WORD.findall(question.lower()))} "
    return any(f" {word} " in text for word in words)
