"""What it takes to reach an API server, as stored with the cluster's secrets and never anywhere else."""

from __future__ import annotations

from typing import Protocol

import msgspec

from chalicelib.errors import InvalidRequest
from chalicelib.state.structs import ready


class _Connection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    pass


class StaticConnection(_Connection, frozen=True, kw_only=True, omit_defaults=True, tag="static"):
    """A server with a credential that does not change: bearer token, client certificate, or both."""

    server: str
    """`https://host:port`, with the path prefix of a proxy like Rancher's where there is one."""
    ca: str = ""
    """PEM; empty: the public authorities of the system."""
    token: str = ""
    client_certificate: str = ""
    client_key: str = ""
    server_name: str = ""
    """Name in the server's certificate where it is not the host of the URL."""
    namespace: str = ""
    """Namespace of the context: read instead where the whole cluster may not be."""


class EksConnection(_Connection, frozen=True, kw_only=True, omit_defaults=True, tag="eks"):
    """An EKS cluster, reached by assuming a role of its account."""

    role_arn: str
    external_id: str
    region: str
    cluster: str
    tenant: str = ""


class LocalConnection(_Connection, frozen=True, kw_only=True, omit_defaults=True, tag="local"):
    """A context of the operator's own kubeconfig on this machine, whose plugins may run."""

    path: str
    context: str


Connection = StaticConnection | EksConnection | LocalConnection
ready(Connection)


def encode_connection(connection: Connection) -> str:
    """JSON for the secret store."""
    return msgspec.json.encode(connection).decode()


def decode_connection(text: str) -> Connection:
    """The connection of `encode_connection`. Raises InvalidRequest for anything else."""
    try:
        decoded: Connection = msgspec.json.decode(text, type=Connection)
        return decoded
    except msgspec.MsgspecError as error:
        raise InvalidRequest(
            "The stored connection of this cluster cannot be read.",
            code="connection_unreadable",
            remedy="Remove the cluster and add it again.",
        ) from error


class Credential(Protocol):
    """Gives the request headers that prove who we are."""

    def headers(self) -> dict[str, str]: ...

    def renew(self) -> bool:
        """Get a fresh credential after a 401. False where there is nothing to renew."""
        ...


class BearerToken:
    """A token that does not change; empty where a client certificate is the credential."""

    def __init__(self, token: str = "") -> None:
        self._token = token

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def renew(self) -> bool:
        return False
