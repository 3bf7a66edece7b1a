"""boto3 clients, each made once and shared by all threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from chalicelib.errors import Unavailable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

POOL_CONNECTIONS = 64
"""As many as the gateway has threads."""


class Clients:
    """Lazily made clients by service name.

    Making one costs about 70 ms and is not thread-safe; using one is.
    """

    def __init__(self) -> None:
        self.region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()

    def get(self, service: str) -> Any:
        client = self._made.get(service)
        if client is None:
            with self._lock:
                client = self._made.get(service) or self._make(service)
                self._made[service] = client
        return client

    def _make(self, service: str) -> Any:
        import boto3
        from botocore.config import Config

        config = Config(
            max_pool_connections=POOL_CONNECTIONS,
            connect_timeout=3,
            # Longer than the longest long poll of a queue.
            read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": 4},
            # Presigned addresses name the bucket's own region; an endpoint that is an IP address keeps paths.
            signature_version="s3v4" if service == "s3" else None,
            s3={"addressing_style": "virtual"} if service == "s3" else None,
            # Otherwise presigned addresses demand a checksum header that browsers do not send.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        return boto3.session.Session(region_name=self.region).client(service, config=config)


@contextmanager
def translated(service: str) -> Iterator[None]:
    """Turn what AWS raises into Unavailable; errors that the adapter expects are caught inside."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise unavailable(service, error) from error


def unavailable(service: str, error: Exception) -> Unavailable:
    """The error for a store that does not answer, or refuses. The reason is a word, never the request."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    reason = response.get("Error", {}).get("Code") or type(error).__name__
    return Unavailable(
        f"The store ({service}) did not do what was asked.",
        code="store_unavailable",
        remedy="Try again in a moment; if it stays, see the service log and the role's permissions.",
        details={"service": service, "reason": reason},
    )


def error_code(error: ClientError) -> str:
    """The AWS error code of a client error."""
    return str(error.response.get("Error", {}).get("Code", ""))
