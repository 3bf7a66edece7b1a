"""Connected clusters, and leases on their scans."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from chalicelib.errors import Conflict, unknown
from chalicelib.state.ids import TenantId
from chalicelib.store import codec
from chalicelib.store.ports import ConditionFailed, Item, Table, Write
from chalicelib.store.records import ClusterRecord, Lease

LEASE_KEPT_S = 7 * 86400
"""A lease outlives its end by a week, so that its fencing number keeps growing between scans."""


class Clusters:
    """Cluster records: what is known about a cluster, never how to sign in to it (that is in Secrets)."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, tenant: TenantId, record: ClusterRecord) -> ClusterRecord:
        """Store a new cluster. Raises Conflict when the id is taken."""
        stored = msgspec.structs.replace(record, tenant=tenant, revision=1)
        try:
            self._table.write(tenant, Write(_item(stored), expected=0))
        except ConditionFailed:
            raise Conflict(f"Cluster {record.id!r} exists already.", code="cluster_exists") from None
        return stored

    def find(self, tenant: TenantId, cluster: str) -> ClusterRecord | None:
        item = self._table.get(tenant, "", f"CLUSTER#{cluster}")
        return codec.decode(item.body, ClusterRecord) if item else None

    def get(self, tenant: TenantId, cluster: str) -> ClusterRecord:
        """Raises NotFound `unknown_cluster` naming the ids that exist."""
        found = self.find(tenant, cluster)
        if found is None:
            raise unknown("cluster", cluster, (record.id for record in self.list(tenant)))
        return found

    def list(self, tenant: TenantId) -> Sequence[ClusterRecord]:
        """All clusters of the tenant, oldest first."""
        items = self._table.query(tenant, "", prefix="CLUSTER#")
        records = [codec.decode(item.body, ClusterRecord) for item in items]
        return sorted(records, key=lambda record: (record.created_at, record.id))

    def update(self, tenant: TenantId, record: ClusterRecord, expected_revision: int | None = None) -> ClusterRecord:
        """Store a changed record; without `expected_revision`, over the revision that `record` was read at.

        Raises Conflict when another writer was first or the cluster was removed meanwhile.
        """
        expected = record.revision if expected_revision is None else expected_revision
        stored = msgspec.structs.replace(record, tenant=tenant, revision=expected + 1)
        try:
            if expected < 1:  # never stored: writing it now would bring a removed cluster back
                raise ConditionFailed
            self._table.write(tenant, Write(_item(stored), expected=expected))
        except ConditionFailed:
            raise Conflict(f"Cluster {record.name!r} was changed or removed meanwhile.") from None
        return stored

    def remove(self, tenant: TenantId, cluster: str) -> bool:
        """Remove the record only; `Store.remove_cluster` also removes what belongs to it."""
        return self._table.delete(tenant, "", f"CLUSTER#{cluster}")


class Leases:
    """Leases by name, so that two scans of one cluster never overlap."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def acquire(self, tenant: TenantId, name: str, holder: str, ttl_s: int, now: datetime) -> Lease | None:
        """The lease when it is free, expired, or already the holder's (then prolonged); else None."""
        item = self._table.get(tenant, "", f"LEASE#{name}")
        held = codec.decode(item.body, Lease) if item else None
        if held and held.holder not in ("", holder) and held.expires_at > now:
            return None
        expected = item.revision if item else 0
        lease = Lease(name=name, holder=holder, expires_at=now + timedelta(seconds=ttl_s), revision=expected + 1)
        try:
            self._table.write(tenant, Write(_lease_item(lease), expected=expected))
        except ConditionFailed:
            return None
        return lease

    def is_held(self, tenant: TenantId, name: str, now: datetime) -> bool:
        """Whether somebody has the lease now."""
        item = self._table.get(tenant, "", f"LEASE#{name}")
        held = codec.decode(item.body, Lease) if item else None
        return held is not None and held.holder != "" and held.expires_at > now

    def release(self, tenant: TenantId, lease: Lease) -> bool:
        """Give a lease back; False when it had passed to another holder meanwhile."""
        freed = msgspec.structs.replace(lease, holder="", revision=lease.revision + 1)
        try:
            self._table.write(tenant, Write(_lease_item(freed), expected=lease.revision))
        except ConditionFailed:
            return False
        return True


def _item(record: ClusterRecord) -> Item:
    return Item("", f"CLUSTER#{record.id}", codec.encode(record), revision=record.revision)


def _lease_item(lease: Lease) -> Item:
    gone_at = int(lease.expires_at.timestamp()) + LEASE_KEPT_S
    return Item("", f"LEASE#{lease.name}", codec.encode(lease), revision=lease.revision, expires_at=gone_at)
