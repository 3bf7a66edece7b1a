"""Composition: the Chalice application, its WebSocket handlers and its queue consumers. Decides nothing."""

from __future__ import annotations

from typing import Any

from chalice.app import WebsocketEvent

from chalicelib.api import application, websocket, work
from jobs import anchor, collect, sweep

app = application.build()
app.register_blueprint(work.blueprint)
app.register_blueprint(collect.blueprint)
app.register_blueprint(sweep.blueprint)
app.register_blueprint(anchor.blueprint)


@app.on_ws_connect()
def ws_connect(event: WebsocketEvent) -> dict[str, Any]:
    return websocket.on_connect(event.to_dict())


@app.on_ws_message()
def ws_message(event: WebsocketEvent) -> dict[str, Any]:
    return websocket.on_message(event.to_dict())


@app.on_ws_disconnect()
def ws_disconnect(event: WebsocketEvent) -> dict[str, Any]:
    return websocket.on_disconnect(event.to_dict())
