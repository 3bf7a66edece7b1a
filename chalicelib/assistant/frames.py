"""An answer as the sequence of frames that a client streams: status, tool lines, blocks, end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chalicelib.assistant.context import Answer
from chalicelib.errors import KubiliticsError

Frame = dict[str, Any]
"""A frame's body; the store adds `seq`, `conversation` and `turn`."""


def status(text: str) -> Frame:
    return {"t": "status", "text": text}


def frames(answer: Answer) -> Iterator[Frame]:
    """Frames of a whole answer, in order. `end` is last and comes once."""
    yield status("Reading the cluster" if answer.steps else "Answering")
    for step in answer.steps:
        yield {"t": "tool", "name": step.tool, "ms": step.ms, "summary": step.summary}
    for block in answer.blocks:
        yield {"t": "block", "block": block}
    yield {
        "t": "end", "citations": answer.citations, "degraded": answer.degraded, "suggestions": answer.suggestions,
    }  # fmt: skip


def failure(error: KubiliticsError) -> Frame:
    """The frame of an answer that could not be given."""
    return {"t": "error", **error.as_dict()}
