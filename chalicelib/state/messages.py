"""Messages without what differs from one time to the next, so that the same message can be counted and compared."""

from __future__ import annotations

import re

_VARIABLE = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # UUID
    r"|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"  # address
    r"|\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*"  # time
    r"|0x[0-9a-f]+|\b(?=[0-9a-f]*\d)[0-9a-f]{7,64}\b|\d+",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\"[^\"]{1,200}\"|'[^']{1,200}'|`[^`]{1,200}`")
_STRUCTURED = ('{"', '="')
"""Marks of JSON and logfmt, where what is quoted is the message itself."""


def structured(text: str) -> bool:
    """Whether a line is JSON or logfmt."""
    return any(mark in text for mark in _STRUCTURED)


def masked(text: str) -> str:
    """`#` for numbers, ids, addresses and times, and `*` for what is quoted in a sentence; on one line.

    >>> masked('10.0.0.7:53: lookup "db" failed after 300ms'), masked('level=error msg="no route" took=12')
    ('#: lookup * failed after #ms', 'level=error msg="no route" took=#')
    """
    plain = text if structured(text) else _QUOTED.sub("*", text)
    return " ".join(_VARIABLE.sub("#", plain).split())
