"""HTTP to one API server: verified TLS, a pinned address, no redirects, bounded sizes and waits, clear errors.

The pool is urllib3's, as the kubernetes client uses it. `api_client` gives a kubernetes client over the very same pool.
"""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from chalicelib.clusters.connection import Credential, StaticConnection
from chalicelib.clusters.deadline import Deadline
from chalicelib.errors import ClusterError, ClusterTimeout, InvalidRequest
from chalicelib.network import Resolver, pinned_addresses, system_resolver

if TYPE_CHECKING:
    from urllib3 import HTTPConnectionPool
    from urllib3.response import BaseHTTPResponse

JSON = "application/json"
CHUNK_BYTES = 256 * 1024
MAX_RESPONSE_BYTES = 32 * 1024 * 1024
"""Of one answer, unpacked. A page of a list that passes it is asked for in smaller pages."""
CONNECT_TIMEOUT_S = 5.0
MAX_WAITS = 6
"""How often one request waits for a server that says 429 or 503 with Retry-After."""
TOO_LARGE = "response_too_large"
USER_AGENT = "kubilitics"


class Answer(NamedTuple):
    status: int
    body: bytes
    retry_after_s: float | None = None


class OutcomeUnknown(ClusterError):
    """The connection broke after a write was sent: it may have happened."""

    code = "write_outcome_unknown"
    default_remedy = "Look at the object: its resourceVersion tells whether the write happened."


class ApiServer:
    """Requests to one API server. Threads may share it."""

    def __init__(
        self,
        connection: StaticConnection,
        credential: Credential,
        *,
        hosted: bool,
        allow_private: bool = False,
        connections: int = 8,
        resolve: Resolver = system_resolver,
    ) -> None:
        parts = urlsplit(connection.server)
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.url = connection.server
        self._prefix = parts.path.rstrip("/")
        self._host_header = parts.netloc
        self._credential = credential
        self._tls = parts.scheme == "https"
        self._server_name = connection.server_name or self.host
        self._context = tls_context(connection) if self._tls else None
        self._addresses = pinned_addresses(
            self.host, self.port, hosted=hosted, allow_private=allow_private, resolve=resolve
        )
        self._connections = connections
        self._pools: list[HTTPConnectionPool] = [self._pool(address) for address in self._addresses[:4]]

    def _pool(self, address: str) -> HTTPConnectionPool:
        import urllib3

        if not self._tls:
            return urllib3.HTTPConnectionPool(address, self.port, maxsize=self._connections)
        return urllib3.HTTPSConnectionPool(
            address,
            self.port,
            maxsize=self._connections,
            ssl_context=self._context,
            server_hostname=self._server_name,
            assert_hostname=self._server_name,
        )

    def get(
        self,
        path: str,
        query: dict[str, str] | None = None,
        *,
        deadline: Deadline,
        accept: str = JSON,
        limit_bytes: int = MAX_RESPONSE_BYTES,
    ) -> Answer:
        """GET; waits out 429 and 503 with Retry-After inside the deadline. Raises ClusterError, ClusterTimeout."""
        return self._patient("GET", path, query, b"", accept, deadline, limit_bytes)

    def post(self, path: str, body: bytes, *, deadline: Deadline) -> Answer:
        """POST of a review, which changes nothing. Raises ClusterError, ClusterTimeout."""
        return self._patient("POST", path, None, body, JSON, deadline, MAX_RESPONSE_BYTES)

    def write(
        self, method: str, path: str, query: dict[str, str], body: bytes, *, content_type: str, deadline: Deadline
    ) -> Answer:
        """Send a write once, renewing the credential only when it was refused before anything was done.

        Raises OutcomeUnknown when the connection broke after sending, ClusterError when nothing was sent.
        """
        answer = self._once(method, path, query, body, JSON, deadline, MAX_RESPONSE_BYTES, content_type)
        if answer.status == 401 and self._credential.renew():
            answer = self._once(method, path, query, body, JSON, deadline, MAX_RESPONSE_BYTES, content_type)
        if answer.status == 401:
            raise _unauthorized(renewed=True)
        return answer

    def close(self) -> None:
        for pool in self._pools:
            pool.close()

    def _patient(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None,
        body: bytes,
        accept: str,
        deadline: Deadline,
        limit_bytes: int,
    ) -> Answer:
        renewed = False
        for _ in range(MAX_WAITS):
            answer = self._once(method, path, query, body, accept, deadline, limit_bytes)
            if answer.status == 401 and not renewed and self._credential.renew():
                renewed = True
                continue
            if answer.status == 401:
                raise _unauthorized(renewed)
            if answer.status not in (429, 503) or answer.retry_after_s is None:
                return answer
            if answer.retry_after_s >= deadline.left:
                return answer
            _wait(answer.retry_after_s)
        return answer

    def _once(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None,
        body: bytes,
        accept: str,
        deadline: Deadline,
        limit_bytes: int,
        writes: str = "",
    ) -> Answer:
        """`writes`: the content type of a body that changes something, which is then sent at most once."""
        from urllib3.exceptions import HTTPError

        if deadline.passed:
            raise _too_slow(path)
        headers = {
            "Accept": accept,
            "Accept-Encoding": "gzip",
            "Host": self._host_header,
            "User-Agent": USER_AGENT,
            **({"Content-Type": writes or JSON} if body else {}),
            **self._credential.headers(),
        }
        target = f"{self._prefix}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            response = self._send(method, target, body, headers, deadline, once=bool(writes))
            try:
                answer = self._answer(response, path, deadline, limit_bytes)
            except BaseException:
                # What is left unread would be taken for the next answer.
                response.close()
                raise
            response.release_conn()
            return answer
        except (HTTPError, OSError) as error:
            if writes and not never_sent(error):
                raise OutcomeUnknown(f"The connection broke before {method} {path} was answered.") from error
            raise self._translated(error, path) from error

    def _send(
        self, method: str, target: str, body: bytes, headers: dict[str, str], deadline: Deadline, *, once: bool
    ) -> BaseHTTPResponse:
        """Sends to the first pinned address that accepts a connection; it is then the first for later requests too.

        `once`: never a second time over a connection, since the first may have had its effect.
        """
        from urllib3 import Timeout
        from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProtocolError

        last: Exception | None = None
        for pool in list(self._pools):
            # A kept connection that the server has closed meanwhile fails at once: one more try opens a new one.
            for _ in range(1 if once else 2):
                left = max(deadline.left, 0.01)
                timeout = Timeout(connect=min(CONNECT_TIMEOUT_S, left), read=left)
                try:
                    response = pool.urlopen(
                        method, target, body=body or None, headers=headers, timeout=timeout, retries=False,
                        redirect=False, preload_content=False, assert_same_host=False,
                    )  # fmt: skip
                except ProtocolError as error:
                    last = error
                    continue
                except (NewConnectionError, ConnectTimeoutError) as error:
                    last = error
                    break
                if pool is not self._pools[0]:
                    self._pools.sort(key=lambda other: other is not pool)
                return response
            else:
                break
        raise last or OSError("no address")

    def _answer(self, response: BaseHTTPResponse, path: str, deadline: Deadline, limit_bytes: int) -> Answer:
        if 300 <= response.status < 400:
            raise ClusterError(
                f"The server answers {path} with a redirect, which is not followed.",
                code="cluster_redirect",
                remedy="Give the address of the API server itself, not of a login page or proxy in front of it.",
            )
        parts: list[bytes] = []
        size = 0
        while True:
            # One receive at a time, so that a server that drips bytes cannot outlast the deadline.
            part = response.read1(CHUNK_BYTES, decode_content=True)
            if not part:
                break
            size += len(part)
            if size > limit_bytes:
                raise ClusterError(
                    f"The answer to {path} is larger than {limit_bytes:,} bytes.",
                    code=TOO_LARGE,
                    remedy="Look for objects of unusual size in this cluster, or narrow the question to one namespace.",
                )
            parts.append(part)
            if deadline.passed:
                raise _too_slow(path)
        return Answer(response.status, b"".join(parts), _retry_after(response.headers.get("Retry-After")))

    def _translated(self, error: Exception, path: str) -> ClusterError:
        return translated(error, self.host, path)

    def api_client(self) -> Any:
        """A `kubernetes.client.ApiClient` over this pool, with this credential: for what the typed client does best."""
        from kubernetes import client

        configuration = client.Configuration(host=self.url)
        configuration.proxy = None
        api: Any = client.ApiClient(configuration)
        api.rest_client.pool_manager = _PoolManager(self)
        for name, value in self._credential.headers().items():
            api.set_default_header(name, value)
        return api


class _PoolManager:
    """What the kubernetes client asks of a urllib3 PoolManager, answered by the pinned pool."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server

    def request(self, method: str, url: str, **options: Any) -> Any:
        parts = urlsplit(url)
        fields = options.pop("fields", None)
        query = "&".join(q for q in (parts.query, urlencode(fields) if fields and method == "GET" else "") if q)
        options.setdefault("headers", {})
        options["headers"] = {**options["headers"], "Host": self._server._host_header}
        return self._server._pools[0].request(
            method, parts.path + (f"?{query}" if query else ""), redirect=False, assert_same_host=False, **options
        )

    def clear(self) -> None:
        self._server.close()


def tls_context(connection: StaticConnection) -> ssl.SSLContext:
    """Verified TLS 1.2 or newer; there is no way to turn verification off. Raises InvalidRequest for unusable PEM."""
    try:
        context = ssl.create_default_context(cadata=connection.ca or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # Private authorities are often made without the extensions that RFC 5280 demands and Python 3.13 checks.
        context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
        if connection.client_certificate:
            _load_client_certificate(context, connection)
    except (ssl.SSLError, ValueError, OSError) as error:
        raise InvalidRequest(
            "A certificate or key of this connection cannot be used.",
            code="certificate_invalid",
            remedy="Check that CA, certificate and key are complete PEM texts, that the key has no passphrase, and "
            "that it belongs to the certificate.",
        ) from error
    return context


def _load_client_certificate(context: ssl.SSLContext, connection: StaticConnection) -> None:
    """Python loads a key from a file only: one that nobody else may read, gone a moment later."""

    def no_passphrase() -> str:
        raise ValueError("the key is encrypted")

    with tempfile.TemporaryDirectory(prefix="kubilitics-") as folder:
        file = Path(folder) / "client.pem"
        file.touch(mode=0o600)
        file.write_text(connection.client_certificate + connection.client_key)
        context.load_cert_chain(file, password=no_passphrase)


def never_sent(error: Exception) -> bool:
    """Whether a request failed before any of it reached a server."""
    from urllib3 import exceptions

    return isinstance(error, (exceptions.NewConnectionError, exceptions.ConnectTimeoutError, exceptions.SSLError))


def translated(error: Exception, host: str, path: str) -> ClusterError:
    """The error that a person can act on, for what urllib3 raised."""
    from urllib3 import exceptions

    # urllib3 makes a refused connection a kind of timeout.
    refused = isinstance(error, exceptions.NewConnectionError)
    if isinstance(error, (exceptions.TimeoutError, TimeoutError)) and not refused:
        return _too_slow(path)
    if isinstance(error, (exceptions.SSLError, ssl.SSLError)):
        return _tls_error(error, host)
    if refused:
        return ClusterError(
            f"{host} does not accept connections.",
            code="cluster_refused",
            remedy="Check address and port, and that a firewall or private endpoint does not keep Kubilitics out.",
        )
    if isinstance(error, exceptions.DecodeError):
        return ClusterError(f"The answer to {path} is damaged.", code="cluster_damaged_answer")
    return ClusterError(
        f"The connection to {host} broke off.",
        code="cluster_connection_lost",
        remedy="Try again; if it happens again, look at load balancers and proxies in front of the API server.",
    )


def _tls_error(error: Exception, host: str) -> ClusterError:
    text = str(error)
    if "Hostname mismatch" in text or "doesn't match" in text or "IP address mismatch" in text:
        code, what = "tls_host_mismatch", "is for another host name"
        remedy = "Use a host name that the certificate names, or set `tls-server-name` in the kubeconfig."
    elif "expired" in text:
        code, what = "tls_expired", "has expired"
        remedy = "Renew the certificate of the API server."
    elif "verify failed" in text:
        code, what = "tls_untrusted", "is not signed by the given CA"
        remedy = "Give the CA of this cluster (certificate-authority-data); public CAs are used when none is given."
    else:
        return ClusterError(
            f"No TLS connection to {host}: {text[-150:]}",
            code="tls_failed",
            remedy="Check that the address is an https API server, and that it accepts this client certificate.",
        )
    return ClusterError(f"The certificate of {host} {what}.", code=code, remedy=remedy)


def _too_slow(path: str) -> ClusterTimeout:
    return ClusterTimeout(f"The API server did not answer {path} in time.")


def _unauthorized(renewed: bool) -> ClusterError:
    return ClusterError(
        "The cluster does not accept the credential" + (", not even a fresh one." if renewed else "."),
        code="cluster_unauthorized",
        remedy="Grant the assumed role an access entry in this cluster."
        if renewed
        else "The token or certificate has expired or was revoked: add the cluster again with a new one.",
    )


def _retry_after(text: str | None) -> float | None:
    if text is None or not text.isdigit():
        return None
    return float(min(int(text), 3600))


def _wait(seconds: float) -> None:
    import time

    time.sleep(max(seconds, 0.05))
