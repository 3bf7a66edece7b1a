"""Follow-ups made whole: "it", "the second one", "and in shop?", "why?" become questions that stand alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chalicelib.assistant.memory import Memory, Remembered
from chalicelib.state.query import KIND_PHRASES, Vocabulary, parse
from chalicelib.state.query.subjects import find_subject, namespaces_in

_ORDINALS = {
    "first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3, "fifth": 4, "5th": 4,
    "last": -1, "top": 0,
}  # fmt: skip
_ORDINAL = re.compile(
    r"\b(?:the\s+)?(first|second|third|fourth|fifth|last|top|1st|2nd|3rd|4th|5th)\s+(one|pod|deployment|service|node|item|"
    r"problem|result|entry|row|workload|claim|job|object)\b|\b(?:number|no\.|item|#)\s*(\d{1,2})\b",
    re.IGNORECASE,
)
_BARE_ORDINAL = re.compile(
    r"^(?:and\s+|what about\s+|how about\s+|describe\s+|show\s+|open\s+|me\s+)*"
    r"the\s+(first|second|third|fourth|fifth|last)\s*\?*$",
    re.IGNORECASE,
)
_AND = re.compile(
    r"^(?:and|what about|how about|same for|the same for|same in|same thing for|also|ok and|now)\s+(?:for\s+"
    r"|in\s+|the\s+)*"
    r"(.{1,120}?)(?:\s+too)?\s*\?*$",
    re.IGNORECASE,
)
_WHY = re.compile(
    r"^(?:but\s+|and\s+|so\s+)?(?:why|how come|why is that|why so|what'?s the reason|for what reason)\s*\?*$", re.I
)
_WORKED = re.compile(r"^(?:did|has|have)\s+(?:it|that|this)\s+(?:work|worked|help|helped|fix)\b|^is it fixed\b", re.I)
OF_INVESTIGATIONS = {
    "findings": (
        r"^(so |and |ok )?what (did|have) (you|it|the investigation) (find|found|find out|found out|conclude)\b"
        r"|^(show |what (is|are) )?(the )?(findings|conclusion|results?)( of the investigation)?$"
        r"|^(is|are) (it|you) done$"
    ),
    "steps": r"^(show |list |what (were|are) )?(me )?(the |its |your )?steps\b|^how did you (find|get to|conclude)\b",
    "recheck": (
        r"^(is|was) (it|that|this|the (problem|cause|incident|issue)) (fixed|solved|resolved|gone|over|still there)\b"
        r"|^(check|look)( (it|that))? again$|^recheck$|^still (broken|there|failing)$"
    ),
    "verdict": (
        r"^(no,? |yes,? |actually,? |in fact,? )*(it|that|the (real |true |actual )?(cause|reason)) was\b"
        r"|^(you were|you're|that's|that was|it's) (right|wrong|correct|incorrect|not it|not quite|partly|half)\b"
    ),
    "similar": r"\b(similar|alike|like (this|that)( one)?) ?(incidents?|investigations?|cases?|problems?)\b"
    r"|^(have we|did we) (seen|see|had|have) (this|that|it) before\b|^similar( ones)?$|\bseen (this|that|it) before\b",
    "past": r"\b(past|previous|earlier|old|all|list|show|history of)( the| my| our)? investigations\b|^investigations\b"
    r"|\binvestigations (of|in|about|on|for)\b",
    "then": r"\b(what|how) (was|did) the cluster( look)?( like)? (then|at that time|back then|when it (failed|broke))\b"
    r"|^the cluster (then|at that time)$",
}
"""Questions about the investigation that is spoken of, by intent, on a question in lower case."""
TRUE_CAUSE = re.compile(
    r"\b(?:it|that|the (?:real |true |actual )?(?:cause|reason)) was "
    r"(?:really |actually |in fact |because of |due to )*"
    r"(?!right\b|wrong\b|correct\b)(?P<cause>.{2,400})",
    re.IGNORECASE,
)
_ABOUT_AN_INVESTIGATION = re.compile("|".join(OF_INVESTIGATIONS.values()))
_THAT_NAMESPACE = re.compile(r"\b(?:that|this|the same|the)\s+namespace\b", re.IGNORECASE)
_IT = re.compile(
    r"\b(?:that|this)\s+(pod|deployment|service|node|one|claim|job|workload|object|ingress|statefulset|cronjob|thing|app|"
    r"resource)\b|\b(it|this|that|them|these|those)\b",
    re.IGNORECASE,
)
_ITS = re.compile(
    r"\b(its|it's|their)\s+(?=(?:\w+\s+)?(?:log|event|pod|node|status|health|owner|yaml|config|secret|depend|service))",
    re.I,
)
_BARE = re.compile(
    (
        r"^(?:show\s+|get\s+|the\s+|me\s+)*(previous logs?|logs?|events|status|health|describe|details"
        r"|dependencies)\s*\?*$"
    ),
    re.I,
)
_CLUSTER_WORDS = re.compile(r"\b(this|that)\s+(cluster|hour|morning|week|month|list|page|mean|means)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A question that stands alone. `missing` names a reference that points at nothing."""

    text: str
    missing: str = ""
    worked: bool = False


def resolve(question: str, memory: Memory, screen: Remembered | None, vocabulary: Vocabulary) -> Resolved:
    """The question with its references replaced by what they mean, from the conversation, then from the screen."""
    text = " ".join(question.split())
    if memory.investigation and _ABOUT_AN_INVESTIGATION.search(text.lower().rstrip("?!. ")):
        return Resolved(text)
    if _WORKED.search(text) and memory.subject:
        return Resolved(f"status of {mention(memory.subject)}", worked=True)
    bare = _BARE_ORDINAL.match(text)
    if bare:
        text = f"describe the {bare.group(1)} one"
    followed = _AND.match(text)
    if followed and memory.question:
        again = _again(followed.group(1), memory, vocabulary)
        if again:
            return Resolved(again)
    subject = _current(memory, screen)
    if _WHY.match(text):
        return _why(memory, subject)
    if _BARE.match(text) and subject:
        return Resolved(f"{text.rstrip('? ')} of {mention(subject)}")
    ordinal = _ORDINAL.search(text)
    if ordinal:
        return _ordinal(text, ordinal, memory)
    place = _THAT_NAMESPACE.search(text)
    if place and not re.search(r"namespace\s+\w", text[place.start() :]):
        name = memory.namespace or (
            screen.namespace or (screen.name if screen.kind == "Namespace" else "") if screen else ""
        )
        if name:
            text = text.replace(place.group(), f"namespace {name}")
    return _pronoun(text, memory, screen, vocabulary)


def mention(of: Remembered) -> str:
    """An object the way the subject reader finds it again."""
    where = f"{of.namespace}/{of.name}" if of.namespace else of.name
    return f"{of.kind.lower()} {where}"


def _current(memory: Memory, screen: Remembered | None) -> Remembered | None:
    """What is being spoken of: the page when the person has moved to another object since, else the conversation."""
    if screen is not None and screen != memory.screen and screen.name:
        return screen
    return memory.subject or (screen if screen and screen.name else None)


def _why(memory: Memory, subject: Remembered | None) -> Resolved:
    if subject and memory.intent not in ("list", "count"):
        return Resolved(f"why is {mention(subject)} failing")
    if len(memory.items) == 1:
        return Resolved(f"why is {mention(memory.items[0])} failing")
    if memory.items:
        return Resolved("why", missing="items")
    if subject:
        return Resolved(f"why is {mention(subject)} failing")
    return Resolved("why", missing="why")


def _ordinal(text: str, found: re.Match[str], memory: Memory) -> Resolved:
    word = (found.group(1) or "").lower()
    index = _ORDINALS[word] if word else int(found.group(3)) - 1
    kind = KIND_PHRASES.get((found.group(2) or "").lower())
    items = [i for i in memory.items if kind is None or i.kind == kind] or list(memory.items)
    if not items:
        return Resolved(text, missing=found.group().strip())
    if not -len(items) <= index < len(items):
        return Resolved(text, missing=f"{found.group().strip()} (the last list had {len(items)})")
    return Resolved(f"{text[: found.start()]}{mention(items[index])}{text[found.end() :]}".strip())


def _pronoun(text: str, memory: Memory, screen: Remembered | None, vocabulary: Vocabulary) -> Resolved:
    its = _ITS.search(text)
    match = its or _IT.search(_CLUSTER_WORDS.sub(lambda m: "_" * len(m.group()), text))
    if not match or find_subject(text, vocabulary, misspelt=False).apps:
        return Resolved(text)
    word = match.group().lower()
    subject = screen if screen and screen.name and word.startswith("this") else _current(memory, screen)
    if subject is None and len(memory.items) == 1:
        subject = memory.items[0]
    if subject is None:
        return Resolved(text)
    if its:
        rest = text[its.end() :].rstrip("? ")
        return Resolved(f"{text[: its.start()]}{rest} of {mention(subject)}".strip())
    return Resolved(f"{text[: match.start()]}{mention(subject)}{text[match.end() :]}")


def _again(words: str, memory: Memory, vocabulary: Vocabulary) -> str:
    """The last question asked of another namespace or another object."""
    match = vocabulary.namespace(words.lower().removesuffix(" namespace").strip())
    last = memory.question
    if match and match.unique and match.how != "near":
        return _elsewhere(last, match.value, memory, vocabulary)
    found = find_subject(words, vocabulary)
    if found.apps and memory.subject and memory.subject.name in last:
        whole = mention(memory.subject)
        if whole in last:
            return last.replace(whole, words)
        return last.replace(memory.subject.name, words)
    query = parse(words, vocabulary)
    if memory.intent in ("list", "count") and query.chips and not query.unparsed:
        return f"{last} {words}" if not query.kind else words
    return ""


def _elsewhere(last: str, namespace: str, memory: Memory, vocabulary: Vocabulary) -> str:
    if memory.intent in ("list", "count"):
        query = parse(last, vocabulary)
        kept = last
        for chip in query.chips:
            if chip.field == "namespace":
                kept = kept.replace(chip.text, " ")
        return f"{' '.join(kept.split()).rstrip('? ')} in {namespace}"
    if memory.subject and memory.subject.namespace:
        moved = Remembered(memory.subject.kind, namespace, memory.subject.name)
        for text in (mention(memory.subject), memory.subject.name):
            if text in last:
                return last.replace(text, mention(moved))
    for name in namespaces_in(last, vocabulary):
        last = re.sub(rf"\b{re.escape(name)}\b", namespace, last)
    return last if namespace in last else f"{last.rstrip('? ')} in {namespace}"
