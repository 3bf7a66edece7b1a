"""LIST: selection, pages, snapshots of an older revision, and joining encoded objects into one body."""

from __future__ import annotations

import base64
import json
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from infra.local.demo.server import conversion
from infra.local.demo.server.errors import ApiError, bad_request, gone
from infra.local.demo.server.reading import predicate
from infra.local.demo.server.resources import Resource
from infra.local.demo.server.store import Compacted, Object, Stored
from infra.local.demo.server.wire import HttpRequest

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api

_TOO_OLD_TO_CONTINUE = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


@dataclass
class Page:
    """What a LIST found."""

    revision: int
    items: list[Stored]
    token: str = ""
    remaining: int | None = None

    def meta(self) -> Object:
        meta: Object = {"resourceVersion": str(self.revision)}
        if self.token:
            meta["continue"] = self.token
            if self.remaining is not None:
                meta["remainingItemCount"] = self.remaining
        return meta


def page(api: Api, resource: Resource, namespace: str, request: HttpRequest) -> Page:
    """The page a LIST asks for; ApiError 400, 410 or 504 for what cannot be given."""
    limit = _number(request.one("limit", "0"), "limit")
    token = request.one("continue")
    test = predicate(resource, request.one("labelSelector"), request.one("fieldSelector"))
    revision, start, exact = _position(api, request, token)
    now = api.store.revision
    if exact is not None and exact != now:
        rows = _as_of(api, resource, namespace, exact)
    elif not token and not limit:
        items = [row for row in api.store.list(resource, namespace) if test is None or test(row.object)]
        return Page(now, items)
    else:
        rows = [(_key(row.object), row) for row in api.store.list(resource, namespace)]
    first = bisect_left([key for key, _ in rows], start) if start else 0
    return _cut(rows, first, limit, test, revision or now, consistent=True)


def _cut(rows: list[tuple[str, Stored]], first: int, limit: int, test: Any, revision: int, *, consistent: bool) -> Page:
    items: list[Stored] = []
    for index in range(first, len(rows)):
        row = rows[index][1]
        if limit and len(items) == limit:
            last = rows[index - 1][0]
            left = len(rows) - index if test is None and consistent else None
            return Page(revision, items, _token(revision, last + "\0"), left)
        if test is None or test(row.object):
            items.append(row)
    return Page(revision, items)


def _key(obj: Object) -> str:
    meta = obj["metadata"]
    return f"{meta['namespace']}/{meta['name']}" if "namespace" in meta else str(meta["name"])


def _number(text: str, name: str) -> int:
    try:
        return int(text or 0)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def _token(revision: int, start: str) -> str:
    body = orjson.dumps({"v": "meta.k8s.io/v1", "rv": revision, "start": start})
    return base64.urlsafe_b64encode(body).decode().rstrip("=")


def _position(api: Api, request: HttpRequest, token: str) -> tuple[int, str, int | None]:
    """(revision of the answer, first key, revision to look back to or None)."""
    if token:
        revision, start = _read_token(token)
        if revision < 0:
            return 0, start, None
        if revision < api.store.compacted:
            error = gone(_TOO_OLD_TO_CONTINUE)
            error.list_meta = {"continue": _token(-1, start)}
            raise error
        return revision, start, revision
    given = request.one("resourceVersion")
    if not given or given == "0":
        return 0, "", None
    revision = parse_revision(given)
    if revision > api.store.revision:
        raise too_large(revision, api.store.revision)
    if request.one("resourceVersionMatch") == "Exact":
        if revision < api.store.compacted:
            raise gone("The resourceVersion for the provided list is too old.")
        return revision, "", revision
    return 0, "", None


def parse_revision(text: str) -> int:
    if not text.isdigit():
        message = f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        raise ApiError(500, "", message)
    return int(text)


def too_large(revision: int, current: int) -> ApiError:
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    message = f"Timeout: Too large resource version: {revision}, current: {current}"
    return ApiError(504, "Timeout", message, {"causes": causes, "retryAfterSeconds": 1})


def _read_token(token: str) -> tuple[int, str]:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise bad_request("invalid continue token: continue key is not valid: illegal base64 data") from None
    try:
        body = json.loads(raw)
        return int(body["rv"]), str(body["start"])
    except (ValueError, KeyError, TypeError):
        first = f"\\x{raw[0]:02x}" if raw and raw[0] > 126 else chr(raw[0]) if raw else ""
        why = f"invalid character '{first}' looking for beginning of value"
        raise bad_request(f"invalid continue token: continue key is not valid: {why}") from None


def _as_of(api: Api, resource: Resource, namespace: str, revision: int) -> list[tuple[str, Stored]]:
    """The objects as they were: later changes are undone."""
    rows = {_key(row.object): row for row in api.store.list(resource, namespace)}
    try:
        later = list(api.store.changes(revision))
    except Compacted:
        raise gone("The resourceVersion for the provided list is too old.") from None
    for change in reversed(later):
        if change.key != resource.key or (namespace and change.namespace != namespace):
            continue
        key = f"{change.namespace}/{change.name}" if change.namespace else change.name
        if change.before is None:
            rows.pop(key, None)
        else:
            rows[key] = change.before
    return sorted(rows.items())


def encode(resource: Resource, found: Page) -> bytes:
    """The list as JSON, from the items' encoded forms."""
    head = orjson.dumps({"kind": resource.list_kind, "apiVersion": resource.group_version, "metadata": found.meta()})
    if resource.custom:
        prefix = 0
    else:
        prefix = len(f'{{"kind":"{resource.kind}","apiVersion":"{resource.group_version}",') - 1
    if not conversion.is_stored_form(resource):
        items = [orjson.dumps(conversion.convert(resource, row.object)) for row in found.items]
    else:
        items = [row.encoded for row in found.items]
    body = bytearray(head[:-1])
    body += b',"items":['
    for number, item in enumerate(items):
        body += b",{" if number and prefix else b"{" if prefix else b"," if number else b""
        body += memoryview(item)[prefix + 1 :] if prefix else item
    body += b"]}"
    return bytes(body)
