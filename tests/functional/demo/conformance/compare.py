"""When an answer matches the recorded one.

The status code always; of a failure reason, message and details; of anything else the set of JSON paths, with list
indices folded, less what the recording says is not comparable (pod and node status, log text, metrics numbers).
"""

from __future__ import annotations

from typing import Any

from tests.functional.demo.conformance.masks import Masks, folded_key, has_mask

_EMULATED = {"Pod", "Node"}
_EMULATED_RESOURCES = {"pods": "Pod", "nodes": "Node"}
_TRANSPARENT = ("items", "rows", "object", "metadata", "managedFields")
_WRAPPERS = {"Table", "PartialObjectMetadata", "PartialObjectMetadataList"}


def learn(masks: Masks, recorded: Any, actual: Any) -> None:
    """Bind masks by walking both values; list entries are paired by what fits best."""
    if isinstance(recorded, dict) and isinstance(actual, dict):
        for key, value in recorded.items():
            if key in actual:
                learn(masks, value, actual[key])
    elif isinstance(recorded, list) and isinstance(actual, list):
        left = list(actual)
        for entry in recorded:
            if not left:
                return
            best = max(left, key=lambda one: _likeness(masks, entry, one)) if len(left) > 1 else left[0]
            left.remove(best)
            learn(masks, entry, best)
    elif isinstance(recorded, str) and isinstance(actual, str):
        masks.matches(recorded, actual)


def _likeness(masks: Masks, recorded: Any, actual: Any) -> int:
    """How many texts of two values agree; a contradicted mask counts heavily against."""
    if isinstance(recorded, str):
        return (1 if masks.fits(recorded, actual) else -3) if isinstance(actual, str) else 0
    if isinstance(recorded, dict) and isinstance(actual, dict):
        score = sum(_likeness(masks, value, actual[key]) for key, value in recorded.items() if key in actual)
        name = recorded.get("name")
        if isinstance(name, str) and "name" in actual and not has_mask(name):
            score += 20 if name == actual["name"] else -20
        if recorded.get("nodeName") and "nodeName" in actual:
            score += 50 if recorded["nodeName"] == actual["nodeName"] else -50
        return score
    if isinstance(recorded, list) and isinstance(actual, list):
        return sum(_likeness(masks, one, other) for one, other in zip(recorded, actual, strict=False))
    return 1 if recorded == actual else 0


def differences(
    masks: Masks, recorded: Any, actual: Any, *, text_matters: bool = True, resource: str = ""
) -> list[str]:
    """What keeps an answer from matching; empty when it matches."""
    if isinstance(recorded, dict) and recorded.get("kind") == "Status":
        return _status_differences(masks, recorded, actual)
    if isinstance(recorded, str):
        if not isinstance(actual, str):
            return [f"text expected, got {type(actual).__name__}"]
        return (
            []
            if not text_matters or masks.matches(recorded, actual)
            else [f"text: {recorded[:80]!r} / {actual[:80]!r}"]
        )
    kind = _EMULATED_RESOURCES.get(resource, "")
    expected, found = paths(recorded, kind), paths(actual, kind)
    missing = [f"- {path}" for path in sorted(expected - found)]
    return missing + [f"+ {path}" for path in sorted(found - expected)]


def _status_differences(masks: Masks, recorded: dict[str, Any], actual: Any) -> list[str]:
    if not isinstance(actual, dict) or actual.get("kind") != "Status":
        return ["a Status was expected"]
    return [
        f"{key}: {recorded.get(key)!r} / {actual.get(key)!r}"
        for key in ("reason", "message", "details")
        if not _equal(masks, recorded.get(key), actual.get(key))
    ]


def _equal(masks: Masks, recorded: Any, actual: Any) -> bool:
    if isinstance(recorded, dict) and isinstance(actual, dict):
        return recorded.keys() == actual.keys() and all(_equal(masks, recorded[key], actual[key]) for key in recorded)
    if isinstance(recorded, list) and isinstance(actual, list):
        return len(recorded) == len(actual) and all(
            _equal(masks, one, other) for one, other in zip(recorded, actual, strict=True)
        )
    if isinstance(recorded, str) and isinstance(actual, str):
        return masks.matches(recorded, actual)
    return bool(recorded == actual)


def stream_differences(masks: Masks, recorded: list[Any], actual: list[Any]) -> list[str]:
    """Watch frames as sets: the same types of frames, and the same paths in them."""
    types = {frame["type"] for frame in recorded}, {frame["type"] for frame in actual}
    if types[0] != types[1]:
        return [f"frames: {sorted(types[0])} / {sorted(types[1])}"]
    if types[0] == {"ERROR"}:
        return _status_differences(masks, recorded[0]["object"], actual[0]["object"])
    return differences(masks, recorded, actual)


def paths(value: Any, kind: str = "") -> set[str]:
    """All JSON paths of a value, list indices folded, without what is not comparable.

    `kind` is what tables and metadata-only lists are about: their objects do not say it themselves.
    """
    found: set[str] = set()
    _walk(value, "", kind, found)
    return found


def _walk(value: Any, path: str, kind: str, found: set[str]) -> None:
    if isinstance(value, dict):
        own = _kind_of(value, kind)
        for key, item in value.items():
            if _not_comparable(own, value, key):
                continue
            below = f"{path}.{folded_key(key)}"
            found.add(below)
            _walk(item, below, own if key in _TRANSPARENT else "", found)
    elif isinstance(value, list):
        for item in value:
            if kind in _EMULATED and isinstance(item, dict) and item.get("subresource") == "status":
                continue
            _walk(item, f"{path}[]", kind, found)


def _kind_of(value: dict[str, Any], inherited: str) -> str:
    kind = value.get("kind")
    if isinstance(kind, str) and "metadata" in value and kind not in _WRAPPERS:
        return kind.removesuffix("List")
    return inherited


def _not_comparable(kind: str, value: dict[str, Any], key: str) -> bool:
    return kind in _EMULATED and key == "status" and "metadata" in value
