"""A tenant's policies: data above the rules. A policy can refuse a change or ask for more; none can allow anything.

Every policy that matches a change counts: the strictest of each kind holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, time
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from chalicelib.errors import InvalidRequest
from chalicelib.safety.checks.registry import Proposal
from chalicelib.safety.model import METHODS, Method, Part, Violation
from chalicelib.safety.production import Words

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Window(Part, frozen=True, kw_only=True):
    """When changes are allowed: days and hours of a time zone. `start` after `end` runs over midnight."""

    days: tuple[str, ...] = DAYS
    start: str = "00:00"
    end: str = "24:00"
    timezone: str = "UTC"


class Match(Part, frozen=True, kw_only=True):
    """What a policy is about. An empty list is all; names may hold `*` and `?`. production None: both."""

    clusters: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    production: bool | None = None


class Policy(Part, frozen=True, kw_only=True):
    """One policy. What it leaves at its default it does not ask for."""

    id: str
    name: str
    match: Match = Match()
    enabled: bool = True
    deny: bool = False
    approval: Method = "simple"
    second_person: bool = False
    admin: bool = False
    window: Window | None = None
    most_objects: int | None = None
    most_replicas: int | None = None
    reason: str = ""


class Policies(Part, frozen=True, kw_only=True):
    """All policies of a tenant, and how it calls its environments."""

    policies: tuple[Policy, ...] = ()
    environments: Words = Words()
    revision: int = 0


class Asked(Part, frozen=True, kw_only=True):
    """What all matching policies ask for together."""

    violations: tuple[Violation, ...] = ()
    method: Method = "simple"
    second_person: bool = False
    admin: bool = False
    reasons: tuple[str, ...] = ()


def checked(policies: Policies) -> Policies:
    """The policies when they make sense. Raises InvalidRequest naming the one that does not."""
    seen: set[str] = set()
    for policy in policies.policies:
        if policy.id in seen or not policy.id:
            raise _wrong(policy, "id", "every policy needs an id of its own")
        seen.add(policy.id)
        window = policy.window
        if window is not None:
            _zone(policy, window.timezone)
            if not window.days or set(window.days) - set(DAYS):
                raise _wrong(policy, "window.days", f"days are {', '.join(DAYS)}")
            for name in ("start", "end"):
                if _minutes(getattr(window, name)) is None:
                    raise _wrong(policy, f"window.{name}", "times are HH:MM from 00:00 to 24:00")
        for name in ("most_objects", "most_replicas"):
            value = getattr(policy, name)
            if value is not None and value < 0:
                raise _wrong(policy, name, "it cannot be negative")
    return policies


def _wrong(policy: Policy, field: str, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"Policy {policy.name or policy.id!r}: {field}: {why}.", code="invalid_policy", remedy=f"Correct {field}.",
        details={"policy": policy.id, "field": field},
    )  # fmt: skip


def asked(policies: Iterable[Policy], proposal: Proposal) -> Asked:
    """What a tenant's policies say to a change."""
    broken: list[Violation] = []
    reasons: list[str] = []
    method: Method = "simple"
    second = admin = False
    for policy in policies:
        if not policy.enabled or not matches(policy.match, proposal):
            continue
        broken += _broken(policy, proposal)
        if METHODS.index(policy.approval) > METHODS.index(method):
            method = policy.approval
        second |= policy.second_person
        admin |= policy.admin
        if policy.approval != "simple" or policy.second_person or policy.admin:
            reasons.append(f"policy {policy.name}{f': {policy.reason}' if policy.reason else ''}")
    return Asked(violations=tuple(broken), method=method, second_person=second, admin=admin, reasons=tuple(reasons))


def matches(match: Match, proposal: Proposal) -> bool:
    """Whether a policy concerns a change: one object that it is about is enough."""
    record = proposal.scene.record
    if match.clusters and not any(_like(pattern, record.id, record.name) for pattern in match.clusters):
        return False
    if match.actions and proposal.action not in match.actions:
        return False
    if match.production is not None and match.production != proposal.production[0]:
        return False
    if not (match.namespaces or match.kinds or match.labels):
        return True
    return any(
        _object_matches(match, effect.ref.kind, effect.ref.namespace, effect.before or effect.after)
        for effect in proposal.effects
    )


def _object_matches(match: Match, kind: str, namespace: str, obj: dict[str, object] | None) -> bool:
    if match.kinds and kind not in match.kinds:
        return False
    if match.namespaces and not any(_like(pattern, namespace) for pattern in match.namespaces):
        return False
    meta = (obj or {}).get("metadata")
    labels = (meta.get("labels") or {}) if isinstance(meta, dict) else {}
    return all(fnmatchcase(str(labels.get(key, "")), value) for key, value in match.labels.items())


def _like(pattern: str, *names: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)


def _broken(policy: Policy, proposal: Proposal) -> Iterator[Violation]:
    name = f"policy:{policy.id}"
    why = f" {policy.reason}" if policy.reason else ""
    if policy.deny:
        yield Violation(rule=name, text=f"Policy {policy.name} refuses this.{why}", remedy="Ask who set the policy.")
    if policy.window is not None and not open_at(policy.window, proposal.scene.now):
        window = policy.window
        when = f"{', '.join(window.days)} {window.start}-{window.end} {window.timezone}"
        yield Violation(rule=name, text=f"Policy {policy.name} allows changes only {when}.{why}", remedy="Wait.")
    if policy.most_objects is not None and len(proposal.effects) > policy.most_objects:
        text = f"Policy {policy.name} allows {policy.most_objects} objects at a time, this has {len(proposal.effects)}."
        yield Violation(rule=name, text=text, remedy="Split the request.")
    if policy.most_replicas is not None and (most := _replicas(proposal)) > policy.most_replicas:
        text = f"Policy {policy.name} allows at most {policy.most_replicas} replicas, this asks for {most}."
        yield Violation(rule=name, text=text, remedy="Ask for fewer.")


def _replicas(proposal: Proposal) -> int:
    found = [((effect.after or {}).get("spec") or {}).get("replicas") for effect in proposal.effects]
    return max((int(number) for number in found if number is not None), default=0)


def open_at(window: Window, now: datetime) -> bool:
    """Whether a moment lies in a window; over midnight the day is that on which it opened."""
    local = now.astimezone(ZoneInfo(window.timezone))
    minute = local.hour * 60 + local.minute
    start, end = _minutes(window.start) or 0, _minutes(window.end) or 0
    today, yesterday = DAYS[local.weekday()], DAYS[local.weekday() - 1]
    if start <= end:
        return today in window.days and start <= minute < end
    return (today in window.days and minute >= start) or (yesterday in window.days and minute < end)


def _minutes(text: str) -> int | None:
    if text == "24:00":
        return 24 * 60
    try:
        parsed = time.fromisoformat(text)
    except ValueError:
        return None
    return parsed.hour * 60 + parsed.minute if len(text) == 5 else None


def _zone(policy: Policy, name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise _wrong(policy, "window.timezone", f"{name!r} is no time zone") from error


def decode(body: dict[str, object], revision: int) -> Policies:
    """Stored policies."""
    return msgspec.convert({**body, "revision": revision}, Policies)
