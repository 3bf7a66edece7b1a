"""Request bodies in Kubernetes protobuf, which kubectl sends for its imperative creates.

The field numbers of the kinds concerned are in `protobuf_fields.json`; everything else is refused with 415, as a server
that knows no protobuf would.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Any

import orjson

from infra.local.demo.server.errors import ApiError, bad_request
from infra.local.demo.server.store import Object

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"


@lru_cache(maxsize=1)
def _tables() -> dict[str, Any]:
    """`{"kinds": {"v1/Pod": message}, "messages": {message: {number: [name, type, repeated]}}}`"""
    text = (files("infra.local.demo.server") / "protobuf_fields.json").read_bytes()
    found: dict[str, Any] = orjson.loads(text)
    return found


def decode(body: bytes) -> Object:
    """The object in a protobuf body; ApiError 400 if it is damaged, 415 for a kind that is not known."""
    if not body.startswith(_MAGIC):
        raise bad_request("the object provided is unrecognized (must be of type Unknown): missing protobuf prefix")
    try:
        envelope = {number: value for number, _, value in _fields(body[4:])}
        names = {number: value for number, _, value in _fields(envelope.get(1, b""))}
        version, kind = names.get(1, b"").decode(), names.get(2, b"").decode()
        message = _tables()["kinds"].get(f"{version}/{kind}")
        if message is None:
            text = (
                "the body of the request was in an unknown format - accepted media types include: "
                "application/json, application/yaml"
            )
            raise ApiError(415, "UnsupportedMediaType", text)
        return {"kind": kind, "apiVersion": version, **_message(message, envelope.get(2, b""))}
    except (IndexError, struct.error, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise bad_request(f"the object provided is unrecognized: {error}") from None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if not byte & 0x80:
            return value, at
        shift += 7


def _fields(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """(number, wire type, raw value) of a message."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, wire, value
        elif wire == 1:
            yield number, wire, data[at : at + 8]
            at += 8
        elif wire == 2:
            length, at = _varint(data, at)
            if at + length > len(data):
                raise IndexError("unexpected EOF")
            yield number, wire, data[at : at + length]
            at += length
        elif wire == 5:
            yield number, wire, data[at : at + 4]
            at += 4
        else:
            raise IndexError(f"illegal wireType {wire}")


def _message(name: str, data: bytes) -> Object:
    known = _tables()["messages"][name]
    made: Object = {}
    for number, _, raw in _fields(data):
        entry = known.get(str(number))
        if entry is None:
            continue
        field, kind, repeated = entry
        if kind.startswith("inline:"):
            made |= _message(kind[7:], raw)
        elif kind.startswith("map:"):
            key, value = _map_entry(raw, kind[4:])
            made.setdefault(field, {})[key] = value
        elif repeated:
            made.setdefault(field, []).append(_value(kind, raw))
        else:
            value = _value(kind, raw)
            if value not in ("", None) and not (value == {} and kind.endswith("Time")):
                made[field] = value
    return _tidy(name, made)


def _tidy(name: str, made: Object) -> Object:
    """Go writes what has no `omitempty` even when it is empty; JSON clients leave it out."""
    if name == "ObjectMeta":
        return {key: value for key, value in made.items() if value not in (0, {}, [], None)}
    return {
        key: value
        for key, value in made.items()
        if not (key in _EMPTY_MEANS_UNSET.get(name, ()) and value in (False, 0, {}, []))
    }


_EMPTY_MEANS_UNSET = {
    "PodSpec": ("hostNetwork", "hostPID", "hostIPC"),
    "Container": ("stdin", "stdinOnce", "tty", "resources"),
    "DeploymentSpec": ("minReadySeconds", "paused", "strategy"),
    "PodTemplateSpec": ("metadata",),
    "JobTemplateSpec": ("metadata",),
    "ServicePort": ("nodePort",),
    "ServiceSpec": ("publishNotReadyAddresses", "healthCheckNodePort", "allocateLoadBalancerNodePorts"),
    "ContainerPort": ("hostPort",),
    "VolumeMount": ("readOnly",),
    "ServiceBackendPort": ("number",),
}  # fmt: skip


def _map_entry(data: bytes, kind: str) -> tuple[str, Any]:
    parts = {number: value for number, _, value in _fields(data)}
    return parts.get(1, b"").decode(), _value(kind, parts.get(2, b""))


def _value(kind: str, raw: Any) -> Any:
    match kind:
        case "string":
            return raw.decode()
        case "bool":
            return bool(raw)
        case "int32" | "int64":
            return raw - (1 << 64) if raw >> 63 else raw
        case "bytes":
            return base64.b64encode(raw).decode()
        case "quantity":
            return {number: value for number, _, value in _fields(raw)}.get(1, b"").decode()
        case "int-or-string":
            parts = {number: value for number, _, value in _fields(raw)}
            return parts.get(3, b"").decode() if parts.get(1) else _value("int32", parts.get(2, 0))
        case "time":
            return _time(raw)
    return _message(kind, raw)


def _time(raw: bytes) -> str | None:
    from datetime import UTC, datetime

    from infra.local.demo.server.clock import timestamp

    parts = {number: value for number, _, value in _fields(raw)}
    return timestamp(datetime.fromtimestamp(parts[1], UTC)) if parts.get(1) else None
