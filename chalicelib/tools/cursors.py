"""Cursors of tool results and lists: where the next page starts, bound to tenant, question and reading.

A cursor carries no rights; its checksum (chalicelib.store.pages) refuses one that another list or tenant gave.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from chalicelib.errors import InvalidRequest
from chalicelib.state.ids import TenantId
from chalicelib.store.pages import decode_cursor, encode_cursor


@dataclass(frozen=True, slots=True)
class Position:
    """The next page starts at row `offset` of the reading taken at `stamp`, after the row called `last`."""

    offset: int = 0
    stamp: str = ""
    last: str = ""

    @property
    def taken_at(self) -> datetime | None:
        return datetime.fromtimestamp(float(self.stamp), UTC) if self.stamp else None


def stamp_of(taken_at: datetime) -> str:
    """The mark of a reading, exact to the microsecond."""
    return repr(taken_at.timestamp())


def scope_of(*question: Any) -> str:
    """A short name of a question: the same arguments give the same scope."""
    return hashlib.sha256(msgspec.json.encode(question, order="sorted")).hexdigest()[:24]


def encode(tenant: TenantId, scope: str, position: Position) -> str:
    return encode_cursor(tenant, scope, f"{position.offset}|{position.stamp}|{position.last}")


def decode(tenant: TenantId, scope: str, cursor: str) -> Position:
    """The position of a cursor; the start without one.

    Raises InvalidRequest `invalid_cursor` for a cursor that this question did not give.
    """
    key = decode_cursor(tenant, scope, cursor)
    if not key:
        return Position()
    offset, stamp, last = (*key.split("|", 2), "", "")[:3]
    if not offset.isdigit():
        raise InvalidRequest("The cursor does not belong to this list.", code="invalid_cursor",
                             remedy="Ask without a cursor for the first page.")  # fmt: skip
    return Position(int(offset), stamp, last)
