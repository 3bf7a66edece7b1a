"""CustomResourceDefinitions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.demo.server.builders import Cluster, read

WIDGETS = "/apis/example.com/v1/namespaces/shop/widgets"


def with_widgets() -> Cluster:
    cluster = Cluster()
    spec_schema = {
        "type": "object", "required": ["size"],
        "properties": {
            "size": {"type": "integer", "minimum": 1, "maximum": 9},
            "color": {"type": "string", "enum": ["red", "blue"]},
            "tier": {"type": "string", "default": "gold"},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    }  # fmt: skip
    schema = {"type": "object", "required": ["spec"], "properties": {"spec": spec_schema, "status": {
        "type": "object", "properties": {"ready": {"type": "boolean"}}}}}  # fmt: skip
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    names = {"kind": "Widget", "plural": "widgets", "shortNames": ["wd"]}
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]}
    cluster.api.create("CustomResourceDefinition", {"metadata": {"name": "widgets.example.com"}, "spec": spec})
    cluster.api.work_off()
    return cluster


def a_widget(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": spec}


def test_a_definition_is_served_established_and_discovered() -> None:
    cluster = with_widgets()
    definition = cluster.api.get("CustomResourceDefinition", "", "widgets.example.com")
    assert [one["type"] for one in definition["status"]["conditions"]] == ["NamesAccepted", "Established"]
    listed = read(cluster.send("GET", "/apis/example.com/v1"))["resources"]
    assert [(one["name"], one["kind"]) for one in listed] == [("widgets", "Widget"), ("widgets/status", "Widget")]


def test_unknown_fields_are_pruned_free_ones_kept_and_defaults_filled_in() -> None:
    made = read(with_widgets().send("POST", WIDGETS, a_widget(size=1, extra=1, free={"any": [1]})))
    assert made["spec"] == {"size": 1, "free": {"any": [1]}, "tier": "gold"}


@pytest.mark.parametrize(
    ("spec", "field", "text"),
    [
        ({"size": 0}, "spec.size", "spec.size in body should be greater than or equal to 1"),
        ({"size": 10}, "spec.size", "spec.size in body should be less than or equal to 9"),
        ({"size": "1"}, "spec.size", "spec.size in body must be of type integer"),
        ({"size": 1, "color": "green"}, "spec.color", 'Unsupported value: "green": supported values: "red", "blue"'),
        ({}, "spec.size", "Required value"),
    ],
)
def test_what_violates_the_schema_is_refused(spec: dict[str, Any], field: str, text: str) -> None:
    status = read(with_widgets().send("POST", WIDGETS, a_widget(**spec)))
    assert status["reason"] == "Invalid"
    assert status["details"]["causes"][0]["field"] == field
    assert text in status["message"]


def test_strict_validation_refuses_unknown_fields_of_custom_resources_too() -> None:
    status = read(with_widgets().send("POST", WIDGETS + "?fieldValidation=Strict", a_widget(size=1, extra=1)))
    assert 'strict decoding error: unknown field "spec.extra"' in status["message"]


def test_the_status_is_only_written_through_its_subresource() -> None:
    cluster, merge = with_widgets(), {"content_type": "application/merge-patch+json"}
    cluster.send("POST", WIDGETS, {**a_widget(size=1), "status": {"ready": True}})
    assert "status" not in read(cluster.send("GET", WIDGETS + "/w"))
    patch = {"spec": {"size": 5}, "status": {"ready": True}}
    changed = read(cluster.send("PATCH", WIDGETS + "/w/status", patch, **merge))
    assert (changed["spec"]["size"], changed["status"]) == (1, {"ready": True})


def test_with_the_definition_go_its_objects_and_its_paths() -> None:
    cluster = with_widgets()
    cluster.send("POST", WIDGETS, a_widget(size=1))
    cluster.api.delete("CustomResourceDefinition", "", "widgets.example.com")
    assert cluster.send("GET", WIDGETS).status == 404
    assert list(cluster.api.store.list(("example.com", "widgets"))) == []
