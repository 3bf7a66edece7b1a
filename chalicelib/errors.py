"""The one exception tree.

Every error that a person or a program may see carries a stable `code`, a plain `message`, a `remedy` that says what to
do next, and optional JSON-safe `details`. `status` is the HTTP status it maps to; the edge (api, mcp) does the mapping
once, nothing else catches it to hide it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class KubiliticsError(Exception):
    """Base of all expected errors."""

    code = "internal_error"
    status = 500
    default_remedy = "Try again; if it happens again, look at the service log for this request id."

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        remedy: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.remedy = remedy or type(self).default_remedy
        self.details: dict[str, Any] = dict(details or {})

    def as_dict(self) -> dict[str, Any]:
        """The body of an error answer: `{"error": {"code", "message", "remedy", "details"}}`."""
        return {"error": {"code": self.code, "message": self.message, "remedy": self.remedy, "details": self.details}}


class InvalidRequest(KubiliticsError):
    code = "invalid_request"
    status = 400
    default_remedy = "Correct the request; `details` names the field."


class Unauthenticated(KubiliticsError):
    code = "unauthenticated"
    status = 401
    default_remedy = "Send `Authorization: Bearer TOKEN`; on a laptop the token is in .local/token."


class Forbidden(KubiliticsError):
    code = "forbidden"
    status = 403
    default_remedy = "Ask an administrator for the role that `details` names."


class NotFound(KubiliticsError):
    code = "not_found"
    status = 404
    default_remedy = "Choose one of the valid names in `details.valid`."


class MethodNotAllowed(KubiliticsError):
    code = "method_not_allowed"
    status = 405
    default_remedy = "Use one of the methods in `details.allowed`."


class Conflict(KubiliticsError):
    code = "conflict"
    status = 409
    default_remedy = "Read the object again and repeat the change on its present state."


class Gone(KubiliticsError):
    code = "gone"
    status = 410
    default_remedy = "Start again from the first page."


class TooLarge(KubiliticsError):
    code = "too_large"
    status = 413
    default_remedy = "Send less at once; `details.limit` is the limit."


class Misdirected(KubiliticsError):
    code = "misdirected_request"
    status = 421
    default_remedy = "Use http://127.0.0.1:PORT or http://localhost:PORT."


class TooManyRequests(KubiliticsError):
    code = "too_many_requests"
    status = 429
    default_remedy = "Wait as long as `details.retry_after_s` says and try again."


class Unavailable(KubiliticsError):
    code = "unavailable"
    status = 503
    default_remedy = "Try again in a moment."


class ClusterError(KubiliticsError):
    """A cluster could not be read: unreachable, refused, timed out, or its certificate does not match."""

    code = "cluster_unreachable"
    status = 502
    default_remedy = "Run the connection check of this cluster; it says what is missing."


class ClusterTimeout(ClusterError):
    code = "cluster_timeout"
    status = 504
    default_remedy = "The API server answered too slowly; try again or narrow the question to one namespace."


def unknown(what: str, given: str, valid: Iterable[str], *, limit: int = 20) -> NotFound:
    """A 404 for a name that does not exist, with the valid choices (at most `limit`, and how many there are)."""
    choices = sorted(valid)
    shown = ", ".join(choices[:limit]) or "none exist yet"
    return NotFound(
        f"There is no {what} called {given!r}.",
        code=f"unknown_{what.replace(' ', '_')}",
        remedy=f"Choose one of: {shown}{' ...' if len(choices) > limit else ''}.",
        details={"given": given, "valid": choices[:limit], "valid_total": len(choices)},
    )
