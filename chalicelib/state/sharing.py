"""Pods that share what they have in common.

The Pods of one ReplicaSet differ in little more than name, node, times and addresses. Decoded one by one, 10,000 of
them hold 100 MB of equal specs, labels and words. Here a part whose JSON equals one seen before in the same page is
not decoded again but shared; structs are immutable, so nobody can tell.
"""

from __future__ import annotations

import copy
import re
from typing import Any

import msgspec

from chalicelib.state.kinds.pod import Pod, PodStatus
from chalicelib.state.kinds.pod_spec import PodSpec
from chalicelib.state.meta import Api, ObjectMeta

_NODE = re.compile(rb'"nodeName"\s*:\s*"([^"\\]*)"')
_TOKEN_VOLUME = re.compile(rb'"kube-api-access-[a-z0-9]{5}"')
"""The volume that admission adds to every Pod under a random name. Without the random part, equal Pods are equal."""
_TOKEN_VOLUME_NAME = b'"kube-api-access"'

_SPEC_SHARED = (
    "containers", "init_containers", "volumes", "tolerations", "topology_spread_constraints", "security_context",
    "node_selector", "image_pull_secrets", "overhead", "dns_config", "readiness_gates", "scheduling_gates",
)  # fmt: skip
_META_SHARED = ("labels", "annotations", "owner_references", "finalizers")

_set = msgspec.structs.force_setattr


def _parts_of(struct: Any, shared: tuple[str, ...]) -> Any:
    """The struct with the shared fields left as JSON, and every field unset where the JSON does not have it."""
    fields = [
        (
            f.name,
            (msgspec.Raw if f.name in shared else f.type) | msgspec.UnsetType,
            msgspec.field(name=f.encode_name, default=msgspec.UNSET),
        )
        for f in msgspec.structs.fields(struct)
    ]
    return msgspec.defstruct(f"{struct.__name__}Parts", fields, bases=(msgspec.Struct,), gc=False)


class _Shared:
    """Values by the JSON they were decoded from."""

    def __init__(self, struct: Any, shared: tuple[str, ...]) -> None:
        self.struct = struct
        types = {f.name: f.type for f in msgspec.structs.fields(struct)}
        empty = struct()
        self.parts = _parts_of(struct, shared)
        self.names = tuple(types)
        self.decoders = {name: msgspec.json.Decoder(types[name]) for name in shared}
        self.empty = {name: value for name in shared if (value := getattr(empty, name)) is not None}

    def whole(self, parts: Any, seen: dict[tuple[str, bytes], Any]) -> Any:
        """The struct of its parts; shared ones come from `seen` or go there."""
        values = dict(self.empty)
        for name in self.names:
            value = getattr(parts, name)
            if value is msgspec.UNSET:
                continue
            decoder = self.decoders.get(name)
            if decoder is not None:
                key = (name, bytes(value))
                value = seen.get(key)
                if value is None:
                    value = seen[key] = decoder.decode(key[1])
            values[name] = value
        return self.struct(**values)


_META = _Shared(ObjectMeta, _META_SHARED)
_SPEC = _Shared(PodSpec, _SPEC_SHARED)
_SPEC_PARTS = msgspec.json.Decoder(_SPEC.parts)


class _PodParts(Api):
    metadata: _META.parts  # type: ignore[name-defined]
    spec: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    status: PodStatus = PodStatus()


class PodPageMeta(Api):
    resource_version: str = ""
    continue_: str = msgspec.field(name="continue", default="")
    remaining_item_count: int | None = None


class _PodPage(Api):
    metadata: PodPageMeta | None = None
    items: list[_PodParts] | None = None


_PAGE = msgspec.json.Decoder(_PodPage)


def pod_page(body: bytes) -> tuple[PodPageMeta, list[Pod]]:
    """The Pods of one page of a list, equal to decoding each alone but for the name of the token volume.

    Raises msgspec's errors: ValidationError where an item does not have the documented shape.
    """
    page = _PAGE.decode(body)
    specs: dict[bytes, PodSpec] = {}
    seen: dict[tuple[str, bytes], Any] = {}
    words: dict[Any, Any] = {}
    return page.metadata or PodPageMeta(), [_pod(parts, specs, seen, words) for parts in page.items or ()]


def _pod(parts: Any, specs: dict[bytes, PodSpec], seen: dict[tuple[str, bytes], Any], words: dict[Any, Any]) -> Pod:
    spec = PodSpec() if parts.spec is msgspec.UNSET else _spec(bytes(parts.spec), specs, seen, words)
    return Pod(metadata=_META.whole(parts.metadata, seen), spec=spec, status=_status(parts.status, words))


def _spec(
    raw: bytes, specs: dict[bytes, PodSpec], seen: dict[tuple[str, bytes], Any], words: dict[Any, Any]
) -> PodSpec:
    text = _TOKEN_VOLUME.sub(_TOKEN_VOLUME_NAME, raw)
    nodes = _NODE.findall(text)
    if len(nodes) != 1:
        return _SPEC.whole(_SPEC_PARTS.decode(text), seen)  # type: ignore[no-any-return]
    key = _NODE.sub(b'"nodeName":""', text)
    base = specs.get(key)
    if base is None:
        base = specs[key] = _SPEC.whole(_SPEC_PARTS.decode(key), seen)
    spec = copy.copy(base)
    name = nodes[0].decode()
    _set(spec, "node_name", words.setdefault(name, name))
    return spec


def _status(status: PodStatus, words: dict[Any, Any]) -> PodStatus:
    """The same status with one copy of each word and time."""
    word = words.setdefault
    for found in status.conditions:
        _set(found, "type", word(found.type, found.type))
        _set(found, "status", word(found.status, found.status))
        _set(found, "last_transition_time", word(found.last_transition_time, found.last_transition_time))
    for container in status.container_statuses:
        _set(container, "name", word(container.name, container.name))
        _set(container, "image", word(container.image, container.image))
        _set(container, "image_id", word(container.image_id, container.image_id))
    _set(status, "phase", word(status.phase, status.phase))
    return status
