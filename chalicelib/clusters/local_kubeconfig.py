"""The operator's own kubeconfig on this machine. Its plugins may run and its files may be read: the operator wrote it.

Never reachable through the API, and refused in hosted mode.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from chalicelib.clusters.connection import LocalConnection, StaticConnection
from chalicelib.clusters.kubeconfig import checked_server
from chalicelib.errors import ClusterError, Forbidden, InvalidRequest


def local_contexts(path: Path) -> list[LocalConnection]:
    """A connection for each context of a kubeconfig file. Raises InvalidRequest."""
    from kubernetes import config

    try:
        kubeconfig: Any = config.kube_config
        contexts, _ = kubeconfig.list_kube_config_contexts(str(path))
    except (config.ConfigException, OSError, ValueError, TypeError) as error:
        raise InvalidRequest(
            f"{path} cannot be read as a kubeconfig: {str(error)[:200]}",
            code="kubeconfig_invalid",
            remedy="Name a file that `kubectl --kubeconfig FILE config get-contexts` can read.",
        ) from error
    return [LocalConnection(path=str(path.resolve()), context=str(c["name"])) for c in contexts]


class LocalAccess:
    """Credential and server of one local context, read by the kubernetes client, plugins included."""

    def __init__(self, connection: LocalConnection, *, hosted: bool) -> None:
        if hosted:
            raise Forbidden(
                "Kubeconfig files of the server are not used in hosted mode.", code="local_kubeconfig_refused"
            )
        self._connection = connection
        self._lock = threading.Lock()
        self._configuration = self._load()

    def _load(self) -> Any:
        from kubernetes import client, config

        configuration: Any = client.Configuration()
        try:
            kubeconfig: Any = config.kube_config
            kubeconfig.load_kube_config(
                self._connection.path, context=self._connection.context, client_configuration=configuration,
                persist_config=False,
            )  # fmt: skip
        except (config.ConfigException, OSError, ValueError, TypeError, KeyError) as error:
            raise ClusterError(
                f"The context {self._connection.context!r} cannot be used: {str(error)[:200]}",
                code="local_kubeconfig",
                remedy=f"Try `kubectl --context {self._connection.context} version` in a terminal.",
            ) from error
        return configuration

    def describe(self) -> StaticConnection:
        """Server and certificates, with the files that the kubeconfig names read in."""
        found = self._configuration
        if not found.verify_ssl:
            raise InvalidRequest(
                "This context turns TLS verification off.",
                code="kubeconfig_insecure",
                remedy="Put the cluster's CA into the kubeconfig and remove insecure-skip-tls-verify.",
            )
        return StaticConnection(
            server=checked_server(found.host, plain_http=True),
            ca=_content(found.ssl_ca_cert),
            client_certificate=_content(found.cert_file),
            client_key=_content(found.key_file),
            server_name=found.tls_server_name or "",
        )

    def headers(self) -> dict[str, str]:
        with self._lock:
            token = _token(self._configuration)
        return {"Authorization": token} if token else {}

    def renew(self) -> bool:
        """Runs the plugin again."""
        with self._lock:
            before = _token(self._configuration)
            self._configuration = self._load()
            return bool(before)


def _token(configuration: Any) -> str:
    """`Bearer ...`; the client has kept it under both names."""
    keys = configuration.api_key
    return str(keys.get("BearerToken") or keys.get("authorization") or "")


def _content(path: str | None) -> str:
    return Path(path).read_text() if path else ""
