"""What the store asks of its surroundings: four small ports, each with an in-memory twin and an AWS adapter.

Repositories (clusters, conversations, findings, ...) are written once, over `Table`. A tenant is the first
argument of every method, so that no key can be built without one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO, Protocol

from chalicelib.state.ids import TenantId

MAX_WRITES_TOGETHER = 25
"""Writes of one transaction. With bodies of at most SPILL_ABOVE_BYTES they stay below DynamoDB's 4 MB."""


@dataclass(frozen=True, slots=True)
class Item:
    """One stored item.

    partition, sort: its key within the tenant. body: the encoded record. revision: counts its writes.
    expires_at: Unix seconds after which it is no longer there. index: its (partition, sort) in the second
    order.
    """

    partition: str
    sort: str
    body: bytes
    revision: int = 1
    expires_at: int | None = None
    index: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """An item and what must hold for it to be written.

    expected: None writes always, 0 only when there is no such item, n > 0 only over revision n.
    """

    item: Item
    expected: int | None = None


class ConditionFailed(Exception):
    """Another writer was first.

    Repositories turn this into a retry, a Conflict or an answer; it never leaves them.
    """


class Table(Protocol):
    """Ordered items of many tenants.

    Reads are consistent, except by index; nothing expired is ever returned.
    """

    def get(self, tenant: TenantId, partition: str, sort: str) -> Item | None: ...

    def get_many(self, tenant: TenantId, keys: Iterable[tuple[str, str]]) -> list[Item]:
        """The items of these (partition, sort) keys that exist, in any order."""
        ...

    def query(
        self,
        tenant: TenantId,
        partition: str,
        *,
        prefix: str = "",
        after: str = "",
        limit: int | None = None,
        newest_first: bool = False,
        by_index: bool = False,
    ) -> list[Item]:
        """Items whose sort key has `prefix`, in its order, beyond `after` (before it with `newest_first`)."""
        ...

    def write(self, tenant: TenantId, write: Write) -> None:
        """Write one item. Raises ConditionFailed."""
        ...

    def write_together(self, tenant: TenantId, writes: Sequence[Write]) -> None:
        """Write all (at most MAX_WRITES_TOGETHER) or, raising ConditionFailed, none."""
        ...

    def write_many(self, tenant: TenantId, items: Iterable[Item]) -> None:
        """Write unconditionally, any number, not atomically."""
        ...

    def delete(self, tenant: TenantId, partition: str, sort: str, *, expected: int | None = None) -> bool:
        """Remove an item, only over revision `expected` if given.

        False: there was none, or another revision.
        """
        ...

    def delete_many(self, tenant: TenantId, keys: Iterable[tuple[str, str]]) -> None: ...

    def delete_partition(self, tenant: TenantId, partition: str) -> None:
        """Remove a partition (not the tenant's own, "") with all that it holds."""
        ...

    def scan(self) -> Iterator[tuple[TenantId, Item]]:
        """Everything of every tenant, for backup. Expired items are left out."""
        ...


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    key: str
    size: int
    modified: datetime
    etag: str


@dataclass(frozen=True, slots=True)
class Upload:
    """Where and how a client sends an object: exactly this method, URL and these headers, at most `max_bytes`."""

    method: str
    url: str
    headers: dict[str, str]
    max_bytes: int


class Objects(Protocol):
    """Large values by key; a key is a relative path of plain segments."""

    def put(self, tenant: TenantId, key: str, data: bytes | BinaryIO, *, temporary: bool = False) -> None:
        """Store an object. A `temporary` one is removed by the bucket's lifecycle rule some months later."""
        ...

    def get(self, tenant: TenantId, key: str) -> bytes:
        """The whole object. Raises NotFound."""
        ...

    def download(self, tenant: TenantId, key: str, sink: BinaryIO) -> None:
        """Copy an object into `sink` without holding it in memory. Raises NotFound."""
        ...

    def size(self, tenant: TenantId, key: str) -> int | None:
        """Bytes of the object, None when there is none."""
        ...

    def delete(self, tenant: TenantId, key: str) -> None: ...

    def delete_prefix(self, tenant: TenantId, prefix: str) -> int:
        """Remove everything below `prefix` (not empty); how many objects that were."""
        ...

    def list(self, tenant: TenantId, prefix: str = "") -> Sequence[ObjectInfo]: ...

    def presign_put(self, tenant: TenantId, key: str, *, expires_s: int, content_type: str, max_bytes: int) -> Upload:
        """A permission to upload one object.

        S3 does not enforce `max_bytes` on PUT: check `size` before reading.
        """
        ...

    def presign_get(self, tenant: TenantId, key: str, *, expires_s: int) -> str: ...

    def all(self) -> Iterator[tuple[TenantId, ObjectInfo]]:
        """Every object of every tenant, for backup."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class Anchor:
    """The head of a tenant's audit chain on a day (`YYYY-MM-DD`): its last event's number and hash."""

    day: str
    seq: int
    hash: str


class Anchors(Protocol):
    """Where anchors are kept so that nobody, no administrator either, can change or remove one for years."""

    def put(self, tenant: TenantId, anchor: Anchor) -> None:
        """Keep an anchor. Keeping the same one again changes nothing."""
        ...

    def list(self, tenant: TenantId) -> Sequence[Anchor]:
        """All anchors of the tenant, by day and number."""
        ...


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """A message in hand. `attempts` counts its deliveries from 1; `receipt` acknowledges this one."""

    tenant: TenantId
    body: dict[str, Any]
    receipt: str = field(repr=False)
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Depths:
    """Messages of a queue, about: waiting, being handled, and set aside after too many failures."""

    waiting: int
    in_hand: int
    dead: int


class Queue(Protocol):
    """A FIFO queue: in order within (tenant, group), never two of a group in hand, at least once."""

    def send(self, tenant: TenantId, message: dict[str, Any], *, group: str, dedup_id: str) -> None:
        """Enqueue; a second `dedup_id` of the tenant within five minutes is dropped.

        Raises TooLarge, Unavailable.
        """
        ...

    def receive(self, limit: int = 10, wait_s: float = 0) -> list[QueueMessage]:
        """Up to `limit` messages of any tenants, waiting at most `wait_s` for the first one."""
        ...

    def ack(self, message: QueueMessage) -> None: ...

    def extend(self, message: QueueMessage, visible_after_s: int) -> None:
        """Keep the message for so much longer; 0 gives it back at once."""
        ...

    def depths(self) -> Depths:
        """How many messages of all tenants there are, and in which state."""
        ...


class Secrets(Protocol):
    """Credentials. `scope` is a cluster id, or a word for what belongs to the tenant itself."""

    def put(self, tenant: TenantId, scope: str, name: str, value: str) -> None: ...

    def get(self, tenant: TenantId, scope: str, name: str) -> str:
        """The value. Raises NotFound."""
        ...

    def delete(self, tenant: TenantId, scope: str, name: str) -> None:
        """Remove it for good; no error when there is none."""
        ...

    def names(self, tenant: TenantId, scope: str) -> list[str]: ...

    def all(self) -> Iterator[tuple[TenantId, str, str]]:
        """(tenant, scope, name) of every secret, for backup."""
        ...
