"""What every feature shares: the exchange it answers in, typed parameters, pages, and hints for caches."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from chalicelib.mcp.messages import INVALID_PARAMS, ProtocolError

PAGE_SIZE = 50
LIST_TTL_MS = 300_000
"""Lifetime of lists that only a new version of the server changes."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which tools this client asked for; None is all of them."""

    toolsets: frozenset[str] | None = None
    read_only: bool = False


@dataclass(slots=True)
class Exchange:
    """One request while it is answered.

    What is told during it (`progress`, `log`) is sent before the result when the client accepts an event stream, else
    it is left out: nothing is kept between requests.
    """

    selection: Selection = field(default_factory=Selection)
    progress_token: str | int | None = None
    told: list[Mapping[str, Any]] = field(default_factory=list)

    def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        """Say how far the request is. Nothing happens when the client did not ask to hear it."""
        if self.progress_token is None:
            return
        params: dict[str, Any] = {"progressToken": self.progress_token, "progress": done}
        if total is not None:
            params["total"] = total
        if message:
            params["message"] = message
        self._tell("notifications/progress", params)

    def log(self, level: str, data: Any) -> None:
        """A log message for the client (`level` as in RFC 5424: debug, info, ...)."""
        self._tell("notifications/message", {"level": level, "data": data})

    def _tell(self, method: str, params: Mapping[str, Any]) -> None:
        self.told.append({"jsonrpc": "2.0", "method": method, "params": params})


Handler = Callable[[Mapping[str, Any], Exchange], Mapping[str, Any]]


class Feature(Protocol):
    """A capability with the methods that serve it."""

    @property
    def capability(self) -> tuple[str, Mapping[str, Any]]: ...

    @property
    def methods(self) -> Mapping[str, Handler]: ...

    @property
    def cacheable(self) -> Mapping[str, int]:
        """The methods whose results 2026-07-28 marks with a lifetime, in milliseconds."""
        ...


class Params(BaseModel):
    """Parameters of a method; what is not known is ignored, as the protocol asks."""

    model_config = ConfigDict(extra="ignore", defer_build=True)


class ListParams(Params):
    cursor: str | None = None


def params_of(model: type[BaseModel], params: Mapping[str, Any]) -> Any:
    """The parameters of a method, typed. Raises ProtocolError -32602 naming the field."""
    try:
        return model.model_validate(params)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "params"
        raise ProtocolError(INVALID_PARAMS, f"{place}: {first['msg']}.", data={"field": place}) from None


def paged(
    params: Mapping[str, Any], entries: Sequence[T], key: Callable[[T], str], size: int
) -> tuple[Sequence[T], dict[str, str]]:
    """The page of a list that `params.cursor` names, and `{"nextCursor": ...}` when there is more."""
    keys = [key(entry) for entry in entries]
    start = _start(params_of(ListParams, params).cursor, keys)
    end = start + size
    return entries[start:end], {"nextCursor": _cursor(end, keys)} if end < len(entries) else {}


def _cursor(start: int, keys: Sequence[str]) -> str:
    """An opaque cursor into a list; it is refused once the list is another one."""
    return base64.urlsafe_b64encode(f"{start}:{_digest(keys)}".encode()).decode().rstrip("=")


def _start(cursor: str | None, keys: Sequence[str]) -> int:
    """Where the page of a cursor starts. Raises ProtocolError -32602 for one that this list did not give."""
    if cursor is None:
        return 0
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        raw = ""
    start, _, digest = raw.partition(":")
    if not start.isdecimal() or digest != _digest(keys) or not 0 < int(start) < len(keys):
        raise ProtocolError(
            INVALID_PARAMS, "cursor: this list did not give it. Ask without one.", data={"field": "cursor"}
        )
    return int(start)


def _digest(keys: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:12]
