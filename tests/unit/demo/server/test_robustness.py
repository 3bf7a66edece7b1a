"""Whatever a client sends, the answer is an object or a Status, and never a broken server."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.local.demo.server.resources import Resources
from infra.local.demo.server.schemas import Type, type_of
from tests.unit.demo.server.builders import Cluster

KINDS = sorted(
    (one for one in Resources() if one.stored and one.verbs == ("create", *one.verbs[1:])), key=lambda one: one.plural
)
SCALARS = {
    "integer": st.integers(-2, 70000), "number": st.integers(-2, 9), "boolean": st.booleans(),
    "quantity": st.sampled_from(["1", "100m", "1Gi", "x", "-1"]), "int-or-string": st.sampled_from([1, "25%", "x"]),
    "time": st.sampled_from(["2026-01-01T00:00:00Z", "x"]), "microtime": st.just("2026-01-01T00:00:00.000000Z"),
    "bytes": st.sampled_from(["YQ==", "?"]),
}  # fmt: skip
FOLLOWED_UP = ("APIService", "CustomResourceDefinition")  # the server writes their status right away
WORDS = st.sampled_from(["a", "web", "A!", "", "ClusterIP", "NodePort", "Always", "*/5 * * * *", "1", "10.96.0.9"])


@lru_cache(maxsize=4096)
def values(kind: Type, depth: int) -> Any:
    """Values that fit a type, down to a depth."""
    if kind.form == "scalar":
        return SCALARS.get(kind.scalar, WORDS)
    if depth == 0 or kind.form == "any":
        return {"struct": st.just({}), "map": st.just({}), "list": st.just([])}.get(kind.form, st.just({"a": 1}))
    if kind.form == "list":
        return st.lists(values(kind.item, depth - 1), max_size=2) if kind.item else st.just([])
    if kind.form == "map":
        return st.dictionaries(st.sampled_from(["app", "tier"]), values(kind.item, depth - 1), max_size=2)
    names = [name for name in kind.fields if name not in ("managedFields", "status", "apiVersion", "kind")]
    some = {name: st.deferred(lambda name=name: values(kind.fields[name], depth - 1)) for name in names}
    always = {name: some.pop(name) for name in ("metadata", "spec") if name in some}
    return st.fixed_dictionaries(always, optional=some)


def checked(cluster: Cluster, method: str, target: str, body: Any, **headers: str) -> Any:
    answer = cluster.send(method, target, body, **headers)
    told = json.loads(answer.body)
    assert answer.status < 400 or told["kind"] == "Status"
    assert answer.status != 500 or "resourceVersion" in told["message"]
    return told


@pytest.mark.parametrize("resource", KINDS, ids=[one.plural + "." + one.version for one in KINDS])
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_object_that_fits_its_schema_is_taken_or_refused(resource: Any, data: Any) -> None:
    kind = type_of(resource.group, resource.version, resource.kind)
    assert kind is not None
    cluster, path = Cluster(), resource.path("shop")
    body = data.draw(values(kind, 5))
    body["metadata"] = {"name": "web"}
    made = checked(cluster, "POST", path, body)
    if made["kind"] == "Status":
        return
    if resource.kind not in FOLLOWED_UP:
        assert checked(cluster, "GET", f"{path}/web", None) == made
    checked(cluster, "GET", path, None, accept="application/json;as=Table;v=v1;g=meta.k8s.io")
    patch = data.draw(values(kind, 4))
    patch["metadata"] = {"labels": {"app": "web"}}
    for how in ("strategic-merge-patch", "merge-patch"):
        told = checked(cluster, "PATCH", f"{path}/web", patch, content_type=f"application/{how}+json")
        same = told["kind"] == "Status" or resource.kind in FOLLOWED_UP
        assert same or checked(cluster, "GET", f"{path}/web", None) == told
    config = {**patch, "kind": resource.kind, "apiVersion": resource.group_version, "metadata": {"name": "web"}}
    checked(
        cluster, "PATCH", f"{path}/web?fieldManager=me&force=true", config, content_type="application/apply-patch+yaml"
    )
    checked(cluster, "PUT", f"{path}/web", body)
    checked(cluster, "DELETE", f"{path}/web", None)


wild = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(["metadata", "spec", "a", "template",
        "containers", "name", "labels", "selector", "ports", "kind"]), below, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(KINDS), wild, st.sampled_from(["POST", "PUT", "json-patch+json", "merge-patch+json",
       "strategic-merge-patch+json", "apply-patch+yaml"]))  # fmt: skip
def test_any_json_at_all_is_taken_or_refused(resource: Any, body: Any, how: str) -> None:
    cluster, path = Cluster(), resource.path("shop")
    cluster.send("POST", path, {"metadata": {"name": "web"}})
    raw = json.dumps(body).encode()
    if how == "POST":
        checked(cluster, "POST", path, raw)
    elif how == "PUT":
        checked(cluster, "PUT", f"{path}/web", raw)
    else:
        checked(cluster, "PATCH", f"{path}/web?fieldManager=me", raw, content_type=f"application/{how}")
