"""What one tenant wrote is never visible to another, whatever method reads it.

`READS` and `WRITES` name every public method of every repository and port; a method that is in neither list fails the
first test, so that none is added unseen.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.errors import KubiliticsError
from chalicelib.state.ids import TenantId
from chalicelib.store import Store, memory_store
from chalicelib.store.investigation_records import Conclusion, FollowUp, Investigation, InvestigationStep, Share
from chalicelib.store.investigations import Active
from chalicelib.store.llm import LlmBudget, LlmProvider
from chalicelib.store.records import (
    ApiToken,
    ChangeRecord,
    ClusterRecord,
    Conversation,
    Document,
    EvidenceRecord,
    FindingRecord,
    NewAuditEvent,
    ResourceName,
    SignInLink,
    SocketConnection,
    Tenant,
    Turn,
    User,
)

NOW = datetime.now(UTC)
DAY_S = 86_400  # longer than any run of the whole suite: tables forget by the clock of the wall
Write = Callable[[Store, TenantId, str, str], Any]
Read = Callable[[Store, TenantId, str], Any]


def cluster(tenant: TenantId, id: str, mark: str) -> ClusterRecord:
    return ClusterRecord(id=id, tenant=tenant, name=mark, source="token", created_at=NOW)


def provider(id: str, mark: str) -> LlmProvider:
    return LlmProvider(id=id, kind="ollama", name=mark, model=mark)


def conversation(id: str, mark: str, revision: int = 0) -> Conversation:
    return Conversation(id=id, title=mark, cluster=id, user=id, created_at=NOW, updated_at=NOW, revision=revision)


def turn(id: str, mark: str, revision: int = 0) -> Turn:
    return Turn(id=id, conversation=id, user=id, message=mark, cluster=id, created_at=NOW, revision=revision)


def finding(id: str, mark: str) -> FindingRecord:
    name = ResourceName(kind="Pod", namespace="n", name=mark)
    return FindingRecord(id=id, cluster=id, rule="r", resource=name, severity="critical", first_seen=NOW, last_seen=NOW)


def investigation(id: str, mark: str, revision: int = 0) -> Investigation:
    return Investigation(
        id=id, cluster=id, cluster_name=mark, question=mark, creator=mark, trigger="person", created_at=NOW,
        updated_at=NOW, follow_up=FollowUp(due=NOW, by=mark), revision=revision,
    )  # fmt: skip


def step(id: str, mark: str, n: int = 1) -> InvestigationStep:
    return InvestigationStep(
        n=n, investigation=id, kind="test", title=mark, key=mark, started_at=NOW, ended_at=NOW, result={"m": mark}
    )


def share(id: str, mark: str, revision: int = 0) -> Share:
    later = NOW + timedelta(days=1)
    return Share(hash=id, id=id, investigation=id, created_by=mark, created_at=NOW, expires_at=later, revision=revision)


def change(id: str, mark: str, revision: int = 0) -> ChangeRecord:
    target = ResourceName(kind="Deployment", namespace="n", name=mark)
    return ChangeRecord(
        id=id, cluster=id, status=mark, action="restart", target=target, created_at=NOW, created_by=mark,
        revision=revision,
    )  # fmt: skip


def document(id: str, mark: str, revision: int = 0) -> Document:
    return Document(kind="policy", id=id, updated_at=NOW, updated_by=mark, body={"m": mark}, revision=revision)


def commit(store: Store, tenant: TenantId, id: str, mark: str) -> Any:
    held = store.investigations.get(tenant, id)
    return store.investigations.commit(
        tenant, held, step(id, mark, held.steps + 1), Conclusion(outcome="no_fault", message=mark)
    )


def event(id: str, mark: str) -> NewAuditEvent:
    return NewAuditEvent(id=id, at=NOW, actor=mark, action="a")


WRITES: dict[str, Write] = {
    "tenants.add": lambda s, t, id, m: s.tenants.add(t, Tenant(id=t, name=m, plan=m, created_at=NOW)),
    "users.add": lambda s, t, id, m: s.users.add(t, User(id=id, name=m, role="admin")),
    "tokens.add": lambda s, t, id, m: s.tokens.add(t, ApiToken(hash=id, user=m, role="admin", created_at=NOW, name=m)),
    "links.add": lambda s, t, id, m: s.links.add(t, SignInLink(hash=id, user=m, expires_at=NOW + timedelta(hours=1))),
    "clusters.add": lambda s, t, id, m: s.clusters.add(t, cluster(t, id, m)),
    "conversations.create": lambda s, t, id, m: s.conversations.create(t, conversation(id, m)),
    "conversations.add_turn": lambda s, t, id, m: s.conversations.add_turn(t, turn(id, m)),
    "conversations.append_frame": lambda s, t, id, m: s.conversations.append_frame(t, id, id, "delta", {"m": m}),
    "conversations.append_frames": lambda s, t, id, m: s.conversations.append_frames(
        t, id, id, [("delta", {"m": m * 300_000})]
    ),
    "conversations.put_step_once": lambda s, t, id, m: s.conversations.put_step_once(t, id, id, 1, {"m": m}),
    "findings.upsert_many": lambda s, t, id, m: s.findings.upsert_many(t, id, [finding(id, m)], NOW),
    "evidence.put_many": lambda s, t, id, m: s.evidence.put_many(
        t, [EvidenceRecord(id=id, cluster=id, namespace=m)], NOW
    ),
    "evidence.keep": lambda s, t, id, m: s.evidence.keep(t, id, [EvidenceRecord(id=id, cluster=id, namespace=m)]),
    "llm.put_provider": lambda s, t, id, m: s.llm.put_provider(t, provider(id, m)),
    "llm.set_budgets": lambda s, t, id, m: s.llm.set_budgets(
        t, [LlmBudget(scope="tenant", period="day", micro_usd=len(m))]
    ),
    "llm.change": lambda s, t, id, m: s.llm.change(
        t, [(id, m)], lambda c: msgspec.structs.replace(c, by_model={m: {}}), NOW
    ),
    "investigations.begin": lambda s, t, id, m: s.investigations.begin(t, investigation(id, m)),
    "investigations.commit": lambda s, t, id, m: commit(s, t, id, m),
    "investigations.note_requeued": lambda s, t, id, m: s.investigations.note_requeued(t, Active(id, len(m))),
    "investigations.add_share": lambda s, t, id, m: s.investigations.add_share(t, share(id, m)),
    "changes.add": lambda s, t, id, m: s.changes.add(t, change(id, m)),
    "documents.put": lambda s, t, id, m: s.documents.put(t, document(id, m)),
    "rates.take": lambda s, t, id, m: s.rates.take(t, id, 10**6, NOW),
    "audit.submit": lambda s, t, id, m: s.audit.submit(t, event(id, m)),
    "audit.append": lambda s, t, id, m: s.audit.append(t, [event(id, m)]),
    "cache.put": lambda s, t, id, m: s.cache.put(t, id, m.encode(), DAY_S, NOW),
    "connections.add": lambda s, t, id, m: s.connections.add(
        t, SocketConnection(id=id, user=m, created_at=NOW, conversation=id)
    ),
    "objects.put": lambda s, t, id, m: s.objects.put(t, id, m.encode()),
    "secrets.put": lambda s, t, id, m: s.secrets.put(t, id, id, m),
    "leases.acquire": lambda s, t, id, m: s.leases.acquire(t, id, m, DAY_S, NOW),
    "queue.send": lambda s, t, id, m: s.queue.send(t, {"m": m}, group=id, dedup_id=id),
}


def downloaded(store: Store, tenant: TenantId, key: str) -> bytes:
    sink = io.BytesIO()
    store.objects.download(tenant, key, sink)
    return sink.getvalue()


READS: dict[str, Read] = {
    "tenants.get": lambda s, t, id: s.tenants.get(t),
    "users.find": lambda s, t, id: s.users.find(t, id),
    "users.get": lambda s, t, id: s.users.get(t, id),
    "users.list": lambda s, t, id: s.users.list(t),
    "tokens.find": lambda s, t, id: s.tokens.find(t, id),
    "tokens.list": lambda s, t, id: s.tokens.list(t),
    "leases.is_held": lambda s, t, id: s.leases.is_held(t, id, NOW) or None,
    "links.redeem": lambda s, t, id: s.links.redeem(t, id, NOW),
    "clusters.find": lambda s, t, id: s.clusters.find(t, id),
    "clusters.get": lambda s, t, id: s.clusters.get(t, id),
    "clusters.list": lambda s, t, id: s.clusters.list(t),
    "conversations.get": lambda s, t, id: s.conversations.get(t, id),
    "conversations.list": lambda s, t, id: s.conversations.list(t, id).items,
    "conversations.get_turn": lambda s, t, id: s.conversations.get_turn(t, id, id),
    "conversations.turns": lambda s, t, id: s.conversations.turns(t, id),
    "conversations.frames": lambda s, t, id: s.conversations.frames(t, id),
    "conversations.steps": lambda s, t, id: s.conversations.steps(t, id, id),
    "findings.get": lambda s, t, id: s.findings.get(t, id, id),
    "findings.list": lambda s, t, id: s.findings.list(t, id, status=None).items,
    "evidence.get": lambda s, t, id: s.evidence.get(t, id),
    "evidence.get_many": lambda s, t, id: s.evidence.get_many(t, id, [id]),
    "evidence.kept": lambda s, t, id: s.evidence.kept(t, id, id, [id]),
    "investigations.find": lambda s, t, id: s.investigations.find(t, id),
    "llm.provider": lambda s, t, id: s.llm.provider(t, id),
    "llm.providers": lambda s, t, id: s.llm.providers(t),
    "llm.budgets": lambda s, t, id: s.llm.budgets(t),
    "llm.counter": lambda s, t, id: s.llm.counter(t, id, "M").by_model,
    "llm.counters": lambda s, t, id: s.llm.counters(t, ""),
    "investigations.get": lambda s, t, id: s.investigations.get(t, id),
    "investigations.search": lambda s, t, id: s.investigations.search(t, lambda found: True).items,
    "investigations.steps": lambda s, t, id: s.investigations.steps(t, id),
    "investigations.conclusion": lambda s, t, id: s.investigations.conclusion(t, id),
    "investigations.active": lambda s, t, id: s.investigations.active(t),
    "investigations.due": lambda s, t, id: s.investigations.due(t, NOW + timedelta(days=1)),
    "investigations.share": lambda s, t, id: s.investigations.share(t, id),
    "investigations.shares": lambda s, t, id: s.investigations.shares(t, id),
    "conversations.turn_with_conversation": lambda s, t, id: s.conversations.turn_with_conversation(t, id, id),
    "changes.get": lambda s, t, id: s.changes.get(t, id),
    "changes.list": lambda s, t, id: s.changes.list(t).items,
    "documents.find": lambda s, t, id: s.documents.find(t, "policy", id),
    "documents.get": lambda s, t, id: s.documents.get(t, "policy", id),
    "documents.list": lambda s, t, id: s.documents.list(t, "policy"),
    "audit.has": lambda s, t, id: s.audit.has(t, id) or None,
    "audit.list": lambda s, t, id: s.audit.list(t).items,
    "audit.verify": lambda s, t, id: s.audit.verify(t).events and s.audit.verify(t),
    "cache.get": lambda s, t, id: s.cache.get(t, id, NOW),
    "connections.find": lambda s, t, id: s.connections.find(t, id),
    "connections.list_for_conversation": lambda s, t, id: s.connections.list_for_conversation(t, id),
    "objects.get": lambda s, t, id: s.objects.get(t, id),
    "objects.download": downloaded,
    "objects.size": lambda s, t, id: s.objects.size(t, id),
    "objects.list": lambda s, t, id: s.objects.list(t),
    "secrets.get": lambda s, t, id: s.secrets.get(t, id, id),
    "secrets.names": lambda s, t, id: s.secrets.names(t, id),
    # Last, for it moves the socket to another conversation.
    "connections.show": lambda s, t, id: s.connections.show(t, id, "other"),
}

CHANGES: dict[str, Write] = {
    "tenants.ensure": lambda s, t, id, m: s.tenants.ensure(t, Tenant(id=t, name=m, plan=m, created_at=NOW)),
    "users.remove": lambda s, t, id, m: s.users.remove(t, id),
    "tokens.remove": lambda s, t, id, m: s.tokens.remove(t, id),
    "clusters.update": lambda s, t, id, m: s.clusters.update(t, cluster(t, id, m), 1),
    "clusters.remove": lambda s, t, id, m: s.clusters.remove(t, id),
    "conversations.update": lambda s, t, id, m: s.conversations.update(t, conversation(id, m), 1),
    "conversations.update_turn": lambda s, t, id, m: s.conversations.update_turn(t, turn(id, m), 1),
    "conversations.begin": lambda s, t, id, m: s.conversations.begin(t, turn(id, m), conversation(id, m)),
    "conversations.conclude": lambda s, t, id, m: s.conversations.conclude(
        t, conversation(id, m, revision=1), turn(id, m, revision=1), [("end", {"text": m})]
    ),
    "conversations.remove": lambda s, t, id, m: s.conversations.remove(t, id),
    "findings.remove_cluster": lambda s, t, id, m: s.findings.remove_cluster(t, id),
    "evidence.remove_cluster": lambda s, t, id, m: s.evidence.remove_cluster(t, id),
    "evidence.release": lambda s, t, id, m: s.evidence.release(t, id, id, [id]),
    "llm.remove_provider": lambda s, t, id, m: s.llm.remove_provider(t, id),
    "investigations.update": lambda s, t, id, m: s.investigations.update(t, investigation(id, m, revision=2)),
    "investigations.update_share": lambda s, t, id, m: s.investigations.update_share(t, share(id, m, revision=1)),
    "investigations.remove": lambda s, t, id, m: s.investigations.remove(t, id),
    "changes.update": lambda s, t, id, m: s.changes.update(t, change(id, m, revision=1)),
    "documents.remove": lambda s, t, id, m: s.documents.remove(t, "policy", id),
    "audit.anchor": lambda s, t, id, m: s.audit.anchor(t, "2026-11-27"),
    "cache.remove": lambda s, t, id, m: s.cache.remove(t, id),
    "connections.remove": lambda s, t, id, m: s.connections.remove(t, id),
    "leases.release": lambda s, t, id, m: s.leases.release(t, s.leases.acquire(t, id, "mine", DAY_S, NOW)),
    "objects.delete": lambda s, t, id, m: s.objects.delete(t, id),
    "objects.delete_prefix": lambda s, t, id, m: s.objects.delete_prefix(t, id),
    "secrets.delete": lambda s, t, id, m: s.secrets.delete(t, id, id),
    "remove_cluster": lambda s, t, id, m: s.remove_cluster(t, id),
    **WRITES,
}

OF_ALL_TENANTS = {
    "tenants.ids",  # for jobs that go round all tenants
    "objects.all",  # for backup
    "secrets.all",  # for backup
    "queue.receive",  # the worker serves every tenant; each message names its own
    "queue.ack",
    "queue.extend",
    "queue.depths",  # numbers alone, for the operator
}
SIGNS_ONLY = {"objects.presign_put", "objects.presign_get"}

IDS = st.sampled_from(["id", "id-1", "TENANT", "other", "acme"])
TENANTS = st.sampled_from([TenantId(name) for name in ("acme", "acme-2", "a", "other", "cluster")])


def test_every_method_of_the_store_is_covered_here() -> None:
    store = memory_store()
    rooms = [field.name for field in fields(Store) if field.name not in ("tables", "audit_queue")]
    methods = {
        f"{room}.{name}"
        for room in rooms
        for name in dir(getattr(store, room))
        if not name.startswith("_") and callable(getattr(getattr(store, room), name))
    }

    assert methods - set(READS) - set(CHANGES) - OF_ALL_TENANTS - SIGNS_ONLY == set()


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=40, deadline=None)
@given(writer=TENANTS, reader=TENANTS, id=IDS, read_id=IDS)
def test_what_one_tenant_wrote_no_other_reads(writer: TenantId, reader: TenantId, id: str, read_id: str) -> None:
    if writer == reader:
        return
    store = memory_store()
    for write in WRITES.values():
        write(store, writer, id, "M")

    for name, read in READS.items():
        assert answer(read, store, reader, read_id) == "nothing", name
    for name, read in READS.items():
        assert answer(read, store, writer, id) != "nothing", name


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_what_one_tenant_changes_no_other_notices(change: str) -> None:
    store = memory_store()
    mine, theirs = TenantId("acme"), TenantId("acme-2")
    for write in WRITES.values():
        write(store, mine, "id", "mine")
        write(store, theirs, "id", "theirs")
    before = seen_by(store, theirs)

    answer(CHANGES[change], store, mine, "id", "changed")

    assert seen_by(store, theirs) == before


def seen_by(store: Store, tenant: TenantId) -> dict[str, Any]:
    """All that a tenant can read, but for what reading itself changes."""
    kept = {name: read for name, read in READS.items() if name not in ("links.redeem", "connections.show")}
    return {name: answer(read, store, tenant, "id") for name, read in kept.items()}


def answer(call: Callable[..., Any], *arguments: Any) -> Any:
    try:
        found = call(*arguments)
    except KubiliticsError:
        return "nothing"
    return found if found else "nothing"
