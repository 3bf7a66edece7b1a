"""Small pieces of the sentences that summaries are made of."""

from __future__ import annotations

from collections.abc import Sequence


def counted(count: int, noun: str) -> str:
    """A number and its noun: `1 pod`, `3 pods`, `2 policies`.

    >>> counted(2, "NetworkPolicy"), counted(1, "pod")
    ('2 NetworkPolicies', '1 pod')
    """
    return f"{count} {noun if count == 1 else plural(noun)}"


def plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    if noun.endswith(("ss", "x", "ch", "sh", "s")):
        return noun + "es"
    return noun + "s"


def listed(items: Sequence[object], most: int = 5) -> str:
    """`a, b, c and 4 more`; `none` for nothing."""
    if not items:
        return "none"
    shown = ", ".join(str(item) for item in items[:most])
    return f"{shown} and {len(items) - most} more" if len(items) > most else shown


def phrases(items: Sequence[str], most: int = 4) -> str:
    """`one thing, explained; another thing; and 4 more`: parts that may have commas of their own."""
    more = [f"and {len(items) - most} more"] if len(items) > most else []
    return "; ".join([*items[:most], *more]) or "none"
