"""Results that fit: 25 rows and 8 KB by default, and never a silent cut.

Rows come worst first, so what is left out matters least; `truncated` says how much that is and how to page on. A value
that is too long by itself is shortened in the middle and named in `truncated.clipped`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

MAX_BYTES = 8192
SUMMARY_CHARS = 600
EVIDENCE_BYTES = 32
"""JSON size of one evidence id in a list."""
SLACK_BYTES = 1250
"""Room for the summary, `truncated` and the envelope."""
SLACK_BYTES = 1250
"""Room for the summary, `truncated` and the envelope."""
MAX_GAPS = 12
HEAD_BYTES = 6000
"""What the facts beside the rows may take."""
_STEPS = ((2000, 60), (1000, 30), (400, 20), (200, 10), (100, 5), (60, 3))
"""(longest text, longest list) tried one after the other until a value fits."""


@dataclass(frozen=True, slots=True)
class Page:
    """The rows that are shown: from `start`, `shown` of `total`."""

    start: int
    shown: int
    total: int

    @property
    def end(self) -> int:
        return self.start + self.shown

    @property
    def more(self) -> bool:
        return self.end < self.total


def size(value: Any) -> int:
    """Bytes of a value as JSON."""
    return len(msgspec.json.encode(value))


def fit(candidates: Sequence[Any], start: int, total: int, room: int, *, cited: bool) -> Page:
    """How many of the candidate rows, which begin at `start` of `total`, fit into `room` bytes; at least one."""
    shown = used = 0
    for row in candidates:
        used += size(row) + 1 + (EVIDENCE_BYTES if cited else 0)
        if used > room and shown:
            break
        shown += 1
    return Page(start, shown, total)


def clip(value: Any, room: int, path: str = "") -> tuple[Any, list[str]]:
    """A JSON value that fits into `room` bytes, and the paths of what was shortened."""
    if size(value) <= room:
        return value, []
    for longest_text, longest_list in _STEPS:
        clipped: list[str] = []
        smaller = _clip(value, longest_text, longest_list, path, clipped)
        if size(smaller) <= room:
            return smaller, clipped[:10]
    return _keep_scalars(smaller, room, clipped, path)


def _keep_scalars(value: Any, room: int, clipped: list[str], path: str) -> tuple[Any, list[str]]:
    """Last resort: drop the largest members of an object until it fits."""
    if not isinstance(value, dict):
        return None, [path or "all"]
    kept = dict(value)
    for key in sorted(kept, key=lambda k: -size(kept[k])):
        if size(kept) <= room:
            break
        del kept[key]
        clipped.append(f"{path}.{key}".lstrip("."))
    return kept, clipped[-10:]


def _clip(value: Any, text: int, items: int, path: str, clipped: list[str]) -> Any:
    if isinstance(value, str) and len(value) > text:
        clipped.append(path)
        head = text * 2 // 3
        return f"{value[:head]} ...({len(value) - text} characters left out)... {value[-(text - head) :]}"
    if isinstance(value, list):
        if len(value) > items:
            clipped.append(f"{path}[{items} of {len(value)}]")
        return [_clip(item, text, items, f"{path}[{i}]", clipped) for i, item in enumerate(value[:items])]
    if isinstance(value, dict):
        kept = list(value.items())
        if len(kept) > items and items < 60 and len(kept) > 20:
            clipped.append(f"{path}[{max(items, 20)} of {len(kept)}]")
            kept = kept[: max(items, 20)]
        return {k: _clip(v, text, items, f"{path}.{k}".lstrip("."), clipped) for k, v in kept}
    return value


def shorten(text: str, longest: int = SUMMARY_CHARS) -> str:
    """A text of at most `longest` characters, cut at a word and marked as cut."""
    text = " ".join(text.split())
    if len(text) <= longest:
        return text
    cut = text[: longest - 4]
    return cut[: cut.rfind(" ") if cut.rfind(" ") > longest // 2 else None].rstrip(" ,;:.") + " ..."
