"""Anchors of the audit chains in a bucket with Object Lock: the key says it all, `tenant/day/number/hash`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib.state.ids import TenantId
from chalicelib.store.aws.clients import Clients, translated
from chalicelib.store.keys import object_key, object_prefix
from chalicelib.store.ports import Anchor


class LockedAnchors:
    """The bucket's default retention locks each anchor when it is written (COMPLIANCE: nobody may shorten it)."""

    def __init__(self, clients: Clients, bucket: str) -> None:
        self._clients = clients
        self._bucket = bucket

    @property
    def _s3(self) -> Any:
        return self._clients.get("s3")

    def put(self, tenant: TenantId, anchor: Anchor) -> None:
        key = object_key(tenant, f"{anchor.day}/{anchor.seq:012d}/{anchor.hash}")
        with translated("S3"):
            # Object Lock asks for a checksum of what is written.
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=b"", ChecksumAlgorithm="SHA256")

    def list(self, tenant: TenantId) -> Sequence[Anchor]:
        found: list[Anchor] = []
        with translated("S3"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=object_prefix(tenant, "")
            )
            for page in pages:
                for one in page.get("Contents", ()):
                    _, day, number, digest = one["Key"].split("/")
                    found.append(Anchor(day, int(number), digest))
        return sorted(found)
