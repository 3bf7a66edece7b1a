"""Objects in S3: one bucket, keys `tenant/key`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from botocore.exceptions import ClientError

from chalicelib.state.ids import TenantId
from chalicelib.store.aws.clients import Clients, error_code, translated
from chalicelib.store.keys import object_key, object_prefix
from chalicelib.store.memory import unknown_object
from chalicelib.store.ports import ObjectInfo, Upload

TEMPORARY_TAG = ("lifetime", "temporary")
"""The bucket's lifecycle rule removes objects with this tag after TEMPORARY_DAYS."""

_ABSENT = {"NoSuchKey", "404", "NotFound"}
_DELETE_BATCH = 1000


class S3Objects:
    def __init__(self, clients: Clients, bucket: str) -> None:
        self._clients = clients
        self._bucket = bucket

    @property
    def _s3(self) -> Any:
        return self._clients.get("s3")

    def put(self, tenant: TenantId, key: str, data: bytes | BinaryIO, *, temporary: bool = False) -> None:
        full = object_key(tenant, key)
        tags = {"Tagging": "=".join(TEMPORARY_TAG)} if temporary else {}
        with translated("S3"):
            if isinstance(data, bytes | bytearray | memoryview):
                self._s3.put_object(Bucket=self._bucket, Key=full, Body=data, **tags)
            else:
                # In parts and from disk: an upload may be larger than the memory of a function.
                self._s3.upload_fileobj(data, self._bucket, full, ExtraArgs=tags)

    def get(self, tenant: TenantId, key: str) -> bytes:
        body = self._open(tenant, key)
        with translated("S3"), body:
            content: bytes = body.read()
        return content

    def download(self, tenant: TenantId, key: str, sink: BinaryIO) -> None:
        body = self._open(tenant, key)
        with translated("S3"), body:
            for chunk in body.iter_chunks(1024 * 1024):
                sink.write(chunk)

    def size(self, tenant: TenantId, key: str) -> int | None:
        full = object_key(tenant, key)
        with translated("S3"):
            try:
                return int(self._s3.head_object(Bucket=self._bucket, Key=full)["ContentLength"])
            except ClientError as error:
                if error_code(error) in _ABSENT:
                    return None
                raise

    def delete(self, tenant: TenantId, key: str) -> None:
        with translated("S3"):
            self._s3.delete_object(Bucket=self._bucket, Key=object_key(tenant, key))

    def delete_prefix(self, tenant: TenantId, prefix: str) -> int:
        if not prefix:
            raise ValueError("refusing to delete everything of a tenant")
        keys = [f"{tenant}/{info.key}" for info in self.list(tenant, prefix)]
        for start in range(0, len(keys), _DELETE_BATCH):
            doomed = [{"Key": key} for key in keys[start : start + _DELETE_BATCH]]
            with translated("S3"):
                self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": doomed, "Quiet": True})
        return len(keys)

    def list(self, tenant: TenantId, prefix: str = "") -> Sequence[ObjectInfo]:
        return [info for _, info in self._listed(object_prefix(tenant, prefix))]

    def presign_put(self, tenant: TenantId, key: str, *, expires_s: int, content_type: str, max_bytes: int) -> Upload:
        parameters = {"Bucket": self._bucket, "Key": object_key(tenant, key), "ContentType": content_type}
        with translated("S3"):
            url = self._s3.generate_presigned_url("put_object", Params=parameters, ExpiresIn=expires_s)
        return Upload("PUT", url, {"Content-Type": content_type}, max_bytes)

    def presign_get(self, tenant: TenantId, key: str, *, expires_s: int) -> str:
        parameters = {"Bucket": self._bucket, "Key": object_key(tenant, key)}
        with translated("S3"):
            url: str = self._s3.generate_presigned_url("get_object", Params=parameters, ExpiresIn=expires_s)
        return url

    def all(self) -> Iterator[tuple[TenantId, ObjectInfo]]:
        return self._listed("")

    def _open(self, tenant: TenantId, key: str) -> Any:
        full = object_key(tenant, key)
        with translated("S3"):
            try:
                return self._s3.get_object(Bucket=self._bucket, Key=full)["Body"]
            except ClientError as error:
                if error_code(error) in _ABSENT:
                    raise unknown_object(key) from error
                raise

    def _listed(self, prefix: str) -> Iterator[tuple[TenantId, ObjectInfo]]:
        with translated("S3"):
            for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
                for found in page.get("Contents", ()):
                    tenant, _, key = found["Key"].partition("/")
                    etag = found["ETag"].strip('"')
                    yield TenantId(tenant), ObjectInfo(key, found["Size"], found["LastModified"], etag)
