"""The Chalice application: its middleware and blueprints. `app.py` only calls `build`."""

from __future__ import annotations

from collections.abc import Callable

from chalice import Chalice
from chalice.app import Request, Response

from chalicelib.api.endpoints import current_request, error_response
from chalicelib.errors import InvalidRequest, KubiliticsError, MethodNotAllowed


class UnsupportedMediaType(InvalidRequest):
    code = "unsupported_media_type"
    status = 415
    default_remedy = "Send the body as JSON with `Content-Type: application/json`."


def build() -> Chalice:
    """The application with every route registered."""
    from chalicelib.api import mcp
    from chalicelib.api.rest import (
        audit,
        changes,
        clusters,
        conversations,
        evidence,
        governance,
        investigations,
        llm,
        playbooks,
        reports,
        resources,
        system,
        tools,
        users,
    )

    application = Chalice(app_name="kubilitics", configure_logs=False)
    application.experimental_feature_flags.add("WEBSOCKETS")
    application.api.binary_types = []
    application.register_middleware(one_error_shape, "http")
    modules = (
        system, clusters, resources, evidence, tools, conversations, investigations, reports, changes, playbooks,
        governance, audit, users, llm, mcp,
    )  # fmt: skip
    for module in modules:
        application.register_blueprint(module.blueprint)
    return application


def one_error_shape(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Bind the request to this thread, and give the framework's own errors our shape."""
    token = current_request.set(request)
    try:
        response = get_response(request)
    finally:
        current_request.reset(token)
    body = response.body
    if response.status_code >= 400 and isinstance(body, dict) and "Code" in body:
        return error_response(_translated(response, str(body.get("Message", ""))))
    return response


def _translated(response: Response, message: str) -> KubiliticsError:
    if response.status_code == 405:
        allowed = response.headers.get("Allow", "")
        return MethodNotAllowed(message, remedy=f"Use {allowed}.", details={"allowed": str(allowed).split(", ")})
    if response.status_code == 415:
        return UnsupportedMediaType(message)
    if response.status_code < 500:
        return InvalidRequest(message)
    return KubiliticsError("Something went wrong on our side.")
