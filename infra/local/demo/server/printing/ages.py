"""Ages and times as kubectl prints them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from infra.local.demo.server.clock import parse_time


def human_duration(seconds: float) -> str:
    """`duration.HumanDuration` of apimachinery: at most two units, fewer the longer it is."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 0:
        return "0s"
    if whole < 120:
        return f"{whole}s"
    minutes = whole // 60
    if minutes < 10:
        return f"{minutes}m{whole % 60}s" if whole % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    hours = whole // 3600
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    days = hours // 24
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    if days < 365 * 2:
        return f"{days}d"
    years = days // 365
    if years < 8:
        return f"{years}y{days % 365}d" if days % 365 else f"{years}y"
    return f"{years}y"


def age(now: datetime, value: Any) -> str:
    """The time since a timestamp; `<unknown>` without one."""
    if not value:
        return "<unknown>"
    return human_duration((now - parse_time(str(value))).total_seconds())
