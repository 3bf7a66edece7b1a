"""An answer as the sequence of frames that a client streams: status, tool lines, blocks, end."""

from __future__ import annotations

from typing import Any

from chalicelib.assistant.context import Answer
from chalicelib.errors import KubiliticsError

Frame = tuple[str, dict[str, Any]]
"""(type, body); the store adds `seq`, `conversation` and `turn`."""


def frames_of(answer: Answer) -> list[Frame]:
    """Frames of a whole answer, in order. `end` is last and comes once."""
    found: list[Frame] = [("status", {"text": "Reading the cluster" if answer.steps else "Answering"})]
    found += [("tool", {"name": s.tool, "ms": s.ms, "summary": s.summary}) for s in answer.steps]
    found += [("block", {"block": block}) for block in answer.blocks]
    end = {"citations": answer.citations, "degraded": answer.degraded, "suggestions": answer.suggestions}
    return [*found, ("end", end)]


def failure(error: KubiliticsError) -> Frame:
    """The frame of an answer that could not be given."""
    return "error", error.as_dict()
