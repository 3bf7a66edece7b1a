"""The tool that finds tools, so that a model need not be shown all of them."""

from __future__ import annotations

import re

from pydantic import Field

from chalicelib.tools.bm25 import Index
from chalicelib.tools.context import ToolContext
from chalicelib.tools.entry import TOOLS, Answer, Args, Result, Row, Tool, tool
from chalicelib.tools.wording import counted, listed

NAME_WEIGHT = 3
"""How often the words of a name count against those of its description."""
ABOUT_OTHERS = "Not for"
ASKED_INSTEAD = 0.4
"""What a question to a tool that changes counts for: who asks wants to know, and not to do."""
_QUESTION = re.compile(r"\s*(what|why|who|whose|how|which|when|where|is|are|does|do|did|can|could|show|list|explain)\b")


class FindArgs(Args):
    query: str = Field(min_length=1, max_length=300)
    limit: int = Field(5, ge=1, le=20)


class ToolsFound(Result, frozen=True, kw_only=True):
    items: list[Row] = []


@tool("find_tools", args=FindArgs, result=ToolsFound, title="Find tools", cost="cached")
def find_tools(args: FindArgs, context: ToolContext) -> Answer:
    """Find the tools that answer a question, best first, with their arguments. Use when no tool at hand fits. Not for
    the answer itself. Example: {"query":"why is my volume claim pending"}."""
    found = search(args.query, args.limit)
    items = [
        {"name": t.name, "category": t.category, "description": t.description, "input_schema": t.input_schema,
         "read_only": t.read_only, "cost": t.cost}
        for t in found
    ]  # fmt: skip
    return Answer(ToolsFound(items=items), f"{counted(len(found), 'tool')}: {listed([t.name for t in found], 10)}.")


def search(query: str, limit: int) -> list[Tool]:
    """The best tools for a question, by BM25 over names, titles, descriptions and arguments.

    To a question, tools that read come before tools that ask for a change.
    """
    others = [t for t in TOOLS if t.name != "find_tools"]
    index = Index({t.name: _document(t) for t in others})
    found = [(TOOLS[name], score) for name, score in index.search(query, len(others))]
    if _QUESTION.match(query.lower()):
        found.sort(key=lambda one: -one[1] * (1.0 if one[0].read_only else ASKED_INSTEAD))
    return [entry for entry, _ in found[:limit]]


def _document(entry: Tool) -> str:
    """The text of a tool. What it is not for speaks of other tools and is left out."""
    sentences = [s for s in entry.description.split(". ") if not s.startswith(ABOUT_OTHERS)]
    names = " ".join([entry.name.replace("_", " "), entry.title] * NAME_WEIGHT)
    return f"{names} {'. '.join(sentences)} {' '.join(entry.args.model_fields)}"
