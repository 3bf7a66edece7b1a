"""Kubernetes quantities: exact numbers from text and back."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

_SUFFIX = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1),
    "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12), "P": Decimal(10**15),
    "E": Decimal(10**18), "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40),
    "Pi": Decimal(2**50), "Ei": Decimal(2**60),
}  # fmt: skip
_FORM = re.compile(r"^([+-]?[0-9.]+)([eE][+-]?[0-9]+|[numkMGTPE]i?|Ki)?$")
FORMAT_TEXT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def parse(amount: Any) -> Decimal | None:
    """`"250m"` to 0.25; None if it is not a quantity."""
    if isinstance(amount, (int, float)) and not isinstance(amount, bool):
        return Decimal(str(amount))
    return _of_text(amount) if isinstance(amount, str) else None


@lru_cache(maxsize=4096)
def _of_text(amount: str) -> Decimal | None:
    match = _FORM.match(amount)
    if not match:
        return None
    number, suffix = match.group(1), match.group(2) or ""
    if suffix[:1] in ("e", "E") and suffix not in ("E", "Ei"):
        return Decimal(number + suffix)
    return Decimal(number) * _SUFFIX[suffix] if suffix in _SUFFIX and number.count(".") < 2 else None


def total(amounts: list[Any]) -> Decimal:
    """The sum of quantities; what cannot be read counts as nothing."""
    return sum((parse(amount) or Decimal(0) for amount in amounts), Decimal(0))


def canonical(value: Decimal, like: str = "") -> str:
    """A number as the real server writes it: binary suffixes if `like` has one, else decimal ones."""
    if value == 0:
        return "0"
    if like.endswith("i"):
        for suffix in ("Ei", "Pi", "Ti", "Gi", "Mi", "Ki"):
            if value % _SUFFIX[suffix] == 0:
                return f"{int(value / _SUFFIX[suffix])}{suffix}"
    if value % 1:
        for suffix in ("m", "u", "n"):
            scaled = value / _SUFFIX[suffix]
            if scaled % 1 == 0:
                return f"{int(scaled)}{suffix}"
    for suffix in ("E", "P", "T", "G", "M", "k"):
        if value % _SUFFIX[suffix] == 0:
            return f"{int(value / _SUFFIX[suffix])}{suffix}"
    return str(int(value))
