"""Worst first: the order of every list and result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LEVELS = ("crit", "warn", "unknown", "progress", "ok")
"""Levels of a status or a health, worst first."""
_RANK = {level: rank for rank, level in enumerate(LEVELS)} | {
    "critical": 0,
    "high": 0,
    "warning": 1,
    "medium": 1,
    "info": 3,
    "low": 4,
}
UNRANKED = len(LEVELS)


def rank(level: str) -> int:
    """0 for the worst; UNRANKED for a word that is no level."""
    return _RANK.get(level, UNRANKED)


def rank_of(row: Mapping[str, Any]) -> int:
    """The rank of a row: the worse of its status and its health."""
    found = UNRANKED
    for key in ("status", "health", "level", "severity"):
        value = row.get(key)
        level = value.get("level") if isinstance(value, Mapping) else value
        if isinstance(level, str):
            found = min(found, rank(level))
    return found


def row_rank(row: Mapping[str, Any]) -> int:
    """`rank_of` for a whole row of a list, which always has a status and a health."""
    return min(_RANK[row["status"]["level"]], _RANK[row["health"]["level"]])
