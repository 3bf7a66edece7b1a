"""Conversations: their turns, the frames of their answers, and the journal that makes work repeatable.

A conversation, its turns, frames and steps are one partition: a reader who reconnects gets everything after
its last sequence number by one query.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

import msgspec

from chalicelib.errors import Conflict, NotFound, Unavailable
from chalicelib.state.ids import TenantId
from chalicelib.store import codec
from chalicelib.store.keys import sortable
from chalicelib.store.pages import Page, checked_limit, decode_cursor, page_of
from chalicelib.store.ports import ConditionFailed, Item, Table, Write
from chalicelib.store.records import Conversation, Frame, Json, Turn

MAX_FRAME_ATTEMPTS = 20
"""Writers of one conversation take turns by their queue group; so many lost races mean that something is wrong."""

BATCH_FRAMES = 20
"""Frames of one item. An answer that is there at once is a write or two, not one for each of its frames."""

_REMEMBERED_TAILS = 4096
T = TypeVar("T")


class Conversations:
    def __init__(self, table: Table) -> None:
        self._table = table
        self._tails: dict[tuple[TenantId, str], int] = {}
        """The last sequence number seen, a hint that spares a read for each frame; the conditional put decides."""

    def create(self, tenant: TenantId, conversation: Conversation) -> Conversation:
        """Store a new conversation. Raises Conflict when the id is taken."""
        stored = msgspec.structs.replace(conversation, revision=1)
        try:
            self._table.write(tenant, Write(_conversation_item(stored), expected=0))
        except ConditionFailed:
            raise Conflict("The conversation exists already.", code="conversation_exists") from None
        return stored

    def get(self, tenant: TenantId, conversation: str) -> Conversation:
        """Raises NotFound `unknown_conversation`."""
        item = self._table.get(tenant, _partition(conversation), "CONVERSATION")
        if item is None:
            raise _unknown_conversation(conversation)
        return codec.decode(item.body, Conversation)

    def list(self, tenant: TenantId, user: str, limit: int = 50, cursor: str | None = None) -> Page[Conversation]:
        """A user's conversations, the last used first. Raises InvalidRequest for a foreign cursor."""
        scope = f"conversations/{user}"
        after = decode_cursor(tenant, scope, cursor)
        found = self._table.query(
            tenant,
            _by_user(user),
            after=after,
            limit=checked_limit(limit) + 1,
            newest_first=True,
            by_index=True,
        )
        return page_of(
            tenant,
            scope,
            found,
            limit,
            lambda item: item.index[1] if item.index else "",
            lambda item: codec.decode(item.body, Conversation),
        )

    def update(
        self, tenant: TenantId, conversation: Conversation, expected_revision: int | None = None
    ) -> Conversation:
        """Store a changed conversation over the revision it was read at. Raises Conflict."""
        expected = conversation.revision if expected_revision is None else expected_revision
        stored = msgspec.structs.replace(conversation, revision=expected + 1)
        try:
            if expected < 1:
                raise ConditionFailed
            self._table.write(tenant, Write(_conversation_item(stored), expected=expected))
        except ConditionFailed:
            raise Conflict("The conversation was changed or removed meanwhile.") from None
        return stored

    def remove(self, tenant: TenantId, conversation: str) -> None:
        """Remove a conversation with all its turns, frames and steps. Raises NotFound."""
        self.get(tenant, conversation)
        self._table.delete_partition(tenant, _partition(conversation))
        self._tails.pop((tenant, conversation), None)

    def add_turn(self, tenant: TenantId, turn: Turn) -> Turn:
        """Store a new turn. Raises Conflict when the id is taken."""
        stored = msgspec.structs.replace(turn, revision=1)
        try:
            self._table.write(tenant, Write(_turn_item(stored), expected=0))
        except ConditionFailed:
            raise Conflict("The turn exists already.", code="turn_exists") from None
        return stored

    def get_turn(self, tenant: TenantId, conversation: str, turn: str) -> Turn:
        """Raises NotFound `unknown_turn`."""
        item = self._table.get(tenant, _partition(conversation), f"TURN#{turn}")
        if item is None:
            raise _unknown_turn(turn)
        return codec.decode(item.body, Turn)

    def turns(self, tenant: TenantId, conversation: str) -> Sequence[Turn]:
        """All turns of a conversation, oldest first."""
        items = self._table.query(tenant, _partition(conversation), prefix="TURN#")
        turns = [codec.decode(item.body, Turn) for item in items]
        return sorted(turns, key=lambda turn: (turn.created_at, turn.id))

    def update_turn(self, tenant: TenantId, turn: Turn, expected_revision: int | None = None) -> Turn:
        """Store a changed turn over the revision it was read at. Raises Conflict."""
        expected = turn.revision if expected_revision is None else expected_revision
        stored = msgspec.structs.replace(turn, revision=expected + 1)
        try:
            if expected < 1:
                raise ConditionFailed
            self._table.write(tenant, Write(_turn_item(stored), expected=expected))
        except ConditionFailed:
            raise Conflict("The turn was changed or removed meanwhile.") from None
        return stored

    def append_frame(self, tenant: TenantId, conversation: str, turn: str, t: str, body: Json) -> Frame:
        """Append one frame with the next sequence number."""
        return self.append_frames(tenant, conversation, turn, [(t, body)])[0]

    def append_frames(
        self, tenant: TenantId, conversation: str, turn: str, frames: Sequence[tuple[str, Json]]
    ) -> Sequence[Frame]:
        """Append (t, body) frames in order, without holes, whoever else appends meanwhile."""
        appended: list[Frame] = []
        for some in _in_parts(frames, BATCH_FRAMES):
            appended += self._append_together(tenant, conversation, turn, some)
        return appended

    def frames(self, tenant: TenantId, conversation: str, after: int = 0, limit: int = 1000) -> Sequence[Frame]:
        """Frames with a sequence number above `after`, in order; at most `limit`."""
        wanted = checked_limit(limit)
        first = min(max(after - BATCH_FRAMES, 0), _MAX_SEQ)
        items = self._table.query(
            tenant, _partition(conversation), prefix="FRAME#", after=_frame_key(first), limit=wanted + BATCH_FRAMES
        )
        found = [frame for item in items for frame in _frames_of(item) if frame.seq > after]
        return found[:wanted]

    def begin(self, tenant: TenantId, turn: Turn, conversation: Conversation | None = None) -> Turn:
        """Store a new turn, and its new conversation with it, all or nothing. Raises Conflict for a taken id."""
        stored = msgspec.structs.replace(turn, revision=1)
        writes = [Write(_turn_item(stored), expected=0)]
        if conversation is not None:
            writes.insert(0, Write(_conversation_item(msgspec.structs.replace(conversation, revision=1)), expected=0))
        try:
            self._write(tenant, writes)
        except ConditionFailed:
            raise Conflict("The turn or its conversation exists already.", code="turn_exists") from None
        return stored

    def turn_with_conversation(self, tenant: TenantId, conversation: str, turn: str) -> tuple[Conversation, Turn]:
        """Both in one read. Raises NotFound when either is gone."""
        partition = _partition(conversation)
        items = self._table.get_many(tenant, [(partition, "CONVERSATION"), (partition, f"TURN#{turn}")])
        by_sort = {item.sort: item for item in items}
        if "CONVERSATION" not in by_sort:
            raise _unknown_conversation(conversation)
        if f"TURN#{turn}" not in by_sort:
            raise _unknown_turn(turn)
        return (
            codec.decode(by_sort["CONVERSATION"].body, Conversation),
            codec.decode(by_sort[f"TURN#{turn}"].body, Turn),
        )

    def conclude(
        self, tenant: TenantId, conversation: Conversation, turn: Turn, frames: Sequence[tuple[str, Json]]
    ) -> Sequence[Frame]:
        """Append a whole answer, settle its turn and keep the conversation as given: all or nothing.

        Both records are written over the revision they carry. Raises Conflict when one changed meanwhile.
        """
        settled = msgspec.structs.replace(turn, revision=turn.revision + 1)
        kept = msgspec.structs.replace(conversation, revision=conversation.revision + 1)
        records = [
            Write(_conversation_item(kept), expected=conversation.revision),
            Write(_turn_item(settled), expected=turn.revision),
        ]
        tail = self._tails.get((tenant, conversation.id))
        for _ in range(MAX_FRAME_ATTEMPTS):
            last = self._last_seq(tenant, conversation.id) if tail is None else tail
            numbered = _numbered(conversation.id, turn.id, frames, last)
            batches = [Write(_batch_item(part), expected=0) for part in _in_parts(numbered, BATCH_FRAMES)]
            try:
                self._write(tenant, [*batches, *records])
            except ConditionFailed:
                if self.get_turn(tenant, conversation.id, turn.id) == settled:
                    # The request was retried after the first try had been carried out: what is there is our own.
                    return [f for f in self.frames(tenant, conversation.id, after=last) if f.turn == turn.id]
                newest = self.turn_with_conversation(tenant, conversation.id, turn.id)
                if (newest[0].revision, newest[1].revision) != (conversation.revision, turn.revision):
                    raise Conflict("The conversation was changed while it was answered.") from None
                tail = None
                continue
            if numbered:
                self._remember(tenant, conversation.id, numbered[-1].seq)
            return numbered
        raise _busy()

    def put_step_once(self, tenant: TenantId, conversation: str, turn: str, step: int, body: Json) -> Json | None:
        """Journal a step: None when this call wrote it, else what an earlier call had written.

        A worker that starts again repeats no tool call: it uses the answer that is in the journal.
        """
        key = f"STEP#{turn}#{step:06d}"
        try:
            self._table.write(tenant, Write(Item(_partition(conversation), key, codec.encode(body)), expected=0))
        except ConditionFailed:
            item = self._table.get(tenant, _partition(conversation), key)
            return codec.decode(item.body, dict[str, Any]) if item else {}
        return None

    def steps(self, tenant: TenantId, conversation: str, turn: str) -> Sequence[tuple[int, Json]]:
        """The journal of a turn: (step, body) in order."""
        items = self._table.query(tenant, _partition(conversation), prefix=f"STEP#{turn}#")
        return [(int(item.sort.rsplit("#", 1)[1]), codec.decode(item.body, dict[str, Any])) for item in items]

    def _append_together(
        self, tenant: TenantId, conversation: str, turn: str, frames: Sequence[tuple[str, Json]]
    ) -> Sequence[Frame]:
        tail = self._tails.get((tenant, conversation))
        for _ in range(MAX_FRAME_ATTEMPTS):
            last = self._last_seq(tenant, conversation) if tail is None else tail
            numbered = _numbered(conversation, turn, frames, last)
            try:
                self._table.write(tenant, Write(_batch_item(numbered), expected=0))
            except ConditionFailed:
                # A retried request may have been carried out the first time: then the frames there are our own.
                if list(self.frames(tenant, conversation, after=last, limit=len(numbered))) != numbered:
                    tail = None
                    continue
            self._remember(tenant, conversation, numbered[-1].seq)
            return numbered
        raise _busy()

    def _write(self, tenant: TenantId, writes: Sequence[Write]) -> None:
        if len(writes) == 1:
            self._table.write(tenant, writes[0])
        else:
            self._table.write_together(tenant, writes)

    def _last_seq(self, tenant: TenantId, conversation: str) -> int:
        newest = self._table.query(tenant, _partition(conversation), prefix="FRAME#", limit=1, newest_first=True)
        return _frames_of(newest[0])[-1].seq if newest else 0

    def _remember(self, tenant: TenantId, conversation: str, seq: int) -> None:
        if len(self._tails) >= _REMEMBERED_TAILS:
            self._tails.clear()
        self._tails[tenant, conversation] = seq


_MAX_SEQ = 10**10 - 1


def _partition(conversation: str) -> str:
    return f"C#{conversation}"


def _by_user(user: str) -> str:
    return f"U#{user}"


def _frame_key(seq: int) -> str:
    return f"FRAME#{seq:010d}"


def _numbered(conversation: str, turn: str, frames: Iterable[tuple[str, Json]], last: int) -> list[Frame]:
    return [
        Frame(seq=seq, conversation=conversation, turn=turn, t=t, body=body)
        for seq, (t, body) in enumerate(frames, start=last + 1)
    ]


def _batch_item(frames: Sequence[Frame]) -> Item:
    """Frames that came together are one item under their first number, so that a second writer of it is refused."""
    return Item(_partition(frames[0].conversation), _frame_key(frames[0].seq), codec.encode(list(frames)))


def _frames_of(item: Item) -> list[Frame]:
    return codec.decode(item.body, list[Frame])


def _turn_item(turn: Turn) -> Item:
    return Item(_partition(turn.conversation), f"TURN#{turn.id}", codec.encode(turn), revision=turn.revision)


def _conversation_item(conversation: Conversation) -> Item:
    order = f"{sortable(conversation.updated_at)}#{conversation.id}"
    return Item(
        _partition(conversation.id),
        "CONVERSATION",
        codec.encode(conversation),
        revision=conversation.revision,
        index=(_by_user(conversation.user), order),
    )


def _unknown_conversation(conversation: str) -> NotFound:
    return NotFound(
        f"There is no conversation {conversation!r}.",
        code="unknown_conversation",
        remedy="List your conversations, or start a new one by leaving `conversation` out.",
        details={"given": conversation},
    )


def _unknown_turn(turn: str) -> NotFound:
    return NotFound(
        f"There is no turn {turn!r} in this conversation.",
        code="unknown_turn",
        remedy="Read the conversation again; it may have been removed.",
    )


def _busy() -> Unavailable:
    return Unavailable("Too many writers append to one conversation.", code="conversation_busy")


def _in_parts(frames: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(frames)
    while part := list(islice(rest, size)):
        yield part
