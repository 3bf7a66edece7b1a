"""Conversations and questions."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from chalicelib.api.endpoints import Call, Reply, endpoint
from chalicelib.api.models import chat as models
from chalicelib.api.render import frame_out, listed
from chalicelib.api.turns import ask, outcome_of, start_conversation, wait_for
from chalicelib.store.records import Conversation, Turn

blueprint = Blueprint(__name__)


def conversation_out(conversation: Conversation) -> dict[str, Any]:
    return {
        "id": conversation.id,
        "title": conversation.title,
        "cluster": conversation.cluster,
        "created_at": conversation.created_at,
        "updated_at": conversation.updated_at,
    }


def turn_out(turn: Turn) -> dict[str, Any]:
    return {
        "id": turn.id,
        "message": turn.message,
        "status": turn.status,
        "cluster": turn.cluster,
        "created_at": turn.created_at,
    }


@endpoint(
    blueprint, "POST", "/api/v1/chat", summary="Ask a question; with `wait` the answer comes at once when it is quick.",
    tag="chat", permission="conversations:write", query=models.WaitQuery, body=models.ChatRequest,
    response=models.ChatAnswer, others={202: models.ChatAccepted},
)  # fmt: skip
def chat(call: Call) -> object:
    request: models.ChatRequest = call.body
    context = request.context.model_dump(exclude_none=True) if request.context else {}
    turn = ask(
        call.services, call.principal, message=request.message, cluster=request.cluster,
        conversation=request.conversation, context=context,
    )  # fmt: skip
    accepted = {"conversation": turn.conversation, "turn": turn.id}
    if call.query.wait and wait_for(call.services, call.principal.tenant, turn, call.query.wait):
        return {**accepted, **outcome_of(call.services, call.principal.tenant, turn)}
    return Reply(accepted, status=202)


@endpoint(
    blueprint, "GET", "/api/v1/conversations", summary="The caller's conversations, last used first.", tag="chat",
    permission="conversations:read", query=models.ConversationsQuery, response=models.Conversations,
)  # fmt: skip
def list_conversations(call: Call) -> object:
    principal = call.principal
    page = call.services.store.conversations.list(principal.tenant, principal.user, call.query.limit, call.query.cursor)
    return listed([conversation_out(c) for c in page.items], page.next)


@endpoint(
    blueprint, "POST", "/api/v1/conversations", summary="Start an empty conversation.", tag="chat", status=201,
    permission="conversations:write", body=models.NewConversation, response=models.Conversation,
)  # fmt: skip
def create_conversation(call: Call) -> object:
    return conversation_out(start_conversation(call.services, call.principal, call.body.cluster, call.body.title))


@endpoint(
    blueprint, "GET", "/api/v1/conversations/{conversation}", summary="A conversation with its questions.",
    tag="chat", permission="conversations:read", response=models.ConversationDetail,
)  # fmt: skip
def get_conversation(call: Call) -> object:
    found = call.services.own_conversation(call.principal, call.path["conversation"])
    turns = call.services.store.conversations.turns(call.principal.tenant, found.id)
    return {**conversation_out(found), "turns": [turn_out(t) for t in turns]}


@endpoint(
    blueprint, "DELETE", "/api/v1/conversations/{conversation}", summary="Delete a conversation.", tag="chat",
    permission="conversations:write", response=None, status=204,
)  # fmt: skip
def delete_conversation(call: Call) -> object:
    found = call.services.own_conversation(call.principal, call.path["conversation"])
    call.services.store.conversations.remove(call.principal.tenant, found.id)
    return Reply("", status=204)


@endpoint(
    blueprint, "GET", "/api/v1/conversations/{conversation}/frames", summary="What was said after a sequence number.",
    tag="chat", permission="conversations:read", query=models.FramesQuery, response=models.Frames,
)  # fmt: skip
def list_frames(call: Call) -> object:
    tenant = call.principal.tenant
    found = call.services.own_conversation(call.principal, call.path["conversation"])
    frames = call.services.store.conversations.frames(tenant, found.id, call.query.after, call.query.limit)
    turns = call.services.store.conversations.turns(tenant, found.id)
    settled = all(t.status in ("done", "failed", "cancelled") for t in turns)
    return {"items": [frame_out(f) for f in frames], "done": settled and len(frames) < call.query.limit}


@endpoint(
    blueprint, "POST", "/api/v1/conversations/{conversation}/turns/{turn}/cancel", summary="Stop an answer.",
    tag="chat", permission="conversations:read", response=models.TurnSummary,
)  # fmt: skip
def cancel_turn(call: Call) -> object:
    found = call.services.own_conversation(call.principal, call.path["conversation"])
    return turn_out(call.services.cancel(call.principal.tenant, found.id, call.path["turn"]))
