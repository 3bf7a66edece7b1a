"""What makes two incidents alike: a stable hash for the same, and a weighted likeness with its reasons for the similar.

Namespaces, hashes and numbers in names do not count: the same application fails alike in every environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from chalicelib.state.messages import masked
from chalicelib.store.investigation_records import SeenSymptom, Signature
from chalicelib.store.keys import digest
from chalicelib.store.records import ResourceName

WEIGHTS = {"mode": 0.40, "kind": 0.05, "shape": 0.20, "symptoms": 0.15, "templates": 0.20}
"""What each part counts. The mechanism that failed tells most; then which workload it was, and what was seen."""
ALIKE_FROM = 0.55
MAX_TEMPLATES = 8
TEMPLATE_CHARS = 160
SAME_TEMPLATE = 80.0
"""Likeness (0-100) from which two error messages are taken for one."""

_GENERATED = re.compile(r"(?:-[bcdfghjklmnpqrstvwxz2456789]{8,10})?-[bcdfghjklmnpqrstvwxz2456789]{5}$")
"""The end of a name that a controller made up (k8s.io/apimachinery/pkg/util/rand)."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """From 0 to 1, and what it rests on, in words."""

    score: float
    reasons: tuple[str, ...]


def shape_of(name: str) -> str:
    """A name without what is made up anew each time.

    >>> shape_of("checkout-6d4cf56db6-x7k2p"), shape_of("db-0"), shape_of("export-28934510")
    ('checkout', 'db-#', 'export-#')
    """
    plain = _GENERATED.sub("", name) if any(c.isdigit() for c in name[-16:]) else name
    return re.sub(r"\d+", "#", plain) or "#"


def template_of_text(text: str) -> str:
    """An error message without numbers, ids, addresses, times and quoted names."""
    return masked(text)[:TEMPLATE_CHARS].lower()


def signature_of(
    resource: ResourceName, mode: str, symptoms: Iterable[SeenSymptom], messages: Iterable[str]
) -> Signature:
    """The signature of an incident. `messages` are the error lines and events that the cause rests on."""
    seen = tuple(sorted({s.type for s in symptoms}))
    templates = tuple(dict.fromkeys(t for m in messages if (t := template_of_text(m))))[:MAX_TEMPLATES]
    shape = shape_of(resource.name)
    return Signature(
        hash=digest(mode, resource.kind, shape, *seen)[:26],
        mode=mode,
        kind=resource.kind,
        shape=shape,
        symptoms=seen,
        templates=templates,
    )


def likeness(one: Signature, other: Signature) -> Likeness:
    """How alike two incidents are. Symmetric; parts that neither has do not count."""
    scores = {
        "mode": float(one.mode == other.mode),
        "kind": float(one.kind == other.kind),
        "shape": _same_text(one.shape, other.shape),
    }
    if one.symptoms or other.symptoms:
        scores["symptoms"] = _overlap(one.symptoms, other.symptoms)
    if one.templates or other.templates:
        scores["templates"] = _messages_alike(one.templates, other.templates)
    total = sum(WEIGHTS[part] for part in scores)
    score = sum(WEIGHTS[part] * value for part, value in scores.items()) / total
    return Likeness(round(score, 3), tuple(_reasons(one, other, scores)))


def _reasons(one: Signature, other: Signature, scores: dict[str, float]) -> Iterable[str]:
    if one.hash == other.hash:
        yield "the same signature"
    if scores["mode"]:
        yield f"the same failure mode ({one.mode})"
    if scores["shape"] == 1.0:
        yield f"the same {one.kind} name ({one.shape})"
    elif scores["shape"] >= 0.6:
        yield f"a similar name ({other.shape})"
    shared = [s for s in one.symptoms if s in other.symptoms]
    if shared:
        yield f"the same symptoms ({', '.join(shared[:3])})"
    if scores.get("templates", 0.0) > 0:
        alike = sum(any(_is_same(t, o) for o in other.templates) for t in one.templates)
        yield f"{alike} of {len(one.templates)} messages alike"


def _same_text(one: str, other: str) -> float:
    """1 for the same text; else how alike they are, and nothing for what is only by chance."""
    if one == other:
        return 1.0
    ratio: float = fuzz.ratio(one, other) / 100
    return ratio if ratio >= 0.6 else 0.0


def _overlap(one: Sequence[str], other: Sequence[str]) -> float:
    """Shared of all (Jaccard)."""
    return len(set(one) & set(other)) / len(set(one) | set(other))


def _messages_alike(one: Sequence[str], other: Sequence[str]) -> float:
    """Shared of all, where alike counts as shared."""
    matched_one = sum(any(_is_same(a, b) for b in other) for a in one)
    matched_other = sum(any(_is_same(a, b) for a in one) for b in other)
    return (matched_one + matched_other) / (len(one) + len(other))


def _is_same(one: str, other: str) -> bool:
    return one == other or fuzz.ratio(one, other) >= SAME_TEMPLATE
