"""The tenant's providers: set up, tested, put in order, and handed to whoever asks a model.

Keys go into the secret store and never come back out of the API. A key belongs to an address: when that changes, the
key is forgotten, so that no change of settings can send it somewhere else.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.accounts.identity import Principal, require
from chalicelib.errors import Conflict, InvalidRequest, NotFound
from chalicelib.llm.addresses import checked_url
from chalicelib.llm.breaker import Breaker
from chalicelib.llm.budgets import Meter, Warning80
from chalicelib.llm.capabilities import Capabilities, ProviderKind, capabilities_of
from chalicelib.llm.chain import Candidate, Chain, Surroundings
from chalicelib.llm.events import Usage
from chalicelib.llm.ports import Connection, Provider
from chalicelib.llm.probe import Probe, Prober
from chalicelib.llm.providers import provider_of
from chalicelib.llm.stream import Limits
from chalicelib.state.ids import new_id
from chalicelib.store.facade import Store
from chalicelib.store.llm import LlmBudget, LlmCounter, LlmProvider

SCOPE = "llm"
WRITE, READ = "settings:write", "audit:read"
MOST_PROVIDERS = 20
TEST_S = 24.0
TEST_TOKENS = Usage(input=2000, output=1200)
"""More than a test uses."""
NEEDS_KEY: tuple[ProviderKind, ...] = ("anthropic", "openai")
Note = Callable[[Principal, str, dict[str, Any]], None]
Connect = Callable[[Connection], Provider]


@dataclass(frozen=True, slots=True)
class ProviderChange:
    """What to change; None leaves a thing as it is."""

    name: str | None = None
    model: str | None = None
    base_url: str | None = None
    enabled: bool | None = None
    position: int | None = None


class ModelDesk:
    """`note` writes the audit log; `connect` builds a provider, loading its SDK."""

    def __init__(
        self,
        store: Store,
        *,
        hosted: bool,
        clock: Callable[[], datetime],
        note: Note,
        connect: Connect = provider_of,
    ) -> None:
        self._store = store
        self._hosted = hosted
        self._clock = clock
        self._note = note
        self._connect = connect
        self.meter = Meter(store.llm)
        self.breaker = Breaker(store.cache, store.leases)

    # Providers

    def providers(self, by: Principal) -> Sequence[LlmProvider]:
        require(by, READ)
        return self._store.llm.providers(by.tenant)

    def add(self, by: Principal, kind: ProviderKind, name: str, model: str, base_url: str, key: str) -> LlmProvider:
        """Raises Forbidden, Conflict for a name that is taken, InvalidRequest naming the field."""
        require(by, WRITE)
        known = self._store.llm.providers(by.tenant)
        if len(known) >= MOST_PROVIDERS:
            raise Conflict(f"There are {MOST_PROVIDERS} providers already.", remedy="Remove one that is not used.")
        self._refuse_taken(known, name)
        provider = LlmProvider(
            id=new_id("lp", secrets.token_bytes(16)), kind=kind, name=name, model=model,
            base_url=self._checked(kind, base_url), position=max((p.position for p in known), default=-1) + 1,
            key_set_at=self._clock() if key else None,
        )  # fmt: skip
        if key:
            self._store.secrets.put(by.tenant, SCOPE, provider.id, key)
        stored = self._store.llm.put_provider(by.tenant, provider)
        self._note(by, "llm.provider.add", {"provider": stored.id, "kind": kind, "model": model})
        return stored

    def change(self, by: Principal, id_: str, wanted: ProviderChange) -> LlmProvider:
        """Another model or address makes the last test void; another address also forgets the key."""
        require(by, WRITE)
        provider = self._store.llm.provider(by.tenant, id_)
        given = {name: value for name, value in asdict(wanted).items() if value is not None}
        if "name" in given:
            others = [p for p in self._store.llm.providers(by.tenant) if p.id != id_]
            self._refuse_taken(others, given["name"])
        if "base_url" in given:
            given["base_url"] = self._checked(provider.kind, given["base_url"])
        moved = given.get("base_url", provider.base_url) != provider.base_url
        if moved or given.get("model", provider.model) != provider.model:
            given |= {"profile": None, "tested_at": None, "test_ok": None, "test_steps": ()}
        if moved:
            self._store.secrets.delete(by.tenant, SCOPE, id_)
            given["key_set_at"] = None
        stored = self._store.llm.put_provider(by.tenant, msgspec.structs.replace(provider, **given))
        self._note(by, "llm.provider.change", {"provider": id_, "fields": sorted(given)})
        return stored

    def set_key(self, by: Principal, id_: str, key: str) -> LlmProvider:
        require(by, WRITE)
        provider = self._store.llm.provider(by.tenant, id_)
        self._store.secrets.put(by.tenant, SCOPE, id_, key)
        stored = self._store.llm.put_provider(
            by.tenant, msgspec.structs.replace(provider, key_set_at=self._clock(), tested_at=None, test_ok=None)
        )
        self._note(by, "llm.provider.key", {"provider": id_})
        return stored

    def remove(self, by: Principal, id_: str) -> None:
        require(by, WRITE)
        self._store.llm.provider(by.tenant, id_)
        self._store.secrets.delete(by.tenant, SCOPE, id_)
        self._store.llm.remove_provider(by.tenant, id_)
        self._note(by, "llm.provider.remove", {"provider": id_})

    def test(self, by: Principal, id_: str) -> tuple[LlmProvider, Probe]:
        """Ask the provider, step by step, and keep what its model can do. Counts against the budgets like any call."""
        require(by, WRITE)
        provider, now = self._store.llm.provider(by.tenant, id_), self._clock()
        held = self.meter.reserve(
            by.tenant, by.user, secrets.token_hex(8), provider.kind, provider.model, TEST_TOKENS, now
        )
        used, ok = Usage(), False
        until = time.monotonic() + TEST_S
        try:
            connected = self._connect(self._connection(by, provider))
            limits = Limits(lambda: until - time.monotonic())
            probe = Prober(connected, provider.kind, provider.model, limits, time.perf_counter).run()
            used, ok = probe.usage, probe.ok
        finally:
            _, warnings = self.meter.settle(
                by.tenant, held, provider.kind, provider.model, used, self._clock(), failed=not ok
            )
            for warning in warnings:
                self._warn(by, warning)
        stored = self._store.llm.put_provider(
            by.tenant,
            msgspec.structs.replace(
                provider, profile=msgspec.to_builtins(probe.capabilities) if probe.ok else provider.profile,
                tested_at=now, test_ok=probe.ok, test_steps=tuple(asdict(step) for step in probe.steps),
            ),
        )  # fmt: skip
        if probe.ok:
            self.breaker.worked(by.tenant, self._candidate(by, stored).circuit, self._clock())
        self._note(by, "llm.provider.test", {"provider": id_, "ok": probe.ok})
        return stored, probe

    # Asking

    def chain(self, by: Principal) -> Chain:
        """The enabled providers in their order, for a question of this user."""
        enabled = [p for p in self._store.llm.providers(by.tenant) if p.enabled and self._usable(p)]
        around = Surroundings(
            self.meter, self.breaker, self._clock, time.sleep, random.random, lambda: secrets.token_hex(8),
            lambda warning: self._warn(by, warning),
        )  # fmt: skip
        return Chain(around, by.tenant, by.user, [self._candidate(by, p) for p in enabled])

    def resting(self, by: Principal) -> set[str]:
        """Ids of providers whose circuit is open."""
        circuits = {f"{p.id}/{p.model}": p.id for p in self._store.llm.providers(by.tenant)}
        return {circuits[c] for c in self.breaker.open_circuits(by.tenant, list(circuits), self._clock())}

    # Money

    def budgets(self, by: Principal) -> Sequence[LlmBudget]:
        require(by, READ)
        return self._store.llm.budgets(by.tenant)

    def set_budgets(self, by: Principal, budgets: Sequence[LlmBudget]) -> Sequence[LlmBudget]:
        """Replace all budgets. Raises InvalidRequest for two of the same scope and period."""
        require(by, WRITE)
        if len({(b.scope, b.period) for b in budgets}) < len(budgets):
            raise InvalidRequest("Two budgets have the same scope and period.", details={"field": "items"})
        self._store.llm.set_budgets(by.tenant, budgets)
        self._note(by, "llm.budgets", {"budgets": len(budgets)})
        return budgets

    def usage(self, by: Principal, month: str) -> Sequence[LlmCounter]:
        """Counters of a month (`2026-11`): the month's own and those of its days, of the tenant and of its users."""
        require(by, READ)
        return self._store.llm.counters(by.tenant, month)

    # Inside

    def _warn(self, by: Principal, warning: Warning80) -> None:
        self._note(by, "llm.budget.warning", asdict(warning))

    def _candidate(self, by: Principal, provider: LlmProvider) -> Candidate:
        profile = provider.profile
        known = msgspec.convert(profile, Capabilities) if profile else capabilities_of(provider.kind, provider.model)
        return Candidate(
            provider.id, provider.kind, provider.model, known,
            lambda: self._connect(self._connection(by, provider)),
        )  # fmt: skip

    def _connection(self, by: Principal, provider: LlmProvider) -> Connection:
        connection = Connection(provider.kind, provider.name, provider.base_url, hosted=self._hosted)
        try:
            return replace(connection, key=self._store.secrets.get(by.tenant, SCOPE, provider.id))
        except NotFound:
            return connection

    @staticmethod
    def _usable(provider: LlmProvider) -> bool:
        return provider.key_set_at is not None or provider.kind not in NEEDS_KEY or bool(provider.base_url)

    def _checked(self, kind: ProviderKind, base_url: str) -> str:
        if base_url:
            return checked_url(base_url, hosted=self._hosted)
        if kind == "compatible" or (kind == "ollama" and self._hosted):
            raise InvalidRequest(
                "base_url: this kind of provider needs an address.", code="invalid_base_url",
                remedy="Give the address of its API, such as http://127.0.0.1:8080/v1.",
                details={"field": "base_url"},
            )  # fmt: skip
        return ""

    @staticmethod
    def _refuse_taken(known: Sequence[LlmProvider], name: str) -> None:
        if any(p.name == name for p in known):
            raise Conflict(
                f"There is a provider called {name!r} already.", code="name_taken", remedy="Choose another name."
            )
