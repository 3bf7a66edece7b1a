"""One question from its arrival to its last frame.

The handler stores the turn and queues it; a worker answers, journals each frame, and pushes it to open connections.
The journal is the truth: who reconnects reads it after the last sequence number.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from chalicelib.accounts.identity import Principal
from chalicelib.api.render import frame_out
from chalicelib.errors import Conflict, KubiliticsError, Unavailable
from chalicelib.state.ids import TenantId, new_id
from chalicelib.store.records import Conversation, Frame, Turn, TurnStatus
from chalicelib.wiring import Services

SETTLED = ("done", "failed", "cancelled")
FIRST_POLL_S, LONGEST_POLL_S = 0.02, 0.25
TITLE_LENGTH = 80
MAX_ATTEMPTS = 5
MESSAGE_BYTES = 30 * 1024
"""API Gateway sends at most 32 KB in one WebSocket frame."""


def start_conversation(services: Services, principal: Principal, cluster: str, title: str) -> Conversation:
    """A new conversation about a cluster (`*`: all). Raises NotFound for an unknown cluster."""
    fresh = _new_conversation(services, principal, _named(services, principal, cluster), title)
    return services.store.conversations.create(principal.tenant, fresh)


def _new_conversation(services: Services, principal: Principal, cluster: str, title: str) -> Conversation:
    now = services.clock()
    return Conversation(
        id=new_id("cv", secrets.token_bytes(16)),
        title=title[:TITLE_LENGTH],
        cluster=cluster,
        user=principal.user,
        created_at=now,
        updated_at=now,
    )


def _named(services: Services, principal: Principal, cluster: str) -> str:
    return cluster if cluster == "*" else services.views.record(principal, cluster).id


def ask(
    services: Services,
    principal: Principal,
    *,
    message: str,
    cluster: str,
    conversation: str | None,
    context: dict[str, Any],
    connection: str | None = None,
) -> Turn:
    """Store a question and queue it. `connection` is a WebSocket that shall see the frames."""
    named = _named(services, principal, cluster)
    if conversation is None:
        fresh = _new_conversation(services, principal, named, message)
        held = fresh.id
    else:
        fresh, held = None, services.own_conversation(principal, conversation).id
    turn = Turn(
        id=new_id("tn", secrets.token_bytes(16)),
        conversation=held,
        user=principal.user,
        message=message,
        cluster=named,
        created_at=services.clock(),
        context=context,
    )
    stored = services.store.conversations.begin(principal.tenant, turn, fresh)
    if connection is not None:
        services.store.connections.show(principal.tenant, connection, held)
    services.store.queue.send(
        principal.tenant, {"type": "turn", "conversation": held, "turn": turn.id}, group=held, dedup_id=turn.id
    )
    return stored


def wait_for(services: Services, tenant: TenantId, turn: Turn, seconds: float) -> bool:
    """Whether the turn settled within `seconds`."""
    until, pause = time.monotonic() + seconds, FIRST_POLL_S
    while True:
        found = services.store.conversations.get_turn(tenant, turn.conversation, turn.id)
        if found.status in SETTLED:
            return True
        if time.monotonic() + pause > until:
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_POLL_S)


def outcome_of(services: Services, tenant: TenantId, turn: Turn) -> dict[str, Any]:
    """The finished answer, put together from its frames."""
    found = services.store.conversations.get_turn(tenant, turn.conversation, turn.id)
    frames = [f for f in _all_frames(services, tenant, turn.conversation) if f.turn == turn.id]
    end: dict[str, Any] = next((f.body for f in reversed(frames) if f.t == "end"), {})
    failure = next((f.body["error"] for f in reversed(frames) if f.t == "error"), None)
    return {
        "status": found.status,
        "blocks": [f.body["block"] for f in frames if f.t == "block"],
        "citations": end.get("citations", []),
        "degraded": bool(end.get("degraded", False)),
        "suggestions": end.get("suggestions", []),
        "error": failure,
    }


def _all_frames(services: Services, tenant: TenantId, conversation: str) -> list[Frame]:
    found: list[Frame] = []
    while True:
        page = services.store.conversations.frames(tenant, conversation, found[-1].seq if found else 0)
        if not page:
            return found
        found.extend(page)


def run_turn(services: Services, tenant: TenantId, conversation: str, turn: str) -> None:
    """Answer one queued question.

    The answer, the conversation's memory and the turn's end are written together, so running this again after a
    crash at any point neither repeats a frame nor loses one.
    """
    conversations = services.store.conversations
    for _ in range(MAX_ATTEMPTS):
        held, found = conversations.turn_with_conversation(tenant, conversation, turn)
        if found.status in SETTLED:
            # Delivered again: whoever listens may have missed the frames, and drops those that were seen.
            frames = [f for f in _all_frames(services, tenant, conversation) if f.turn == turn]
            _push(services, tenant, conversation, frames)
            return
        answer, memory, status = _answered(services, tenant, held, found)
        after = msgspec.structs.replace(held, memory=memory, updated_at=services.clock())
        settled = msgspec.structs.replace(found, status=status)
        try:
            _push(services, tenant, conversation, conversations.conclude(tenant, after, settled, answer))
        except Conflict:
            continue  # cancelled, or another question came: look again
        return
    raise Unavailable("The conversation changes faster than it can be answered.", code="conversation_busy")


def _answered(
    services: Services, tenant: TenantId, held: Conversation, turn: Turn
) -> tuple[Sequence[tuple[str, dict[str, Any]]], dict[str, Any], TurnStatus]:
    """(frames, memory, status); after a failed answer the memory stays as it was."""
    try:
        frames, memory = services.answer(tenant, held, turn)
    except KubiliticsError as error:
        return [("error", error.as_dict())], held.memory, "failed"
    return frames, memory, "done"


def _push(services: Services, tenant: TenantId, conversation: str, frames: Sequence[Frame]) -> None:
    """Send frames to every socket that shows the conversation, in as few messages as the gateway's limit allows."""
    if frames:
        services.broadcast(tenant, conversation, messages_of(frame_out(f) for f in frames))


def messages_of(frames: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """WebSocket messages: JSON arrays of frames, each below the frame limit unless a single frame is larger."""
    waiting: list[bytes] = []
    length = 2
    for frame in frames:
        encoded = msgspec.json.encode(frame)
        if waiting and length + len(encoded) + 1 > MESSAGE_BYTES:
            yield b"[" + b",".join(waiting) + b"]"
            waiting, length = [], 2
        waiting.append(encoded)
        length += len(encoded) + 1
    if waiting:
        yield b"[" + b",".join(waiting) + b"]"
