"""Events about an object and what it owns, or about a namespace."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.state.kinds.cluster import Event
from chalicelib.state.meta import Ref
from chalicelib.tools.moments import rfc3339
from chalicelib.tools.rows import Row, ref_json

if TYPE_CHECKING:
    from chalicelib.tools.views import ClusterView


def events_of(view: ClusterView, ref: Ref, include_owned: bool = True) -> list[Row]:
    """Items of `.../events`: events about an object and everything it owns, newest first."""
    return [event_json(e) for e in about(view, ref, include_owned)]


def about(view: ClusterView, ref: Ref, include_owned: bool = True) -> list[Event]:
    """Events about an object (and what it owns; for a Namespace all in it), newest first."""
    world = view.world
    if ref.kind == "Namespace" and include_owned:
        found = [e for e in view.snapshot.of("Event") if e.metadata.namespace == ref.name or e.ref == ref]
    else:
        refs = [ref, *(world.graph.owned_by(ref) if include_owned else ())]
        found = [e for r in refs for e in world.events_of(r)]
    return newest_first(found)


def newest_first(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=lambda e: (-_seconds(e.last_seen), e.metadata.namespace, e.metadata.name))


def select(
    events: Iterable[Event],
    *,
    namespace: str = "",
    type_: str = "",
    reason: str = "",
    since: datetime | None = None,
    text: str = "",
) -> list[Event]:
    """Events that pass all given filters, in their order. `reason` and `text` ignore case."""
    tests: list[Callable[[Event], bool]] = []
    if namespace:
        tests.append(lambda e: e.metadata.namespace == namespace)
    if type_:
        tests.append(lambda e: e.type.lower() == type_.lower())
    if reason:
        tests.append(lambda e: e.reason.lower() == reason.lower())
    if since is not None:
        tests.append(lambda e: e.last_seen is not None and e.last_seen >= since)
    if text:
        tests.append(lambda e: text.lower() in e.message.lower())
    return [e for e in events if all(test(e) for test in tests)]


def event_json(event: Event) -> Row:
    return {
        "type": event.type or "Normal",
        "reason": event.reason,
        "message": event.message,
        "count": event.count,
        "first": rfc3339(event.first_seen),
        "last": rfc3339(event.last_seen),
        "source": event.component,
        "object": ref_json(event.ref),
    }


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0
