"""What a held-out case is: a cluster, what is wrong with it, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from chalicelib.state.meta import Ref
from tests.bench.heldout.dump import Dump

Group = Literal["incident", "healthy", "several", "partial"]


@dataclass(frozen=True)
class Fault:
    """One true cause: its mode, and the objects that may be named for it."""

    mode: str
    refs: tuple[Ref, ...]


@dataclass(frozen=True)
class Case:
    """`build` fills the dump and returns the faults; a healthy case has none.

    `partial` cases lack the deciding evidence: a claim above 0.5 must be right, one at 0.9 or above is wrong anyway.
    """

    name: str
    group: Group
    why: str
    build: Callable[[Dump], list[Fault]]
    distro: str = "eks"
    version: str = "v1.29.6"
    nodes: int = 3
    suite: str = "first"

    def make(self) -> tuple[Dump, list[Fault]]:
        dump = Dump(self.distro, self.version, self.nodes)
        return dump, self.build(dump)


@dataclass
class Suite:
    """Cases in the order they were written."""

    name: str
    cases: list[Case] = field(default_factory=list)

    def case(
        self, group: Group, distro: str = "eks", version: str = "v1.29.6", nodes: int = 3
    ) -> Callable[[Callable[[Dump], list[Fault]]], Callable[[Dump], list[Fault]]]:
        """Registers a function as a case; its docstring says why the answer is the answer."""

        def register(build: Callable[[Dump], list[Fault]]) -> Callable[[Dump], list[Fault]]:
            why = " ".join((build.__doc__ or "").split())
            self.cases.append(Case(build.__name__, group, why, build, distro, version, nodes, self.name))
            return build

        return register


FIRST = Suite("first")
FRESH = Suite("fresh")


def fault(mode: str, *refs: str) -> Fault:
    """`fault("oom_killed", "Deployment shop/cart")`; a ref without a slash is cluster-scoped."""
    parsed = []
    for text in refs:
        kind, _, where = text.partition(" ")
        ns, _, name = where.rpartition("/")
        parsed.append(Ref(kind, ns, name))
    return Fault(mode, tuple(parsed))
