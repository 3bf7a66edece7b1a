"""The WebSocket: the same questions and frames as over HTTP, pushed as JSON arrays of frames.

Handlers answer within moments: they store, queue and return. A client that reconnects sends `resume` with its last
sequence number and is sent the rest of the journal.
"""

from __future__ import annotations

from typing import Any

import msgspec
from pydantic import ValidationError

from chalicelib import wiring
from chalicelib.accounts.identity import Principal
from chalicelib.api.authentication import authenticate_socket
from chalicelib.api.models.chat import ChatRequest
from chalicelib.api.render import frame_out
from chalicelib.api.turns import ask, messages_of
from chalicelib.errors import InvalidRequest, KubiliticsError
from chalicelib.store.records import SocketConnection

ACTIONS = ("chat", "resume", "follow", "ping", "cancel")
RESUME_LIMIT = 1000


def on_connect(event: dict[str, Any]) -> dict[str, Any]:
    """Admit a caller. The answer's status is what the client sees of the upgrade."""
    services = wiring.services()
    try:
        principal = authenticate_socket(event.get("headers") or {}, services)
    except KubiliticsError as error:
        return {"statusCode": error.status, "body": msgspec.json.encode(error.as_dict()).decode()}
    identifier = event["requestContext"]["connectionId"]
    services.store.connections.add(
        principal.tenant, SocketConnection(id=identifier, user=principal.user, created_at=services.clock())
    )
    services.remember_socket(identifier, principal)
    return {"statusCode": 200}


def on_disconnect(event: dict[str, Any]) -> dict[str, Any]:
    services = wiring.services()
    identifier = event["requestContext"]["connectionId"]
    principal = services.principal_of_socket(identifier)
    if principal is not None:
        services.store.connections.remove(principal.tenant, identifier)
        services.forget_socket(identifier)
    return {"statusCode": 200}


def on_message(event: dict[str, Any]) -> dict[str, Any]:
    """Handle one client message; an error is sent back on the socket, in the one error shape."""
    services = wiring.services()
    identifier = event["requestContext"]["connectionId"]
    principal = services.principal_of_socket(identifier)
    if principal is None:
        return {"statusCode": 401}
    try:
        _dispatch(services, principal, identifier, event.get("body") or "")
    except KubiliticsError as error:
        _send(services, principal, identifier, {"t": "error", **error.as_dict()})
    return {"statusCode": 200}


def _dispatch(services: wiring.Services, principal: Principal, connection: str, body: str) -> None:
    try:
        message = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise InvalidRequest("The message is not a JSON object.") from error
    action = message.pop("action", None)
    if action == "ping":
        _send(services, principal, connection, {"t": "pong"})
    elif action == "chat":
        _chat(services, principal, connection, message)
    elif action == "resume":
        _resume(services, principal, connection, message)
    elif action == "follow":
        _follow(services, principal, connection, message)
    elif action == "cancel":
        conversation = services.own_conversation(principal, _text(message, "conversation"))
        services.cancel(principal.tenant, conversation.id, _text(message, "turn"))
    else:
        raise InvalidRequest(
            f"Unknown action {action!r}.", remedy=f"Use one of: {', '.join(ACTIONS)}.", details={"valid": list(ACTIONS)}
        )


def _chat(services: wiring.Services, principal: Principal, connection: str, message: dict[str, Any]) -> None:
    try:
        request = ChatRequest.model_validate(message)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InvalidRequest(f"{'.'.join(str(p) for p in first['loc'])}: {first['msg']}.") from error
    turn = ask(
        services, principal, message=request.message, cluster=request.cluster, conversation=request.conversation,
        context=request.context.model_dump(exclude_none=True) if request.context else {}, connection=connection,
    )  # fmt: skip
    _send(services, principal, connection, {"t": "accepted", "conversation": turn.conversation, "turn": turn.id})


def _resume(services: wiring.Services, principal: Principal, connection: str, message: dict[str, Any]) -> None:
    conversation = services.own_conversation(principal, _text(message, "conversation"))
    after = _after(message)
    services.store.connections.show(principal.tenant, connection, conversation.id)
    frames = services.store.conversations.frames(principal.tenant, conversation.id, after, RESUME_LIMIT)
    for payload in messages_of(frame_out(f) for f in frames):
        services.push(principal.tenant, connection, payload)


def _follow(services: wiring.Services, principal: Principal, connection: str, message: dict[str, Any]) -> None:
    """Show the steps of an investigation: those after a number from the journal, the others as they are done."""
    from chalicelib.investigations import sessions
    from chalicelib.investigations.frames import frame_of

    session = sessions.get(services.investigations.office, principal, _text(message, "investigation"))
    after = _after(message)
    services.store.connections.show(principal.tenant, connection, session.id)
    steps = services.store.investigations.steps(principal.tenant, session.id, after, RESUME_LIMIT)
    for payload in messages_of(frame_of(step) for step in steps):
        services.push(principal.tenant, connection, payload)


def _after(message: dict[str, Any]) -> int:
    after = message.get("after", 0)
    if not isinstance(after, int) or after < 0:
        raise InvalidRequest("after: a sequence number is needed.", details={"field": "after"})
    return after


def _text(message: dict[str, Any], field: str) -> str:
    value = message.get(field)
    if not isinstance(value, str) or not value or len(value) > 200:
        raise InvalidRequest(f"{field}: a text is needed.", details={"field": field})
    return value


def _send(services: wiring.Services, principal: Principal, connection: str, message: dict[str, Any]) -> None:
    services.push(principal.tenant, connection, msgspec.json.encode(message))
