"""Lists read raw: pages of 500, gzip, straight into structs; every way a list can fail has one defined outcome."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from chalicelib.clusters.deadline import Deadline
from chalicelib.clusters.transport import TOO_LARGE, Answer
from chalicelib.errors import ClusterError, ClusterTimeout
from chalicelib.state.decode import Page
from chalicelib.state.snapshot import Gap, GapReason
from chalicelib.state.structs import ready

PAGE_ITEMS = 500
SMALLEST_PAGE = 5
"""A page of huge objects (a ConfigMap may have 1 MiB) is asked for again with a tenth of its items, down to this."""
MAX_RESTARTS = 2
"""After so many 410 in one list, its rest is read at a newer version and the result is marked as partial."""
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


class Getter(Protocol):
    """The part of `ApiServer` that reading needs."""

    def get(
        self, path: str, query: dict[str, str] | None = None, *, deadline: Deadline, accept: str = ...
    ) -> Answer: ...


@dataclass(slots=True)
class Listed:
    """What one list gave. `gap` says what is missing, and why; `complete` is False where objects may be missing."""

    kind: str
    items: list[Any] = field(default_factory=list)
    gap: Gap | None = None
    rejected: tuple[str, ...] = ()
    error: ClusterError | None = None
    """Set where the server could not be reached at all."""

    @property
    def read(self) -> bool:
        """Whether there is anything to keep: a complete list, or the part of one that was read."""
        return self.gap is None or bool(self.items)


class _Status(msgspec.Struct):
    """A Kubernetes Status object, as errors carry it."""

    message: str = ""
    reason: str = ""
    metadata: dict[str, Any] = {}


def list_kind(
    server: Getter,
    kind: str,
    path: str,
    decode: Callable[[bytes], Page],
    *,
    deadline: Deadline,
    namespace: str = "",
    resource: str = "",
    optional: bool = False,
) -> Listed:
    """All objects of a kind.

    410 in mid-list restarts the list; 403, 404, other errors and timeouts become the gap of the result, together with
    the pages that were read. `resource` names the kind in messages about rights (`pods`, `nodes.metrics.k8s.io`).
    """
    listed = Listed(kind)
    token, restarts, mixed, read_all, page_items = "", 0, False, False, PAGE_ITEMS
    rejected: list[str] = []
    remaining: int | None = None
    while not read_all:
        query = {"limit": str(page_items)} | ({"continue": token} if token else {})
        try:
            answer = server.get(path, query, deadline=deadline)
        except ClusterTimeout as error:
            return _cut(listed, "timeout", f"{error.message} {_progress(listed, remaining)}", namespace)
        except ClusterError as error:
            if error.code == TOO_LARGE and page_items > SMALLEST_PAGE:
                page_items //= 10
                continue
            listed.error = None if listed.items else error
            return _cut(listed, "error", f"{error.message} {_progress(listed, remaining)}", namespace)
        if answer.status == 410 and token:
            restarts += 1
            if restarts <= MAX_RESTARTS:
                token = ""
                listed.items.clear()
                rejected.clear()
                continue
            # The server offers a token that goes on at a newer version (API concepts, "410 Gone").
            token, mixed = _fresh_token(answer.body), True
            if not token:
                return _cut(
                    listed, "partial", f"The list expired again and again. {_progress(listed, remaining)}", namespace
                )
            continue
        if answer.status != 200:
            return _refused(listed, answer, resource or kind, namespace, optional)
        try:
            page = decode(answer.body)
        except (ValueError, RecursionError) as error:
            return _cut(listed, "error", f"The answer is no list: {error}", namespace)
        listed.items.extend(page.items)
        rejected.extend(page.rejected)
        token, remaining = page.continue_token, page.remaining
        read_all = not token
    listed.rejected = tuple(rejected)
    if mixed:
        _cut(listed, "partial", "The list changed while it was read; its parts are from different moments.", namespace)
    elif rejected:
        _cut(listed, "partial", f"{len(rejected)} objects could not be read, among them {rejected[0]}", namespace)
    return listed


def _cut(listed: Listed, reason: GapReason, message: str, namespace: str) -> Listed:
    listed.gap = Gap(kind=listed.kind, reason=reason, message=message.strip()[:500], namespace=namespace)
    return listed


def _progress(listed: Listed, remaining: int | None) -> str:
    if not listed.items:
        return ""
    of = f" of {len(listed.items) + remaining}" if remaining else ""
    return f"{len(listed.items)}{of} were read."


def _refused(listed: Listed, answer: Answer, resource: str, namespace: str, optional: bool) -> Listed:
    told = status_message(answer.body)
    where = f"in namespace {namespace}" if namespace else "in the whole cluster"
    if answer.status == 403:
        return _cut(listed, "forbidden", f"The credential may not list {resource} {where}.", namespace)
    if answer.status == 404:
        return _cut(listed, "not_installed", f"The cluster does not offer {resource}.", namespace)
    if answer.status == 429:
        return _cut(listed, "timeout", f"The API server is overloaded (429). {_progress(listed, None)}", namespace)
    if answer.status == 503 and optional:
        return _cut(listed, "not_installed", f"{resource} is registered but not served: {told}", namespace)
    return _cut(
        listed, "error", f"The API server answered {answer.status}: {told} {_progress(listed, None)}", namespace
    )


def status_message(body: bytes) -> str:
    """The message of a Status object; of anything else its beginning."""
    try:
        return msgspec.json.decode(body, type=_Status).message[:300]
    except (msgspec.MsgspecError, RecursionError):
        return body[:120].decode("utf-8", "replace")


class _Counted(msgspec.Struct):
    items: list[msgspec.Raw] = []
    metadata: dict[str, Any] = {}


def counted(body: bytes) -> int:
    """Objects that a list of one page stands for: those in it and those that remain. Raises ValueError."""
    try:
        page = msgspec.json.decode(body, type=_Counted)
    except msgspec.MsgspecError as error:
        raise ValueError(f"not a list: {error}") from error
    return len(page.items) + int(page.metadata.get("remainingItemCount") or 0)


def _fresh_token(body: bytes) -> str:
    try:
        found = msgspec.json.decode(body, type=_Status).metadata.get("continue", "")
    except (msgspec.MsgspecError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""


class _TableRow(msgspec.Struct, frozen=True):
    cells: list[Any] = []


class _TableColumn(msgspec.Struct, frozen=True):
    name: str = ""


class _TableMeta(msgspec.Struct, rename="camel", frozen=True):
    continue_: str = msgspec.field(name="continue", default="")
    resource_version: str = ""
    remaining_item_count: int | None = None


class _Table(msgspec.Struct, rename="camel"):
    kind: str = ""
    metadata: _TableMeta = _TableMeta()
    column_definitions: list[_TableColumn] = []
    rows: list[_TableRow] | None = None


ready(_Status, _Table)


def secret_rows(body: bytes, namespace: str) -> Page:
    """Secrets from a Table without objects: name, type and number of keys, which is all that crosses the wire.

    Raises ValueError when the server did not answer with a Table.
    """
    from chalicelib.state.kinds.configuration import Secret
    from chalicelib.state.meta import ObjectMeta

    try:
        table = msgspec.json.decode(body, type=_Table)
    except msgspec.MsgspecError as error:
        raise ValueError(f"not a Table ({error})") from error
    if table.kind != "Table":
        # The server ignored what was asked for and sent objects: they are dropped unread.
        raise ValueError("the server does not offer Tables")
    names = [column.name.lower() for column in table.column_definitions]
    found = []
    for row in table.rows or ():
        cells = dict(zip(names, row.cells, strict=False))
        count = cells.get("data", 0)
        found.append(
            Secret(
                metadata=ObjectMeta(name=str(cells.get("name", "")), namespace=namespace),
                type=str(cells.get("type", "")),
                key_count=int(count) if isinstance(count, int | str) and str(count).isdigit() else 0,
            )
        )
    return Page(found, table.metadata.continue_, table.metadata.resource_version, table.metadata.remaining_item_count)


def plain_object(body: bytes) -> dict[str, Any]:
    """One object as plain values. Raises ValueError for anything but a JSON object."""
    try:
        plain = json.loads(body)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(plain, dict):
        raise ValueError("it is no object")
    return plain
