"""The public API as the start-up uses it: the token of the installation, JSON, uploads to presigned URLs."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_ANSWERS_WITHIN_S = 60.0


class Refused(Exception):
    """An error answer; the message holds the API's message and remedy."""


class ApiClient:
    """Calls `http://127.0.0.1:PORT/api/v1`, or another `base` of the gateway's."""

    def __init__(self, url: str, token: str, *, base: str = "/api/v1") -> None:
        self._url = url + base
        self._token = token

    def call(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> Any:
        """The decoded answer. Raises Refused, OSError."""
        headers = {"authorization": f"Bearer {self._token}", "accept": "application/json"}
        data = None
        if content is not None:
            data = json.dumps(content).encode()
            headers["content-type"] = "application/json"
        return _send(urllib.request.Request(f"{self._url}{path}", data, headers, method=method))

    def upload(self, slot: Mapping[str, Any], file: Path) -> None:
        """Send a file where the answer to `POST /clusters` said."""
        with file.open("rb") as body:
            headers = {**slot.get("headers", {}), "content-length": str(file.stat().st_size)}
            _send(urllib.request.Request(slot["url"], body, headers, method=slot["method"]))


def _send(request: urllib.request.Request) -> Any:
    # No proxy: everything here is on loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_ANSWERS_WITHIN_S) as answer:
            body = answer.read()
    except urllib.error.HTTPError as error:
        raise Refused(_reason(error)) from None
    return json.loads(body) if body else None


def _reason(error: urllib.error.HTTPError) -> str:
    body = error.read()
    try:
        content = json.loads(body)["error"]
        return f"{content['message']} {content['remedy']}"
    except (ValueError, KeyError, TypeError):
        return f"HTTP {error.code}: {body[:300].decode(errors='replace')}"
