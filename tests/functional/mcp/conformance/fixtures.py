"""What the official conformance suite expects a server to have: its fixtures, mounted on our protocol core.

Names, texts and schemas are those of the suite's own descriptions of its scenarios.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.errors import KubiliticsError, NotFound
from chalicelib.mcp.feature import Exchange, Handler
from chalicelib.mcp.prompts import Argument, Completing, CompletionFeature, PromptEntry, PromptFeature
from chalicelib.mcp.resources import Document, ResourceEntry, ResourceFeature
from chalicelib.mcp.server import McpServer, ServerInfo
from chalicelib.mcp.tools import ToolAnswer, text


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = base64.b64encode(
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\x00\xff"))
    + _chunk(b"IEND", b"")
).decode()
WAV = base64.b64encode(
    b"RIFF" + struct.pack("<I", 38) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16) + b"data"
    + struct.pack("<I", 2) + b"\x00\x00"
).decode()  # fmt: skip
IMAGE = {"type": "image", "data": PNG, "mimeType": "image/png"}


def _embedded(uri: str, mime_type: str, value: str) -> dict[str, Any]:
    return {"type": "resource", "resource": {"uri": uri, "mimeType": mime_type, "text": value}}


def _progress(exchange: Exchange) -> ToolAnswer:
    for done in (0, 50, 100):
        exchange.progress(done, 100)
    return ToolAnswer([text("Done.")])


def _logging(exchange: Exchange) -> ToolAnswer:
    for said in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        exchange.log("info", said)
    return ToolAnswer([text("Done.")])


def _failing(exchange: Exchange) -> ToolAnswer:
    raise KubiliticsError("This tool intentionally returns an error for testing")


def _answering(*content: Mapping[str, Any]) -> Callable[[Exchange], ToolAnswer]:
    return lambda exchange: ToolAnswer(content)


TOOLS: Mapping[str, Callable[[Exchange], ToolAnswer]] = {
    "test_simple_text": _answering(text("This is a simple text response for testing.")),
    "test_image_content": _answering(IMAGE),
    "test_audio_content": _answering({"type": "audio", "data": WAV, "mimeType": "audio/wav"}),
    "test_embedded_resource": _answering(
        _embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")
    ),
    "test_multiple_content_types": _answering(
        text("Multiple content types test:"),
        IMAGE,
        _embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ),
    "test_error_handling": _failing,
    "test_tool_with_progress": _progress,
    "test_tool_with_logging": _logging,
    "json_schema_2020_12_tool": _answering(text("Done.")),
}
SCHEMA_2020_12 = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {"address": {"type": "object", "properties": {"street": {"type": "string"}, "city": {"type": "string"}}}},
    "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}},
    "additionalProperties": False,
}


@dataclass(frozen=True)
class FixtureTool:
    name: str
    title: str = "A fixture"
    description: str = "A fixture of the conformance suite."
    category: str = "fixtures"
    read_only: bool = True
    output_schema: None = None
    annotations: Mapping[str, Any] = field(default_factory=lambda: {"readOnlyHint": True})

    @property
    def input_schema(self) -> Mapping[str, Any]:
        return SCHEMA_2020_12 if self.name == "json_schema_2020_12_tool" else {"type": "object"}


class FixtureTools:
    def entries(self) -> Sequence[FixtureTool]:
        return [FixtureTool(name) for name in TOOLS]

    def call(self, name: str, arguments: Mapping[str, Any], exchange: Exchange) -> ToolAnswer:
        return TOOLS[name](exchange)


DOCUMENTS = {
    "test://static-text": Document("text/plain", "This is the content of the static text resource."),
    "test://static-binary": Document("image/png", blob=PNG),
    "test://watched-resource": Document("text/plain", "Watched."),
}


class FixtureDocuments:
    def resources(self) -> Sequence[ResourceEntry]:
        return [ResourceEntry(uri, uri[7:], uri[7:], "A fixture.", d.mime_type) for uri, d in DOCUMENTS.items()]

    def templates(self) -> Sequence[ResourceEntry]:
        return [ResourceEntry("test://template/{id}/data", "template", "Template", "A fixture.")]

    def read(self, uri: str) -> Document:
        if uri in DOCUMENTS:
            return DOCUMENTS[uri]
        if uri.startswith("test://template/"):
            id_ = uri.split("/")[3]
            return Document("application/json", f'{{"id":"{id_}","templateTest":true,"data":"Data for ID: {id_}"}}')
        raise NotFound("There is no such fixture.")


PROMPTS = (
    PromptEntry("test_simple_prompt", "Simple", "A fixture."),
    PromptEntry(
        "test_prompt_with_arguments", "With arguments", "A fixture.",
        (Argument("arg1", "First.", required=True), Argument("arg2", "Second.", required=True)),
    ),
    PromptEntry(
        "test_prompt_with_embedded_resource", "With a resource", "A fixture.",
        (Argument("resourceUri", "Its URI.", required=True),),
    ),
    PromptEntry("test_prompt_with_image", "With an image", "A fixture."),
)  # fmt: skip


class FixturePrompts:
    def prompts(self) -> Sequence[PromptEntry]:
        return PROMPTS

    def messages(self, name: str, arguments: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
        contents: dict[str, list[dict[str, Any]]] = {
            "test_simple_prompt": [text("This is a simple prompt for testing.")],
            "test_prompt_with_arguments": [
                text(f"Prompt with arguments: arg1='{arguments.get('arg1')}', arg2='{arguments.get('arg2')}'")
            ],
            "test_prompt_with_embedded_resource": [
                _embedded(arguments.get("resourceUri", ""), "text/plain", "Embedded resource content for testing."),
                text("Please process the embedded resource above."),
            ],
            "test_prompt_with_image": [IMAGE, text("Please analyze the image above.")],
        }
        return [{"role": "user", "content": content} for content in contents[name]]

    def complete(self, wanted: Completing) -> Sequence[str]:
        return [value for value in ("test", "testing", "paris") if value.startswith(wanted.typed)]


class Acknowledged:
    """Requests of the old era that ask for later messages: accepted, since the suite asks no more of them here.

    The product mounts none of these: it could not keep what it would promise without a session.
    """

    def __init__(self, capability: str, *methods: str) -> None:
        self.capability: tuple[str, Mapping[str, Any]] = (capability, {"subscribe": True} if methods[1:] else {})
        self.methods: Mapping[str, Handler] = {method: lambda params, exchange: {} for method in methods}
        self.cacheable: Mapping[str, int] = {}


def fixture_server(origins: frozenset[str]) -> McpServer:
    documents, prompts = FixtureDocuments(), FixturePrompts()
    return McpServer(
        FixtureTools(),
        ServerInfo("fixtures", "1.0"),
        features=(
            ResourceFeature(documents),
            PromptFeature(prompts),
            CompletionFeature(prompts),
            Acknowledged("logging", "logging/setLevel"),
            Acknowledged("resources", "resources/subscribe", "resources/unsubscribe"),
        ),
        allowed_origins=origins,
    )
