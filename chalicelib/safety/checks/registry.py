"""The registry of preview checks: one question each, answered from the change's effects and the cluster.

A dry run on the server sees one object: not the pods that controllers make of it, nor quota, budgets, room on nodes or
other controllers. Each of those is a check here.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from chalicelib.errors import KubiliticsError
from chalicelib.safety.effects import Effect, Effects, NewPods
from chalicelib.safety.model import Check, Outcome
from chalicelib.safety.scene import Scene
from chalicelib.state.meta import Ref
from chalicelib.state.world import World

FAMILIES = ("server", "capacity", "placement", "volumes", "availability", "controllers", "references", "webhooks")


@dataclass
class Proposal:
    """A change as the checks see it: its effects, and what the server said to each operation's dry run."""

    scene: Scene
    action: str
    effects: list[Effect]
    all: Effects
    refusals: Mapping[int, KubiliticsError] = field(default_factory=dict)
    production: tuple[bool, str] = (True, "")

    @property
    def world(self) -> World:
        return self.scene.world

    @property
    def namespaces(self) -> list[str]:
        """Namespaces in which pods would start."""
        return sorted({start.owner.namespace for start in self.all.starts})

    def instances(self, definition: str) -> int | None:
        """How many objects a CustomResourceDefinition has; None when that cannot be read."""
        return self.scene.instances(definition)

    def starts_in(self, namespace: str) -> list[NewPods]:
        return [start for start in self.all.starts if start.owner.namespace == namespace]


Answer = Iterable[Check]
Function = Callable[[Proposal], Answer]


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    asks: str
    function: Function


_CHECKS: dict[str, Entry] = {}


def check(name: str) -> Callable[[Function], Function]:
    """Register a function as a check; its docstring is the question. It yields nothing where it does not apply."""

    def register(function: Function) -> Function:
        if name in _CHECKS:
            raise ValueError(f"check {name} is registered twice")
        _CHECKS[name] = Entry(name, " ".join((function.__doc__ or "").split()), function)
        return function

    return register


@functools.cache
def checks() -> tuple[Entry, ...]:
    for family in FAMILIES:
        importlib.import_module(f"chalicelib.safety.checks.{family}")
    return tuple(_CHECKS.values())


def run_checks(proposal: Proposal) -> tuple[Check, ...]:
    """Every check's answers. One that fails itself is an answer too: unknown, and the change is not called safe."""
    found: list[Check] = []
    for entry in checks():
        try:
            found.extend(entry.function(proposal))
        except KubiliticsError as error:
            found.append(Check(name=entry.name, outcome="unknown", text=f"Could not be answered: {error.message}"))
        except Exception as error:
            text = f"Could not be answered: {type(error).__name__}: {str(error)[:200]}"
            found.append(Check(name=entry.name, outcome="unknown", text=text))
    return tuple(found)


def unread(proposal: Proposal, name: str, *kinds: str, namespace: str = "") -> Check | None:
    """The answer `unknown` when a kind that a check needs could not be read."""
    missing = [kind for kind in kinds if not proposal.world.snapshot.was_read(kind, namespace)]
    if not missing:
        return None
    return Check(
        name=name, outcome="unknown", text=f"{', '.join(missing)} could not be read, so this is not known.",
        remedy=f"Grant `list {missing[0].lower()}s` to the credential.",
    )  # fmt: skip


def say(
    name: str, outcome: Outcome, text: str, remedy: str = "", *, overridable: bool = False, **details: object
) -> Check:
    return Check(name=name, outcome=outcome, text=text, remedy=remedy, overridable=overridable, details=details)


def where(ref: Ref) -> str:
    return f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name
