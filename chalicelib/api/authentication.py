"""From headers to a Principal: a bearer token, or the browser's session cookie with our own Origin.

A page of another site can make a browser send the cookie, so a cookie counts for a change only together with our
Origin; a bearer token needs none, since no foreign page can set that header.
"""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from chalice.app import Request

from chalicelib.accounts.identity import Principal
from chalicelib.errors import Forbidden, Unauthenticated
from chalicelib.wiring import COOKIE, Services

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
BEARER = "bearer "


class ForeignOrigin(Forbidden):
    code = "foreign_origin"
    default_remedy = "Use the product's own page, or send a bearer token."


def authenticate(request: Request, services: Services) -> Principal:
    """Who sent this HTTP request. Raises Unauthenticated or ForeignOrigin."""
    principal, by_cookie = _identify(request.headers, services)
    if by_cookie and request.method not in SAFE_METHODS:
        check_origin(request.headers.get("origin"), services)
    return principal


def authenticate_socket(headers: Mapping[str, str], services: Services) -> Principal:
    """Who opens this WebSocket. Raises Unauthenticated or ForeignOrigin."""
    lowered = {name.lower(): value for name, value in headers.items()}
    principal, by_cookie = _identify(lowered, services)
    if by_cookie:
        check_origin(lowered.get("origin"), services)
    return principal


def check_origin(origin: str | None, services: Services) -> None:
    """Raises ForeignOrigin unless the Origin is one of ours."""
    if origin is None or origin not in services.origins:
        raise ForeignOrigin(f"Requests from {origin or 'an unknown page'} are not accepted.")


def _identify(headers: Mapping[str, str], services: Services) -> tuple[Principal, bool]:
    authorization = headers.get("authorization")
    if authorization is not None:
        if not authorization.lower().startswith(BEARER):
            raise Unauthenticated("Only bearer tokens are accepted.", code="invalid_token")
        return services.authenticator.bearer(authorization[len(BEARER) :].strip(), services.clock()), False
    cookie = _cookie(headers.get("cookie", ""))
    if cookie:
        return services.authenticator.session(cookie, services.clock()), True
    raise Unauthenticated("This needs a token or a session.")


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
