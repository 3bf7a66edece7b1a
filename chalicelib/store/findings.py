"""Findings and the evidence that they cite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from chalicelib.errors import NotFound
from chalicelib.state.ids import TenantId
from chalicelib.store import codec
from chalicelib.store.keys import digest
from chalicelib.store.pages import Page, checked_limit, decode_cursor, page_of
from chalicelib.store.ports import Item, Table
from chalicelib.store.records import (
    SEVERITIES,
    EvidenceRecord,
    FindingRecord,
    FindingStatus,
    ResourceName,
    Severity,
)

REPUT_AFTER = timedelta(hours=1)
_REMEMBERED_PUTS = 20_000
RESOLVED_KEPT = timedelta(days=90)
"""How long a resolved finding can still be read; its evidence lives as long after the last scan that cited it."""


def finding_id(cluster: str, rule: str, resource: ResourceName) -> str:
    """The stable id of a fact: the same rule on the same object is the same finding in every scan."""
    return f"fi_{digest(cluster, rule, resource.kind, resource.namespace, resource.name)[:26]}"


class Findings:
    def __init__(self, table: Table) -> None:
        self._table = table

    def upsert_many(
        self, tenant: TenantId, cluster: str, findings: Iterable[FindingRecord], now: datetime
    ) -> list[FindingRecord]:
        """Make a scan's findings the present ones: the open findings of the cluster, as stored.

        A finding seen before keeps its `first_seen`; an open one that this scan did not see becomes resolved.
        One query and batched writes, however many there are. Run it under the cluster's lease.
        """
        items = self._table.query(tenant, _partition(cluster))
        before = {found.id: found for found in (codec.decode(item.body, FindingRecord) for item in items)}
        merged = merge(before, findings, cluster, now)
        self._table.write_many(tenant, (_item(found, now) for found in merged))
        return [found for found in merged if found.status == "open"]

    def get(self, tenant: TenantId, cluster: str, finding: str) -> FindingRecord:
        """Raises NotFound `unknown_finding`."""
        item = self._table.get(tenant, _partition(cluster), f"FINDING#{finding}")
        if item is None:
            raise NotFound(
                f"There is no finding {finding!r} of this cluster.",
                code="unknown_finding",
                remedy="List the findings of the cluster; resolved ones are kept for 90 days.",
            )
        return codec.decode(item.body, FindingRecord)

    def list(
        self,
        tenant: TenantId,
        cluster: str,
        status: FindingStatus | None = "open",
        severity: Severity | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[FindingRecord]:
        """Findings, open before resolved, most severe and most probable first.

        Raises InvalidRequest for the cursor.
        """
        scope = f"findings/{cluster}/{status}/{severity}"
        after = decode_cursor(tenant, scope, cursor)
        wanted = checked_limit(limit) + 1
        found: list[Item] = []
        for prefix in _prefixes(status, severity):
            if after and after > prefix and not after.startswith(prefix):
                continue  # a page that ended beyond this section
            found += self._table.query(
                tenant,
                _partition(cluster),
                prefix=prefix,
                after=after if after.startswith(prefix) else "",
                limit=wanted - len(found),
                by_index=True,
            )
            if len(found) >= wanted:
                break
        return page_of(
            tenant,
            scope,
            found,
            limit,
            lambda item: item.index[1] if item.index else "",
            lambda item: codec.decode(item.body, FindingRecord),
        )

    def remove_cluster(self, tenant: TenantId, cluster: str) -> None:
        """Remove all findings of a cluster."""
        self._table.delete_partition(tenant, _partition(cluster))


class Evidence:
    """Slices by id. What this process has just put is not put again, so that asking often does not write often."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._put: dict[tuple[TenantId, str, str], datetime] = {}

    def put_many(self, tenant: TenantId, evidence: Iterable[EvidenceRecord], now: datetime) -> None:
        """Store slices. Each lives RESOLVED_KEPT after the last time that it was put, give or take REPUT_AFTER."""
        expires_at = int((now + RESOLVED_KEPT).timestamp())
        unique = {(tenant, record.cluster, record.id): record for record in evidence}
        fresh = {k: r for k, r in unique.items() if k not in self._put or now - self._put[k] >= REPUT_AFTER}
        self._table.write_many(tenant, (_evidence_item(record, expires_at) for record in fresh.values()))
        if len(self._put) > _REMEMBERED_PUTS:
            self._put.clear()
        self._put.update(dict.fromkeys(fresh, now))

    def get(self, tenant: TenantId, evidence: str, cluster: str | None = None) -> EvidenceRecord:
        """The slice an id stands for, of `cluster` if given. Raises NotFound `unknown_evidence`."""
        prefix = f"EVIDENCE#{cluster}#" if cluster else "EVIDENCE#"
        items = self._table.query(tenant, f"E#{evidence}", prefix=prefix, limit=1)
        if not items:
            raise NotFound(
                f"There is no evidence {evidence!r}.",
                code="unknown_evidence",
                remedy="Ask the question again: evidence is kept for 90 days after it was last cited.",
                details={"given": evidence},
            )
        return codec.decode(items[0].body, EvidenceRecord)

    def get_many(self, tenant: TenantId, cluster: str, evidence: Sequence[str]) -> Sequence[EvidenceRecord]:
        """The slices that exist, in the order of `evidence`: one batched read."""
        keys = [(f"E#{one}", f"EVIDENCE#{cluster}#") for one in dict.fromkeys(evidence)]
        items = {item.partition: item for item in self._table.get_many(tenant, keys)}
        return [codec.decode(items[f"E#{one}"].body, EvidenceRecord) for one in evidence if f"E#{one}" in items]

    def keep(self, tenant: TenantId, owner: str, evidence: Iterable[EvidenceRecord]) -> None:
        """Store slices for as long as `owner` (an investigation) lives, whatever else forgets them."""
        self._table.write_many(tenant, (_kept_item(record, owner) for record in evidence))

    def kept(self, tenant: TenantId, owner: str, cluster: str, evidence: Sequence[str]) -> Sequence[EvidenceRecord]:
        """The slices that are kept for an owner, in the order of `evidence`."""
        keys = [(f"E#{one}", f"EVIDENCE#{cluster}#{owner}") for one in dict.fromkeys(evidence)]
        items = {item.partition: item for item in self._table.get_many(tenant, keys)}
        return [codec.decode(items[f"E#{one}"].body, EvidenceRecord) for one in evidence if f"E#{one}" in items]

    def release(self, tenant: TenantId, owner: str, cluster: str, evidence: Iterable[str]) -> None:
        """Forget what is kept for an owner; what others cite stays."""
        self._table.delete_many(tenant, ((f"E#{one}", f"EVIDENCE#{cluster}#{owner}") for one in evidence))

    def remove_cluster(self, tenant: TenantId, cluster: str) -> None:
        """Remove all evidence of a cluster but for what is kept for an owner."""
        self._put.clear()
        items = self._table.query(tenant, f"EC#{cluster}", by_index=True)
        self._table.delete_many(tenant, ((item.partition, item.sort) for item in items))


def merge(
    before: dict[str, FindingRecord], seen: Iterable[FindingRecord], cluster: str, now: datetime
) -> list[FindingRecord]:
    """What a scan changes: every finding it saw (open, with its first sight kept), and the open ones it no
    longer saw.
    """
    changed: dict[str, FindingRecord] = {}
    for found in seen:
        known = before.get(found.id)
        first_seen = known.first_seen if known else found.first_seen
        changed[found.id] = msgspec.structs.replace(
            found, cluster=cluster, status="open", first_seen=first_seen, last_seen=now
        )
    for known in before.values():
        if known.status == "open" and known.id not in changed:
            changed[known.id] = msgspec.structs.replace(known, status="resolved")
    return list(changed.values())


def _partition(cluster: str) -> str:
    return f"F#{cluster}"


def _prefixes(status: FindingStatus | None, severity: Severity | None) -> list[str]:
    """Sections of the index in its order: one, unless a severity is asked for in both states."""
    states = [status] if status else ["open", "resolved"]
    if severity is None:
        return [f"{status}#"] if status else [""]
    return [f"{state}#{SEVERITIES.index(severity)}#" for state in states]


def _item(found: FindingRecord, now: datetime) -> Item:
    # Less probable sorts later: the index counts doubt, in tenths of a per mille.
    doubt = round((1 - min(max(found.probability, 0.0), 1.0)) * 10_000)
    order = f"{found.status}#{SEVERITIES.index(found.severity)}#{doubt:05d}#{found.id}"
    resolved = found.status == "resolved"
    return Item(
        _partition(found.cluster),
        f"FINDING#{found.id}",
        codec.encode(found),
        expires_at=int((now + RESOLVED_KEPT).timestamp()) if resolved else None,
        index=(_partition(found.cluster), order),
    )


def _kept_item(record: EvidenceRecord, owner: str) -> Item:
    return Item(f"E#{record.id}", f"EVIDENCE#{record.cluster}#{owner}", codec.encode(record))


def _evidence_item(record: EvidenceRecord, expires_at: int) -> Item:
    return Item(
        f"E#{record.id}",
        f"EVIDENCE#{record.cluster}#",
        codec.encode(record),
        expires_at=expires_at,
        index=(f"EC#{record.cluster}", record.id),
    )
