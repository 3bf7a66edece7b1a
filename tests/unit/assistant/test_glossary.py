"""The glossary: complete over the kinds, linked without gaps, found by the words people use."""

from __future__ import annotations

import re

import pytest

from chalicelib.assistant.glossary import find_concept, find_concepts, glossary
from chalicelib.state.kinds import KINDS
from tests.unit.assistant.asking import ask, blocks_of, said


def test_it_is_large_enough_and_covers_every_kind() -> None:
    assert len(glossary()) >= 80
    assert [e.kind for e in KINDS if e.listed and e.kind not in glossary()] == []


def test_every_link_leads_to_an_entry() -> None:
    assert [(c.term, s) for c in glossary().values() for s in c.see if s not in glossary()] == []


@pytest.mark.parametrize("concept", glossary().values(), ids=lambda c: c.term)
def test_an_entry_is_two_to_five_plain_sentences(concept) -> None:  # type: ignore[no-untyped-def]
    sentences = re.findall(r"[.:?](?:\s|$)", concept.text)
    assert 1 <= len(sentences) <= 7
    assert 60 <= len(concept.text) <= 420
    assert not re.search(r"kubectl (delete|apply|patch|edit|scale)", concept.command)


@pytest.mark.parametrize("concept", glossary().values(), ids=lambda c: c.term)
def test_an_entry_is_found_by_its_term_and_its_aliases(concept) -> None:  # type: ignore[no-untyped-def]
    for word in (concept.term, concept.term.lower(), *concept.aliases):
        found = find_concept(word)
        assert found is not None
        assert found.term == concept.term


@pytest.mark.parametrize(
    ("words", "term"),
    [
        ("pdbs", "PodDisruptionBudget"),
        ("crashloopbakoff", "CrashLoopBackOff"),
        ("taints", "taint"),
        ("pvc", "PersistentVolumeClaim"),
        ("network policies", "NetworkPolicy"),
        ("liveness probes", "liveness probe"),
    ],
)
def test_plurals_and_slips_are_understood(words: str, term: str) -> None:
    found = find_concept(words)
    assert found is not None
    assert found.term == term


def test_two_terms_are_told_apart() -> None:
    assert [c.term for c in find_concepts("difference between requests and limits")] == ["requests", "limits"]
    assert [c.term for c in find_concepts("liveness vs readiness probe")] == ["liveness probe", "readiness probe"]


def test_a_term_that_is_missing_is_said() -> None:
    assert "glossary does not have" in said(ask("explain flux capacitors"))


def test_the_command_is_marked_as_not_executed() -> None:
    assert "not executed" in blocks_of(ask("explain taints"), "action")[0]["text"]
