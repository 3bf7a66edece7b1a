"""Any bytes are a valid result or a clear error, never anything else."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.clusters.archive import members
from chalicelib.clusters.documents import yaml_documents
from chalicelib.clusters.kubeconfig import read_kubeconfig
from chalicelib.clusters.recorded import RecordedCluster, read_recording
from chalicelib.clusters.recorded_logs import last_bytes, sections
from chalicelib.errors import KubiliticsError
from chalicelib.state.snapshot import encode_snapshot
from tests.unit.clusters.archives import a_list, a_pod, a_tar, a_zip
from tests.unit.clusters.kubeconfigs import a_kubeconfig

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["kind", "apiVersion", "items", "metadata", "name", "namespace", "spec", "status", "data", "containers", "labels"]
)
KUBE = st.recursive(
    st.none() | st.sampled_from(["Pod", "Secret", "List", "PodList", "v1", "apps/v1", "", "x"]) | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELDS, inner, max_size=5),
    max_leaves=20,
)
ARCHIVES = [a_tar({"d/pods.json": a_list("Pod", a_pod("a"))}, c) for c in ("", "gz", "xz")]
ARCHIVES.append(a_zip({"d/pods.json": a_list("Pod", a_pod("a"))}))


def well_behaved(work: Any) -> Any:
    """The result, or None where the work ended with a clear error about the input."""
    try:
        return work()
    except KubiliticsError as error:
        told = error
    assert told.message
    assert told.remedy
    assert told.status < 500
    return None


@FEW
@given(st.binary(max_size=400))
def test_any_bytes_are_a_recording_or_a_clear_error(data):
    well_behaved(lambda: read_recording(data, cluster="x"))


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(ARCHIVES), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_any_damage_to_an_archive_is_a_recording_or_a_clear_error(archive, damage):
    data = bytearray(archive)
    for place, value in damage:
        data[int(place * (len(data) - 1))] = value
    well_behaved(lambda: list(members(bytes(data))))
    found = well_behaved(lambda: read_recording(bytes(data), cluster="x"))
    if isinstance(found, RecordedCluster):
        assert encode_snapshot(found.snapshot())


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["d/pods.json", "secrets.json", "x.json", "d/ns/pods.metrics.k8s.io.json"]), KUBE, min_size=1
    )
)
def test_any_json_in_a_recording_is_read_or_named_as_a_gap(files):
    packed = a_tar({"n.json": b'{"kind":"Node","apiVersion":"v1","metadata":{"name":"n"}}'} | {
        name: json.dumps(value).encode() for name, value in files.items()})  # fmt: skip
    cluster = well_behaved(lambda: read_recording(packed, cluster="x"))
    assert encode_snapshot(cluster.snapshot())
    for kind, found in cluster.snapshot().objects.items():
        for obj in found:
            plain = cluster.raw(kind, obj.metadata.namespace, obj.metadata.name)
            assert plain["metadata"]["name"] == obj.metadata.name


@FEW
@given(st.text(max_size=300))
def test_any_text_is_a_kubeconfig_or_a_clear_error(text):
    well_behaved(lambda: read_kubeconfig(text))


ENTRY = st.sampled_from(
    ["server", "token", "exec", "tokenFile", "proxy-url", "as", "certificate-authority-data", "tls-server-name", "name"]
)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(ENTRY, JSON, max_size=3),
    st.dictionaries(ENTRY, JSON, max_size=3),
    st.dictionaries(st.text(max_size=9), JSON),
)
def test_any_entries_in_a_kubeconfig_are_taken_or_a_clear_error(cluster, user, top):
    well_behaved(lambda: read_kubeconfig(a_kubeconfig(cluster=cluster, user={"token": "t"} | user)))
    well_behaved(lambda: read_kubeconfig(a_kubeconfig(**{"users": top.get("users"), "contexts": top.get("contexts")})))


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_json_read_as_yaml_is_the_same_value_as_far_as_yaml_can_say_it(value):
    text = json.dumps(value)
    try:
        (read,) = list(yaml_documents(text.encode()))
    except ValueError:
        return
    if isinstance(value, dict | list):
        assert json.dumps(read, sort_keys=True) == json.dumps(value, sort_keys=True) or has_odd_numbers(value)


def has_odd_numbers(value: Any) -> bool:
    """Numbers that YAML and JSON spell differently: very large integers, and floats with exponents."""
    if isinstance(value, dict):
        return any(has_odd_numbers(v) for v in value.values())
    if isinstance(value, list):
        return any(has_odd_numbers(v) for v in value)
    return isinstance(value, int | float) and not isinstance(value, bool) and (abs(value) >= 1e15 or "e" in repr(value))


@FEW
@given(st.text(max_size=200), st.integers(0, 100))
def test_the_end_of_a_text_is_its_end_and_never_longer_than_asked(text, limit):
    kept = last_bytes(text, limit)
    assert len(kept.encode()) <= limit or kept == text
    assert text.endswith(kept)


@FEW
@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.text("xyz\n", max_size=20)), min_size=1, max_size=4))
def test_sections_of_a_log_are_what_was_written(parts):
    edges = ("==== START logs for container {} of pod ns/p ====", "==== END logs for container {} of pod ns/p ====")
    text = "".join(f"{edges[0].format(c)}\n{t}\n{edges[1].format(c)}\n" for c, t in parts)
    assert [(c, t) for c, t in sections(text, "ns", "p")] == [(c, t + "\n") for c, t in parts]
