"""Names as parts of API paths."""

from __future__ import annotations

import re
from urllib.parse import quote

from chalicelib.errors import NotFound

_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_@-]{0,252}")
"""Names of objects are DNS names, those of roles also hold colons; none holds `/` or `%`."""


def segment(name: str) -> str:
    """A name as one segment of a path. Raises NotFound for what no object is called: it cannot lead elsewhere."""
    if name in (".", "..") or not _SEGMENT.fullmatch(name):
        raise NotFound(
            f"No object can be called {name[:80]!r}.", code="object_not_found",
            remedy="Give the name as the list of its kind shows it.",
        )  # fmt: skip
    return quote(name, safe="")
