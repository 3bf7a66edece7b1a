"""A small Chalice app with one of everything that the gateway and the worker must carry."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from chalice.app import AuthRequest, AuthResponse, Chalice, Response, SQSEvent, WebsocketEvent


def sample_app() -> Chalice:
    app = Chalice(app_name="sample")
    app.experimental_feature_flags.update(["WEBSOCKETS"])
    app.websocket_api.session = None
    app.seen = []
    _rest(app)
    _authorized(app)
    _websocket(app)
    _queue(app)
    return app


def _rest(app: Chalice) -> None:
    @app.route("/api/v1/things/{name}", methods=["GET", "DELETE"])
    def thing(name: str) -> dict[str, Any]:
        return {"name": name, "query": app.current_request.query_params, "method": app.current_request.method}

    @app.route("/api/v1/things/special", methods=["GET"])
    def special() -> dict[str, Any]:
        return {"special": True}

    @app.route("/api/v1/echo", methods=["POST", "PUT"], content_types=["application/json", "text/plain"])
    def echo() -> Response:
        request = app.current_request
        body = request.raw_body
        return Response(body={"length": len(body), "first": body[:20].decode("latin-1")}, status_code=201)

    @app.route("/api/v1/blob", methods=["POST"], content_types=["application/octet-stream"])
    def blob() -> Response:
        body = bytes(reversed(app.current_request.raw_body))
        return Response(body=body, headers={"Content-Type": "application/octet-stream"})

    @app.route("/api/v1/slow", methods=["GET"])
    def slow() -> dict[str, Any]:
        time.sleep(float(app.current_request.query_params["seconds"]))
        # The request of this thread must still be this one, whatever ran meanwhile.
        return {"seconds": app.current_request.query_params["seconds"]}

    @app.route("/api/v1/long", methods=["GET"])
    def long() -> dict[str, Any]:
        return {"items": [{"name": f"pod-{n}", "status": "Running"} for n in range(500)]}

    @app.route("/api/v1/cookies", methods=["GET"])
    def cookies() -> Response:
        return Response(body="", headers={"Set-Cookie": ["a=1", "b=2"]})


def _authorized(app: Chalice) -> None:
    @app.authorizer(ttl_seconds=60)
    def by_token(request: AuthRequest) -> AuthResponse:
        app.seen.append(request.token)
        routes = {"Bearer good": ["*"], "Bearer narrow": ["/elsewhere"]}.get(request.token, [])
        return AuthResponse(routes=routes, principal_id="someone", context={"tenant": "acme"})

    @app.route("/api/v1/private", methods=["GET"], authorizer=by_token)
    def private() -> dict[str, Any]:
        return dict(app.current_request.context["authorizer"])


def _websocket(app: Chalice) -> None:
    @app.on_ws_connect()
    def connect(event: WebsocketEvent) -> Response | None:
        headers = event.to_dict()["headers"]
        app.seen.append(("connect", event.connection_id))
        if headers.get("authorization") == "Bearer bad":
            return Response(body=json.dumps({"error": {"code": "unauthenticated"}}), status_code=401)
        return None

    @app.on_ws_message()
    def message(event: WebsocketEvent) -> None:
        if event.body == "fail":
            raise ValueError("as asked")
        app.seen.append(("message", event.connection_id, event.body))

    @app.on_ws_disconnect()
    def disconnect(event: WebsocketEvent) -> None:
        app.seen.append(("disconnect", event.connection_id))


def _queue(app: Chalice) -> None:
    app.handled = []
    app.fail_once = set()
    lock = threading.Lock()

    @app.on_sqs_message(queue="sample-work.fifo", batch_size=1)
    def work(event: SQSEvent) -> None:
        for record in event:
            with lock:
                if record.body in app.fail_once:
                    app.fail_once.discard(record.body)
                    raise ValueError("as asked")
                app.handled.append(record.body)
