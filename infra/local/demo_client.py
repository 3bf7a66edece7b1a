"""The demo cluster as the rest of the local stack uses it: is it up, which faults there are, make one, heal one.

Everything needed lies in the admin kubeconfig that the demo writes: address, CA and token. So a demo that was started
again, perhaps on another port, is found by reading the file again.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_ANSWERS_WITHIN_S = 20.0


class DemoAway(Exception):
    """The demo cluster does not answer: off, starting, or just dead."""


class DemoRefused(Exception):
    """The demo cluster refused a request; `status` is its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class _Access:
    server: str
    token: str
    trust: ssl.SSLContext


class DemoClient:
    """Calls the administration of the demo cluster whose files lie in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._kubeconfig = folder / "admin.kubeconfig"

    def faults(self) -> list[dict[str, Any]]:
        """Every fault with its name, title, what it does and whether it is active. Raises DemoAway."""
        items: list[dict[str, Any]] = self.call("GET", "/sim/faults")["items"]
        return items

    def inject(self, name: str) -> dict[str, Any]:
        """Make a fault happen. Raises DemoAway, DemoRefused (404: no such fault)."""
        return dict(self.call("POST", "/sim/inject", {"name": name}))

    def heal(self, name: str) -> dict[str, Any]:
        """End a fault. Raises DemoAway, DemoRefused (404: no such fault)."""
        return dict(self.call("POST", "/sim/heal", {"name": name}))

    def state(self) -> dict[str, Any]:
        """Seed, size, version and how far the written history is. Raises DemoAway."""
        return dict(self.call("GET", "/sim/state"))

    def address(self) -> tuple[str, str]:
        """URL of the API and the administrator's token. Raises DemoAway."""
        access = self._access()
        return access.server, access.token

    def ready(self) -> bool:
        """Whether the demo answers and holds its whole world."""
        try:
            return bool(self.state().get("ready"))
        except (DemoAway, DemoRefused):
            return False

    def call(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        """One request with the administrator's token; the decoded JSON."""
        access = self._access()
        headers = {"authorization": f"Bearer {access.token}", "accept": "application/json"}
        data = None
        if content is not None:
            data = json.dumps(content).encode()
            headers["content-type"] = "application/json"
        request = urllib.request.Request(access.server + path, data, headers, method=method)
        # No proxy: the demo listens on loopback.
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=access.trust)
        )
        try:
            with opener.open(request, timeout=_ANSWERS_WITHIN_S) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise DemoRefused(error.code, _message(error)) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise DemoAway(f"The demo cluster does not answer at {access.server}: {error}") from None

    def _access(self) -> _Access:
        try:
            config = yaml.safe_load(self._kubeconfig.read_text())
            cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
            authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
            return _Access(cluster["server"], user["token"], ssl.create_default_context(cadata=authority))
        except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError):
            raise DemoAway(f"The demo cluster has not written {self._kubeconfig} yet.") from None


def _message(error: urllib.error.HTTPError) -> str:
    body = error.read()
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {error.code}: {body[:300].decode(errors='replace')}"
