"""Revisions of a workload and what each one changed; and changes between two readings of a cluster."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.state.diff import FieldChange, diff
from chalicelib.state.kinds.pod_spec import PodTemplate
from chalicelib.state.kinds.workloads import ReplicaSet, ReplicaSetSpec
from chalicelib.state.meta import ObjectMeta
from chalicelib.state.snapshot import Snapshot
from chalicelib.state.world import World
from chalicelib.tools.rows import Row

HASH_LABEL = "pod-template-hash"
_SECRET_NAME = re.compile(r"pass|secret|token|credential|api[-_]?key|private", re.IGNORECASE)
HIDDEN = "(hidden)"
VALUE_CHARS = 160


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision. `changes` are the template fields that differ from the revision before it."""

    number: int
    name: str
    created_at: datetime | None
    desired: int
    ready: int
    current: bool
    images: list[str]
    changes: list[FieldChange] = field(default_factory=list)
    cause: str = ""


def revisions(world: World, deployment: Any) -> list[Revision]:
    """Revisions of a Deployment that still have a ReplicaSet, newest first."""
    sets = world.replica_sets_of(deployment)
    older: list[ReplicaSet | None] = [*sets[1:], None]
    return [
        Revision(
            number=rs.revision,
            name=rs.metadata.name,
            created_at=rs.metadata.creation_timestamp,
            desired=rs.spec.replicas,
            ready=rs.status.ready_replicas,
            current=index == 0,
            images=[c.image for c in rs.spec.template.spec.containers],
            changes=template_changes(before.spec.template, rs.spec.template) if before is not None else [],
            cause=rs.metadata.annotations.get("kubernetes.io/change-cause", ""),
        )
        for index, (rs, before) in enumerate(zip(sets, older, strict=True))
    ]


def template_changes(before: PodTemplate, after: PodTemplate) -> list[FieldChange]:
    """Fields that differ between two pod templates, pointers relative to the template."""
    moment = datetime.min
    snapshots = [
        Snapshot("", moment, {"ReplicaSet": (ReplicaSet(spec=ReplicaSetSpec(template=_without_hash(template))),)})
        for template in (before, after)
    ]
    prefix = "/spec/template"
    return [
        FieldChange(pointer=f.pointer.removeprefix(prefix), before=f.before, after=f.after)
        for change in diff(snapshots[0], snapshots[1])
        for f in change.fields
    ]


def _without_hash(template: PodTemplate) -> PodTemplate:
    labels = {k: v for k, v in template.metadata.labels.items() if k != HASH_LABEL}
    return msgspec.structs.replace(
        template, metadata=ObjectMeta(labels=labels, annotations=template.metadata.annotations)
    )


def field_json(change: FieldChange) -> Row:
    """`{pointer, before, after}` with long values shortened and secret-looking ones hidden."""
    hidden = bool(_SECRET_NAME.search(change.pointer)) and "/env/" in change.pointer
    return {
        "pointer": change.pointer,
        "before": HIDDEN if hidden and change.before is not None else _short(change.before),
        "after": HIDDEN if hidden and change.after is not None else _short(change.after),
    }


def _short(value: Any) -> Any:
    if isinstance(value, list | dict):
        value = msgspec.json.encode(value).decode()
    if isinstance(value, str) and len(value) > VALUE_CHARS:
        return f"{value[:VALUE_CHARS]}... ({len(value)} characters)"
    return value


def change_text(fields: Iterable[FieldChange], most: int = 3) -> str:
    """`image of web: a -> b; replicas: 2 -> 3`, the first few changes as one line."""
    said = []
    listed = list(fields)
    for change in listed[:most]:
        found = field_json(change)
        said.append(f"{_name(change.pointer)}: {_word(found['before'])} -> {_word(found['after'])}")
    if len(listed) > most:
        said.append(f"{len(listed) - most} more fields")
    return "; ".join(said)


def _name(pointer: str) -> str:
    parts = [p.replace("~1", "/").replace("~0", "~") for p in pointer.split("/") if p]
    if "containers" in parts and len(parts) > parts.index("containers") + 2:
        at = parts.index("containers")
        return f"{' '.join(parts[at + 2 :])} of {parts[at + 1]}"
    return " ".join(p for p in parts if p not in ("spec", "template"))


def _word(value: Any) -> str:
    return "none" if value in (None, "", "{}", "[]") else str(value)[:80]
