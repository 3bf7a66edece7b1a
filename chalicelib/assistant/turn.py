"""One question while it is answered: what it names, what was found, and the blocks so far."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chalicelib.assistant import blocks
from chalicelib.assistant.blocks import Block, code
from chalicelib.assistant.context import AssistantContext
from chalicelib.assistant.desk import Desk
from chalicelib.assistant.memory import Memory, Remembered, remembered
from chalicelib.assistant.references import mention
from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Ref
from chalicelib.state.query import Query, Vocabulary, parse
from chalicelib.state.query.subjects import Found, find_subject, namespaces_in

if TYPE_CHECKING:
    from chalicelib.rootcause import Problem
    from chalicelib.state.world import World
    from chalicelib.tools.views import ClusterView

_POLITE = re.compile(
    r"^(?:(?:hey|hi|hello|ok|okay|so|please|pls|kubilitics|kubectl|can you|could you|would you|i want to"
    r"|i'd like to|let's|"
    r"do you know|tell me(?! (?:more |all )?about)|i need to know|help me(?: to)?|and|well)[\s,]+)+(?=\S)",
    re.IGNORECASE,
)
MAX_CHOICES = 8


def normalized(text: str) -> str:
    """A question in lower case without politeness and end punctuation, for the patterns of intents."""
    text = " ".join(text.split()).strip().replace("’", "'")
    text = _POLITE.sub("", text).rstrip("?!. ")
    return re.sub(r",?\s+(?:please|pls|thanks|thank you)$", "", text, flags=re.IGNORECASE).lower()


@dataclass
class Turn:
    """State of one answer."""

    asked: str
    question: str
    context: AssistantContext
    desk: Desk
    memory: Memory
    screen: Remembered | None = None
    worked: bool = False
    blocks: list[Block] = field(default_factory=list)
    suggestions: list[str] = field(default_factory=list)
    unparsed: list[str] = field(default_factory=list)
    subject: Remembered | None = None
    items: tuple[Remembered, ...] = ()
    namespace: str = ""
    proposed: str = ""
    investigation: str = ""
    degraded: bool = False
    scope_kinds: set[str] = field(default_factory=set)

    # What the question says

    @cached_property
    def text(self) -> str:
        return normalized(self.question)

    @cached_property
    def query(self) -> Query:
        return parse(self.question, self.vocabulary, now=self.desk.now)

    @cached_property
    def found(self) -> Found:
        return find_subject(self.question, self.vocabulary)

    @cached_property
    def exact(self) -> Found:
        return find_subject(self.question, self.vocabulary, misspelt=False)

    @cached_property
    def namespaces(self) -> list[str]:
        return namespaces_in(self.question, self.vocabulary)

    @property
    def view(self) -> ClusterView:
        return self.desk.view

    @property
    def world(self) -> World:
        return self.view.world

    @property
    def vocabulary(self) -> Vocabulary:
        return self.desk.vocabulary

    # Saying things

    def say(self, markdown: str) -> None:
        if markdown:
            self.blocks.append(blocks.text(markdown))

    def add(self, block: Block) -> None:
        self.blocks.append(block)

    def suggest(self, *messages: str) -> None:
        self.suggestions.extend(m for m in messages if m not in self.suggestions)

    def about(self, ref: Ref) -> None:
        """Remember what this turn is about."""
        self.subject = remembered(ref)
        self.namespace = ref.namespace or (ref.name if ref.kind == "Namespace" else "")

    def listed(self, refs: Iterable[Ref]) -> None:
        """Remember a list in its shown order, for "the second one"."""
        self.items = tuple(remembered(r) for r in list(refs)[:25])

    def ask(self, question: str, items: Iterable[tuple[str, str]]) -> None:
        """A clarifying question instead of a guess."""
        self.add(blocks.choices(question, list(items)[:MAX_CHOICES]))

    # Subjects

    def one(self, phrase: str, prefer: Iterable[Ref] = ()) -> Ref | None:
        """The one object that the question is about; None after asking back, or when it names none.

        `phrase` makes each choice a whole question, with `{}` where the object goes. `prefer` are objects that win
        when a name is not unique.
        """
        wanted = list(prefer)
        found = self.found
        if found.guesses:
            self._did_you_mean(found, phrase)
            return None
        apps = found.apps
        if len(apps) > 1:
            apps = self._narrowed(apps)
        if len(apps) > 1 and wanted:
            apps = [app for app in apps if set(wanted).intersection(app)] or apps
        if len(apps) == 1:
            if found.note:
                self.say(blocks.plain(found.note))
            preferred = set(wanted)
            return next((r for r in apps[0] if r in preferred), apps[0][0])
        if apps:
            self.ask(
                f"{len(apps)} objects match {code(found.name)}. Which one do you mean?",
                [(label(app[0]), phrase.format(mention(remembered(app[0])))) for app in apps],
            )
            return None
        return self._spoken_of()

    def _narrowed(self, apps: list[list[Ref]]) -> list[list[Ref]]:
        """The apps of the namespace in hand, when the conversation or the page has one."""
        place = self.screen.namespace if self.screen else self.memory.namespace
        here = [app for app in apps if place and app[0].namespace == place]
        return here or apps

    def _spoken_of(self) -> Ref | None:
        """The object of the page or the conversation, when the question names nothing."""
        if self.found.unknown:
            return None
        moved = self.screen is not None and self.screen != self.memory.screen
        for candidate in (self.screen, self.memory.subject) if moved else (self.memory.subject, self.screen):
            if candidate is not None and candidate.name and self.view.snapshot.find(candidate.ref) is not None:
                return candidate.ref
        return None

    def _did_you_mean(self, found: Found, phrase: str) -> None:
        self.say(f"Nothing here is called {code(found.name)}.")
        self.ask("Did you mean:", [(label(r), phrase.format(mention(remembered(r)))) for r in found.guesses])

    def asked_back(self) -> bool:
        return any(b["type"] == "choices" for b in self.blocks)

    def which(self, phrase: str, examples: Iterable[Ref]) -> None:
        """Ask which object is meant when the question names none."""
        if self.asked_back():
            return
        unknown = self.found.unknown
        if unknown:
            self.say(f"I found no object called {code(unknown)} in {code(self.desk.record.name)}.")
        refs = list(examples)[:MAX_CHOICES]
        if refs:
            self.ask("Which object do you mean?", [(label(r), phrase.format(mention(remembered(r)))) for r in refs])
        elif not unknown:
            self.say("Name the object you mean, for example as `deployment shop/checkout`.")

    def troubled(self) -> list[Ref]:
        """Objects with problems, the worst first: what people most likely ask about."""
        return list(dict.fromkeys(p.resource for p in self.desk.problems()))

    def problems_about(self, ref: Ref) -> list[Problem]:
        """Problems of an object, of what it owns or is owned by, and that explain it; of a namespace, all inside."""
        every = self.desk.problems()
        family = {ref, self.world.graph.owner_of(ref), *self.world.graph.owned_by(ref)}
        if ref.kind == "Namespace":
            return list(self.view.problems_of(ref))
        own = [p for p in every if p.resource == ref]
        near = [p for p in every if p not in own and p.resource in family]
        explained = [p for p in every if p not in own and p not in near and family.intersection(p.explains)]
        return [*own, *near, *explained]


def label(ref: Ref) -> str:
    """An object for a choice: `Deployment shop/checkout`."""
    return f"{ref.kind} {ref.namespace}/{ref.name}" if ref.namespace else f"{ref.kind} {ref.name}"


def named(ref: Ref) -> str:
    """An object in a sentence: its kind, and its name as code."""
    where = f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name
    return f"{ref.kind} {code(where)}"


def resource_json(ref: Ref) -> dict[str, Any]:
    return {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name}


def kind_title(kind: str, count: int) -> str:
    """`1 pod`, `3 persistent volume claims`."""
    entry = KINDS[kind]
    word = entry.words[0] if entry.words else entry.kind
    if kind == "PersistentVolumeClaim":
        word = "persistent volume claim"
    plural = (
        word[:-1] + "ies"
        if word.endswith("y") and not word.endswith("ay")
        else word + ("es" if word.endswith("s") else "s")
    )
    return f"{count:,} {word if count == 1 else plural}"
