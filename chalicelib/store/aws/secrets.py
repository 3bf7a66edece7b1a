"""Secrets in Secrets Manager, under `prefix/tenant/scope/name`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.state.ids import TenantId
from chalicelib.store.aws.clients import Clients, error_code, translated
from chalicelib.store.keys import secret_name
from chalicelib.store.memory import unknown_secret

_ABSENT = "ResourceNotFoundException"
_EXISTS = "ResourceExistsException"


class ManagedSecrets:
    def __init__(self, clients: Clients, prefix: str) -> None:
        self._clients = clients
        self._prefix = prefix

    def put(self, tenant: TenantId, scope: str, name: str, value: str) -> None:
        full = secret_name(self._prefix, tenant, scope, name)
        with translated("Secrets Manager"):
            try:
                self._client.create_secret(
                    Name=full, SecretString=value, Tags=[{"Key": "kubilitics:tenant", "Value": tenant}]
                )
            except ClientError as error:
                if error_code(error) != _EXISTS:
                    raise
                self._client.put_secret_value(SecretId=full, SecretString=value)

    def get(self, tenant: TenantId, scope: str, name: str) -> str:
        full = secret_name(self._prefix, tenant, scope, name)
        with translated("Secrets Manager"):
            try:
                return str(self._client.get_secret_value(SecretId=full)["SecretString"])
            except ClientError as error:
                if error_code(error) == _ABSENT:
                    raise unknown_secret() from error
                raise

    def delete(self, tenant: TenantId, scope: str, name: str) -> None:
        full = secret_name(self._prefix, tenant, scope, name)
        with translated("Secrets Manager"):
            try:
                # At once: a removed cluster's credentials are not kept for a recovery window.
                self._client.delete_secret(SecretId=full, ForceDeleteWithoutRecovery=True)
            except ClientError as error:
                if error_code(error) != _ABSENT:
                    raise

    def names(self, tenant: TenantId, scope: str) -> list[str]:
        start = secret_name(self._prefix, tenant, scope, "x")[:-1]
        return sorted(full[len(start) :] for full in self._listed(start))

    def all(self) -> Iterator[tuple[TenantId, str, str]]:
        for full in self._listed(f"{self._prefix}/"):
            _, tenant, scope, name = full.split("/", 3)
            yield TenantId(tenant), scope, name

    @property
    def _client(self) -> Any:
        return self._clients.get("secretsmanager")

    def _listed(self, start: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_secrets").paginate(Filters=[{"Key": "name", "Values": [start]}])
        with translated("Secrets Manager"):
            for page in pages:
                for found in page["SecretList"]:
                    # The filter ignores case and splits words: check again.
                    if found["Name"].startswith(start):
                        yield found["Name"]
