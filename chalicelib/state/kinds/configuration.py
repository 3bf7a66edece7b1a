"""Configuration: ConfigMap, Secret, ResourceQuota, LimitRange. Secret values are never part of a struct."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.state.kinds.registry import KINDS, Column, KindEntry, Status
from chalicelib.state.meta import Api, Object, Quantities, Ref
from chalicelib.state.quantity import quantity

if TYPE_CHECKING:
    from chalicelib.state.world import World


class ConfigMap(Object):
    """Configuration files and values; binary values stay in their base64 form."""

    data: dict[str, str] = {}
    binary_data: dict[str, str] = {}
    immutable: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(sorted({*self.data, *self.binary_data}))


class Secret(Object):
    """Type and key names only. A reader must drop the values before it builds one."""

    type: str = ""
    keys: list[str] = []
    key_count: int = 0


class ScopeRequirement(Api):
    scope_name: str = ""
    operator: str = ""
    values: list[str] = []


class ScopeSelector(Api):
    match_expressions: list[ScopeRequirement] = []


class QuotaSpec(Api):
    hard: Quantities = {}
    scopes: list[str] = []
    scope_selector: ScopeSelector | None = None


class QuotaStatus(Api):
    hard: Quantities = {}
    used: Quantities = {}


class ResourceQuota(Object):
    spec: QuotaSpec = QuotaSpec()
    status: QuotaStatus = QuotaStatus()

    @property
    def ratios(self) -> dict[str, float]:
        """Used share of each limited resource; 1.0 is exhausted."""
        hard = self.status.hard or self.spec.hard
        return {
            name: quantity(self.status.used.get(name)) / quantity(limit) if quantity(limit) else 1.0
            for name, limit in sorted(hard.items())
        }


class LimitItem(Api):
    type: str = ""
    max: Quantities = {}
    min: Quantities = {}
    default: Quantities = {}
    default_request: Quantities = {}
    max_limit_request_ratio: Quantities = {}


class LimitSpec(Api):
    limits: list[LimitItem] = []


class LimitRange(Object):
    spec: LimitSpec = LimitSpec()


def _users(kind: str, obj: Object, world: World) -> int:
    ref = Ref(kind, obj.metadata.namespace, obj.metadata.name)
    return len({world.graph.owner_of(e.source) for e in world.graph.into(ref)})


def _quota_status(quota: ResourceQuota, world: World) -> Status:
    if not quota.ratios:
        return Status("ok", "No limits")
    name, ratio = max(quota.ratios.items(), key=lambda item: (item[1], item[0]))
    if ratio >= 1:
        return Status("warn", "Exhausted", f"{name} is used up")
    return Status("warn", "Nearly used", f"{name} at {ratio:.0%}") if ratio >= 0.9 else Status("ok", "Within limits")


KINDS.add(
    KindEntry(
        kind="ConfigMap", plural="configmaps", group="", version="v1", category="Config", title="ConfigMaps",
        struct=ConfigMap, status=lambda c, w: Status("ok", "Present"), short_names=("cm",),
        columns=(
            Column("keys", "Keys", "list", lambda c, w: list(c.keys)),
            Column("used_by", "Used by", "number", lambda c, w: _users("ConfigMap", c, w)),
        ),
        words=("config map", "config"),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="Secret", plural="secrets", group="", version="v1", category="Config", title="Secrets", struct=Secret,
        status=lambda s, w: Status("ok", "Present"), metadata_only=True,
        columns=(
            Column("type", "Type", "text", lambda s, w: s.type or None),
            Column("key_count", "Keys", "number", lambda s, w: s.key_count),
            Column("used_by", "Used by", "number", lambda s, w: _users("Secret", s, w)),
        ),
        words=("secret",),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="ResourceQuota", plural="resourcequotas", group="", version="v1", category="Config", title="Quotas",
        struct=ResourceQuota, status=_quota_status, short_names=("quota",),
        columns=(
            Column("used", "Used / hard", "list",
                   lambda q, w: [f"{n} {q.status.used.get(n, '0')}/{h}" for n, h in sorted(q.status.hard.items())]),
            Column("fullest", "Fullest", "ratio", lambda q, w: max(q.ratios.values(), default=None)),
        ),
        words=("resource quota",),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="LimitRange", plural="limitranges", group="", version="v1", category="Config", title="Limit ranges",
        struct=LimitRange, status=lambda r, w: Status("ok", "Present"), short_names=("limits",),
        columns=(
            Column("types", "Types", "list", lambda r, w: [i.type for i in r.spec.limits]),
            Column("max", "Max", "list",
                   lambda r, w: [f"{i.type} {n} {v}" for i in r.spec.limits for n, v in sorted(i.max.items())]),
            Column("min", "Min", "list",
                   lambda r, w: [f"{i.type} {n} {v}" for i in r.spec.limits for n, v in sorted(i.min.items())]),
        ),
        words=("limit range",),
    )
)  # fmt: skip
