"""The store as the rest of the product sees it: one value with a field for each kind of thing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec

from chalicelib.errors import InvalidRequest
from chalicelib.state.ids import TenantId
from chalicelib.store.audit import Audit, Submit
from chalicelib.store.cache import Cache, Connections
from chalicelib.store.changes import Changes
from chalicelib.store.clusters import Clusters, Leases
from chalicelib.store.conversations import Conversations
from chalicelib.store.documents import Documents
from chalicelib.store.findings import Evidence, Findings
from chalicelib.store.investigations import Investigations
from chalicelib.store.keys import SYSTEM
from chalicelib.store.llm import LlmRecords
from chalicelib.store.ports import Anchors, Objects, Queue, Secrets, Table
from chalicelib.store.rates import Rates
from chalicelib.store.records import NewAuditEvent
from chalicelib.store.spill import SPILL_ABOVE_BYTES, SpillingTable
from chalicelib.store.tenants import Links, Tenants, Tokens, Users

TABLE_GROUPS = ("core", "audit", "cache", "connections")
"""One table each, because they differ in retention, permissions and point-in-time recovery."""

Clock = Callable[[], float]
"""Unix seconds."""


@dataclass(frozen=True)
class Store:
    """Everything that is kept. `tables` are the bare tables, for backup and set-up only."""

    tenants: Tenants
    users: Users
    tokens: Tokens
    links: Links
    clusters: Clusters
    conversations: Conversations
    findings: Findings
    evidence: Evidence
    investigations: Investigations
    changes: Changes
    documents: Documents
    llm: LlmRecords
    audit: Audit
    cache: Cache
    rates: Rates
    connections: Connections
    leases: Leases
    objects: Objects
    secrets: Secrets
    queue: Queue
    audit_queue: Queue
    tables: Mapping[str, Table]

    def ready(self) -> None:
        """Read one item. Raises what the adapter raises when the store does not answer."""
        self.tables["core"].get(SYSTEM, "", "READY")

    def remove_cluster(self, tenant: TenantId, cluster: str) -> None:
        """Remove a cluster with its credentials, objects, findings and evidence.

        Credentials go first and the record last, so that a removal that was cut short can be repeated.
        Conversations and investigations about it stay, as do its audit events. Raises NotFound.
        """
        self.clusters.get(tenant, cluster)
        for name in self.secrets.names(tenant, cluster):
            self.secrets.delete(tenant, cluster, name)
        self.objects.delete_prefix(tenant, f"{cluster}/")
        self.findings.remove_cluster(tenant, cluster)
        self.evidence.remove_cluster(tenant, cluster)
        self.clusters.remove(tenant, cluster)


def assemble(
    tables: Mapping[str, Table],
    objects: Objects,
    anchors: Anchors,
    secrets: Secrets,
    queue: Queue,
    audit_queue: Queue,
    submit: Submit | None,
    spill_above_bytes: int = SPILL_ABOVE_BYTES,
) -> Store:
    """A store over its ports. `submit` None: audit events are appended at once instead of queued."""
    spilling = {
        group: SpillingTable(tables[group], objects, spill_above_bytes=spill_above_bytes) for group in TABLE_GROUPS
    }
    core = spilling["core"]
    return Store(
        tenants=Tenants(core),
        users=Users(core),
        tokens=Tokens(core),
        links=Links(core),
        clusters=Clusters(core),
        conversations=Conversations(core),
        findings=Findings(core),
        evidence=Evidence(core),
        investigations=Investigations(core),
        changes=Changes(core),
        documents=Documents(core),
        llm=LlmRecords(core),
        audit=Audit(spilling["audit"], core, anchors, submit),
        cache=Cache(spilling["cache"]),
        rates=Rates(spilling["cache"]),
        connections=Connections(spilling["connections"]),
        leases=Leases(core),
        objects=objects,
        secrets=secrets,
        queue=queue,
        audit_queue=audit_queue,
        tables=MappingProxyType(dict(tables)),
    )


def submit_over(queue: Queue) -> Submit:
    """Hand audit events to their one writer as messages `{"type": "audit", "tenant", "event"}`."""

    def submit(tenant: TenantId, event: NewAuditEvent) -> None:
        queue.send(tenant, {"type": "audit", "event": msgspec.to_builtins(event)}, group="audit", dedup_id=event.id)

    return submit


def event_of(message: Mapping[str, Any]) -> NewAuditEvent:
    """The event of such a message. Raises InvalidRequest `invalid_message`."""
    try:
        return msgspec.convert(message["event"], NewAuditEvent)
    except (KeyError, msgspec.ValidationError) as error:
        raise InvalidRequest(
            "The audit message has no valid event.",
            code="invalid_message",
            remedy="The message is kept in the dead-letter queue.",
        ) from error


def wall_clock() -> float:
    return time.time()
