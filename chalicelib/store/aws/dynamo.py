"""Tables in DynamoDB, through pynamodb.

One model class for each table, made by a factory because pynamodb keeps table name and region on the class.
All share one connection, hence one botocore client. Models never leave this module: the port speaks in Items.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from chalicelib.state.ids import TenantId
from chalicelib.store.aws.clients import POOL_CONNECTIONS, unavailable
from chalicelib.store.facade import TABLE_GROUPS
from chalicelib.store.keys import LAST, fits, partition_key, split_partition_key
from chalicelib.store.ports import ConditionFailed, Item, Table, Write

INDEX = "by_index"

_LOST_RACE = {
    "ConditionalCheckFailedException",
    "ConditionalCheckFailed",
    "TransactionConflict",
    "TransactionConflictException",
}


class ItemModel(Model):
    """The attributes of an item. `pk` and `ipk` start with the tenant; `exp` is DynamoDB's time to live."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    body = BinaryAttribute(legacy_encoding=False)
    rev = NumberAttribute()
    exp = NumberAttribute(null=True)
    ipk = UnicodeAttribute(null=True)
    isk = UnicodeAttribute(null=True)


def item_model(name: str, region: str | None) -> type[ItemModel]:
    """The model class of one table."""

    class Meta:
        table_name = name
        max_pool_connections = POOL_CONNECTIONS
        connect_timeout_seconds = 3
        read_timeout_seconds = 20

    class ByIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
        class Meta:
            index_name = INDEX
            projection = AllProjection()

        ipk = UnicodeAttribute(hash_key=True)
        isk = UnicodeAttribute(range_key=True)

    if region:
        Meta.region = region  # type: ignore[attr-defined]
    return type(f"{name} item", (ItemModel,), {"Meta": Meta, INDEX: ByIndex()})


def dynamo_tables(prefix: str, region: str | None) -> dict[str, Table]:
    """The tables by group: `prefix-core`, `prefix-audit`, `prefix-cache`, `prefix-connections`."""
    shared = SharedConnection(region)
    return {group: DynamoTable(item_model(f"{prefix}-{group}", region), shared) for group in TABLE_GROUPS}


class SharedConnection:
    """One pynamodb connection for all models; its client is made under a lock, for botocore cannot do so at
    once twice.
    """

    def __init__(self, region: str | None) -> None:
        self._connection = Connection(
            region=region,
            max_pool_connections=POOL_CONNECTIONS,
            connect_timeout_seconds=3,
            read_timeout_seconds=20,
        )
        self._lock = threading.Lock()
        self._ready = False

    def adopt(self, model: type[ItemModel]) -> None:
        """Make a model use this connection instead of one of its own."""
        own = model._get_connection()
        self._connection.add_meta_table(own.get_meta_table())
        own.connection = self._connection

    def get(self) -> Connection:
        if not self._ready:
            with self._lock:
                _ = self._connection.client
                self._ready = True
        return self._connection


class DynamoTable:
    def __init__(self, model: type[ItemModel], shared: SharedConnection) -> None:
        self._model = model
        self._shared = shared
        shared.adopt(model)

    def get(self, tenant: TenantId, partition: str, sort: str) -> Item | None:
        key = partition_key(tenant, partition)
        if not fits(partition, sort):
            return None
        with self._asked():
            try:
                found = self._model.get(key, sort, consistent_read=True)
            except self._model.DoesNotExist:
                return None
        return _alive(found)

    def get_many(self, tenant: TenantId, keys: Iterable[tuple[str, str]]) -> list[Item]:
        wanted = [(partition_key(tenant, p), s) for p, s in dict.fromkeys(keys) if fits(p, s)]
        if not wanted:
            return []
        with self._asked():
            found = [_alive(model) for model in self._model.batch_get(wanted, consistent_read=True)]
        return [item for item in found if item]

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
        key = partition_key(tenant, partition)
        if limit == 0 or not fits(partition, f"{prefix}{LAST}") or not fits(partition, after or LAST):
            return []
        sort = self._model.isk if by_index else self._model.sk
        found: list[Item] = []
        with self._asked():
            rows = self._model.query(
                key,
                _range(sort, prefix, after, newest_first),
                consistent_read=not by_index,
                index_name=INDEX if by_index else None,
                scan_index_forward=not newest_first,
                # One more than wanted, for the item at `after` itself may be among them.
                page_size=limit + 1 if limit else None,
            )
            for row in rows:
                item = _alive(row)
                if item is None or (row.isk if by_index else row.sk) == after:
                    continue
                found.append(item)
                if len(found) == limit:
                    break
        return found

    def write(self, tenant: TenantId, write: Write) -> None:
        with self._asked():
            self._row(tenant, write.item).save(condition=self._condition(write))

    def write_together(self, tenant: TenantId, writes: Sequence[Write]) -> None:
        with self._asked(), TransactWrite(connection=self._shared.get()) as transaction:
            for write in writes:
                transaction.save(self._row(tenant, write.item), condition=self._condition(write))

    def write_many(self, tenant: TenantId, items: Iterable[Item]) -> None:
        # A batch must not name a key twice: the last one counts, as if written one after another.
        unique = {(item.partition, item.sort): item for item in items}
        with self._asked(), self._model.batch_write() as batch:
            for item in unique.values():
                batch.save(self._row(tenant, item))

    def delete(self, tenant: TenantId, partition: str, sort: str, *, expected: int | None = None) -> bool:
        key = partition_key(tenant, partition)
        if not fits(partition, sort):
            return False
        condition = self._model.pk.exists() if expected is None else self._model.rev == expected
        try:
            with self._asked():
                self._model(key, sort).delete(condition=condition)
        except ConditionFailed:
            return False
        return True

    def delete_many(self, tenant: TenantId, keys: Iterable[tuple[str, str]]) -> None:
        doomed = [(partition_key(tenant, p), s) for p, s in dict.fromkeys(keys) if fits(p, s)]
        with self._asked(), self._model.batch_write() as batch:
            for partition, sort in doomed:
                batch.delete(self._model(partition, sort))

    def delete_partition(self, tenant: TenantId, partition: str) -> None:
        key = partition_key(tenant, partition)
        if not partition:
            raise ValueError("refusing to delete the tenant's own partition")
        if not fits(partition, LAST):
            return
        with self._asked(), self._model.batch_write() as batch:
            for row in self._model.query(key, consistent_read=True, attributes_to_get=["pk", "sk"]):
                batch.delete(row)

    def scan(self) -> Iterator[tuple[TenantId, Item]]:
        with self._asked():
            for row in self._model.scan(consistent_read=True):
                item = _alive(row)
                if item:
                    yield split_partition_key(row.pk)[0], item

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Errors of pynamodb as ConditionFailed or Unavailable."""
        self._shared.get()
        try:
            yield
        except PynamoDBException as error:
            if _lost_race(error):
                raise ConditionFailed from error
            raise unavailable("DynamoDB", error.cause if isinstance(error.cause, Exception) else error) from error

    def _row(self, tenant: TenantId, item: Item) -> ItemModel:
        if not fits(item.partition, item.sort):
            raise ValueError("the key of an item is too long or no valid text")
        row = self._model(
            partition_key(tenant, item.partition),
            item.sort,
            body=item.body,
            rev=item.revision,
            exp=item.expires_at,
        )
        if item.index:
            row.ipk, row.isk = partition_key(tenant, item.index[0]), item.index[1]
        return row

    def _condition(self, write: Write) -> Condition | None:
        if write.expected is None:
            return None
        if write.expected == 0:
            return self._model.pk.does_not_exist()
        return self._model.rev == write.expected


def _range(sort: UnicodeAttribute, prefix: str, after: str, newest_first: bool) -> Condition | None:
    """Keys with the prefix, from or up to `after` (inclusive: there can be one condition only)."""
    if not prefix and not after:
        return None
    if newest_first:
        return sort.between(prefix, after or f"{prefix}{LAST}") if prefix else sort <= after
    return sort.between(max(prefix, after), f"{prefix}{LAST}")


def _alive(row: ItemModel) -> Item | None:
    """The item of a row, None when it has expired: DynamoDB removes expired items only after hours."""
    if row.exp is not None and row.exp <= time.time():
        return None
    index = (split_partition_key(row.ipk)[1], row.isk) if row.ipk and row.isk else None
    return Item(
        partition=split_partition_key(row.pk)[1],
        sort=row.sk,
        body=row.body,
        revision=int(row.rev),
        expires_at=None if row.exp is None else int(row.exp),
        index=index,
    )


def _lost_race(error: PynamoDBException) -> bool:
    if error.cause_response_code in _LOST_RACE:
        return True
    reasons = error.cancellation_reasons if isinstance(error, TransactWriteError) else []
    return any(reason is not None and reason.code in _LOST_RACE for reason in reasons)
