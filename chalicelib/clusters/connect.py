"""From what a person gives to a cluster that can be read: checked, split into facts and secrets, opened."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple, Protocol
from urllib.parse import urlsplit

from chalicelib.clusters.connection import (
    BearerToken,
    Connection,
    Credential,
    EksConnection,
    LocalConnection,
    StaticConnection,
    decode_connection,
    encode_connection,
)
from chalicelib.clusters.kubeconfig import checked_ca, checked_server, checked_token, read_kubeconfig
from chalicelib.clusters.source import ClusterSource
from chalicelib.errors import Conflict, InvalidRequest, TooLarge
from chalicelib.network import Resolver, refusal, system_resolver
from chalicelib.settings import Settings
from chalicelib.state.ids import TenantId

SECRET = "connection"  # noqa: S105  the name of the secret, not its value
OPEN_LIMIT = 8
"""Opened clusters kept per process: connections, and recordings in memory."""
LIVE_LIFE_S = 600
"""After this a live cluster is opened anew, so that a pinned address does not outlive a moved API server."""
_SPOOL_BYTES = 64 * 1024 * 1024


class NewConnection(NamedTuple):
    """A checked connection request: what may be shown, and what goes to the secret store only."""

    server: str
    facts: dict[str, str]
    secrets: dict[str, str]


def new_connection(source: Mapping[str, Any], *, hosted: bool) -> NewConnection:
    """Checks a connection request `{"type": "kubeconfig" | "token" | "eks" | "recorded", ...}` without connecting.

    Raises InvalidRequest with the field and a remedy; names are not resolved here, addresses are judged.
    """
    kind = source.get("type")
    if kind == "recorded":
        return NewConnection("", {}, {})
    if kind == "eks":
        eks = EksConnection(
            role_arn=str(source["role_arn"]), external_id=str(source["external_id"]), region=str(source["region"]),
            cluster=str(source["cluster"]),
        )  # fmt: skip
        facts = {"role_arn": eks.role_arn, "region": eks.region, "cluster": eks.cluster}
        return NewConnection("", facts, {SECRET: encode_connection(eks)})
    if kind == "kubeconfig":
        static = read_kubeconfig(str(source["kubeconfig"]), context=source.get("context"), plain_http=not hosted)
    elif kind == "token":
        static = StaticConnection(
            server=checked_server(str(source["server"]), plain_http=not hosted),
            ca=checked_ca(str(source.get("ca") or "")),
            token=checked_token(str(source["token"])),
        )
    else:
        raise InvalidRequest(
            f"There is no source type {kind!r}.",
            code="source_unknown",
            remedy="Use kubeconfig, token, eks or recorded.",
            details={"field": "source.type", "valid": ["kubeconfig", "token", "eks", "recorded"]},
        )
    _judge_literal_address(static.server, hosted)
    from chalicelib.clusters.transport import tls_context

    tls_context(static)
    facts = {"namespace": static.namespace} if static.namespace else {}
    return NewConnection(static.server, facts, {SECRET: encode_connection(static)})


def local_connection(connection: LocalConnection) -> NewConnection:
    """The stored form of a context of the operator's own kubeconfig."""
    facts = {"context": connection.context}
    return NewConnection("", facts, {SECRET: encode_connection(connection)})


def _judge_literal_address(server: str, hosted: bool) -> None:
    host = (urlsplit(server).hostname or "").strip("[]")
    literal = "127.0.0.1" if host == "localhost" or host.endswith(".localhost") else host
    try:
        why = refusal(literal, hosted=hosted)
    except ValueError:
        return
    if why:
        raise InvalidRequest(
            f"The server {host!r} is refused: it is {why}.",
            code="address_refused",
            remedy="Give the public address of the API server."
            if hosted
            else "Give the address of the API server itself.",
            details={"field": "server", "reason": why},
        )


def connect(
    connection: Connection, *, hosted: bool, name: str = "", resolve: Resolver = system_resolver
) -> ClusterSource:
    """Opens a live cluster; nothing is sent yet except to AWS for an EKS cluster.

    Raises InvalidRequest for what the network rules refuse, ClusterError for what cannot be resolved or assumed.
    """
    from chalicelib.clusters.live import LiveCluster
    from chalicelib.clusters.transport import ApiServer

    static, credential = _access(connection, hosted)
    server = ApiServer(static, credential, hosted=hosted, resolve=resolve)
    return LiveCluster(name or server.host, server, namespace=static.namespace)


def _access(connection: Connection, hosted: bool) -> tuple[StaticConnection, Credential]:
    if isinstance(connection, StaticConnection):
        return connection, BearerToken(connection.token)
    if isinstance(connection, EksConnection):
        from chalicelib.clusters.eks import EksAccess

        access = EksAccess(connection)
        return access.describe(), access
    from chalicelib.clusters.local_kubeconfig import LocalAccess

    local = LocalAccess(connection, hosted=hosted)
    return local.describe(), local


class _Secrets(Protocol):
    def get(self, tenant: TenantId, scope: str, name: str) -> str: ...


class _Objects(Protocol):
    def size(self, tenant: TenantId, key: str) -> int | None: ...

    def download(self, tenant: TenantId, key: str, sink: BinaryIO) -> None: ...


class Stores(Protocol):
    """The part of the store that opening needs: credentials and uploads."""

    @property
    def secrets(self) -> _Secrets: ...

    @property
    def objects(self) -> _Objects: ...


class Record(Protocol):
    """The part of a stored cluster that opening needs."""

    @property
    def id(self) -> str: ...

    @property
    def source(self) -> str: ...

    @property
    def connection(self) -> dict[str, str]: ...


class Connections:
    """Opens stored clusters and keeps a few open. Threads may share it."""

    def __init__(self, store: Stores, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._open: dict[tuple[TenantId, str], tuple[float, ClusterSource]] = {}
        self._opening: dict[tuple[TenantId, str], threading.Lock] = {}
        self._lock = threading.Lock()

    def open(self, tenant: TenantId, record: Record, *, anew: bool = False) -> ClusterSource:
        """The cluster of a record. `anew`: connect, or unpack the upload, again.

        Raises Conflict (`recording_not_uploaded`), InvalidRequest, TooLarge, ClusterError.
        """
        key = (tenant, record.id)
        with self._lock:
            opening = self._opening.setdefault(key, threading.Lock())
        # Many may ask for a cluster at once; one of them opens it.
        with opening:
            kept = self._open.get(key)
            if kept and not anew and time.monotonic() < kept[0]:
                return kept[1]
            source = self._recorded(tenant, record) if record.source == "recorded" else self._live(tenant, record)
            self._keep(key, source, record)
            return source

    def _keep(self, key: tuple[TenantId, str], source: ClusterSource, record: Record) -> None:
        life = LIVE_LIFE_S if record.source != "recorded" else 24 * 3600
        with self._lock:
            self._open.pop(key, None)
            self._open[key] = (time.monotonic() + life, source)
            while len(self._open) > OPEN_LIMIT:
                self._open.pop(next(iter(self._open)))
            if len(self._opening) > 100 * OPEN_LIMIT:
                self._opening = {k: held for k, held in self._opening.items() if k in self._open or held.locked()}

    def forget(self, tenant: TenantId, cluster: str) -> None:
        """Drops what is open of a cluster that was removed."""
        with self._lock:
            self._open.pop((tenant, cluster), None)

    def _live(self, tenant: TenantId, record: Record) -> ClusterSource:
        import msgspec

        connection = decode_connection(self._store.secrets.get(tenant, record.id, SECRET))
        if isinstance(connection, EksConnection):
            connection = msgspec.structs.replace(connection, tenant=str(tenant))
        return connect(connection, hosted=self._settings.hosted, name=record.id)

    def _recorded(self, tenant: TenantId, record: Record) -> ClusterSource:
        from chalicelib.clusters.recorded import read_recording

        upload = record.connection.get("upload", "")
        size = self._store.objects.size(tenant, upload) if upload else None
        if size is None:
            raise Conflict(
                "The recording of this cluster was not uploaded yet.",
                code="recording_not_uploaded",
                remedy="PUT the archive to the address that adding the cluster returned, then check again.",
            )
        if size > self._settings.upload_limit_bytes:
            raise TooLarge(
                f"The upload of {size:,} bytes is larger than the limit.",
                code="upload_too_large",
                remedy="Record fewer namespaces or leave out long logs, and upload again.",
                details={"limit": self._settings.upload_limit_bytes},
            )
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
            self._store.objects.download(tenant, upload, spool)  # type: ignore[arg-type]
            spool.seek(0)
            return read_recording(spool, cluster=record.id)  # type: ignore[arg-type]
