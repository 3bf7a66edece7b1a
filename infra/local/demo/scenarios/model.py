"""What a fault scenario is, and the registry that holds all of them."""

from __future__ import annotations

from dataclasses import dataclass

from infra.local.demo.scenarios.changes import Change


@dataclass(frozen=True)
class Answer:
    """The right answer: which object is to blame, and for what. `also` names objects that are equally acceptable."""

    kind: str
    namespace: str
    name: str
    mode: str
    also: tuple[tuple[str, str, str], ...] = ()
    also_modes: tuple[str, ...] = ()

    def accepts(self, kind: str, namespace: str, name: str, mode: str) -> bool:
        where = (kind, namespace, name)
        return mode in (self.mode, *self.also_modes) and (
            where == (self.kind, self.namespace, self.name) or where in self.also
        )


@dataclass(frozen=True)
class Fault:
    """One declarative entry. Status, events, logs and metrics follow from the changes; none of them is written here."""

    name: str
    title: str
    family: str
    changes: tuple[Change, ...]
    answer: Answer
    symptoms: tuple[str, ...]
    """What can be seen, in the order of time; more than one."""
    loudest: str
    """The object that makes the most noise; often not the one to blame."""
    within_30s: tuple[str, ...]
    """Words that an answer given 30 seconds after the injection must contain; none where nothing can be known yet."""
    settles_s: int = 300
    """When all symptoms are there."""
    at_start: bool = False


FAULTS: dict[str, Fault] = {}


def register(*faults: Fault) -> None:
    """Add entries; a name may be used once."""
    for fault in faults:
        if fault.name in FAULTS:
            raise ValueError(f"two scenarios are named {fault.name}")
        FAULTS[fault.name] = fault
