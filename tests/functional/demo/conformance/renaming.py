"""The same recording with other names: what passes only for the recorded names would fail here."""

from __future__ import annotations

from typing import Any


def renamed(value: Any) -> Any:
    return value
