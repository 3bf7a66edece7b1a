"""Tools that look at what pods read: volume claims, ConfigMaps, Secrets."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from chalicelib.state.evidence import Evidence, absence_evidence
from chalicelib.state.kinds import KINDS
from chalicelib.state.kinds.storage import PersistentVolumeClaim
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Gap
from chalicelib.state.world import World
from chalicelib.tools.citing import field_evidence, state_evidence
from chalicelib.tools.context import ToolContext
from chalicelib.tools.entry import Answer, PageArgs, Result, Row, tool
from chalicelib.tools.gaps import gaps_of
from chalicelib.tools.listing import checked_namespace
from chalicelib.tools.ranking import rank
from chalicelib.tools.references import Configuration, Used, usage_of
from chalicelib.tools.rows import status_json
from chalicelib.tools.wording import counted, listed, phrases

SHOWN_USERS = 6
SHOWN_KEYS = 12


class ClaimArgs(PageArgs):
    name: str = Field("", max_length=253)


class Claim(Result, frozen=True, kw_only=True):
    namespace: str
    name: str
    status: Row
    size: str = ""
    storage_class: str = ""
    access: list[str] = []
    volume: str = ""
    consumers: list[str] = []
    why: str = ""


class Claims(Result, frozen=True, kw_only=True):
    items: list[Claim] = []


@tool("observe_pvc_bindings", args=ClaimArgs, result=Claims, title="Volume claim bindings")
def pvc_bindings(args: ClaimArgs, context: ToolContext) -> Answer:
    """PersistentVolumeClaims with volume, class, size, consumers and why one is not bound, worst first. Use for Pending
    claims or pods waiting for volumes. Not for disk usage. Example: {"namespace":"data"}."""
    view, world = context.view, context.world
    namespace = checked_namespace(view, KINDS["PersistentVolumeClaim"], args.namespace)
    from chalicelib.tools.observe_network import named

    chosen = named(view.snapshot.of("PersistentVolumeClaim"), namespace, args.name, "PersistentVolumeClaim", context)
    items = sorted((_claim(world, c) for c in chosen), key=lambda c: (rank(c.status["level"]), c.namespace, c.name))
    bad = [f"{c.namespace}/{c.name} {c.status['word']}{f': {c.why}' if c.why else ''}" for c in items
           if c.status["level"] in ("crit", "warn")]  # fmt: skip
    summary = f"{counted(len(items), 'claim')}, {len(bad)} not well" + (f": {phrases(bad, 4)}." if bad else ".")
    kinds = ("PersistentVolumeClaim", "PersistentVolume", "StorageClass")
    return Answer(
        Claims(items=items), summary, gaps=list(gaps_of(view.snapshot, *kinds, namespace=namespace)),
        cite=lambda c: state_evidence(world, Ref("PersistentVolumeClaim", c.namespace, c.name)),
    )  # fmt: skip


def _claim(world: World, claim: PersistentVolumeClaim) -> Claim:
    ref = Ref("PersistentVolumeClaim", claim.metadata.namespace, claim.metadata.name)
    size = claim.status.capacity.get("storage") or claim.spec.resources.requests.get("storage") or ""
    consumers = sorted({e.source.name for e in world.graph.into(ref, "mounts") if e.source.kind == "Pod"})
    return Claim(
        namespace=ref.namespace,
        name=ref.name,
        status=status_json(world.status("PersistentVolumeClaim", claim)),
        size=str(size),
        storage_class=claim.spec.storage_class_name or "",
        access=claim.spec.access_modes,
        volume=claim.spec.volume_name,
        consumers=consumers[:SHOWN_USERS],
        why=_why_unbound(world, claim, ref),
    )


def _why_unbound(world: World, claim: PersistentVolumeClaim, ref: Ref) -> str:
    if claim.status.phase == "Bound":
        return ""
    snapshot, wanted = world.snapshot, claim.spec.storage_class_name
    if wanted and snapshot.was_read("StorageClass") and not snapshot.get("StorageClass", "", wanted):
        classes = listed([c.metadata.name for c in snapshot.of("StorageClass")], 5)
        return f"StorageClass {wanted} does not exist; there are: {classes}"
    if wanted is None and snapshot.was_read("StorageClass") and not any(c.default for c in snapshot.of("StorageClass")):
        return "no class is named and the cluster has no default class"
    warnings = [e for e in world.events_of(ref) if e.type == "Warning"]
    if warnings:
        return f"{warnings[0].reason}: {warnings[0].message[:200]}"
    if world.waits_for_first_consumer(claim):
        return "its class binds when a pod uses it, and no pod does"
    return ""


class ConfigArgs(PageArgs):
    name: str = Field("", max_length=253)


class Config(Result, frozen=True, kw_only=True):
    namespace: str
    name: str
    level: str
    exists: bool | None = None
    keys: list[str] | None = None
    missing_keys: list[str] = []
    used_by: list[Row] = []
    users: int = 0


class Configs(Result, frozen=True, kw_only=True):
    broken: int = 0
    unused: int = 0
    items: list[Config] = []


@tool("observe_configmap_usage", args=ConfigArgs, result=Configs, title="ConfigMap usage")
def configmap_usage(args: ConfigArgs, context: ToolContext) -> Answer:
    """ConfigMaps with keys and who reads which; missing ones first. Use for CreateContainerConfigError or before a
    change. Not for values: they are not shown. Example: {"namespace":"shop"}."""
    return _usage("ConfigMap", args, context)


@tool("observe_secret_usage", args=ConfigArgs, result=Configs, title="Secret usage")
def secret_usage(args: ConfigArgs, context: ToolContext) -> Answer:
    """Who references which Secret and key; missing ones first. Use for CreateContainerConfigError or pull errors. Not
    for values: they are never read. Example: {"namespace":"shop"}."""
    return _usage("Secret", args, context)


def _usage(kind: Configuration, args: ConfigArgs, context: ToolContext) -> Answer:
    view, world = context.view, context.world
    namespace = checked_namespace(view, KINDS[kind], args.namespace)
    found = [u for u in usage_of(world, kind, namespace) if args.name in ("", u.ref.name)]
    if args.name and not found:
        from chalicelib.tools.detail import locate

        locate(view, kind, namespace, args.name)
    broken = [u for u in found if u.broken]
    items = [_config(u) for u in found]
    said = [f"{u.ref.namespace}/{u.ref.name} {_fault(u)}" for u in broken]
    unused = sum(not u.references for u in found)
    summary = f"{counted(len(found), kind)}, {unused} not referenced, {len(broken)} broken" + (
        f": {phrases(said, 5)}." if said else "."
    )
    gaps = list(gaps_of(view.snapshot, kind, "Pod", namespace=namespace))
    if kind == "Secret" and not view.snapshot.was_read("Secret", namespace):
        summary += " Secrets themselves were not read: this comes from references only."
    if kind == "Secret" and not gaps and any(u.known_keys is None for u in found):
        gaps.append(Gap(kind="Secret", reason="partial", message="key names are not read, so keys cannot be checked"))
    return Answer(
        Configs(broken=len(broken), unused=unused, items=items), summary, gaps=gaps,
        cite=lambda item: _cite(world, kind, item),
    )  # fmt: skip


def _fault(used: Used) -> str:
    if used.exists is False:
        return f"does not exist, needed by {listed([f'{r.user.kind} {r.user.name}' for r in used.references], 2)}"
    return f"has no key {', '.join(used.missing_keys[:3])}"


def _config(used: Used) -> Config:
    by_user: dict[tuple[Ref, str], list[str]] = {}
    for reference in used.references:
        keys = by_user.setdefault((reference.user, reference.how), [])
        if reference.key:
            keys.append(reference.key)
    users: list[dict[str, Any]] = [
        {"kind": user.kind, "name": user.name, "how": how, **({"keys": sorted(set(keys))[:SHOWN_KEYS]} if keys else {})}
        for (user, how), keys in sorted(by_user.items())
    ]
    return Config(
        namespace=used.ref.namespace,
        name=used.ref.name,
        level="crit" if used.broken else "ok" if used.exists else "unknown",
        exists=used.exists,
        keys=used.known_keys[:SHOWN_KEYS] if used.known_keys is not None else None,
        missing_keys=used.missing_keys,
        used_by=users[:SHOWN_USERS],
        users=len({user for user, _ in by_user}),
    )


def _cite(world: World, kind: str, item: Config) -> Evidence | None:
    ref = Ref(kind, item.namespace, item.name)
    if item.exists is False:
        return absence_evidence(world.snapshot.cluster, ref, f"there is no {ref}")
    text = f"{ref} has the keys {', '.join(item.keys or [])}"
    return field_evidence(world, ref, "/data", item.keys, text) if item.exists else None
