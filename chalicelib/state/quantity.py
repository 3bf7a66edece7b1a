"""Kubernetes quantities: text to numbers and back.

Grammar: k8s.io/apimachinery `resource.Quantity` - a signed decimal number with a binary suffix (Ki ... Ei), a decimal
suffix (n, u, m, none, k, M, G, T, P, E) or a decimal exponent (e3, E3).
"""

from __future__ import annotations

import re

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i))?\Z", re.ASCII)
_SUFFIX = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip


def parse_quantity(text: str | int | float) -> float:
    """The number a quantity stands for: cores for cpu, bytes for memory, a count otherwise.

    Raises ValueError for text that is not a quantity; the API server would have refused it.
    """
    if isinstance(text, int | float):
        return float(text)
    found = _NUMBER.match(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a Kubernetes quantity such as 250m, 1.5 or 512Mi")
    number, exponent, suffix = found.groups()
    if exponent:
        return float(f"{number}e{exponent}")
    return float(number) * _SUFFIX[suffix] if suffix else float(number)


def quantity(text: str | int | float | None) -> float:
    """Like `parse_quantity`, but 0 for what is absent or unreadable, for sums over many objects."""
    if text is None:
        return 0.0
    try:
        return parse_quantity(text)
    except ValueError:
        return 0.0


def format_cores(cores: float) -> str:
    """Cores the way people write them: `250m` below one core, else `1.5`."""
    if 0 < abs(cores) < 1:
        return f"{cores * 1000:.0f}m"
    return f"{cores:.2f}".rstrip("0").rstrip(".")


def format_bytes(count: float) -> str:
    """Bytes with a binary suffix: `512Mi`, `1.5Gi`."""
    for suffix in ("", "Ki", "Mi", "Gi", "Ti", "Pi"):
        if abs(count) < 1024 or suffix == "Pi":
            return f"{count:.1f}".rstrip("0").rstrip(".") + suffix
        count /= 1024
    raise AssertionError("unreachable: the last suffix always returns")
