"""The product's own glossary of Kubernetes: data in TOML beside this file, one entry a concept.

An entry has a term, other words for it, two to four plain sentences, links to other terms, and a command that shows it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rapidfuzz import fuzz, process

from chalicelib.state.query import KIND_PHRASES

NEAR_ENOUGH = 86.0
_JOINING = ("vs", "versus", "and", "or", "between", "the", "a", "difference")


@dataclass(frozen=True, slots=True)
class Concept:
    """One entry. `see` are terms of other entries; `command` only reads."""

    term: str
    text: str
    aliases: tuple[str, ...] = ()
    see: tuple[str, ...] = ()
    command: str = ""


@cache
def glossary() -> dict[str, Concept]:
    """All concepts by term, in the order of the files."""
    found: dict[str, Concept] = {}
    for path in sorted(Path(__file__).parent.glob("*.toml")):
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["concept"]:
            concept = Concept(
                term=entry["term"],
                text=" ".join(entry["text"].split()),
                aliases=tuple(entry.get("aliases", ())),
                see=tuple(entry.get("see", ())),
                command=entry.get("command", ""),
            )
            if concept.term in found:
                raise ValueError(f"{path.name}: {concept.term} is defined twice")
            found[concept.term] = concept
    return found


@cache
def _names() -> dict[str, str]:
    """Every word for a concept, folded, -> its term."""
    found: dict[str, str] = {}
    for concept in glossary().values():
        for name in (concept.term, *concept.aliases):
            found.setdefault(_fold(name), concept.term)
    for phrase, kind in KIND_PHRASES.items():
        if kind in glossary():
            found.setdefault(_fold(phrase), kind)
    return found


def _fold(text: str) -> str:
    """Lower case, letters and digits only, a plural s dropped."""
    folded = re.sub(r"[^a-z0-9]", "", text.lower())
    return folded[:-1] if folded.endswith("s") and not folded.endswith("ss") and len(folded) > 3 else folded


def find_concept(words: str) -> Concept | None:
    """The concept that words name: exactly, else nearly."""
    wanted = _fold(words)
    if not wanted:
        return None
    names = _names()
    if wanted in names:
        return glossary()[names[wanted]]
    if len(wanted) < 5:
        return None
    near = process.extractOne(wanted, list(names), scorer=fuzz.ratio, score_cutoff=NEAR_ENOUGH)
    return glossary()[names[near[0]]] if near else None


def find_concepts(text: str) -> list[Concept]:
    """All concepts that a text names, in the order in which they are named; the longest name wins a place."""
    words = [w for w in re.findall(r"[A-Za-z0-9-]+", text) if w.lower() not in _JOINING]
    return list(dict.fromkeys(_walk(words)))


def _walk(words: list[str]) -> Iterator[Concept]:
    names, i = _names(), 0
    while i < len(words):
        for size in (4, 3, 2, 1):
            folded = _fold("".join(words[i : i + size]))
            if len(words) - i >= size and folded in names:
                yield glossary()[names[folded]]
                i += size
                break
        else:
            i += 1
