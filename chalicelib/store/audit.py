"""The audit log: one append-only hash chain for each tenant, with one writer.

Everyone submits events to the audit queue (FIFO, group = tenant), and the queue's consumer alone appends. The
chain is safe without that as well: an event is written only where its number is free; but racing writers
would spend their time on retries. A checkpoint of the newest link lives in another table, so that a chain cut
at its end is noticed too. Once a day the newest link is anchored where nobody can change it (`Anchors`): a chain that
was written anew from its first event, checkpoint included, does not fit its anchors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chalicelib.errors import Unavailable
from chalicelib.state.ids import TenantId
from chalicelib.store import codec
from chalicelib.store.pages import Page, checked_limit, decode_cursor, encode_cursor
from chalicelib.store.ports import MAX_WRITES_TOGETHER, Anchor, Anchors, ConditionFailed, Item, Table, Write
from chalicelib.store.records import AuditEvent, NewAuditEvent

GENESIS = "0" * 64
"""The hash before the first event."""

MAX_APPEND_ATTEMPTS = 20
EXAMINED = 5000
_CHUNK = 250
_LATEST = timedelta(days=1)
"""Events are numbered as they arrive: one that waited in the queue stands among younger ones."""
_EVENTS_TOGETHER = MAX_WRITES_TOGETHER // 2
"""Each event is two writes: the link, and the note that its id is taken."""

Submit = Callable[[TenantId, NewAuditEvent], None]


@dataclass(frozen=True, slots=True)
class Verification:
    """What a replay of a chain found. `broken_at` is the first sequence number that does not hold."""

    events: int
    head: str
    broken_at: int | None = None
    reason: str = ""
    anchored: Anchor | None = None
    """The newest anchor that the chain fits."""

    @property
    def ok(self) -> bool:
        return self.broken_at is None


class _Checkpoint(msgspec.Struct, frozen=True):
    seq: int
    hash: str


class Audit:
    """`submit` hands an event to the one writer: over the queue in a deployment, at once in memory."""

    def __init__(self, table: Table, checkpoints: Table, anchors: Anchors, submit: Submit | None = None) -> None:
        self._table = table
        self._checkpoints = checkpoints
        self._anchors = anchors
        self._submit = submit

    def submit(self, tenant: TenantId, event: NewAuditEvent) -> None:
        """Record what happened.

        Raises Unavailable when the event could not be handed over: then do not act.
        """
        if self._submit is None:
            self.append(tenant, [event])
        else:
            self._submit(tenant, event)

    def append(self, tenant: TenantId, events: Iterable[NewAuditEvent]) -> Sequence[AuditEvent]:
        """Append events in order; one whose id is in the chain already is left out.

        For the queue's consumer only.
        """
        pending = list({event.id: event for event in events}.values())
        appended: list[AuditEvent] = []
        for start in range(0, len(pending), _EVENTS_TOGETHER):
            appended += self._append_together(tenant, pending[start : start + _EVENTS_TOGETHER])
        if appended:
            self._note(tenant, appended[-1])
        return appended

    def list(
        self,
        tenant: TenantId,
        limit: int = 100,
        cursor: str | None = None,
        *,
        wanted: Callable[[AuditEvent], bool] = lambda event: True,
        scope: str = "",
        since: datetime | None = None,
    ) -> Page[AuditEvent]:
        """Events that `wanted` accepts, newest first, back to `since`. `scope` names the filter: a cursor fits only it.

        A page looks at EXAMINED events at most: it may hold fewer than `limit` and still name a next one.
        Raises InvalidRequest for a foreign cursor.
        """
        of_list = f"audit/{scope}"
        last = decode_cursor(tenant, of_list, cursor)
        found: list[AuditEvent] = []
        for _ in range(max(EXAMINED, checked_limit(limit)) // _CHUNK):
            items = self._table.query(tenant, "", prefix="EVENT#", after=last, limit=_CHUNK, newest_first=True)
            for item in items:
                last = item.sort
                event = codec.decode(item.body, AuditEvent)
                if since is not None and event.at < since - _LATEST:
                    return Page(tuple(found))
                if wanted(event):
                    found.append(event)
                    if len(found) == limit:
                        more = item is not items[-1] or len(items) == _CHUNK
                        return Page(tuple(found), encode_cursor(tenant, of_list, last) if more else None)
            if len(items) < _CHUNK:
                return Page(tuple(found))
        return Page(tuple(found), encode_cursor(tenant, of_list, last))

    def has(self, tenant: TenantId, event: str) -> bool:
        """Whether an event is in the chain, so that what it announces may be done."""
        return self._table.get(tenant, "", f"ID#{event}") is not None

    def verify(self, tenant: TenantId) -> Verification:
        """Replay the chain from its first event; names the first number that is missing or wrong."""
        expected, prev = 1, GENESIS
        checkpoint = self._checkpoint(tenant)
        anchored = self._anchors.list(tenant)
        anchors: dict[int, set[str]] = {}
        for anchor in anchored:
            anchors.setdefault(anchor.seq, set()).add(anchor.hash)
        for event in self._events(tenant):
            reason = _fault(tenant, event, expected, prev)
            if not reason and checkpoint and event.seq == checkpoint.seq and event.hash != checkpoint.hash:
                reason = "the event is not the one that the checkpoint names"
            if not reason and anchors.get(event.seq, {event.hash}) != {event.hash}:
                reason = "the event is not the one that its anchor names"
            if reason:
                return Verification(expected - 1, prev, expected, reason)
            expected, prev = expected + 1, event.hash
        if checkpoint and expected <= checkpoint.seq:
            return Verification(expected - 1, prev, expected, "the chain ends before its checkpoint")
        if anchored and expected <= max(anchors):
            return Verification(expected - 1, prev, expected, "the chain ends before its newest anchor")
        return Verification(expected - 1, prev, anchored=anchored[-1] if anchored else None)

    def anchor(self, tenant: TenantId, day: str) -> Verification:
        """Verify the chain and, when it holds, anchor its head. A chain that is broken is never anchored."""
        found = self.verify(tenant)
        if found.ok and found.events:
            self._anchors.put(tenant, Anchor(day, found.events, found.head))
        return found

    def _append_together(self, tenant: TenantId, events: Sequence[NewAuditEvent]) -> Sequence[AuditEvent]:
        for _ in range(MAX_APPEND_ATTEMPTS):
            known = {item.sort for item in self._table.get_many(tenant, (("", f"ID#{e.id}") for e in events))}
            fresh = [event for event in events if f"ID#{event.id}" not in known]
            if not fresh:
                return []
            links = list(self._linked(tenant, fresh))
            writes = [write for link in links for write in _writes_of(link)]
            try:
                self._table.write_together(tenant, writes)
            except ConditionFailed:
                continue
            return links
        raise Unavailable("Too many writers append to the audit chain.", code="audit_busy")

    def _linked(self, tenant: TenantId, events: Sequence[NewAuditEvent]) -> Iterator[AuditEvent]:
        newest = self._table.query(tenant, "", prefix="EVENT#", limit=1, newest_first=True)
        last = codec.decode(newest[0].body, AuditEvent) if newest else None
        seq, prev = (last.seq, last.hash) if last else (0, GENESIS)
        for event in events:
            seq += 1
            unsealed = AuditEvent(
                seq=seq,
                id=event.id,
                at=event.at,
                actor=event.actor,
                action=event.action,
                cluster=event.cluster,
                # As it will be read back, so that the hash does not depend on tuples or key types.
                detail=codec.decode(codec.encode(event.detail), dict[str, Any]),
                prev=prev,
                hash="",
            )
            sealed = msgspec.structs.replace(unsealed, hash=event_hash(tenant, unsealed))
            prev = sealed.hash
            yield sealed

    def _events(self, tenant: TenantId) -> Iterator[AuditEvent]:
        after = ""
        while items := self._table.query(tenant, "", prefix="EVENT#", after=after, limit=500):
            for item in items:
                yield codec.decode(item.body, AuditEvent)
            after = items[-1].sort

    def _checkpoint(self, tenant: TenantId) -> _Checkpoint | None:
        item = self._checkpoints.get(tenant, "", "AUDIT_HEAD")
        return codec.decode(item.body, _Checkpoint) if item else None

    def _note(self, tenant: TenantId, link: AuditEvent) -> None:
        # After the events: a writer that dies in between leaves a checkpoint that is old, which is still
        # true.
        item = Item("", "AUDIT_HEAD", codec.encode(_Checkpoint(link.seq, link.hash)), revision=link.seq)
        self._checkpoints.write(tenant, Write(item))


def event_hash(tenant: TenantId, event: AuditEvent) -> str:
    """SHA-256 over the canonical JSON (sorted keys, no spaces) of tenant and event, with `prev` and without `hash`."""
    fields: dict[str, Any] = msgspec.to_builtins(event)
    del fields["hash"]
    return hashlib.sha256(msgspec.json.encode({**fields, "tenant": tenant}, order="deterministic")).hexdigest()


def _fault(tenant: TenantId, event: AuditEvent, expected: int, prev: str) -> str:
    if event.seq != expected:
        return f"event {expected} is missing"
    if event.prev != prev:
        return "the event does not follow the one before it"
    if event.hash != event_hash(tenant, event):
        return "the event was changed after it was written"
    return ""


def _writes_of(link: AuditEvent) -> tuple[Write, Write]:
    event = Item("", f"EVENT#{link.seq:012d}", codec.encode(link))
    taken = Item("", f"ID#{link.id}", codec.encode(link.seq))
    return Write(event, expected=0), Write(taken, expected=0)
