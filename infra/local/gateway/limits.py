"""API Gateway's quotas, kept on a laptop too, so that what works here works there.

Source: "Amazon API Gateway quotas and important notes" of the API Gateway developer guide, REST and WebSocket
tables.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Seconds and bytes; tests make them small."""

    integration_s: float = 29.0
    body_bytes: int = 10 * 1024 * 1024
    websocket_frame_bytes: int = 32 * 1024
    websocket_message_bytes: int = 128 * 1024
    websocket_idle_s: float = 600.0
    websocket_life_s: float = 7200.0
    push_s: float = 10.0
    """How long a frame may wait for a client that does not read (ours, not a quota of AWS)."""
    threads: int = 64
    """Handlers at once, as Lambda would run so many copies."""
