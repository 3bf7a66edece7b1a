"""Evidence: the slice of a cluster that a statement rests on, under an id that can be resolved.

The id is a hash of the slice, so the same fact always has the same id and a forged one resolves to nothing.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import Any, Literal

import msgspec

from chalicelib.state.kinds.cluster import Event
from chalicelib.state.meta import Api, Object, Ref

EvidenceType = Literal["object", "event", "log", "metric", "absence"]


class Evidence(Api):
    """One observed fact. `pointer` is a JSON pointer (RFC 6901) into the object; `lines` are log lines with numbers."""

    id: str
    type: EvidenceType
    ref: Ref
    text: str
    uid: str = ""
    resource_version: str = ""
    pointer: str = ""
    observed: Any = None
    expected: Any = None
    at: datetime | None = None
    lines: list[tuple[int, str]] = []
    container: str = ""


def _identify(cluster: str, slice_: dict[str, Any]) -> str:
    canonical = msgspec.json.encode({"cluster": cluster, **slice_}, order="sorted", enc_hook=str)
    digest = hashlib.sha256(canonical).digest()
    return "ev_" + base64.b32encode(digest).decode("ascii").lower()[:26]


def _make(cluster: str, type_: EvidenceType, ref: Ref, text: str, **fields: Any) -> Evidence:
    identity = {"type": type_, "ref": list(ref), "text": text, **fields}
    return Evidence(id=_identify(cluster, identity), type=type_, ref=ref, text=text, **fields)


def object_evidence(
    cluster: str, ref: Ref, obj: Object, pointer: str, observed: Any, text: str, *, expected: Any = None
) -> Evidence:
    """A field of an object as it was observed."""
    return _make(
        cluster, "object", ref, text, uid=obj.metadata.uid, resource_version=obj.metadata.resource_version,
        pointer=pointer, observed=_plain(observed), expected=_plain(expected),
    )  # fmt: skip


def event_evidence(cluster: str, event: Event) -> Evidence:
    """An event as the cluster wrote it."""
    times = f" ({event.count} times)" if event.count > 1 else ""
    return _make(
        cluster, "event", event.ref, f"{event.reason}: {event.message}{times}", uid=event.metadata.uid,
        resource_version=event.metadata.resource_version, observed=event.message, at=event.last_seen,
    )  # fmt: skip


def log_evidence(
    cluster: str, ref: Ref, container: str, lines: list[tuple[int, str]], text: str, *, previous: bool = False
) -> Evidence:
    """Log lines with their numbers (from 1). `previous` marks the log of the last, ended container."""
    return _make(
        cluster, "log", ref, text, container=container, lines=lines, observed="previous" if previous else "current"
    )


def absence_evidence(cluster: str, ref: Ref, text: str) -> Evidence:
    """An object that does not exist although the list of its kind was read."""
    return _make(cluster, "absence", ref, text)


def metric_evidence(cluster: str, ref: Ref, name: str, observed: Any, text: str, *, at: datetime | None) -> Evidence:
    """A measured value or range of a metric."""
    return _make(cluster, "metric", ref, text, pointer=name, observed=_plain(observed), at=at)


def _plain(value: Any) -> Any:
    """A JSON value of a struct slice."""
    return msgspec.to_builtins(value, str_keys=True) if value is not None else None
