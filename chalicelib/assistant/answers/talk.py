"""Greetings, help, what is out of reach, and what was not understood."""

from __future__ import annotations

import re

from chalicelib.assistant import blocks
from chalicelib.assistant.blocks import code, column
from chalicelib.assistant.intents import INTENTS, intent
from chalicelib.assistant.turn import Turn, label

_FOREIGN = {
    "German": (
        "welche warum sind ist nicht kaputt zeige zeig mir alle laufen fehler wie viele was der die das im "
        "in den läuft gibt bitte und"
    ),
    "French": (
        "quels quel pourquoi est sont pas les des montre moi dans le la combien erreurs cassé qu'est que "
        "ne une avec marche"
    ),
    "Spanish": (
        "qué que por cuáles cual están está los las muéstrame en el la cuántos errores no funciona hay fallando mal"
    ),
    "Italian": "quali perché sono non mostra mi tutti nel errori quanti che cosa il gli funziona della",
    "Portuguese": "quais por que estão está não mostre os as no na quantos erros funciona qual com falha",
    "Dutch": "welke waarom zijn niet toon alle laat zien hoeveel fouten wat er het een kapot werkt",
    "Polish": "które dlaczego są nie pokaż wszystkie błędy ile jest działa co",
    "Turkish": "hangi neden değil göster tüm hatalar kaç bozuk nedir çalışmıyor",
}
_ENGLISH_TEXT = """
    the is are what why which how show list pods pod in on of to not and with for does do any all me my it was
    nodes services die no has have been as on who when
"""
_ENGLISH = frozenset(_ENGLISH_TEXT.split())


def language_of(text: str) -> str:
    """The language of a question when it is plainly not English; "" otherwise."""
    words = re.findall(r"[^\W\d_']+(?:'[^\W\d_]+)?", text.lower())
    letters = [c for c in text if c.isalpha()]
    if letters and sum(ord(c) > 0x24F for c in letters) > len(letters) / 2:
        return "another language"
    english = sum(w in _ENGLISH and w not in ("die", "no", "in") for w in words)
    best, score = "", 0
    for language, known in _FOREIGN.items():
        hits = sum(w in known.split() for w in words if w not in ("in", "pods", "pod", "no", "me", "as", "die"))
        if hits > score:
            best, score = language, hits
    return best if score >= 2 and score > english else ""


@intent("language", 1, r"", when=lambda t: bool(language_of(t.asked)))
def foreign(turn: Turn) -> None:
    """Only English is understood, and that is said."""
    turn.say(
        f"That looks like {language_of(turn.asked)}. I only understand English without a language model. Try for "
        "example:"
    )
    _examples(turn)


@intent(
    "greeting",
    5,
    r"^(hi|hello|hey|hallo|yo|good (morning|afternoon|evening|day)|greetings|howdy|hi there|hello there|there)$",
    r"^$",
)
def greeting(turn: Turn) -> None:
    problems = turn.desk.problems()
    count = f"{len(problems)} problems" if len(problems) != 1 else "1 problem"
    turn.say(
        f"Hello. I read {code(turn.desk.record.name)}; it has {count} now. Ask me what is wrong, or about any object."
    )
    _examples(turn)


@intent(
    "thanks",
    6,
    (
        r"^(thanks?|thank you|thx|ty|cheers|great|cool|nice|perfect|awesome|good|ok|okay|got it|good job|well done"
        r"|that helps)( (a lot|so much|very much|thanks|job|work|you))*$"
    ),
)
def thanks(turn: Turn) -> None:
    turn.say("You're welcome.")


@intent(
    "help",
    7,
    r"^(help|\?|commands|examples|usage)$",
    r"\bwhat (can|do) (you|u) (do|know|understand|answer)\b",
    r"\bhow (can|do) (you help|i use (you|this))\b",
    r"\bwhat (can|should|could) i ask\b",
    r"^who are you$",
    r"^what are you$",
    r"\bhelp me$",
    examples=("what can you do?",),
)
def help_(turn: Turn) -> None:
    """What can be asked, with the real names of this cluster."""
    turn.say(
        "I answer from what was read of the cluster, and every claim cites its evidence. I change nothing. You can ask:"
    )
    rows = [
        {"about": i.name, "example": example} for i in INTENTS for example in (fill(turn, e) for e in i.examples[:1])
    ]
    turn.add(blocks.table("What I can answer", (column("about", "About"), column("example", "For example")), rows))
    turn.say(
        "Filters combine: kinds, namespaces, statuses, labels (`app=checkout`), amounts (`memory above 1Gi`), "
        "ages, rankings, groups. Follow up with “the second one”, “why?”, “its logs”, “and in …?”."
    )
    _examples(turn)


@intent(
    "clusters", 8, r"^(which|what|list|show|how many|get)( me| the| all| my| our)* clusters\b", r"^clusters$",
    examples=("which clusters are there?",),
)  # fmt: skip
def clusters(turn: Turn) -> None:
    """The clusters that the caller may see."""
    records = turn.context.tools.clusters("*")
    turn.say(f"**{len(records)} cluster{'s' * (len(records) != 1)}** {'is' if len(records) == 1 else 'are'} connected.")
    rows = [
        {
            "name": r.name,
            "status": r.status,
            "version": r.version,
            "problems": sum((r.problems or {}).values()) if r.problems else None,
            "as_of": r.as_of.isoformat().replace("+00:00", "Z") if r.as_of else None,
        }
        for r in records
    ]
    columns = (
        column("name", "Name"),
        column("status", "Status"),
        column("version", "Version"),
        column("problems", "Problems", "number"),
        column("as_of", "Read", "age"),
    )
    turn.add(blocks.table("Clusters", columns, rows))
    turn.suggest("what is wrong in all clusters?", "overview")


LATER = {
    "cost": (
        (
            r"\b(costs?|costly|prices?|pricing|spend(ing)?|expensive|cheap(er|est)?|bills?|billing|budget(?!s? (of"
            r"|for|in) )|dollars?|savings?|save money|we save|downsiz\w+|waste|right.?siz\w*)\b"
        ),
        "cost",
        ("pods with the most memory", "pods without requests", "how much cpu is left?"),
    ),
    "security": (
        (
            r"\b(secure|security|vulnerab\w+|cves?|cis|compliance|compliant|exposed|privileged|attack\w*|who can"
            r"|permissions? (of|for)|hack\w*|audit|hardening|pentest)\b"
        ),
        "security checks",
        ("cluster role bindings", "network policies", "service accounts"),
    ),
    "forecast": (
        (
            r"\b(forecast|predict\w*|projection|will .* (run out|fill|fail|be full|crash|last)|next (week|month"
            r"|days?)|going to (run out|fail|fill)|trend(s|ing)?|anomal\w+|when will)\b"
        ),
        "forecasts and anomaly detection",
        ("how much cpu is left?", "what changed?", "pods with the most restarts"),
    ),
    "automation": (
        (
            r"\b(schedule (a|the|an)|remind me|alert me|notify me|send (me|a|an)|slack|e-?mail|report every"
            r"|watch .* for me|page me)\b"
        ),
        "schedules, alerts and messages",
        ("what is wrong?", "what changed?", "warning events in the last hour"),
    ),
}
"""Topics that this assistant can't answer yet: words, name, and what it offers instead."""


def _later(turn: Turn) -> str:
    return next((name for name, (pattern, _, _) in LATER.items() if re.search(pattern, turn.text)), "")


@intent("later", 25, r"", when=lambda t: bool(_later(t)) and not _known_kind(t))
def later(turn: Turn) -> None:
    """A topic that is out of reach is named, not guessed at."""
    _, name, offers = LATER[_later(turn)]
    turn.say(
        f"I can't answer questions about {name} yet: nothing here measures or checks it, so any answer would be a "
        "guess. What I can show instead:"
    )
    turn.suggest(*offers)
    turn.add(blocks.suggestions(offers))


def _known_kind(turn: Turn) -> bool:
    """Whether the topic's word is part of a question that the grammar understands (`disruption budgets`)."""
    query = turn.query
    return (
        bool(query.kind)
        and not query.unparsed
        and query.kind not in ("Namespace", "Pod", "Deployment", "Node", "Service")
    )


@intent("unknown", 1000, r"")
def unknown(turn: Turn) -> None:
    """Not understood: said so, with examples that work here."""
    turn.unparsed = list(turn.query.unparsed) or [turn.asked]
    guess = turn.found.unknown
    if guess:
        turn.say(
            f"I did not understand that; {code(guess)} is no name in {code(turn.desk.record.name)}. You can ask "
            "for example:"
        )
    else:
        turn.say("I did not understand that. You can ask for example:")
    _examples(turn)


def _examples(turn: Turn) -> None:
    messages = tuple(
        fill(turn, e)
        for e in (
            "what is wrong?",
            "why is {failing} failing?",
            "failing pods in {namespace}",
            "explain PodDisruptionBudget",
        )
    )
    turn.suggest(*messages)
    turn.add(blocks.suggestions(messages))


def fill(turn: Turn, example: str) -> str:
    """An example with names that exist in this cluster."""
    troubled = turn.troubled()
    workloads = [r for r in troubled if r.kind in ("Deployment", "StatefulSet", "DaemonSet")]
    first = workloads[0] if workloads else None
    if first is None:
        objects = turn.view.snapshot.of("Deployment") or turn.view.snapshot.of("Pod")
        kind = "deployment" if turn.view.snapshot.of("Deployment") else "pod"
        name = (
            f"{kind} {objects[0].metadata.namespace}/{objects[0].metadata.name}"
            if objects
            else "deployment shop/checkout"
        )
    else:
        name = label(first)[0].lower() + label(first)[1:]
    namespaces = [r.namespace for r in troubled if r.namespace] or list(turn.vocabulary.namespaces) or ["default"]
    return example.format(failing=name, object=name, workload=name, namespace=namespaces[0])
