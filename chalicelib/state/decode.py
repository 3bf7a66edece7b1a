"""API JSON to structs: whole lists, fast; and one item at a time where a list holds something unexpected.

The fast path decodes a page in one call. Real dumps hold `null` where the API documents an empty list, and other
servers hold worse: then the page is decoded item by item, nulls are dropped, and an item that still does not fit is
counted and reported, never silently lost.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from chalicelib.state.kinds import KindEntry
from chalicelib.state.kinds.configuration import Secret
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.meta import Api, Object, ObjectMeta
from chalicelib.state.sharing import pod_page
from chalicelib.state.snapshot import Discovered
from chalicelib.state.structs import ready


class ListMeta(Api):
    resource_version: str = ""
    continue_: str = msgspec.field(name="continue", default="")
    remaining_item_count: int | None = None


class Page(NamedTuple):
    """One page of a list. `rejected` are items that did not have the documented shape."""

    items: list[Any]
    continue_token: str
    resource_version: str
    remaining: int | None
    rejected: tuple[str, ...] = ()


class _Envelope(Api):
    metadata: ListMeta | None = None
    items: list[msgspec.Raw] | None = None


ready(_Envelope)


@functools.cache
def _page_decoder(struct: type[Object]) -> msgspec.json.Decoder[Any]:
    page = msgspec.defstruct(
        "Page",
        [("metadata", ListMeta | None, None), ("items", list[struct] | None, None)],  # type: ignore[valid-type]
        bases=(Api,),
    )
    return msgspec.json.Decoder(page)


def struct_of(entry: KindEntry | None) -> type[Object]:
    """The struct that a kind's items are decoded to; `Discovered` for a kind the registry does not know."""
    return entry.struct if entry else Discovered


def decode_page(body: bytes, entry: KindEntry | None) -> Page:
    """One page of a Kubernetes list. Raises ValueError when the body is not a list at all."""
    if entry is not None and entry.struct is Secret:
        return _item_by_item(body, entry)
    try:
        if entry is not None and entry.struct is Pod:
            told, pods = pod_page(body)
            return Page(pods, told.continue_, told.resource_version, told.remaining_item_count)
        page = _page_decoder(struct_of(entry)).decode(body)
    except msgspec.ValidationError:
        return _item_by_item(body, entry)
    except msgspec.DecodeError as error:
        raise ValueError(f"not JSON: {error}") from error
    meta = page.metadata or ListMeta()
    return Page(page.items or [], meta.continue_, meta.resource_version, meta.remaining_item_count)


def _item_by_item(body: bytes, entry: KindEntry | None) -> Page:
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
    except msgspec.MsgspecError as error:
        raise ValueError(f"not a Kubernetes list: {error}") from error
    items, rejected = decode_items((msgspec.json.decode(raw) for raw in envelope.items or ()), entry)
    meta = envelope.metadata or ListMeta()
    return Page(items, meta.continue_, meta.resource_version, meta.remaining_item_count, rejected)


def decode_items(objects: Iterable[Any], entry: KindEntry | None) -> tuple[list[Any], tuple[str, ...]]:
    """Structs of plain objects (JSON or YAML), and a line for each one that did not have the documented shape."""
    items: list[Any] = []
    rejected: list[str] = []
    for plain in objects:
        try:
            items.append(decode_object(plain, entry))
        except ValueError as error:
            rejected.append(f"{_name_of(plain)}: {error}")
    return items, tuple(rejected)


def decode_object(plain: Any, entry: KindEntry | None) -> Any:
    """The struct of one plain object. Raises ValueError with the field that does not fit."""
    cleaned = without_nulls(plain)
    try:
        if entry is not None and entry.struct is Secret:
            return _secret(cleaned)
        return msgspec.convert(cleaned, struct_of(entry), strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


def _secret(plain: Any) -> Secret:
    """Type and key names; values and annotations (which may hold a copy of them) are left behind."""
    if not isinstance(plain, dict):
        raise ValueError("a Secret is an object")
    keys = sorted({*_names(plain.get("data")), *_names(plain.get("stringData"))})
    meta = msgspec.convert(plain.get("metadata", {}), ObjectMeta, strict=False)
    bare = msgspec.structs.replace(meta, annotations={})
    return Secret(metadata=bare, type=str(plain.get("type", "")), keys=keys, key_count=len(keys))


def _names(value: Any) -> list[str]:
    return list(value) if isinstance(value, dict) else []


def without_nulls(value: Any) -> Any:
    """The same plain value without null members, which the API treats as absent."""
    if isinstance(value, dict):
        return {str(key): without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value if item is not None]
    return value


def _name_of(plain: Any) -> str:
    meta = plain.get("metadata") if isinstance(plain, dict) else None
    if not isinstance(meta, dict):
        return "an item without metadata"
    return f"{meta.get('namespace', '')}/{meta.get('name', '?')}".lstrip("/")


def sorted_objects(objects: Iterable[Any]) -> tuple[Any, ...]:
    """Objects in the order every snapshot keeps: by namespace, then name."""
    return tuple(sorted(objects, key=lambda o: (o.metadata.namespace, o.metadata.name)))
