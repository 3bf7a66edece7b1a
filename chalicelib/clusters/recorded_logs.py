"""Logs of a recording: kept compressed and whole, shown by their end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import zstandard

from chalicelib.clusters.layouts import Place
from chalicelib.state.snapshot import LogKey

TAIL_BYTES = 256 * 1024
"""How much of each log goes into the snapshot; all of it stays readable through `text`."""
TOTAL_TAIL_BYTES = 64 * 1024 * 1024

_FAILED = ("Request log error:", "Create log request error:")


class RecordedLogs:
    """Log text by container. A plain `logs.txt` belongs to the pod's first container, which is known at the end."""

    def __init__(self) -> None:
        self._logs: dict[LogKey, bytes] = {}
        self.failed: list[str] = []
        """What kubectl wrote where it could not read a log."""
        self._compressor = zstandard.ZstdCompressor(level=1)

    def __bool__(self) -> bool:
        return bool(self._logs)

    def add(self, where: Place, data: bytes) -> None:
        """One log file."""
        text = data.decode("utf-8", "replace")
        if where.hint:
            self._put(LogKey(where.namespace, where.pod, where.hint, where.previous), text)
            return
        for container, section in sections(text, where.namespace, where.pod):
            self._put(LogKey(where.namespace, where.pod, container, False), section)

    def _put(self, key: LogKey, text: str) -> None:
        if text.startswith(_FAILED):
            self.failed.append(f"{key.namespace}/{key.pod} {key.container}: {text.splitlines()[0]}")
            return
        self._logs[key] = self._compressor.compress(text.encode())

    def settle(self, containers: Mapping[tuple[str, str], list[str]]) -> None:
        """Gives logs without a container to the pod's first one, and tells `x-previous` from the past log of `x`."""
        settled: dict[LogKey, bytes] = {}
        for key, packed in self._logs.items():
            names = containers.get((key.namespace, key.pod), [])
            if not key.container and names:
                key = key._replace(container=names[0])
            elif key.previous and f"{key.container}-previous" in names and key.container not in names:
                key = key._replace(container=f"{key.container}-previous", previous=False)
            settled[key] = packed
        self._logs = settled

    def text(self, key: LogKey) -> str | None:
        """The whole log of one container."""
        packed = self._logs.get(key)
        return None if packed is None else _unpack(packed)

    def containers_of(self, namespace: str, pod: str) -> list[LogKey]:
        return [key for key in self._logs if (key.namespace, key.pod) == (namespace, pod)]

    def tails(self) -> tuple[dict[LogKey, str], bool]:
        """The end of every log, and whether any had to be cut."""
        tails: dict[LogKey, str] = {}
        left, cut = TOTAL_TAIL_BYTES, False
        for key in sorted(self._logs):
            whole = _unpack(self._logs[key])
            kept = last_bytes(whole, min(TAIL_BYTES, left))
            cut = cut or len(kept) < len(whole)
            left -= len(kept.encode())
            tails[key] = kept
        return tails, cut


def _unpack(packed: bytes) -> str:
    unpacked: Any = zstandard.ZstdDecompressor().decompress(packed)
    return str(unpacked, "utf-8")


def last_bytes(text: str, limit: int) -> str:
    """The last whole lines of a text that fit into `limit` bytes."""
    data = text.encode()
    if len(data) <= limit:
        return text
    kept = data[len(data) - limit :] if limit > 0 else b""
    newline = kept.find(b"\n")
    # A character that the cut went through is left out.
    return kept[newline + 1 :].decode("utf-8", "ignore")


def sections(text: str, namespace: str, pod: str) -> Iterator[tuple[str, str]]:
    """(container, log) of kubectl's `==== START logs for container X of pod ns/pod ====` sections.

    Text without any section is one log whose container is not known: ("", text).
    """
    name = re.escape(f"{namespace}/{pod}")
    edge = re.compile(rf"^==== (START|END) logs for container (\S+) of pod {name} ====[ \t]*\r?\n?", re.MULTILINE)
    starts = list(edge.finditer(text))
    if not any(m[1] == "START" for m in starts):
        yield "", text
        return
    for index, match in enumerate(starts):
        if match[1] == "START":
            end = starts[index + 1].start() if index + 1 < len(starts) else len(text)
            yield match[2], text[match.end() : end]
