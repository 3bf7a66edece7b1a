"""Finding objects: one, many, by selector, by owner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from infra.local.demo.server.errors import not_found
from infra.local.demo.server.resources import Resource
from infra.local.demo.server.selectors import Predicate, field_selector, label_selector, selector_matches
from infra.local.demo.server.store import Object, Stored

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api


def get(api: Api, resource: Resource, namespace: str, name: str) -> Stored:
    """The stored object; ApiError 404 when there is none."""
    stored = api.store.get(resource, namespace, name)
    if stored is None:
        raise not_found(resource.plural, resource.group, name)
    return stored


def predicate(resource: Resource, labels: str | Mapping[str, Any] | None, fields: str) -> Predicate | None:
    """The test that both selectors make together; None when everything passes."""
    tests: list[Predicate] = []
    if isinstance(labels, str) and labels.strip():
        matches = label_selector(labels)
        tests.append(lambda obj: matches(obj["metadata"].get("labels") or {}))
    elif isinstance(labels, Mapping):
        tests.append(_selected_by(labels))
    if fields:
        tests.append(field_selector(fields, resource))
    if not tests:
        return None
    return tests[0] if len(tests) == 1 else lambda obj: all(test(obj) for test in tests)


def _selected_by(labels: Mapping[str, Any]) -> Predicate:
    """The test of plain labels, or of a LabelSelector object."""
    if {"matchLabels", "matchExpressions"} & labels.keys():
        return lambda obj: selector_matches(labels, obj["metadata"].get("labels") or {})
    wanted = labels.items()
    return lambda obj: wanted <= (obj["metadata"].get("labels") or {}).items()


def select(
    api: Api, resource: Resource, namespace: str, labels: str | Mapping[str, Any] | None, fields: str
) -> list[Object]:
    test = predicate(resource, labels, fields)
    rows = api.store.list(resource, namespace)
    return [stored.object for stored in rows if test is None or test(stored.object)]


def controller_of(obj: Object) -> Object | None:
    """The owner reference with `controller: true`."""
    references: list[Object] = obj["metadata"].get("ownerReferences") or []
    return next((reference for reference in references if reference.get("controller")), None)


def owned(api: Api, resource: Resource, owner: Object) -> list[Object]:
    uid = owner["metadata"]["uid"]
    found = []
    for stored in api.store.list(resource, owner["metadata"].get("namespace", "")):
        reference = controller_of(stored.object)
        if reference and reference["uid"] == uid:
            found.append(stored.object)
    return found
