"""The three recorded clusters, and the same clusters with every object renamed."""

from __future__ import annotations

import functools
import hashlib
import json
import re
import tarfile
from pathlib import Path

import msgspec
import pytest

from chalicelib.clusters.recorded import read_recording
from chalicelib.rootcause import Diagnosis, diagnose, logs_wanted
from chalicelib.rootcause.look import resolve
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Snapshot
from chalicelib.state.world import World

CLUSTERS = Path(__file__).resolve().parents[2] / "data" / "clusters"


@functools.cache
def snapshot(name: str) -> Snapshot:
    return read_recording(CLUSTERS / f"{name}.tar.xz", cluster=name).snapshot()


@functools.cache
def diagnosis(name: str) -> Diagnosis:
    return diagnose(World(snapshot(name)))


def answers(name: str) -> list[dict]:
    return json.loads((CLUSTERS / f"{name}.answers.json").read_text())


def accepted(answer: dict) -> set[Ref]:
    """The object of an answer and those that are equally acceptable."""
    space = answer.get("namespace", "")
    also = (
        Ref(o["kind"], o.get("namespace", "" if "Webhook" in o["kind"] else space), o["name"])
        for o in answer.get("also", ())
    )
    return {Ref(answer["kind"], space, answer["name"]), *also}


@pytest.mark.parametrize("answer", answers("incidents"), ids=lambda a: f"{a['mode']}-{a['name']}")
def test_every_fault_of_the_incident_cluster_is_found(answer):
    found = [p for p in diagnosis("incidents").problems if p.resource in accepted(answer) and p.mode == answer["mode"]]
    assert len(found) == 1
    assert found[0].probability > 0.5
    assert found[0].evidence
    assert found[0].remedy.text


def test_nothing_else_is_claimed_in_the_incident_cluster():
    known = [(accepted(a), a["mode"]) for a in answers("incidents")]
    extra = [
        p.summary
        for p in diagnosis("incidents").problems
        if p.probability > 0.5 and not any(p.resource in r and p.mode == m for r, m in known)
    ]
    assert extra == []
    assert diagnosis("incidents").outcome == "several_independent_faults"


def test_consequences_are_explained_by_their_cause():
    by_name = {(p.resource.name, p.mode): p for p in diagnosis("incidents").problems}
    assert Ref("HorizontalPodAutoscaler", "shop", "catalog") in by_name["catalog", "oom_killed"].explains
    assert Ref("Deployment", "shop", "frontend") in by_name["cart", "target_port_mismatch"].explains
    assert Ref("Deployment", "payments", "payments-api") in by_name["ledger", "service_selector_mismatch"].explains
    assert (
        Ref("DaemonSet", "kube-system", "kube-proxy") in by_name["ip-10-0-2-58.ec2.internal", "kubelet_down"].explains
    )


def test_the_healthy_cluster_with_all_its_noise_has_no_fault():
    found = diagnosis("healthy")
    assert found.outcome == "no_fault"
    assert found.problems == ()


@pytest.mark.parametrize("answer", answers("scale"), ids=lambda a: a["name"])
def test_the_large_cluster_is_told_as_far_as_its_evidence_goes(answer):
    found = [p for p in diagnosis("scale").problems if p.resource in accepted(answer)]
    assert [p.mode for p in found] == [answer["mode"]]
    if answer.get("identifiable", True):
        assert found[0].probability > 0.5
    else:
        assert found[0].probability <= 0.5
        assert found[0].missing


@pytest.mark.parametrize("name", ["incidents", "scale"])
def test_the_same_cluster_gives_the_same_bytes(name):
    again = diagnose(World(snapshot(name)))
    assert msgspec.json.encode(again) == msgspec.json.encode(diagnosis(name))


@pytest.mark.parametrize("name", ["incidents", "scale"])
def test_every_citation_resolves_to_what_it_says(name):
    state = snapshot(name)
    cited = [e for p in diagnosis(name).problems for e in p.evidence]
    assert cited
    for evidence in cited:
        if evidence.type == "object":
            obj = state.find(evidence.ref)
            assert obj is not None
            observed = resolve(obj, evidence.pointer)
            assert msgspec.to_builtins(observed, str_keys=True) == msgspec.to_builtins(evidence.observed, str_keys=True)
        elif evidence.type == "absence":
            assert state.was_read(evidence.ref.kind, evidence.ref.namespace)
            assert state.find(evidence.ref) is None
        elif evidence.type == "log":
            text = state.log(
                evidence.ref.namespace, evidence.ref.name, evidence.container, evidence.observed == "previous"
            )
            assert text is not None
            assert all(line.split()[-1][:40] in text for _, line in evidence.lines)


def test_logs_are_asked_for_the_sick_first_and_never_too_many():
    wanted = logs_wanted(World(snapshot("scale")))
    assert 0 < len(wanted) <= 60
    sick = {p.metadata.name for p in snapshot("scale").of("Pod") if not p.ready}
    assert wanted[0].previous
    assert wanted[0].pod in sick


FIXED = {"default", "kubernetes", "kube-system", "kube-public", "kube-node-lease", "kube-root-ca.crt"}
RENAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
KEPT_FILES = (
    "clusterroles.json",
    "clusterrolebindings.json",
    "customresourcedefinitions.json",
    "apiservices.json",
    "csidrivers.json",
    "priorityclasses.json",
)


def _new_name(name: str) -> str:
    return "x" + hashlib.sha1(name.encode()).hexdigest()[:12]


def _rename(text: str, names: set[str]) -> str:
    def token(match: re.Match[str]) -> str:
        word = match.group(0)
        if word in names:
            return _new_name(word)
        return ".".join(_new_name(part) if part in names else part for part in word.split("."))

    return RENAMED.sub(token, text)


def _rename_values(value, names: set[str]):
    if isinstance(value, dict):
        return {
            k: v if k in ("kind", "apiVersion", "type", "reason") else _rename_values(v, names)
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [_rename_values(v, names) for v in value]
    return _rename(value, names) if isinstance(value, str) else value


def renamed_folder(source: Path, target: Path) -> set[str]:
    """A copy of a recording in which every object has another name; returns the names that were changed."""
    with tarfile.open(source) as archive:
        files = {m.name: archive.extractfile(m).read().decode() for m in archive.getmembers() if m.isfile()}
    names: set[str] = set()
    for path, text in files.items():
        if path.endswith(".json") and not path.endswith((*KEPT_FILES, "events.json", "version.json")):
            names |= {
                o["metadata"]["name"] for o in json.loads(text).get("items") or [] if "name" in o.get("metadata", {})
            }
    names |= {path.split("/")[1] for path in files if path.count("/") >= 2}
    names -= FIXED
    for path, text in files.items():
        head, *rest = path.split("/")
        where = target.joinpath(head, *(_new_name(part) if part in names else part for part in rest))
        where.parent.mkdir(parents=True, exist_ok=True)
        plain = not path.endswith(".json") or path.endswith(KEPT_FILES)
        where.write_text(
            _rename(text, names)
            if not path.endswith(".json")
            else text
            if plain
            else json.dumps(_rename_values(json.loads(text), names))
        )
    return names


@pytest.mark.parametrize("name", ["incidents", "healthy"])
def test_renaming_every_object_changes_no_result(name, tmp_path):
    names = renamed_folder(CLUSTERS / f"{name}.tar.xz", tmp_path)
    after = diagnose(World(read_recording(tmp_path, cluster=name).snapshot()))

    def renamed(ref: Ref) -> Ref:
        return Ref(ref.kind, *(_new_name(part) if part in names else part for part in (ref.namespace, ref.name)))

    expected = sorted((renamed(p.resource), p.mode, p.probability) for p in diagnosis(name).problems)
    assert sorted((p.resource, p.mode, p.probability) for p in after.problems) == expected
    assert after.outcome == diagnosis(name).outcome
