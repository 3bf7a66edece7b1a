"""One question from its arrival to its last frame.

The handler stores the turn and queues it; a worker answers, journals each frame, and pushes it to open connections.
The journal is the truth: who reconnects reads it after the last sequence number.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from chalicelib.accounts.identity import Principal
from chalicelib.api.render import frame_out
from chalicelib.errors import Conflict, KubiliticsError
from chalicelib.state.ids import TenantId, new_id
from chalicelib.store.records import Conversation, Frame, Turn
from chalicelib.wiring import Services

SETTLED = ("done", "failed", "cancelled")
FIRST_POLL_S, LONGEST_POLL_S = 0.02, 0.25
TITLE_LENGTH = 80
ANSWER_STEP = 0
"""The deterministic engine answers in one step; it is the turn's first in the journal."""


def start_conversation(services: Services, principal: Principal, cluster: str, title: str) -> Conversation:
    """A new conversation about a cluster (`*`: all). Raises NotFound for an unknown cluster."""
    named = cluster if cluster == "*" else services.views.record(principal, cluster).id
    now = services.clock()
    return services.store.conversations.create(
        principal.tenant,
        Conversation(
            id=new_id("cv", secrets.token_bytes(16)), title=title[:TITLE_LENGTH], cluster=named, user=principal.user,
            created_at=now, updated_at=now,
        ),
    )  # fmt: skip


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
    named = cluster if cluster == "*" else services.views.record(principal, cluster).id
    if conversation is None:
        held = start_conversation(services, principal, cluster, message)
    else:
        held = services.own_conversation(principal, conversation)
    if connection is not None:
        services.store.connections.show(principal.tenant, connection, held.id)
    turn = Turn(
        id=new_id("tn", secrets.token_bytes(16)), conversation=held.id, user=principal.user, message=message,
        cluster=named, created_at=services.clock(), context={**context, "role": principal.role},
    )  # fmt: skip
    stored = services.store.conversations.add_turn(principal.tenant, turn)
    services.store.queue.send(
        principal.tenant,
        {"type": "turn", "conversation": held.id, "turn": turn.id},
        group=held.id,
        dedup_id=turn.id,
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

    The answer is journalled before its first frame is shown, so running this again after a crash computes nothing
    twice, repeats no frame and loses none.
    """
    found = services.store.conversations.get_turn(tenant, conversation, turn)
    if found.status in SETTLED:
        return
    journal = _journalled(services, tenant, found)
    frames: list[tuple[str, dict[str, Any]]] = [(t, body) for t, body in journal["frames"]]
    shown = sum(f.turn == turn for f in _all_frames(services, tenant, conversation))
    _publish(services, tenant, found, frames[shown:])
    _remember(services, tenant, conversation, journal["memory"])
    _settle(services, tenant, found, "failed" if frames[-1][0] == "error" else "done")


def _journalled(services: Services, tenant: TenantId, turn: Turn) -> dict[str, Any]:
    """The answer that an earlier attempt journalled, else a new one, journalled."""
    for number, body in services.store.conversations.steps(tenant, turn.conversation, turn.id):
        if number == ANSWER_STEP:
            return body
    memory: dict[str, Any] | None = None
    try:
        frames, memory = services.answer(tenant, turn)
    except KubiliticsError as error:
        frames = [("error", error.as_dict())]
    body = {"frames": [[t, frame] for t, frame in frames], "memory": memory}
    earlier = services.store.conversations.put_step_once(tenant, turn.conversation, turn.id, ANSWER_STEP, body)
    return body if earlier is None else earlier


def _remember(services: Services, tenant: TenantId, conversation: str, memory: dict[str, Any] | None) -> None:
    """Keep the conversation's memory for the next question; after a failed answer it stays as it was."""
    newest = services.store.conversations.get(tenant, conversation)
    kept = newest.memory if memory is None else memory
    services.store.conversations.update(
        tenant, msgspec.structs.replace(newest, memory=kept, updated_at=services.clock())
    )


def _publish(services: Services, tenant: TenantId, turn: Turn, frames: Sequence[tuple[str, dict[str, Any]]]) -> None:
    if not frames:
        return
    stored = services.store.conversations.append_frames(tenant, turn.conversation, turn.id, frames)
    listeners = services.store.connections.list_for_conversation(tenant, turn.conversation)
    for frame in stored:
        payload = msgspec.json.encode(frame_out(frame))
        for listener in listeners:
            services.push(tenant, listener.id, payload)


def _settle(services: Services, tenant: TenantId, turn: Turn, status: Any) -> None:
    try:
        newest = services.store.conversations.get_turn(tenant, turn.conversation, turn.id)
        services.store.conversations.update_turn(tenant, msgspec.structs.replace(newest, status=status))
    except Conflict:
        return  # somebody cancelled it in the same moment; that is the later word
