"""From a request or a record to a cluster: credentials are checked, kept apart, and used here only."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chalicelib.errors import InvalidRequest, TooLarge
from chalicelib.settings import Settings
from chalicelib.state.ids import TenantId
from chalicelib.store.facade import Store
from chalicelib.store.records import ClusterRecord

if TYPE_CHECKING:
    from chalicelib.clusters.connection import Connection
    from chalicelib.clusters.source import ClusterSource

SECRET = "connection"  # noqa: S105  (the name of the secret, not a secret)
OPEN_SOURCES = 16


@dataclass(frozen=True, slots=True)
class NewConnection:
    """A checked request: what anybody may see, and what goes to the secret store."""

    server: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    secret: str | None = field(default=None, repr=False)


def new_connection(tenant: TenantId, source: Mapping[str, Any], *, hosted: bool) -> NewConnection:
    """Check a connection request by the hostile-input rules. Raises InvalidRequest with a remedy that fits."""
    if source["type"] == "recorded":
        return NewConnection()
    from chalicelib.clusters.connection import EksConnection, encode_connection

    connection = _connection(tenant, source, hosted=hosted)
    secret = encode_connection(connection)
    if isinstance(connection, EksConnection):
        facts = {"role_arn": connection.role_arn, "region": connection.region, "eks_cluster": connection.cluster}
        return NewConnection(f"eks:{connection.region}/{connection.cluster}", facts, secret)
    return NewConnection(getattr(connection, "server", ""), {}, secret)


def _connection(tenant: TenantId, source: Mapping[str, Any], *, hosted: bool) -> Connection:
    from chalicelib.clusters import kubeconfig
    from chalicelib.clusters.connection import EksConnection, StaticConnection

    if source["type"] == "kubeconfig":
        return kubeconfig.read_kubeconfig(source["kubeconfig"], context=source.get("context"), plain_http=not hosted)
    if source["type"] == "token":
        return StaticConnection(
            server=kubeconfig.checked_server(source["server"], plain_http=not hosted),
            ca=kubeconfig.checked_ca(source["ca"]) if source["ca"] else "",
            token=kubeconfig.checked_token(source["token"]),
        )
    return EksConnection(
        role_arn=source["role_arn"],
        external_id=source["external_id"],
        region=source["region"],
        cluster=source["cluster"],
        tenant=tenant,
    )


class Connections:
    """Opens clusters and keeps the last few open, since a connection pool and an unpacked recording cost time."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._open: OrderedDict[tuple[TenantId, str], ClusterSource] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, tenant: TenantId, record: ClusterRecord, *, anew: bool = False) -> ClusterSource:
        """The cluster of a record. `anew`: read the recording or the credentials again.

        Raises InvalidRequest `nothing_uploaded`, TooLarge, and what the connection raises.
        """
        key = (tenant, record.id)
        with self._lock:
            found = None if anew else self._open.get(key)
        if found is None:
            found = self._recorded(tenant, record) if record.source == "recorded" else self._live(tenant, record)
            with self._lock:
                self._open[key] = found
                while len(self._open) > OPEN_SOURCES:
                    self._open.popitem(last=False)
        return found

    def _live(self, tenant: TenantId, record: ClusterRecord) -> ClusterSource:
        from chalicelib.clusters.connect import connect
        from chalicelib.clusters.connection import decode_connection

        secret = self._store.secrets.get(tenant, record.id, SECRET)
        return connect(decode_connection(secret), hosted=self._settings.hosted)

    def _recorded(self, tenant: TenantId, record: ClusterRecord) -> ClusterSource:
        from chalicelib.clusters.recorded import read_recording

        key = record.connection.get("upload", "")
        size = self._store.objects.size(tenant, key) if key else None
        if size is None:
            raise InvalidRequest(
                f"Nothing was uploaded for {record.name!r} yet.",
                code="nothing_uploaded",
                remedy="Send the archive to the upload URL that adding the cluster returned, then check again.",
            )
        if size > self._settings.upload_limit_bytes:
            raise TooLarge(
                f"The upload has {size} bytes.", details={"limit": self._settings.upload_limit_bytes, "size": size}
            )
        return read_recording(self._store.objects.get(tenant, key), cluster=record.id)
