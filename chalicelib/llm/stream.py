"""One call to a model, bounded: by a deadline, by cancelling, by size, and by whether it really ended.

The provider is read in a thread of its own, so that a silent server cannot hold the caller beyond the deadline.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chalicelib.errors import KubiliticsError
from chalicelib.llm.capabilities import Capabilities
from chalicelib.llm.errors import LlmAnswerTooLarge, LlmBrokenStream, LlmCancelled, LlmTimeout
from chalicelib.llm.events import Event, Stop, TextDelta, ThinkingDelta, ToolCallDelta, Usage
from chalicelib.llm.messages import Message, Request, Text, ToolCall, ToolResult
from chalicelib.llm.ports import Opening, Provider

POLL_S = 0.05
HELD_EVENTS = 1000
CHARACTERS_PER_TOKEN = 8
"""No tokenizer has more on average: an answer that is longer than its limit allows is not kept to it."""
BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Limits:
    """`remaining_s` falls to the deadline (a function's remaining time); `cancelled` is asked 20 times a second."""

    remaining_s: Callable[[], float]
    cancelled: Callable[[], bool] = lambda: False


def stream(provider: Provider, request: Request, capabilities: Capabilities, limits: Limits) -> Iterator[Event]:
    """The events of one answer; the last is Stop, and Usage comes before it, estimated when the server gave none.

    Raises LlmTimeout, LlmCancelled, LlmBrokenStream, LlmAnswerTooLarge, or what the provider raises.
    """
    longest = CHARACTERS_PER_TOKEN * max(request.max_output_tokens, 256)
    length, usage_seen = 0, False
    for event in _bounded(provider, request, capabilities, limits):
        if isinstance(event, TextDelta | ThinkingDelta | ToolCallDelta):
            length += len(event.text)
            if length > longest:
                raise LlmAnswerTooLarge(f"{provider.name} sent more than {longest} characters.")
        usage_seen = usage_seen or isinstance(event, Usage)
        if isinstance(event, Stop):
            if not usage_seen:
                output = -(-length // BYTES_PER_TOKEN)
                yield Usage(input=estimated_tokens(request), output=output, estimated=True)
            yield event
            return
        yield event
    raise LlmBrokenStream(f"{provider.name} stopped in the middle of an answer.")


def estimated_tokens(request: Request) -> int:
    """Prompt tokens by bytes: four bytes a token, rounded up."""
    size = len(request.system.encode()) + sum(_size(message) for message in request.messages)
    size += sum(len(f"{tool.name}{tool.description}{tool.schema}".encode()) for tool in request.tools)
    return -(-size // BYTES_PER_TOKEN)


def _size(message: Message) -> int:
    size = 0
    for part in message.parts:
        if isinstance(part, Text | ToolResult):
            size += len(part.text.encode())
        elif isinstance(part, ToolCall):
            size += len(f"{part.name}{part.arguments}".encode())
        else:
            size += len(str(part.block).encode())
    return size


class _End:
    """Put after the last event."""


class _Reading:
    """A provider that is read in a thread; what it gives is held until it is taken, and dropped once abandoned."""

    def __init__(self, provider: Provider, request: Request, capabilities: Capabilities, timeout_s: float) -> None:
        self._held: queue.Queue[Event | KubiliticsError | _End] = queue.Queue(HELD_EVENTS)
        self._abandoned = threading.Event()
        self._opening = Opening(timeout_s)
        arguments = (provider, request, capabilities)
        threading.Thread(target=self._read, args=arguments, daemon=True, name=f"llm-{provider.name}").start()

    def _read(self, provider: Provider, request: Request, capabilities: Capabilities) -> None:
        try:
            for event in provider.events(request, capabilities, self._opening):
                if not self._put(event):
                    return
            self._put(_End())
        except KubiliticsError as error:
            self._put(error)
        except Exception as error:
            self._put(LlmBrokenStream(f"{provider.name}: {type(error).__name__}."))

    def _put(self, item: Event | KubiliticsError | _End) -> bool:
        while not self._abandoned.is_set():
            with contextlib.suppress(queue.Full):
                self._held.put(item, timeout=POLL_S)
                return True
        return False

    def take(self, wait_s: float) -> Event | _End | None:
        """The next event, None when there is none yet. Raises what the provider raised."""
        try:
            item = self._held.get(timeout=wait_s)
        except queue.Empty:
            return None
        if isinstance(item, KubiliticsError):
            raise item
        return item

    def abandon(self) -> None:
        self._abandoned.set()
        if self._opening.close is not None:
            with contextlib.suppress(Exception):
                self._opening.close()


def _bounded(provider: Provider, request: Request, capabilities: Capabilities, limits: Limits) -> Iterator[Event]:
    left = limits.remaining_s()
    if left <= 0:
        raise LlmTimeout(f"No time was left to ask {provider.name}.")
    reading = _Reading(provider, request, capabilities, left)
    try:
        while True:
            if limits.cancelled():
                raise LlmCancelled("The answer was cancelled.")
            left = limits.remaining_s()
            if left <= 0:
                raise LlmTimeout(f"{provider.name} took too long.")
            item = reading.take(min(POLL_S, left))
            if isinstance(item, _End):
                return
            if item is not None:
                yield item
    finally:
        reading.abandon()
