"""Kubeconfigs. One that came through the API is hostile input: only inline credentials are taken from it.

Refused, each with a remedy that fits: plugins (`exec`, `auth-provider`), file paths, proxies, TLS without verification,
impersonation, passwords. Nothing is run, opened or resolved while reading.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from chalicelib.clusters.connection import StaticConnection
from chalicelib.clusters.documents import yaml_documents
from chalicelib.errors import InvalidRequest, TooLarge, unknown

MAX_BYTES = 1024 * 1024
MAX_PEM_CHARS = 256 * 1024

_FLATTEN = "Inline the files first: kubectl config view --raw --minify --flatten > kubeconfig.yaml"
_SERVICE_ACCOUNT = (
    "Use a service account instead: kubectl create token NAME --duration=720h, and connect with server, CA and token."
)
_BY_ROLE = "Connect it as an EKS cluster by role (role ARN, external id, region, name): that needs no kubeconfig."
_PLUGIN_REMEDIES = (
    (("aws", "aws-iam-authenticator", "eksctl"), _BY_ROLE),
    (("gke-gcloud-auth-plugin", "gcloud", "gcp"), "GKE plugins run on your machine only. " + _SERVICE_ACCOUNT),
    (("kubelogin", "kubectl-oidc_login", "azure", "oidc"), "kubelogin runs on your machine only. " + _SERVICE_ACCOUNT),
)
_FILES = {
    "certificate-authority": "certificate-authority-data",
    "client-certificate": "client-certificate-data",
    "client-key": "client-key-data",
    "tokenFile": "token",
}
_TOKEN = re.compile(r"[\x21-\x7e]{1,65536}$")
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$")
_PATH = re.compile(r"(/[A-Za-z0-9._~:@%-]+)*/?$")


def contexts_of(text: str) -> list[str]:
    """Names of all contexts. Raises InvalidRequest for a text that is no kubeconfig."""
    return sorted(_named(_parse(text), "contexts", "context"))


def read_kubeconfig(text: str, *, context: str | None = None, plain_http: bool = False) -> StaticConnection:
    """The connection of one context: the named one, else the current one, else the only one.

    Raises InvalidRequest (`kubeconfig_*`), TooLarge, or NotFound naming the contexts. Entries that the context does not
    use are not looked at. `plain_http` admits `http://` to this machine (a local proxy).
    """
    config = _parse(text)
    contexts = _named(config, "contexts", "context")
    chosen = contexts[_chosen(config, contexts, context)]
    cluster = _entry(config, "clusters", "cluster", chosen)
    user = _entry(config, "users", "user", chosen)
    _refuse_cluster(cluster)
    _refuse_user(user)
    certificate, key = _pem(user, "client-certificate-data", "CERTIFICATE"), _pem(user, "client-key-data", "KEY")
    token = _text(user, "token")
    if bool(certificate) != bool(key):
        raise _refused("incomplete", "A client certificate needs its key, and a key its certificate.", _FLATTEN)
    if not token and not certificate:
        raise _refused("no_credentials", "This context holds no credential.", _SERVICE_ACCOUNT)
    server_name = _text(cluster, "tls-server-name")
    if server_name and not _HOST_NAME.match(server_name):
        raise _refused("invalid", "`tls-server-name` is not a host name.", "Correct it or leave it out.")
    return StaticConnection(
        server=checked_server(_text(cluster, "server"), plain_http=plain_http),
        ca=_pem(cluster, "certificate-authority-data", "CERTIFICATE"),
        token=checked_token(token) if token else "",
        client_certificate=certificate,
        client_key=key,
        server_name=server_name,
        namespace=_text(chosen, "namespace"),
    )


def checked_token(token: str) -> str:
    """A bearer token without surrounding space. Raises InvalidRequest when it could not be sent as a header."""
    stripped = token.strip()
    if not _TOKEN.match(stripped):
        raise InvalidRequest(
            "The token holds characters that no token has.",
            code="token_invalid",
            remedy="Paste the token alone, without quotes or line breaks.",
        )
    return stripped


def checked_ca(text: str) -> str:
    """A CA certificate as PEM, given as PEM or as base64 of it. Empty stays empty. Raises InvalidRequest."""
    stripped = text.strip()
    if not stripped or stripped.startswith("-----BEGIN "):
        return _checked_pem(stripped, "CERTIFICATE", "ca") if stripped else ""
    return _pem({"ca": stripped}, "ca", "CERTIFICATE")


def checked_server(url: str, *, plain_http: bool = False) -> str:
    """An API server URL without user, query or fragment. Raises InvalidRequest (`server_invalid`)."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
        host = parts.hostname or ""
    except ValueError as error:
        raise _bad_server(url, "it is not a URL") from error
    local = host in ("127.0.0.1", "localhost", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and plain_http and local):
        raise _bad_server(url, "it does not start with https://")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise _bad_server(url, "it holds a user, a query or a fragment")
    if not (_HOST_NAME.match(host) or (":" in host and re.fullmatch(r"[0-9A-Fa-f:.]+", host))):
        raise _bad_server(url, "its host is not a name or address")
    if port == 0 or not _PATH.match(parts.path) or ".." in parts.path:
        raise _bad_server(url, "its port or path is not valid")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def _bad_server(url: str, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"The server {url[:100]!r} is refused: {why}.",
        code="server_invalid",
        remedy="Give the API server as `kubectl cluster-info` prints it: https://HOST:PORT.",
        details={"field": "server"},
    )


def _refused(code: str, message: str, remedy: str, **details: Any) -> InvalidRequest:
    return InvalidRequest(message, code=f"kubeconfig_{code}", remedy=remedy, details=details)


def _parse(text: str) -> Mapping[str, Any]:
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > MAX_BYTES:
        raise TooLarge(
            "The kubeconfig is larger than 1 MiB.",
            code="kubeconfig_too_large",
            remedy="Reduce it to one context: kubectl config view --raw --minify --flatten.",
            details={"limit": MAX_BYTES},
        )
    try:
        documents = [d for d in yaml_documents(data) if d is not None]
    except ValueError as error:
        raise _refused("invalid", f"This is no kubeconfig: {error}.", _FLATTEN) from error
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise _refused("invalid", "This is no kubeconfig: one YAML or JSON object is expected.", _FLATTEN)
    config: dict[str, Any] = documents[0]
    if config.get("kind") not in (None, "Config") or not isinstance(config.get("clusters"), list):
        raise _refused("invalid", "This is no kubeconfig: it has no list of clusters.", _FLATTEN)
    return config


def _named(config: Mapping[str, Any], field: str, inner: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    listed = config.get(field)
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            value = entry.get(inner)
            found.setdefault(entry["name"], value if isinstance(value, dict) else {})
    return found


def _chosen(config: Mapping[str, Any], contexts: Mapping[str, Any], context: str | None) -> str:
    if context:
        if context not in contexts:
            raise unknown("context", context, contexts)
        return context
    current = config.get("current-context")
    if isinstance(current, str) and current in contexts:
        return current
    if len(contexts) == 1:
        return next(iter(contexts))
    names = sorted(contexts)
    raise _refused(
        "context_needed",
        f"The kubeconfig has {len(names)} contexts and none of them is current.",
        f"Name one as `context`: {', '.join(names[:20])}." if names else _FLATTEN,
        contexts=names[:100],
    )


def _entry(config: Mapping[str, Any], field: str, inner: str, context: Mapping[str, Any]) -> dict[str, Any]:
    name = context.get(inner)
    entries = _named(config, field, inner)
    if not isinstance(name, str) or name not in entries:
        raise _refused("incomplete", f"The context names the {inner} {name!r}, which is not in `{field}`.", _FLATTEN)
    return entries[name]


def _refuse_cluster(cluster: Mapping[str, Any]) -> None:
    _refuse_files(cluster)
    if cluster.get("insecure-skip-tls-verify"):
        raise _refused(
            "insecure",
            "`insecure-skip-tls-verify` is refused: anyone on the way could read the credential.",
            "Put the cluster's CA into `certificate-authority-data` and remove the line.",
        )
    if cluster.get("proxy-url"):
        raise _refused(
            "proxy",
            "`proxy-url` is refused: requests go to the API server and nowhere else.",
            "Remove it and give a server address that is reachable without it.",
        )


def _refuse_user(user: Mapping[str, Any]) -> None:
    exec_plugin, provider = user.get("exec"), user.get("auth-provider")
    if exec_plugin is not None:
        command = exec_plugin.get("command") if isinstance(exec_plugin, dict) else None
        name = str(command or "?").replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".exe")
        raise _refused("exec", f"The credential plugin {name[:60]!r} (`exec`) is not run here.", _plugin_remedy(name))
    if provider is not None:
        name = str(provider.get("name") if isinstance(provider, dict) else "?")
        raise _refused("auth_provider", f"The auth provider {name[:60]!r} is not run here.", _plugin_remedy(name))
    _refuse_files(user)
    if any(key == "as" or key.startswith("as-") for key in user):
        raise _refused(
            "impersonation",
            "Impersonation (`as`, `as-groups`, ...) is refused: rights must belong to the credential itself.",
            "Remove it, or use a credential that has just the rights needed. " + _SERVICE_ACCOUNT,
        )
    if user.get("username") or user.get("password"):
        raise _refused("password", "User name and password are accepted by no supported cluster.", _SERVICE_ACCOUNT)


def _refuse_files(entry: Mapping[str, Any]) -> None:
    for field, inline in _FILES.items():
        if entry.get(field):
            raise _refused("file_path", f"`{field}` names a file, and files are not read: `{inline}` is.", _FLATTEN)


def _plugin_remedy(name: str) -> str:
    lower = name.lower()
    for names, remedy in _PLUGIN_REMEDIES:
        if lower in names:
            return remedy
    return _SERVICE_ACCOUNT


def _text(entry: Mapping[str, Any], field: str) -> str:
    value = entry.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _refused("invalid", f"`{field}` is not text.", _FLATTEN)
    return value


def _pem(entry: Mapping[str, Any], field: str, label: str) -> str:
    encoded = _text(entry, field)
    if not encoded:
        return ""
    if len(encoded) > MAX_PEM_CHARS:
        raise _refused("invalid", f"`{field}` is larger than any certificate.", _FLATTEN)
    try:
        decoded = base64.b64decode("".join(encoded.split()), validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise _refused("invalid", f"`{field}` is not base64 of a PEM text.", _FLATTEN) from error
    return _checked_pem(decoded.strip(), label, field)


def _checked_pem(text: str, label: str, field: str) -> str:
    if not re.match(rf"-----BEGIN [A-Z0-9 ]*{label}-----", text) or len(text) > MAX_PEM_CHARS or "\x00" in text:
        raise _refused("invalid", f"`{field}` does not hold a PEM {label.lower()}.", _FLATTEN)
    return text + "\n"
