"""Answers that were given already: kept for five minutes, for the same question of somebody who may see the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.state.ids import TenantId
from chalicelib.store.cache import Cache

TTL_S = 300


@dataclass(frozen=True, slots=True)
class Asked:
    """All that an answer depends on. `state` names the data that was read (resource versions), not the moment."""

    permissions: Iterable[str]
    cluster: str
    state: str
    question: str
    tools: str
    model: str
    prompt: str

    def key(self, tenant: TenantId) -> str:
        parts = (
            tenant, ",".join(sorted(self.permissions)), self.cluster, self.state, " ".join(self.question.split()),
            self.tools, self.model, self.prompt,
        )  # fmt: skip
        return hashlib.sha256("\x1f".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()


class KeptAnswers:
    """JSON values by what was asked. Another tenant, role, state, tool set, model or prompt is another question."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def get(self, tenant: TenantId, asked: Asked, now: datetime) -> Any | None:
        found = self._cache.get(tenant, f"llm-answer/{asked.key(tenant)}", now)
        return msgspec.json.decode(found) if found else None

    def put(self, tenant: TenantId, asked: Asked, answer: Any, now: datetime) -> None:
        self._cache.put(tenant, f"llm-answer/{asked.key(tenant)}", msgspec.json.encode(answer), TTL_S, now)
