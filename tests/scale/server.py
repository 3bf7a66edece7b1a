"""A small Kubernetes API server over a generated estate: paged lists, Tables, discovery, reviews, logs, and faults.

It serves reads only, for tests and benches. Run it alone with `python -m tests.scale.server --nodes 1000 --pods 10000`:
it prints its URL and a kubeconfig.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import gzip
import json
import ssl
import threading
import time
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from chalicelib.state.kinds import KINDS
from tests.scale.generate import Estate, generate

VERSION = {"major": "1", "minor": "36", "gitVersion": "v1.36.2-scale", "platform": "linux/amd64"}
CLUSTER_SCOPED_METRICS = ("nodes.metrics.k8s.io",)


@dataclass
class Faults:
    """What the server does wrong. Change it while it runs; counters count down."""

    gone: dict[str, int] = field(default_factory=dict)
    """Resource -> so many requests with a continue token answer 410."""
    too_many: int = 0
    retry_after: str | None = "0"
    unauthorized: int = 0
    forbidden: set[str] = field(default_factory=set)
    """Resources (`pods`, `nodes.metrics.k8s.io`) that may not be read."""
    forbidden_cluster_wide: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    broken: dict[str, bytes] = field(default_factory=dict)
    """Resource -> body that is sent instead of its list."""
    slow_s: float = 0.0
    """Seconds before each page after the first of a list."""
    drip: set[str] = field(default_factory=set)
    """Resources whose lists come byte by byte and never end."""
    cut_after: int | None = None
    """After so many requests, connections are dropped without an answer."""
    redirect_to: str = ""
    reviews_broken: bool = False
    legacy_discovery: bool = False
    plain_tables: bool = False
    """Answer objects where a Table is asked for."""


class Request(NamedTuple):
    """What was asked, for tests to look at."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]


class Resource(NamedTuple):
    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool

    @property
    def name(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


def resources(estate: Estate) -> dict[str, Resource]:
    """Every kind of the registry, metrics, and the custom kind of the estate."""
    found = {}
    for e in KINDS:
        if not e.optional or f"{e.plural}.{e.group}" in estate.lists:
            found[f"{e.plural}.{e.group}" if e.group else e.plural] = Resource(
                e.group, e.version, e.plural, e.kind, e.namespaced
            )
    for plural, kind in (("nodes", "NodeMetrics"), ("pods", "PodMetrics")):
        resource = Resource("metrics.k8s.io", "v1beta1", plural, kind, plural == "pods")
        found[resource.name] = resource
    found["things0.example.com"] = Resource("example.com", "v1", "things0", "Thing0", True)
    return found


class ScaleServer(ThreadingHTTPServer):
    """The server. `with ScaleServer(estate) as server:` runs it on a free port of loopback."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, estate: Estate, *, port: int = 0, tokens: set[str] | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.estate = estate
        self.resources = resources(estate)
        self.tokens = tokens or set()
        self.faults = Faults()
        self.requests: list[Request] = []
        self.lock = threading.Lock()
        self.allowed = lambda attributes: True
        self.page = lru_cache(maxsize=2000)(self._page)
        self._tls = tls is not None
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> ScaleServer:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Broken connections are what some tests are about."""

    def kubeconfig(self, token: str = "token", ca: bytes = b"") -> str:
        cluster: dict[str, Any] = {"server": self.url}
        if ca:
            cluster["certificate-authority-data"] = base64.b64encode(ca).decode()
        return json.dumps(
            {
                "apiVersion": "v1", "kind": "Config", "current-context": "scale",
                "clusters": [{"name": "scale", "cluster": cluster}],
                "users": [{"name": "scale", "user": {"token": token}}],
                "contexts": [{"name": "scale", "context": {"cluster": "scale", "user": "scale"}}],
            },
            indent=1,
        )  # fmt: skip

    def _page(self, name: str, namespace: str, start: int, limit: int, compressed: bool) -> bytes:
        resource = self.resources[name]
        items = self.items(name, namespace)
        part = items[start : start + limit]
        left = len(items) - start - len(part)
        meta: dict[str, Any] = {"resourceVersion": "900000"}
        if left > 0:
            meta |= {"continue": f"v1:{start + len(part)}", "remainingItemCount": left}
        api = f"{resource.group}/{resource.version}" if resource.group else resource.version
        head = f'{{"kind":"{resource.kind}List","apiVersion":"{api}","metadata":{json.dumps(meta)},"items":['
        body = head.encode() + b",".join(i.body for i in part) + b"]}\n"
        return gzip.compress(body, 1) if compressed else body

    def items(self, name: str, namespace: str = "") -> list[Any]:
        found = self.estate.lists.get(name, [])
        return [i for i in found if i.namespace == namespace] if namespace else found


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ScaleServer
    # Headers and body leave in one packet; otherwise each answer waits for the peer's delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def setup(self) -> None:
        if isinstance(self.request, ssl.SSLSocket):
            self.request.settimeout(10)
            self.request.do_handshake()
        super().setup()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        query = {k: v[-1] for k, v in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        faults = self.server.faults
        with self.server.lock:
            self.server.requests.append(Request(self.command, parts.path, query, dict(self.headers.items())))
            if faults.cut_after is not None:
                faults.cut_after -= 1
            refused = self._refused(faults)
        if faults.cut_after is not None and faults.cut_after < 0:
            self.close_connection = True
            self.connection.close()
            return
        if refused:
            self._status(*refused)
        elif parts.path.startswith("/apis/authorization.k8s.io/v1/"):
            self._review(parts.path.rsplit("/", 1)[1], json.loads(body or b"{}"))
        else:
            self._read(parts.path, query)

    def _refused(self, faults: Faults) -> tuple[int, str] | None:
        if faults.redirect_to:
            return 302, faults.redirect_to
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if self.server.tokens and token not in self.server.tokens:
            return 401, "Unauthorized"
        for field_, status in (("unauthorized", 401), ("too_many", 429)):
            if getattr(faults, field_) > 0:
                setattr(faults, field_, getattr(faults, field_) - 1)
                return status, "Too many requests" if status == 429 else "Unauthorized"
        return None

    # Reads

    def _read(self, path: str, query: dict[str, str]) -> None:
        segments = path.strip("/").split("/")
        if path == "/version":
            return self._json(VERSION)
        if path in ("/api", "/apis"):
            return self._discovery(path)
        if segments[0] == "api" and len(segments) >= 2:
            return self._group("", segments[1], segments[2:], query)
        if segments[0] == "apis" and len(segments) >= 3:
            return self._group(segments[1], segments[2], segments[3:], query)
        self._status(404, "the server could not find the requested resource")

    def _group(self, group: str, version: str, rest: list[str], query: dict[str, str]) -> None:
        if not rest:
            return self._legacy_resources(group, version)
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        name = f"{rest[0]}.{group}" if group else rest[0]
        faults = self.server.faults
        resource = self.server.resources.get(name)
        if resource is None or resource.version != version or name in faults.missing:
            return self._status(404, "the server could not find the requested resource")
        if name in faults.forbidden or (name in faults.forbidden_cluster_wide and not namespace):
            return self._status(403, f'{name} is forbidden: User "reader" cannot list resource "{rest[0]}"')
        if len(rest) == 1:
            return self._list(resource, namespace, query)
        if rest[2:] == ["log"]:
            return self._log(rest[1], query)
        self._single(resource, namespace, rest[1])

    def _list(self, resource: Resource, namespace: str, query: dict[str, str]) -> None:
        faults = self.server.faults
        if resource.name in faults.broken:
            return self._send(200, faults.broken[resource.name])
        if resource.name in faults.drip:
            return self._drip()
        if "continue" in query and faults.gone.get(resource.name, 0) > 0:
            faults.gone[resource.name] -= 1
            return self._status(410, query["continue"])
        start = int(query.get("continue", "v1:0").split(":")[1])
        if faults.slow_s and start:
            time.sleep(faults.slow_s)
        if "as=Table" in self.headers.get("Accept", "") and not faults.plain_tables:
            return self._table(self.server.items(resource.name, namespace))
        compressed = "gzip" in self.headers.get("Accept-Encoding", "")
        limit = int(query.get("limit", "0")) or 1 << 30
        body = self.server.page(resource.name, namespace, start, limit, compressed)
        self._send(200, body, {"Content-Encoding": "gzip"} if compressed else {})

    def _table(self, items: list[Any]) -> None:
        """Secrets as kubectl shows them. The cells are computed from values that do not leave the server."""
        rows = []
        for item in items:
            plain = json.loads(item.body)
            rows.append({"cells": [item.name, plain.get("type", ""), len(plain.get("data", {})), "5d"], "object": None})
        names = ("Name", "Type", "Data", "Age")
        columns = [{"name": n, "type": "string"} for n in names]
        self._json({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": "900000"},
                    "columnDefinitions": columns, "rows": rows})  # fmt: skip

    def _single(self, resource: Resource, namespace: str, name: str) -> None:
        found = [i for i in self.server.items(resource.name, namespace) if i.name == name]
        if not found:
            return self._status(404, f'{resource.plural} "{name}" not found')
        if "as=Table" in self.headers.get("Accept", ""):
            return self._table(found)
        api = f"{resource.group}/{resource.version}" if resource.group else resource.version
        self._json({"kind": resource.kind, "apiVersion": api, **json.loads(found[0].body)})

    def _log(self, pod: str, query: dict[str, str]) -> None:
        if query.get("previous") == "true":
            return self._status(400, f'previous terminated container "app" in pod "{pod}" not found')
        lines = [f'2026-11-22T08:{n % 60:02}:00Z level=info msg="request served" n={n}\n' for n in range(500)]
        text = "".join(lines[-int(query.get("tailLines", "500")) :]).encode()[: int(query.get("limitBytes", "1000000"))]
        self._send(200, text, {"Content-Type": "text/plain"})

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        for _ in range(2000):
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.02)

    # Discovery and reviews

    def _discovery(self, path: str) -> None:
        listed = [r for r in self.server.resources.values() if bool(r.group) == (path == "/apis")]
        if "APIGroupDiscoveryList" not in self.headers.get("Accept", "") or self.server.faults.legacy_discovery:
            return self._legacy_groups(path, listed)
        groups: dict[str, dict[str, list[Resource]]] = {}
        for r in listed:
            groups.setdefault(r.group, {}).setdefault(r.version, []).append(r)
        self._json({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": [
            {"metadata": {"name": group} if group else {}, "versions": [{"version": version, "resources": [
                {"resource": r.plural, "responseKind": {"kind": r.kind, "group": "", "version": ""}, "verbs": [
                    "get", "list", "watch"], "scope": "Namespaced" if r.namespaced else "Cluster"} for r in found]}
                for version, found in versions.items()]} for group, versions in groups.items()]})  # fmt: skip

    def _legacy_groups(self, path: str, listed: list[Resource]) -> None:
        if path == "/api":
            return self._json({"kind": "APIVersions", "versions": ["v1"]})
        pairs = sorted({(r.group, r.version) for r in listed})
        self._json({"kind": "APIGroupList", "apiVersion": "v1", "groups": [
            {"name": g, "versions": [{"groupVersion": f"{g}/{v}", "version": v}],
             "preferredVersion": {"groupVersion": f"{g}/{v}", "version": v}} for g, v in pairs]})  # fmt: skip

    def _legacy_resources(self, group: str, version: str) -> None:
        found = [r for r in self.server.resources.values() if (r.group, r.version) == (group, version)]
        self._json({"kind": "APIResourceList", "groupVersion": f"{group}/{version}".lstrip("/"), "resources": [
            {"name": r.plural, "kind": r.kind, "namespaced": r.namespaced, "verbs": [
                "get", "list"]} for r in found]})  # fmt: skip

    def _review(self, which: str, review: dict[str, Any]) -> None:
        if which == "selfsubjectrulesreviews":
            rule = {"verbs": ["get", "list"], "apiGroups": ["", "apps"], "resources": ["*"]}
            return self._json(
                {**review, "status": {"resourceRules": [rule], "nonResourceRules": [], "incomplete": True}}, 201
            )
        if self.server.faults.reviews_broken:
            return self._status(500, "authorizer is down")
        attributes = review.get("spec", {}).get("resourceAttributes", {})
        self._json({**review, "status": {"allowed": bool(self.server.allowed(attributes))}}, 201)

    # Answers

    def _status(self, code: int, message: str) -> None:
        if code == 302:
            return self._send(302, b"", {"Location": message})
        meta = {"continue": message} if code == 410 else {}
        body = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": meta,
            "status": "Failure",
            "message": message,
            "code": code,
        }
        retry = self.server.faults.retry_after
        self._json(body, code, {"Retry-After": retry} if code == 429 and retry is not None else {})

    def _json(self, value: Any, code: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(code, json.dumps(value).encode(), headers or {})

    def _send(self, code: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for key, value in ({"Content-Type": "application/json"} | (headers or {})).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


def main() -> None:
    """Serves until it is interrupted."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--nodes", type=int, default=1000)
    options.add_argument("--pods", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--kubeconfig", type=Path, help="also write the kubeconfig to this file")
    given = options.parse_args()
    with ScaleServer(generate(given.nodes, given.pods, given.seed), port=given.port) as server:
        if given.kubeconfig:
            given.kubeconfig.write_text(server.kubeconfig())
        print(server.url, flush=True)
        print(server.kubeconfig(), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
