"""Every cause that was weighed is told, with what became of it."""

from __future__ import annotations

import msgspec

from chalicelib.state.meta import Ref
from tests.unit.rootcause.builders import a_cluster, sure

CART = Ref("Deployment", "shop", "cart")


def test_a_supported_hypothesis_is_a_problem_above_one_half():
    cluster = a_cluster()
    cluster.deployment("shop/cart").crashing(137, reason="OOMKilled")
    found = cluster.diagnosis()
    supported = [(h.resource, h.mode) for h in found.hypotheses if h.status == "supported"]
    assert supported == sure(found) == [(CART, "oom_killed")]
    assert found.hypotheses[0].supporting == found.problems[0].evidence


def test_a_consequence_is_refuted_by_its_cause_and_says_which():
    cluster = a_cluster()
    cluster.deployment("shop/cart").crashing(137, reason="OOMKilled")
    cluster.service("shop/cart")
    refuted = [h for h in cluster.diagnosis().hypotheses if h.status == "refuted"]
    service = next(h for h in refuted if h.resource == Ref("Service", "shop", "cart"))
    assert "Out of memory".lower() in service.why
    assert "cart" in service.why
    assert service.contradicting
    assert service.probability == 0.0


def test_a_symptom_without_a_sure_cause_is_proposed_with_what_is_missing():
    cluster = a_cluster()
    cluster.deployment("shop/cart").crashing(1)
    found = cluster.diagnosis()
    assert [(h.resource, h.status) for h in found.hypotheses] == [(CART, "proposed")]
    assert found.hypotheses[0].missing
    assert found.hypotheses[0].probability < 0.5


def test_a_scoped_diagnosis_keeps_its_own_hypotheses_only():
    cluster = a_cluster()
    cluster.deployment("shop/cart").crashing(137, reason="OOMKilled")
    cluster.deployment("bank/ledger").crashing(137, reason="OOMKilled")
    assert {h.resource.namespace for h in cluster.diagnosis(namespace="bank").hypotheses} == {"bank"}
    assert {h.resource for h in cluster.diagnosis(target=CART).hypotheses} == {CART}


def test_hypotheses_are_the_same_bytes_each_time_and_one_per_cause():
    def build():
        cluster = a_cluster()
        cluster.deployment("shop/cart").crashing(1, log="panic: boom")
        cluster.service("shop/cart")
        return cluster.diagnosis()

    first = build()
    assert msgspec.json.encode(first) == msgspec.json.encode(build())
    keys = [(h.resource, h.mode) for h in first.hypotheses]
    assert len(keys) == len(set(keys))
