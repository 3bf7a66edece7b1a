"""Explanations of Kubernetes concepts from the product's own glossary."""

from __future__ import annotations

import re

from chalicelib.assistant.blocks import action
from chalicelib.assistant.glossary import Concept, find_concept, find_concepts
from chalicelib.assistant.intents import intent
from chalicelib.assistant.turn import Turn
from chalicelib.state.kinds import KINDS

_ASKED = re.compile(
    r"^(?:explain|define|definition of|what is meant by|what (?:is|are)|what's|whats|what does|meaning of"
    r"|tell me about|describe|how does|how do|"
    r"what do you know about|teach me(?: about)?|learn(?: about)?|why (?:do|would) (?:we|i|you) (?:need|use)"
    r"|what (?:is|are) .* for)\s+"
    r"(?:the |a |an |kubernetes |k8s )*(.+?)(?:\s+(?:mean|means|work|works|do|does|for|in kubernetes|in k8s))*$"
)
_MEANING = re.compile(r"^(?:the )?(.+?) (?:meaning|definition|explained|means what)$")
_DIFFERENCE = re.compile(
    r"\b(?:difference|differences|differ|distinction)\b.*?\b(?:between|of)\s+(.+)|^(.+ (?:vs\.?|versus) .+)$"
)


def asked_of(text: str) -> str:
    """The words that are to be explained, "" when the question asks for no explanation."""
    found = _ASKED.match(text) or _MEANING.match(text)
    return found.group(1) if found else ""


def _is_concept(turn: Turn) -> bool:
    if _DIFFERENCE.search(turn.text):
        return len(find_concepts(turn.text)) >= 2
    word = asked_of(turn.text)
    forced = turn.text.startswith(("explain", "define", "what does", "meaning", "definition"))
    if not word or (not forced and (turn.exact.apps or turn.namespaces)):
        return False
    return find_concept(word) is not None


@intent(
    "explain", 15, r"", examples=("explain CrashLoopBackOff",),
    when=lambda t: _is_concept(t) or (t.text.startswith(("explain ", "define ")) and not t.exact.apps),
)  # fmt: skip
def explain(turn: Turn) -> None:
    """A concept in two to four sentences, with what it links to and a command that shows it."""
    if _DIFFERENCE.search(turn.text):
        for concept in find_concepts(turn.text)[:3]:
            _show(turn, concept)
        return
    word = asked_of(turn.text)
    found = find_concept(word)
    if found is None:
        turn.say("My glossary does not have that. It covers Kubernetes objects, states and terms, for example:")
        turn.suggest("explain CrashLoopBackOff", "explain taints", "explain PodDisruptionBudget")
        return
    _show(turn, found)
    turn.suggest(*(f"explain {s}" for s in found.see[:2]))
    entry = KINDS.get(found.term.replace(" ", ""))
    if entry is not None and turn.view.snapshot.of(entry.kind):
        turn.suggest(f"list {entry.plural}")


def _show(turn: Turn, concept: Concept) -> None:
    see = f"\n\nSee also: {', '.join(concept.see)}." if concept.see else ""
    turn.say(f"**{concept.term}**: {concept.text}{see}")
    if concept.command:
        turn.add(action(f"Look at it: {concept.term}", "A read-only command; not executed here.", concept.command))
