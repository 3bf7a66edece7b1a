"""Sends frames to open WebSockets through API Gateway's management API, or the local gateway that speaks the same."""

from __future__ import annotations

from collections.abc import Callable

from chalicelib.errors import NotFound, Unavailable
from chalicelib.settings import Settings
from chalicelib.state.ids import TenantId


def gateway_push(settings: Settings) -> Callable[[TenantId, str, bytes], None]:
    """A function that posts to one connection. Raises NotFound when the client is gone, Unavailable on failure."""
    if not settings.websocket_endpoint:
        return lambda tenant, connection, payload: None
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    client = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=settings.websocket_endpoint,
        config=Config(connect_timeout=2, read_timeout=5, retries={"max_attempts": 2}, max_pool_connections=64),
    )

    def push(tenant: TenantId, connection: str, payload: bytes) -> None:
        try:
            client.post_to_connection(ConnectionId=connection, Data=payload)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in ("GoneException", "410"):
                raise NotFound("The connection is closed.", code="connection_gone") from error
            raise Unavailable("The message could not be pushed.", code="push_failed") from error
        except BotoCoreError as error:
            raise Unavailable("The message could not be pushed.", code="push_failed") from error

    return push
