"""The one way to ask a model: through the tenant's providers in their order, within budgets, until one has answered.

Transient errors are tried again while nothing was said and time is left, then the next provider is asked. When a stream
breaks after it began, the next one goes on from what was said, and the answer says so. Calls of tools are given only
when the answer that has them is complete, so nothing is called for a stream that broke. When no provider can answer,
LlmUnavailable says why for each: the engine's answer stands.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from chalicelib.errors import KubiliticsError
from chalicelib.llm.budgets import BudgetExceeded, Meter, Warning80
from chalicelib.llm.capabilities import Capabilities, ProviderKind
from chalicelib.llm.errors import LlmCancelled, LlmError, LlmOverflow, LlmTimeout
from chalicelib.llm.events import Answer, Event, Stop, TextDelta, ToolCallDelta, ToolCallEnd, ToolCallStart, Usage
from chalicelib.llm.messages import Message, Request, Text, user
from chalicelib.llm.ports import Provider
from chalicelib.llm.shim import ShimmedTools
from chalicelib.llm.stream import Limits, estimated_tokens, stream
from chalicelib.state.ids import TenantId

TRIES = 3
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 8.0
LEAST_LEFT_S = 2.0
"""Time that must be left after a wait for another try to be worth it."""
GO_ON = "Your answer was cut off after this. Continue exactly where it stopped; repeat nothing."


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model of a provider in the chain. `connect` loads its SDK, when it is its turn."""

    id: str
    kind: ProviderKind
    model: str
    capabilities: Capabilities
    connect: Callable[[], Provider]

    @property
    def circuit(self) -> str:
        return f"{self.id}/{self.model}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A provider that did not answer, and why."""

    provider: str
    model: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Switched:
    """Another provider goes on. `in_the_middle`: after a part of the answer, which stays."""

    from_provider: str
    to_provider: str
    reason: str
    in_the_middle: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """The end: what every answer states. `cost_micro_usd` None: the price is not known. Comes after Stop, once."""

    provider: str
    model: str
    usage: Usage
    cost_micro_usd: int | None
    degraded: bool
    attempts: Sequence[Attempt]


class LlmUnavailable(LlmError):
    """No provider answered; `attempts` says why. The answer without a model stands."""

    code = "llm_unavailable"
    status = 503
    default_remedy = "The answer without a model stands. An administrator can test the providers."

    def __init__(self, attempts: Sequence[Attempt]) -> None:
        why = "; ".join(f"{a.provider}: {a.message}" for a in attempts) or "No provider is set up."
        super().__init__(why, details={"attempts": [{"provider": a.provider, "code": a.code} for a in attempts]})
        self.attempts = attempts


class BreakerPort(Protocol):
    def allows(self, tenant: TenantId, circuit: str, now: datetime) -> bool: ...
    def failed(self, tenant: TenantId, circuit: str, now: datetime) -> None: ...
    def worked(self, tenant: TenantId, circuit: str, now: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the chain works with.

    `draw` gives a number in [0, 1) for the jitter of waits, `new_id` names a call, `warn` hears of budgets that have
    reached 80 %.
    """

    meter: Meter
    breaker: BreakerPort
    clock: Callable[[], datetime]
    pause: Callable[[float], None]
    draw: Callable[[], float]
    new_id: Callable[[], str]
    warn: Callable[[Warning80], None]


@dataclass(slots=True)
class _Progress:
    said: str = ""
    attempts: list[Attempt] = field(default_factory=list)
    spent: Usage = field(default_factory=Usage)
    cost: int | None = 0


class Chain:
    """A tenant's providers, for one user's question."""

    def __init__(self, around: Surroundings, tenant: TenantId, user: str, candidates: Sequence[Candidate]) -> None:
        self._around = around
        self._tenant = tenant
        self._user = user
        self._candidates = candidates

    def ask(self, request: Request, limits: Limits) -> Iterator[Event | Switched | Settled]:
        """The events of an answer. Raises LlmUnavailable, LlmCancelled."""
        progress = _Progress()
        previous = ""
        for candidate in self._candidates:
            if limits.remaining_s() <= 0:
                break
            if not self._around.breaker.allows(self._tenant, candidate.circuit, self._around.clock()):
                progress.attempts.append(_attempt(candidate, "llm_circuit_open", "It failed just now; it rests."))
                continue
            if previous and progress.attempts:
                last = progress.attempts[-1]
                yield Switched(previous, candidate.id, last.message, in_the_middle=bool(progress.said))
            previous = candidate.id
            done = yield from self._with(candidate, _asked(request, candidate, progress.said), limits, progress)
            if done:
                yield Settled(
                    candidate.id, candidate.model, progress.spent, progress.cost, bool(progress.attempts),
                    tuple(progress.attempts),
                )  # fmt: skip
                return
        raise LlmUnavailable(tuple(progress.attempts))

    def _with(
        self, candidate: Candidate, request: Request, limits: Limits, progress: _Progress
    ) -> Generator[Event, None, bool]:
        """Ask one candidate, again while that may help. Its value says whether it has answered."""
        for tried in range(TRIES):
            before = len(progress.said)
            try:
                yield from self._once(candidate, request, limits, progress)
                self._around.breaker.worked(self._tenant, candidate.circuit, self._around.clock())
                return True
            except LlmCancelled:
                raise
            except KubiliticsError as error:
                progress.attempts.append(_attempt(candidate, error.code, error.message))
                transient = isinstance(error, LlmError) and error.transient
                if transient:
                    self._around.breaker.failed(self._tenant, candidate.circuit, self._around.clock())
                if not transient or isinstance(error, LlmTimeout) or len(progress.said) > before:
                    return False
                if tried + 1 == TRIES or not self._wait(tried, error, limits):
                    return False
        return False

    def _wait(self, tried: int, error: KubiliticsError, limits: Limits) -> bool:
        """Wait before another try: as long as the server asks, else twice as long each time, with jitter."""
        asked = getattr(error, "retry_after_s", None)
        grown = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**tried) * (0.5 + self._around.draw() / 2)
        wait = grown if asked is None else asked
        if limits.remaining_s() - wait < LEAST_LEFT_S or limits.cancelled():
            return False
        self._around.pause(wait)
        return True

    def _once(self, candidate: Candidate, request: Request, limits: Limits, progress: _Progress) -> Iterator[Event]:
        around = self._around
        most = Usage(input=estimated_tokens(request), output=request.max_output_tokens)
        if most.total > candidate.capabilities.context_tokens:
            raise LlmOverflow(f"{candidate.model} holds {candidate.capabilities.context_tokens} tokens.")
        held = around.meter.reserve(
            self._tenant, self._user, around.new_id(), candidate.kind, candidate.model, most, around.clock()
        )
        answer, failed = Answer(), True
        calls: list[Event] = []
        try:
            provider = candidate.connect()
            if request.tools and not candidate.capabilities.tools:
                provider = ShimmedTools(provider)
            for event in stream(provider, request, candidate.capabilities, limits):
                answer.add(event)
                if isinstance(event, TextDelta):
                    progress.said += event.text
                if isinstance(event, ToolCallStart | ToolCallDelta | ToolCallEnd):
                    calls.append(event)
                    continue
                if isinstance(event, Stop):
                    failed = False
                    yield from calls
                yield event
        finally:
            usage = answer.usage or _broken_usage(most, answer)
            cost, warnings = around.meter.settle(
                self._tenant, held, candidate.kind, candidate.model, usage, around.clock(), failed=failed
            )
            progress.spent = progress.spent.plus(usage)
            progress.cost = None if cost is None or progress.cost is None else progress.cost + cost
            for warning in warnings:
                around.warn(warning)


def _broken_usage(most: Usage, answer: Answer) -> Usage:
    """Tokens of a call that did not end: nothing when nothing came, else its prompt and what was said, by bytes."""
    if answer.origin is None:
        return Usage()
    return Usage(input=most.input, output=-(-len(answer.text.encode()) // 4), estimated=True)


def _asked(request: Request, candidate: Candidate, said: str) -> Request:
    """The request for a candidate; after a part of the answer, with that part and the task to go on."""
    own = replace(
        request,
        model=candidate.model,
        max_output_tokens=min(request.max_output_tokens, candidate.capabilities.max_output_tokens),
    )
    if not said:
        return own
    return replace(own, messages=[*own.messages, Message("assistant", (Text(said),)), user(GO_ON)])


def _attempt(candidate: Candidate, code: str, message: str) -> Attempt:
    return Attempt(candidate.id, candidate.model, code, message)


__all__ = ["Attempt", "BudgetExceeded", "Candidate", "Chain", "LlmUnavailable", "Settled", "Surroundings", "Switched"]
