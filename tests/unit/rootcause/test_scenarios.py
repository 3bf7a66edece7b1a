"""The scenario bench: that its cases are what they claim to be, and a small fixed sample of its measures.

The whole runs in `make bench` (`python -m tests.bench rootcause -v` lists what was said instead).
"""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from chalicelib.rootcause.modes import modes
from chalicelib.state.evidence import absence_evidence, event_evidence, log_evidence, object_evidence
from chalicelib.state.meta import Ref
from tests.bench import rootcause_scenarios
from tests.bench.rootcause_scenarios import CASES, LEVELS, at_level
from tests.bench.rootcause_scenarios.checks import is_new, resolves, told_in
from tests.bench.rootcause_scenarios.score import Score, calibration_error, rows, score, share

OUTCOMES = {"no_fault", "object_not_found", "insufficient_permission", "several_independent_faults"}
INCIDENTS = [case for case in CASES if case.group == "incident"]
SAMPLE = [
    *INCIDENTS[::9],
    *[case for case in CASES if case.group == "quiet"][::9],
    *[case for case in CASES if case.group == "several"][::9],
]
FLOORS = {"top-1": 0.92, "top-3": 0.95, "two faults": 0.85}
"""What the sample must reach. Raise a floor when the engine has left it behind; the targets stand in `rows`."""


def test_every_mode_has_at_least_three_incidents():
    counted = Counter(case.mode for case in INCIDENTS)
    assert set(counted) == set(modes()) - OUTCOMES
    assert [mode for mode, count in counted.items() if count < 3] == []


def test_there_are_enough_cases_of_each_group():
    counted = Counter(case.group for case in CASES)
    assert counted["incident"] + counted["quiet"] + counted["several"] >= 400
    assert counted["quiet"] >= 100
    assert counted["several"] >= 60


def test_no_two_cases_have_one_name():
    assert len({case.name for case in CASES}) == len(CASES)


def test_both_estates_carry_about_half_of_the_incidents():
    counted = Counter(case.topology.name for case in INCIDENTS)
    assert set(counted) == {"harbour", "observatory"}
    assert min(counted.values()) > 0.4 * len(INCIDENTS)


def test_cases_do_not_look_at_the_engine():
    for path in Path(rootcause_scenarios.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("chalicelib.rootcause"):
                assert (path.name, [name.name for name in node.names]) == ("score.py", ["diagnose"])


def test_a_third_of_the_incidents_use_wording_that_the_engine_does_not_know():
    assert share([is_new(case) for case in INCIDENTS]) >= 1 / 3


def test_telling_words_name_their_source():
    assert [case.name for case in INCIDENTS if case.words and not case.source] == []


@pytest.mark.parametrize("case", [case for case in INCIDENTS if case.words][::6], ids=lambda case: case.name)
def test_telling_words_stand_in_what_the_cluster_says(case):
    assert told_in(case, case.make()[0].snapshot())


@pytest.mark.parametrize("case", SAMPLE, ids=lambda case: case.name)
def test_a_case_does_not_contradict_itself(case):
    estate, faults = case.make()
    there = [
        (kind, found["metadata"].get("namespace", ""), found["metadata"]["name"])
        for kind, objects in estate.objects.items()
        for found in objects
        if kind != "Event"
    ]
    assert [each for each, count in Counter(there).items() if count > 1] == []
    assert len({repr(sorted(series["metric"].items())) for series in estate.series}) == len(estate.series)
    assert [fault for fault in faults if not fault.refs & {Ref(*each) for each in there}] == []


def test_lesser_evidence_is_lesser():
    snapshot = INCIDENTS[0].make()[0].snapshot()
    assert snapshot.extras.alerts is not None
    assert snapshot.logs
    logs, objects = at_level(snapshot, "logs"), at_level(snapshot, "objects")
    assert (logs.extras.alerts, bool(logs.logs)) == (None, True)
    assert (objects.extras.metrics, bool(objects.logs)) == (None, False)
    assert {"alerts", "metrics", "Log"} <= {gap.kind for gap in objects.gaps}


def test_renaming_leaves_no_chosen_name_behind():
    case = next(case for case in INCIDENTS if case.name == "one_letter_wrong")
    snapshot = case.make()[0].snapshot(rename=True)
    cast = case.topology.casts[0]
    seen = repr(sorted(snapshot.logs.items())) + repr(snapshot.extras) + repr(snapshot.objects)
    assert [name for name in (cast.space, cast.victim, cast.peer) if name in seen] == []


@pytest.fixture(scope="module")
def sampled() -> Score:
    return score(SAMPLE)


def test_the_sample_keeps_its_floors(sampled: Score):
    first = share([hit for hits in sampled.top1.values() for hit in hits])
    reached = {"top-1": first, "top-3": share(sampled.top3), "two faults": share(sampled.several)}
    assert {what: value for what, value in reached.items() if value < FLOORS[what]} == {}, "\n".join(sampled.lines)


def test_quiet_clusters_of_the_sample_raise_no_alarm(sampled: Score):
    assert not any(sampled.alarms), "\n".join(sampled.lines)


def test_what_cannot_be_told_is_not_claimed(sampled: Score):
    assert all(sampled.withheld), "\n".join(sampled.lines)


def test_renaming_changes_nothing(sampled: Score):
    assert all(sampled.renamed), "\n".join(sampled.lines)


def test_every_citation_of_the_sample_resolves(sampled: Score):
    assert all(sampled.citations), "\n".join(sampled.lines)


def test_the_table_states_every_measure(sampled: Score):
    told = {row["what"] for row in rows(sampled)}
    assert {"scenarios: top-1", "scenarios: top-1, macro", "scenarios: top-3", "top-1, new wording"} <= told
    assert {f"top-1, up to {level}" for level in LEVELS} <= told


# The score itself


def test_a_forged_citation_does_not_resolve():
    snapshot = INCIDENTS[0].make()[0].snapshot()
    pod, event = snapshot.of("Pod")[0], snapshot.of("Event")[0]
    ref = Ref("Pod", pod.metadata.namespace, pod.metadata.name)
    key = next(iter(snapshot.logs))
    line = snapshot.logs[key].splitlines()[0]
    at = Ref("Pod", key.namespace, key.pod)
    good = [
        object_evidence("c", ref, pod, "/spec/nodeName", pod.spec.node_name, "its node"),
        event_evidence("c", event),
        log_evidence("c", at, key.container, [(1, line)], "its log", previous=key.previous),
        absence_evidence("c", Ref("Service", "nowhere", "none"), "no such Service"),
    ]
    assert [resolves(evidence, snapshot) for evidence in good] == [True] * 4
    forged = [
        object_evidence("c", Ref("Pod", "nowhere", "none"), pod, "/spec/nodeName", "x", "no such pod"),
        log_evidence("c", at, key.container, [(1, "words that nobody wrote")], "its log", previous=key.previous),
        absence_evidence("c", ref, "said to be absent"),
    ]
    assert [resolves(evidence, snapshot) for evidence in forged] == [False] * 3


def test_calibration_error_is_the_distance_of_stated_and_found():
    assert calibration_error([(0.75, True), (0.75, True), (0.75, True), (0.75, False)]) == pytest.approx(0.0)
    assert calibration_error([(0.95, False), (0.95, True)]) == pytest.approx(0.45)


def test_an_answer_on_the_wrong_object_is_a_miss(monkeypatch: pytest.MonkeyPatch):
    case = next(case for case in INCIDENTS if case.name == "killed_at_its_limit")
    wrong = SimpleNamespace(mode="oom_killed", resource=Ref("Deployment", "x", "y"), probability=0.97, evidence=())
    said = SimpleNamespace(problems=(wrong,))
    monkeypatch.setattr("tests.bench.rootcause_scenarios.score.diagnose", lambda world: said)
    out = score([case], rename=False)
    assert out.top1["oom_killed"] == [False]
    assert out.pairs() == [(0.97, False)] * len(LEVELS)
    assert len(out.lines) == len(LEVELS)
