"""In-memory twin of the FIFO queue: order and exclusion by group, deduplication, redelivery, dead letters."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from chalicelib.state.ids import TenantId
from chalicelib.store import codec
from chalicelib.store.facade import Clock, wall_clock
from chalicelib.store.keys import checked_tenant
from chalicelib.store.ports import Depths, QueueMessage

DEDUP_S = 300
VISIBILITY_S = 900
"""As long as the worker's longest run."""
MAX_RECEIVES = 5
"""After so many deliveries without an acknowledgement a message is a dead letter."""


@dataclass
class _Waiting:
    number: int
    tenant: TenantId
    group: str
    body: bytes
    attempts: int = 0
    visible_at: float = 0.0


class MemoryQueue:
    def __init__(self, clock: Clock = wall_clock) -> None:
        self._clock = clock
        self._messages: list[_Waiting] = []
        self._sent: dict[tuple[TenantId, str], float] = {}
        self._numbers = 0
        self._changed = threading.Condition()
        self.dead: list[dict[str, Any]] = []

    def send(self, tenant: TenantId, message: dict[str, Any], *, group: str, dedup_id: str) -> None:
        checked_tenant(tenant)
        body = codec.encoded_message({**message, "tenant": tenant}).encode()
        with self._changed:
            now = self._clock()
            self._sent = {key: at for key, at in self._sent.items() if now - at < DEDUP_S}
            if (tenant, dedup_id) in self._sent:
                return
            self._sent[tenant, dedup_id] = now
            self._numbers += 1
            self._messages.append(_Waiting(self._numbers, tenant, group, body))
            self._changed.notify_all()

    def receive(self, limit: int = 10, wait_s: float = 0) -> list[QueueMessage]:
        with self._changed:
            found = self._take(limit)
            if not found and wait_s > 0:
                self._changed.wait(wait_s)
                found = self._take(limit)
            return found

    def ack(self, message: QueueMessage) -> None:
        with self._changed:
            self._messages = [waiting for waiting in self._messages if _receipt(waiting) != message.receipt]
            self._changed.notify_all()

    def extend(self, message: QueueMessage, visible_after_s: int) -> None:
        with self._changed:
            for waiting in self._messages:
                if _receipt(waiting) == message.receipt:
                    waiting.visible_at = self._clock() + visible_after_s
            self._changed.notify_all()

    def depths(self) -> Depths:
        with self._changed:
            now = self._clock()
            self._bury(now)
            in_hand = sum(m.visible_at > now for m in self._messages)
            return Depths(len(self._messages) - in_hand, in_hand, len(self.dead))

    def _take(self, limit: int) -> list[QueueMessage]:
        now = self._clock()
        self._bury(now)
        # A group with a message in hand is closed until that one is acknowledged or given back.
        closed = {(m.tenant, m.group) for m in self._messages if m.visible_at > now}
        taken: list[QueueMessage] = []
        for waiting in self._messages:
            if len(taken) < limit and (waiting.tenant, waiting.group) not in closed:
                waiting.attempts += 1
                waiting.visible_at = now + VISIBILITY_S
                body = codec.decode(waiting.body, dict[str, Any])
                taken.append(QueueMessage(waiting.tenant, body, _receipt(waiting), waiting.attempts))
        return taken

    def _bury(self, now: float) -> None:
        dead = [m for m in self._messages if m.visible_at <= now and m.attempts >= MAX_RECEIVES]
        self.dead += [codec.decode(m.body, dict[str, Any]) for m in dead]
        self._messages = [m for m in self._messages if m not in dead]


def _receipt(waiting: _Waiting) -> str:
    return f"{waiting.number}.{waiting.attempts}"
