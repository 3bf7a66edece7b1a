"""The built web interface: files of `build/web`, their cache rules, and the security headers of a page."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from infra.local.gateway.answer import Answer, Headers

_IMMUTABLE = b"public, max-age=31536000, immutable"
_REVALIDATE = b"no-cache"
_HASHED_FOLDER = "assets"
"""Vite puts the files whose names carry a hash of their content here."""
_TEXT_TYPES = ("text/", "application/javascript", "application/json", "image/svg+xml", "application/manifest+json")
_MISSING_UI = (
    b"<!doctype html><html lang=en><meta charset=utf-8><title>Kubilitics</title>"
    b"<h1>Kubilitics is running</h1><p>The web interface is not built. Stop the service and run <code>make run</code> "
    b"(without <code>UI=0</code>), or use the API at <a href=/api/v1/openapi.json>/api/v1/openapi.json</a>.</p></html>"
)
_LINK_NEEDED = (
    b"<!doctype html><html lang=en><meta charset=utf-8><title>Kubilitics</title><h1>Sign in</h1>"
    b"<p>Open the one-time link that <code>make run</code> or <code>make user</code> printed. It works once; "
    b"restart, or ask for a new one.</p></html>"
)


@dataclass(frozen=True)
class _Page:
    modified_ns: int
    body: bytes
    packed: bytes | None
    headers: Headers
    tag: bytes


class Pages:
    """Serves one folder. `connect` are origins besides ours that a page may send data to (the upload
    endpoint).
    """

    def __init__(self, folder: Path, connect: tuple[str, ...]) -> None:
        self._folder = folder.resolve()
        self._policy = content_security_policy(connect).encode()
        self._known: dict[Path, _Page] = {}

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer | None:
        """The file at `path`; the application's document for an address inside it; None when there is
        neither.
        """
        file = self._file(path)
        if file is None and _is_navigation(path, headers):
            file = self._folder / "index.html"
            if not file.is_file():
                return self.document(200, _MISSING_UI)
        return None if file is None else self._serve(file, headers)

    def document(self, status: int, body: bytes) -> Answer:
        """A small page of our own."""
        kind = (b"content-type", b"text/html; charset=utf-8")
        return Answer(status, [kind, (b"cache-control", b"no-store"), *self._page_headers()], body)

    def link_needed(self) -> Answer:
        return self.document(401, _LINK_NEEDED)

    def _file(self, path: str) -> Path | None:
        relative = PurePosixPath(path.lstrip("/"))
        if not relative.parts or ".." in relative.parts or "\0" in path:
            return None
        file = (self._folder / relative).resolve()
        return file if file.is_relative_to(self._folder) and file.is_file() else None

    def _serve(self, file: Path, headers: Mapping[str, str]) -> Answer:
        page = self._read(file)
        if headers.get("if-none-match", "").encode() == page.tag:
            return Answer(304, page.headers)
        if page.packed is not None and "gzip" in headers.get("accept-encoding", ""):
            return Answer(200, [*page.headers, (b"content-encoding", b"gzip")], page.packed)
        return Answer(200, page.headers, page.body)

    def _read(self, file: Path) -> _Page:
        modified_ns = file.stat().st_mtime_ns
        known = self._known.get(file)
        if known is not None and known.modified_ns == modified_ns:
            return known
        body = file.read_bytes()
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        if file.suffix in (".js", ".mjs"):
            kind = "text/javascript"
        text = kind.startswith(_TEXT_TYPES)
        hashed = file.parent != self._folder and file.relative_to(self._folder).parts[0] == _HASHED_FOLDER
        tag = b'"' + hashlib.sha256(body).hexdigest()[:20].encode() + b'"'
        headers = [
            (b"content-type", (kind + ("; charset=utf-8" if text else "")).encode()),
            (b"cache-control", _IMMUTABLE if hashed else _REVALIDATE),
            (b"etag", tag),
            (b"vary", b"Accept-Encoding"),
            *self._page_headers(),
        ]
        packed = gzip.compress(body, 9, mtime=0) if text and len(body) > 1024 else None
        page = _Page(modified_ns, body, packed, headers, tag)
        self._known[file] = page
        return page

    def _page_headers(self) -> Headers:
        return [
            (b"content-security-policy", self._policy),
            (b"referrer-policy", b"same-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
        ]


def content_security_policy(connect: tuple[str, ...]) -> str:
    """Scripts from us only; data to us and to `connect`; not to be framed."""
    return "; ".join(
        [
            "default-src 'self'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self' data:",
            " ".join(["connect-src 'self'", *connect]),
            "worker-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


def _is_navigation(path: str, headers: Mapping[str, str]) -> bool:
    """Whether a person opened this address: the last part names no file, or a page is asked for."""
    return "." not in path.rpartition("/")[2] or "text/html" in headers.get("accept", "")
