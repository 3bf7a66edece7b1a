"""Records as bytes: JSON when short, zstd over JSON when longer (the frame's magic number tells which).

DynamoDB bills a write by the kilobyte, so a body of several kilobytes costs a third to a fifth when
compressed.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import zstandard

from chalicelib.errors import InvalidRequest, TooLarge

T = TypeVar("T")

COMPRESS_ABOVE_BYTES = 1024
MAX_BODY_BYTES = 64 * 1024 * 1024
"""Bound on what a body may decompress to: far above any record, far below a decompression bomb."""

MAX_MESSAGE_BYTES = 256 * 1024
"""SQS's long-standing limit."""

_MAGIC = b"\x28\xb5\x2f\xfd"


def encode(value: Any) -> bytes:
    """The bytes of a record or a JSON value. Raises InvalidRequest for text that is not Unicode."""
    body = plain(value)
    if len(body) <= COMPRESS_ABOVE_BYTES:
        return body
    # Compressors are not thread-safe and cheap to make: one for each call.
    return zstandard.ZstdCompressor(level=3).compress(body)


def plain(value: Any) -> bytes:
    """The JSON of a record or value. Raises InvalidRequest for text that is not Unicode."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError as error:
        raise InvalidRequest(
            "The text holds characters that cannot be stored.",
            code="not_storable",
            remedy="Remove lone surrogates (\\ud800 to \\udfff) from it.",
        ) from error


def decode(body: bytes, kind: type[T]) -> T:
    """The record that `encode` was given. Raises msgspec.ValidationError for bytes of something else."""
    if body.startswith(_MAGIC):
        body = zstandard.ZstdDecompressor().decompress(body, max_output_size=MAX_BODY_BYTES)
    return msgspec.json.decode(body, type=kind)


def encoded_message(message: dict[str, Any]) -> str:
    """The text of a message. Raises TooLarge above 256 KB: what is large goes to the object store first."""
    body = plain(message)
    if len(body) > MAX_MESSAGE_BYTES:
        raise TooLarge(f"A queue message of {len(body)} bytes is too large.", details={"limit": MAX_MESSAGE_BYTES})
    return body.decode()
