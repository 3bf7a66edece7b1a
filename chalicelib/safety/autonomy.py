"""How much Kubilitics may do by itself, and the standing approvals inside which it does.

1 observe only, 2 recommend, 3 act after approval (the default), 4 act inside standing approvals and report each change
at once, 5 the same with a daily report. A standing approval is a person's signed yes to a kind of change within bounds;
it counts as the approval record of every change made in its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from fnmatch import fnmatchcase

import msgspec

from chalicelib.errors import InvalidRequest
from chalicelib.safety.model import LEVELS, Change, Level, Part
from chalicelib.safety.policies import Window, open_at

DEFAULT_LEVEL = 3
NAMES = {1: "observe only", 2: "recommend", 3: "act after approval", 4: "act and report", 5: "act, report daily"}
NEVER_ALONE = ("delete", "apply", "patch", "drain", "undo")
"""Actions whose arguments are too free to be bounded beforehand."""


class Scope(Part, frozen=True, kw_only=True):
    """A level for a cluster, or for a namespace of it."""

    cluster: str
    namespace: str = ""
    level: int = DEFAULT_LEVEL


class Bounds(Part, frozen=True, kw_only=True):
    """What a change made alone may touch. Empty lists allow nothing: bounds are named, never assumed."""

    clusters: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    worst_level: Level = "low"
    most_replicas: int = 0
    production: bool = False


class Standing(Part, frozen=True, kw_only=True):
    """A standing approval: for one rule (a failure mode or a waste rule) and one action, signed by an administrator."""

    id: str
    rule: str
    action: str
    bounds: Bounds
    daily_budget: int
    signed_by: str
    signed_at: datetime
    expires_at: datetime
    window: Window | None = None
    signature: str = ""

    @property
    def said(self) -> dict[str, object]:
        """What the signature covers."""
        plain: dict[str, object] = msgspec.to_builtins(msgspec.structs.replace(self, signature=""))
        return plain


class Breaker(Part, frozen=True, kw_only=True):
    """Stops autonomy in a cluster after a failed verification or two undos, until a person closes it."""

    cluster: str
    opened_at: datetime
    why: str


class Autonomy(Part, frozen=True, kw_only=True):
    """Levels of a tenant. The most specific one holds: namespace, cluster, tenant."""

    level_of_tenant: int = DEFAULT_LEVEL
    scopes: tuple[Scope, ...] = ()
    breakers: tuple[Breaker, ...] = ()
    revision: int = 0

    def level(self, cluster: str, namespaces: Iterable[str]) -> int:
        """The lowest level among the places that a change touches; an open breaker allows no more than 3."""
        levels = [self._at(cluster, namespace) for namespace in set(namespaces)] or [self._at(cluster, "")]
        found = min(levels)
        return min(found, DEFAULT_LEVEL) if any(one.cluster == cluster for one in self.breakers) else found

    def _at(self, cluster: str, namespace: str) -> int:
        of_cluster = self.level_of_tenant
        for scope in self.scopes:
            if scope.cluster == cluster and namespace and scope.namespace == namespace:
                return scope.level
            if scope.cluster == cluster and not scope.namespace:
                of_cluster = scope.level
        return of_cluster


def checked(autonomy: Autonomy) -> Autonomy:
    """The settings when they make sense. Raises InvalidRequest."""
    for level in (autonomy.level_of_tenant, *(scope.level for scope in autonomy.scopes)):
        if level not in NAMES:
            raise InvalidRequest(
                f"There is no autonomy level {level}.", code="invalid_level",
                remedy="; ".join(f"{number}: {name}" for number, name in NAMES.items()),
            )  # fmt: skip
    places = [(scope.cluster, scope.namespace) for scope in autonomy.scopes]
    if len(set(places)) != len(places):
        raise InvalidRequest("A place has two levels.", code="invalid_level", remedy="Leave one of them out.")
    return autonomy


def autonomy_of(body: dict[str, object], revision: int) -> Autonomy:
    return msgspec.convert({**body, "revision": revision}, Autonomy)


def covering(
    standing: Sequence[Standing], change: Change, rule: str, now: datetime, used_today: dict[str, int]
) -> tuple[Standing | None, str]:
    """(the standing approval in whose name the change may be made, or None, why not)."""
    why = f"no standing approval for {rule} and {change.action}"
    for one in standing:
        if one.rule != rule or one.action != change.action:
            continue
        why = _outside(one, change, now, used_today.get(one.id, 0))
        if not why:
            return one, ""
    return None, why


def _outside(one: Standing, change: Change, now: datetime, used: int) -> str:
    """Why a change is not inside a standing approval; empty when it is."""
    bounds, preview = one.bounds, change.preview
    if now >= one.expires_at:
        return f"standing approval {one.id} has expired"
    if change.action in NEVER_ALONE:
        return f"{change.action} is never done alone"
    if used >= one.daily_budget:
        return f"standing approval {one.id} allows {one.daily_budget} changes a day"
    if one.window is not None and not open_at(one.window, now):
        return f"standing approval {one.id} is outside its hours"
    if not change.decision.allowed or preview.verdict != "safe":
        return f"the preview says {preview.verdict}"
    if preview.production and not bounds.production:
        return f"it concerns production ({preview.production_why})"
    if LEVELS.index(preview.blast.level) > LEVELS.index(bounds.worst_level):
        return f"its blast radius is {preview.blast.level}"
    if not any(fnmatchcase(change.cluster, pattern) for pattern in bounds.clusters):
        return "the cluster is outside its bounds"
    for target in change.targets:
        if target.kind not in bounds.kinds:
            return f"{target.kind} is outside its bounds"
        if not any(fnmatchcase(target.namespace, pattern) for pattern in bounds.namespaces):
            return f"namespace {target.namespace} is outside its bounds"
    replicas = change.arguments.get("replicas")
    if replicas is not None and int(replicas) > bounds.most_replicas:
        return f"{replicas} replicas are outside its bounds"
    if change.decision.requirement.second_person or change.decision.requirement.admin:
        return "a policy asks for a person"
    return ""
