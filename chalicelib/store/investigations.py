"""Investigations: sessions with a journal whose every step is written once, before anything is built on it.

A session, its steps and its conclusion are one partition. A step and the session's new state are one transaction over
the revision that the writer read: a worker that lost its lease, or whose session was cancelled, writes nothing more.
A step's number is the sequence number of its frame, so that a reader who reconnects reads the journal after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from chalicelib.errors import Conflict, NotFound
from chalicelib.state.ids import TenantId
from chalicelib.store import codec
from chalicelib.store.investigation_records import RUNNING, Conclusion, Investigation, InvestigationStep, Share
from chalicelib.store.keys import LAST, sortable
from chalicelib.store.pages import Page, checked_limit, decode_cursor, encode_cursor
from chalicelib.store.ports import ConditionFailed, Item, Table, Write

EXAMINED = 2000
"""Sessions that one page of a search looks at; a search that needs more goes on at the page's cursor."""
_CHUNK = 100
SHARES_KEPT_S = 30 * 86400
"""How long an expired link can still be told from one that never was."""

_BY_TIME = "IV"
_ACTIVE = "IV_ACTIVE"
_DUE = "IV_DUE"


class Active(NamedTuple):
    """A session that is not settled; how often it was queued again, and at which step that was last."""

    investigation: str
    requeued: int = 0
    at_step: int = 0


class Investigations:
    def __init__(self, table: Table) -> None:
        self._table = table

    def begin(self, tenant: TenantId, investigation: Investigation) -> Investigation:
        """Store a new session. Raises Conflict when the id is taken."""
        stored = msgspec.structs.replace(investigation, revision=1)
        active = _active_item(stored.id, Active(stored.id), running=True)
        try:
            self._table.write_together(tenant, [Write(_item(stored), expected=0), Write(active)])
        except ConditionFailed:
            found = self.find(tenant, stored.id)
            if found == stored:
                return stored
            raise Conflict("The investigation exists already.", code="investigation_exists") from None
        return stored

    def find(self, tenant: TenantId, investigation: str) -> Investigation | None:
        item = self._table.get(tenant, _partition(investigation), "SESSION")
        return codec.decode(item.body, Investigation) if item else None

    def get(self, tenant: TenantId, investigation: str) -> Investigation:
        """Raises NotFound `unknown_investigation`."""
        found = self.find(tenant, investigation)
        if found is None:
            raise NotFound(
                f"There is no investigation {investigation!r}.",
                code="unknown_investigation",
                remedy="List the investigations to see their ids; it may have been deleted.",
                details={"given": investigation[:100]},
            )
        return found

    def search(
        self,
        tenant: TenantId,
        wanted: Callable[[Investigation], bool],
        scope: str = "",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Investigation]:
        """Sessions that `wanted` accepts, newest first. `scope` names the filter, so that a cursor fits only it.

        A page looks at EXAMINED sessions at most: it may hold fewer than `limit` and still name a next one.
        Raises InvalidRequest for a foreign cursor.
        """
        of_list = f"investigations/{scope}"
        last = decode_cursor(tenant, of_list, cursor)
        checked_limit(limit)
        found: list[Investigation] = []
        for _ in range(EXAMINED // _CHUNK):
            items = self._table.query(tenant, _BY_TIME, after=last, limit=_CHUNK, newest_first=True, by_index=True)
            for item in items:
                last = item.index[1] if item.index else ""
                session = codec.decode(item.body, Investigation)
                if wanted(session):
                    found.append(session)
                    if len(found) == limit:
                        return Page(tuple(found), encode_cursor(tenant, of_list, last))
            if len(items) < _CHUNK:
                return Page(tuple(found))
        return Page(tuple(found), encode_cursor(tenant, of_list, last))

    def update(self, tenant: TenantId, investigation: Investigation) -> Investigation:
        """Store a changed session over the revision that it was read at. Raises Conflict."""
        return self._write(tenant, investigation, [], lambda: True)

    def commit(
        self,
        tenant: TenantId,
        investigation: Investigation,
        step: InvestigationStep,
        conclusion: Conclusion | None = None,
    ) -> Investigation:
        """Journal the next step together with the session as it is from then on, and what was concluded: all or none.

        Raises Conflict when the number is taken or the session changed since it was read.
        """
        stored = msgspec.structs.replace(investigation, steps=step.n)
        more = [Write(_step_item(step), expected=0)]
        if conclusion is not None:
            more.append(Write(Item(_partition(stored.id), "CONCLUSION", codec.encode(conclusion))))
        if stored.status not in RUNNING:
            more.append(Write(_active_item(stored.id, Active(stored.id), running=False)))
        return self._write(tenant, stored, more, lambda: step in self.steps(tenant, stored.id, step.n - 1, 1))

    def steps(
        self, tenant: TenantId, investigation: str, after: int = 0, limit: int = 1000
    ) -> Sequence[InvestigationStep]:
        """Steps with a number above `after`, in order."""
        items = self._table.query(
            tenant,
            _partition(investigation),
            prefix="STEP#",
            after=_step_key(min(max(after, 0), 10**6 - 1)) if after > 0 else "",
            limit=checked_limit(limit),
        )
        return [codec.decode(item.body, InvestigationStep) for item in items]

    def conclusion(self, tenant: TenantId, investigation: str) -> Conclusion | None:
        """What a session found; None while it runs."""
        item = self._table.get(tenant, _partition(investigation), "CONCLUSION")
        return codec.decode(item.body, Conclusion) if item else None

    def remove(self, tenant: TenantId, investigation: str) -> None:
        """Remove a session with its steps, its conclusion and its links. Raises NotFound."""
        self.get(tenant, investigation)
        for share in self.shares(tenant, investigation):
            self._table.delete(tenant, _share_partition(share.hash), "SHARE")
        self._table.delete_partition(tenant, _partition(investigation))

    # What must not be forgotten: sessions that are not settled, and looks that are due.

    def active(self, tenant: TenantId) -> Sequence[Active]:
        """Sessions that are not settled, in no order."""
        return [codec.decode(item.body, Active) for item in self._table.query(tenant, _ACTIVE, by_index=True)]

    def note_requeued(self, tenant: TenantId, active: Active) -> None:
        """Remember that a session was queued again."""
        self._table.write(tenant, Write(_active_item(active.investigation, active, running=True)))

    def due(self, tenant: TenantId, now: datetime, limit: int = 100) -> Sequence[str]:
        """Ids of sessions whose cause is to be looked at again by `now`, the longest due first."""
        items = self._table.query(tenant, _DUE, limit=limit, by_index=True)
        until = f"{sortable(now)}{LAST}"
        return [codec.decode(item.body, str) for item in items if item.index and item.index[1] <= until]

    # Shared reports

    def add_share(self, tenant: TenantId, share: Share) -> Share:
        """Store a new link. Raises Conflict when its text was given before."""
        stored = msgspec.structs.replace(share, revision=1)
        try:
            self._table.write(tenant, Write(_share_item(stored), expected=0))
        except ConditionFailed:
            raise Conflict("The link exists already.", code="share_exists") from None
        return stored

    def share(self, tenant: TenantId, share_hash: str) -> Share | None:
        """The link of a hash, expired and revoked ones too."""
        item = self._table.get(tenant, _share_partition(share_hash), "SHARE")
        return codec.decode(item.body, Share) if item else None

    def shares(self, tenant: TenantId, investigation: str) -> Sequence[Share]:
        """All links to a report, oldest first."""
        items = self._table.query(tenant, f"IV_SHARES#{investigation}", by_index=True)
        return [codec.decode(item.body, Share) for item in items]

    def update_share(self, tenant: TenantId, share: Share) -> Share:
        """Store a changed link over the revision that it was read at. Raises Conflict."""
        stored = msgspec.structs.replace(share, revision=share.revision + 1)
        try:
            self._table.write(tenant, Write(_share_item(stored), expected=share.revision))
        except ConditionFailed:
            raise Conflict("The link was changed meanwhile.") from None
        return stored

    def _write(
        self, tenant: TenantId, investigation: Investigation, more: Sequence[Write], ours: Callable[[], bool]
    ) -> Investigation:
        expected = investigation.revision
        stored = msgspec.structs.replace(investigation, revision=expected + 1)
        writes = [Write(_item(stored), expected=expected), *more]
        if stored.follow_up is not None:
            writes.append(Write(_due_item(stored)))
        try:
            if expected < 1:  # never stored: writing it now would bring a removed session back
                raise ConditionFailed
            if len(writes) == 1:
                self._table.write(tenant, writes[0])
            else:
                self._table.write_together(tenant, writes)
        except ConditionFailed:
            # A request that was retried after its first try had been carried out finds its own writing.
            if self.find(tenant, stored.id) == stored and ours():
                return stored
            raise Conflict("The investigation was changed or removed meanwhile.") from None
        return stored


def _partition(investigation: str) -> str:
    return f"IV#{investigation}"


def _share_partition(share_hash: str) -> str:
    return f"IV_SHARE#{share_hash}"


def _step_key(n: int) -> str:
    return f"STEP#{n:06d}"


def _item(investigation: Investigation) -> Item:
    return Item(
        _partition(investigation.id),
        "SESSION",
        codec.encode(investigation),
        revision=investigation.revision,
        index=(_BY_TIME, f"{sortable(investigation.created_at)}#{investigation.id}"),
    )


def _step_item(step: InvestigationStep) -> Item:
    return Item(_partition(step.investigation), _step_key(step.n), codec.encode(step))


def _active_item(investigation: str, active: Active, *, running: bool) -> Item:
    """Out of the index when the session is settled: transactions only write, so it is not deleted."""
    index = (_ACTIVE, investigation) if running else None
    return Item(_partition(investigation), "ACTIVE", codec.encode(active), index=index)


def _due_item(investigation: Investigation) -> Item:
    planned = investigation.follow_up
    due = planned.due if planned else None
    index = (_DUE, f"{sortable(due)}#{investigation.id}") if due else None
    return Item(_partition(investigation.id), "FOLLOW_UP", codec.encode(investigation.id), index=index)


def _share_item(share: Share) -> Item:
    return Item(
        _share_partition(share.hash),
        "SHARE",
        codec.encode(share),
        revision=share.revision,
        expires_at=int(share.expires_at.timestamp()) + SHARES_KEPT_S,
        index=(f"IV_SHARES#{share.investigation}", f"{sortable(share.created_at)}#{share.id}"),
    )
