"""Which addresses a provider may have."""

from __future__ import annotations

from urllib.parse import urlsplit

from chalicelib.errors import InvalidRequest


def checked_url(url: str, *, hosted: bool) -> str:
    """The base URL of a provider without its last slash. Raises InvalidRequest.

    Where strangers add providers it is https, so that a key never goes over the wire in the clear.
    """
    parts = urlsplit(url)
    schemes = ("https",) if hosted else ("https", "http")
    if parts.scheme not in schemes or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise InvalidRequest(
            "base_url: an address like https://models.example.com/v1 is needed.",
            code="invalid_base_url",
            remedy=f"Give scheme ({' or '.join(schemes)}), host and path, without user, query or fragment.",
            details={"field": "base_url"},
        )
    return url.rstrip("/")
