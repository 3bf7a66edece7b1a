"""Records as bytes: JSON when short, zstd over JSON when longer (the frame's magic number tells which).

DynamoDB bills a write by the kilobyte, so a body of several kilobytes costs a third to a fifth when
compressed.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import zstandard

from chalicelib.errors import InvalidRequest

T = TypeVar("T")

COMPRESS_ABOVE_BYTES = 1024
MAX_BODY_BYTES = 64 * 1024 * 1024
"""Bound on what a body may decompress to: far above any record, far below a decompression bomb."""

_MAGIC = b"\x28\xb5\x2f\xfd"


def encode(value: Any) -> bytes:
    """The bytes of a record or a JSON value.

    Raises InvalidRequest for text or numbers that JSON cannot carry.
    """
    try:
        plain = msgspec.json.encode(value)
    except (UnicodeEncodeError, OverflowError) as error:
        raise InvalidRequest(
            "The text holds characters, or a number, that cannot be stored.",
            code="not_storable",
            remedy="Remove lone surrogates and integers of more than 64 bits.",
        ) from error
    if len(plain) <= COMPRESS_ABOVE_BYTES:
        return plain
    # Compressors are not thread-safe and cheap to make: one for each call.
    return zstandard.ZstdCompressor(level=3).compress(plain)


def decode(body: bytes, kind: type[T]) -> T:
    """The record that `encode` was given. Raises msgspec.ValidationError for bytes of something else."""
    if body.startswith(_MAGIC):
        body = zstandard.ZstdDecompressor().decompress(body, max_output_size=MAX_BODY_BYTES)
    return msgspec.json.decode(body, type=kind)
