"""resources/list, resources/templates/list and resources/read over any source of documents with URIs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chalicelib.errors import NotFound
from chalicelib.mcp.feature import PAGE_SIZE, Exchange, Handler, Params, paged, params_of
from chalicelib.mcp.messages import RESOURCE_NOT_FOUND, ProtocolError


@dataclass(frozen=True, slots=True)
class ResourceEntry:
    """A document, or with a URI template (RFC 6570) a family of them."""

    uri: str
    name: str
    title: str = ""
    description: str = ""
    mime_type: str = "application/json"

    def as_dict(self, uri_key: str) -> dict[str, Any]:
        found = {uri_key: self.uri, "name": self.name, "mimeType": self.mime_type}
        if self.title:
            found["title"] = self.title
        if self.description:
            found["description"] = self.description
        return found


@dataclass(frozen=True, slots=True)
class Document:
    """The content of a resource: text, or `blob` in base64."""

    mime_type: str
    text: str | None = None
    blob: str | None = None


class ResourcePort(Protocol):
    """Any source of documents, bound to the caller whose rights a reading has."""

    def resources(self) -> Sequence[ResourceEntry]:
        """What can be listed now, in a stable order."""
        ...

    def templates(self) -> Sequence[ResourceEntry]: ...

    def read(self, uri: str) -> Document:
        """The document behind a URI. Raises NotFound for one that is none of ours or not the caller's to see."""
        ...


class ResourceFeature:
    """Documents that a client may put before a model."""

    def __init__(self, port: ResourcePort, page_size: int = PAGE_SIZE) -> None:
        self._port = port
        self._page_size = page_size

    @property
    def capability(self) -> tuple[str, Mapping[str, Any]]:
        return "resources", {"listChanged": False, "subscribe": False}

    @property
    def methods(self) -> Mapping[str, Handler]:
        return {"resources/list": self._list, "resources/templates/list": self._templates, "resources/read": self._read}

    @property
    def cacheable(self) -> Mapping[str, int]:
        return dict.fromkeys(self.methods, 0)

    def _list(self, params: Mapping[str, Any], exchange: Exchange) -> Mapping[str, Any]:
        page, more = paged(params, self._port.resources(), lambda entry: entry.uri, self._page_size)
        return {"resources": [entry.as_dict("uri") for entry in page], **more}

    def _templates(self, params: Mapping[str, Any], exchange: Exchange) -> Mapping[str, Any]:
        page, more = paged(params, self._port.templates(), lambda entry: entry.uri, self._page_size)
        return {"resourceTemplates": [entry.as_dict("uriTemplate") for entry in page], **more}

    def _read(self, params: Mapping[str, Any], exchange: Exchange) -> Mapping[str, Any]:
        uri = params_of(_ReadParams, params).uri
        try:
            document = self._port.read(uri)
        except NotFound as error:
            raise ProtocolError(
                RESOURCE_NOT_FOUND, error.message, data={**error.as_dict()["error"], "uri": uri[:500]}
            ) from None
        found: dict[str, Any] = {"uri": uri, "mimeType": document.mime_type}
        if document.blob is not None:
            found["blob"] = document.blob
        else:
            found["text"] = document.text or ""
        return {"contents": [found]}


class _ReadParams(Params):
    uri: str
