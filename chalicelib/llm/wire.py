"""HTTP to model providers: addresses are judged and pinned as those of clusters are, and the environment has no say.

Imported by providers at a call, never before: the HTTP package belongs to the SDKs.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx2

from chalicelib.errors import ClusterError, InvalidRequest
from chalicelib.llm.errors import LlmAddressRefused, LlmBrokenStream, LlmError, LlmTimeout, LlmUnreachable
from chalicelib.llm.events import Event
from chalicelib.llm.ports import Close, Connection, Opening
from chalicelib.network import pinned_addresses

CONNECT_S = 5.0


class PinnedTransport(httpx2.HTTPTransport):
    """Dials the address that was judged, under the host's name for TLS and the Host header."""

    def __init__(self, *, hosted: bool) -> None:
        super().__init__(retries=0)
        self._hosted = hosted

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            addresses = pinned_addresses(host, port, hosted=self._hosted)
        except ClusterError as error:
            raise LlmUnreachable(error.message) from error
        except InvalidRequest as error:
            raise LlmAddressRefused(error.message, details=error.details) from error
        request.extensions = {**request.extensions, "sni_hostname": host}
        for address in addresses[:-1]:
            request.url = request.url.copy_with(host=address)
            try:
                return super().handle_request(request)
            except httpx2.ConnectError:
                continue  # the name has another address, as `localhost` has two
        request.url = request.url.copy_with(host=addresses[-1])
        return super().handle_request(request)


def client(connection: Connection) -> httpx2.Client:
    """A client for one provider: no redirects, no proxies from the environment."""
    return httpx2.Client(transport=PinnedTransport(hosted=connection.hosted), trust_env=False, follow_redirects=False)


def closing(response: httpx2.Response) -> Close:
    """What ends a response from another thread: closing alone would leave a reader that waits in `recv` waiting."""

    def close() -> None:
        stream = response.extensions.get("network_stream")
        held = stream.get_extra_info("socket") if stream is not None else None
        if held is not None:
            held.shutdown(socket.SHUT_RDWR)

    return close


def events_of(
    opening: Opening,
    ask: Callable[[], Any],
    read: Callable[[Iterator[dict[str, Any]]], Iterator[Event]],
    failure_of: Callable[[Exception], LlmError],
) -> Iterator[Event]:
    """The events of an SDK's stream: `ask` opens it, `read` puts its objects into our form."""
    try:
        stream = ask()
        opening.close = closing(stream.response)
        yield from read(found.model_dump() for found in stream)
    except LlmError:
        raise
    except Exception as error:
        raise failure_of(error) from error


def timeout(seconds: float) -> httpx2.Timeout:
    return httpx2.Timeout(seconds, connect=min(CONNECT_S, seconds))


def failure(provider: str, error: BaseException) -> LlmError:
    """The error for one of the HTTP package, also as the cause of an SDK's own."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, LlmError):
            return seen
        if isinstance(seen, httpx2.TimeoutException):
            return LlmTimeout(f"{provider} did not answer in time.")
        if isinstance(seen, httpx2.ConnectError):
            return LlmUnreachable(f"{provider} cannot be reached.")
        if isinstance(seen, httpx2.TransportError):
            return LlmBrokenStream(f"{provider} closed the connection.")
        seen = seen.__cause__ or seen.__context__
    return LlmError(f"{provider}: {type(error).__name__}.")


def message_of(body: Any, fallback: str) -> str:
    """What a server says is wrong: `error.message`, `error`, `message`, `detail`, with its code."""
    if not isinstance(body, Mapping):
        return fallback
    inner = body.get("error", body)
    if isinstance(inner, Mapping):
        words = [inner.get(key) for key in ("code", "type", "message", "detail")]
        return ": ".join(str(word) for word in words if isinstance(word, str | int)) or fallback
    return str(inner)
