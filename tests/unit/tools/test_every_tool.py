"""Every tool on every recorded cluster: no exception, inside its budget, valid against its own schema."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from chalicelib.tools.budget import MAX_BYTES, SUMMARY_CHARS
from chalicelib.tools.entry import CATEGORIES, NAME
from chalicelib.tools.registry import TOOLS, ToolResult, call
from tests.unit.tools.recorded_views import DUMPS, KeptStore, a_context, view_of

ALL = [tool.name for tool in TOOLS]
NAMES = [tool.name for tool in TOOLS if tool.read_only and tool.permission == "tools:read"]
"""Those that answer from a reading; what asks for changes is tried in tests/functional/changes/test_tools.py."""
CLUSTERS = sorted(path.name.removesuffix(".tar.xz") for path in DUMPS.glob("*.tar.xz"))
OBSERVE = """
cluster_overview resources resource events pod_logs metrics topology_graph node_status namespace_quotas
service_endpoints pvc_bindings ingress_rules configmap_usage secret_usage rollout_history recent_changes
api_resources custom_resources cluster_at
"""


def arguments(cluster: str) -> dict[str, dict[str, Any]]:
    """Arguments that every tool can be called with on a recorded cluster."""
    world = view_of(cluster).world
    deployment = min(world.snapshot.of("Deployment"), key=lambda d: world.status("Deployment", d).level != "crit")
    named = {"kind": "Deployment", "name": deployment.metadata.name, "namespace": deployment.metadata.namespace}
    return {
        "observe_resources": {"kind": "pods"},
        "observe_resource": named,
        "observe_pod_logs": {} if cluster == "scale" else logged(cluster),
        "analyze_log_patterns": {} if cluster == "scale" else logged(cluster),
        "observe_topology_graph": {"namespace": deployment.metadata.namespace},
        "observe_rollout_history": named,
        "observe_cluster_at": {"at": "1h"},
        "analyze_dependency_chains": named,
        "analyze_blast_radius": named,
        "find_tools": {"query": "why is the volume claim pending"},
    }


def logged(cluster: str) -> dict[str, Any]:
    """A pod whose log was recorded."""
    key = next(k for k in sorted(view_of(cluster).snapshot.logs) if not k.previous)
    return {"name": key.pod, "namespace": key.namespace, "container": key.container}


def called(name: str, cluster: str, **more: Any) -> ToolResult:
    return call(name, {**arguments(cluster).get(name, {}), **more}, a_context(cluster))


OF_LOGS = ("observe_pod_logs", "analyze_log_patterns")
CASES = [(n, c) for n in NAMES for c in CLUSTERS if n not in OF_LOGS or c != "scale"]
"""The recording `scale` holds no logs."""


@pytest.mark.parametrize(("name", "cluster"), CASES)
def test_answers_within_its_budget_and_its_schema(name: str, cluster: str) -> None:
    result = called(name, cluster).as_dict()
    assert len(msgspec.json.encode(result)) <= MAX_BYTES
    assert 0 < len(result["summary"]) <= SUMMARY_CHARS
    schema = TOOLS[name].output_schema
    Draft202012Validator(schema).validate(result)
    declared = schema["properties"]["data"]["properties"]
    assert set(result["data"]) <= set(declared)
    row_schema = declared.get("items", {}).get("items", {}).get("properties")
    if row_schema:
        assert {key for row in result["data"]["items"] for key in row} <= set(row_schema)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_call_gives_the_same_answer(name: str) -> None:
    assert called(name, "incidents").as_dict() == called(name, "incidents").as_dict()


@pytest.mark.parametrize("name", [n for n in NAMES if TOOLS[n].takes_cluster])
def test_all_clusters_at_once_stay_within_the_budget_and_name_their_cluster(name: str) -> None:
    args = {**arguments("incidents").get(name, {}), "cluster": "*"}
    result = call(name, args, a_context("incidents", "healthy")).as_dict()
    assert len(msgspec.json.encode(result)) <= MAX_BYTES
    assert result["cluster"] == "*"
    answered = {entry["name"] for entry in result["data"]["clusters"]}
    failed = {gap["cluster"] for gap in result["gaps"] if gap["kind"] == "Cluster"}
    assert answered | failed == {"incidents", "healthy"}
    assert answered
    assert all(row["cluster"] in answered for row in result["data"].get("items", []))
    Draft202012Validator(TOOLS[name].output_schema).validate(result)


@pytest.mark.parametrize("name", NAMES)
def test_evidence_of_an_answer_is_stored_under_its_ids(name: str) -> None:
    context = a_context("incidents")
    result = call(name, arguments("incidents").get(name, {}), context)
    store: Any = context.store
    assert isinstance(store, KeptStore)
    assert set(result.evidence) == set(store.evidence.records)
    assert [e.id for e in result.cited] == result.evidence
    assert all(record.cluster == "cl_incidents" for record in store.evidence.records.values())


def test_the_registry_has_the_observe_tools_and_the_first_analyses() -> None:
    observe = {f"observe_{name}" for name in OBSERVE.split()}
    wanted = {*observe, "analyze_resource_health", "analyze_dependency_chains", "analyze_blast_radius", "find_tools"}
    assert wanted <= set(NAMES)


@pytest.mark.parametrize("name", ALL)
def test_an_entry_says_when_to_use_it_when_not_and_gives_a_valid_example(name: str) -> None:
    entry = TOOLS[name]
    assert NAME.match(name)
    assert entry.category in CATEGORIES
    assert "Use " in entry.description or "Start here" in entry.description
    assert "Not for" in entry.description or "Not to" in entry.description
    example = entry.description.partition("Example: ")[2].rstrip(".")
    given = msgspec.json.decode(example)
    assert set(given) <= set(entry.args.model_fields)
    Draft202012Validator.check_schema(entry.input_schema)
    Draft202012Validator.check_schema(entry.output_schema)
    assert entry.input_schema["type"] == "object"
    assert set(entry.annotations) == {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}


def test_entries_are_small_enough_to_be_read_on_every_turn() -> None:
    heads, wholes = {}, {}
    for tool in TOOLS:
        head = {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}
        whole = {**head, "title": tool.title, "outputSchema": tool.output_schema, "annotations": tool.annotations}
        heads[tool.name], wholes[tool.name] = len(msgspec.json.encode(head)), len(msgspec.json.encode(whole))
    assert sum(heads.values()) / len(heads) <= 600
    assert {name: size for name, size in wholes.items() if size > 1400} == {}
