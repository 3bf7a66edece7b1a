"""What a tool is: one typed function with everything that chat, REST and MCP need to offer it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from chalicelib.errors import unknown
from chalicelib.state.evidence import Evidence
from chalicelib.state.snapshot import Gap
from chalicelib.tools.schemas import input_schema, output_schema

if TYPE_CHECKING:
    from chalicelib.tools.context import ToolContext

Cost = Literal["cached", "cheap", "cluster_read", "heavy"]
CATEGORIES = (
    "observe", "analyze", "recommend", "troubleshoot", "security", "cost", "action", "automation", "discover",
)  # fmt: skip
"""Tool categories in the order of every list; each is a toolset that an MCP client can choose."""
NAME = re.compile(r"[a-z][a-z0-9_]{1,63}\Z")
"""What both model APIs and MCP (SEP-986) accept as a tool name."""
DEFAULT_ROWS = 25


class Args(BaseModel):
    """Arguments of a tool. Unknown ones are refused: a model that guesses a name must hear it."""

    model_config = ConfigDict(extra="forbid", defer_build=True, frozen=True)


class ClusterArgs(Args):
    cluster: str = Field("", max_length=253, description="id or name; * = all")


class NamespaceArgs(ClusterArgs):
    namespace: str = Field("*", max_length=63)


class PageArgs(NamespaceArgs):
    limit: int = Field(DEFAULT_ROWS, ge=1, le=200)
    cursor: str = Field("", max_length=400)


class ObjectArgs(ClusterArgs):
    """Names one object. `namespace` is left out for cluster-scoped kinds."""

    kind: str = Field(max_length=100)
    name: str = Field(max_length=253)
    namespace: str = Field("", max_length=63)


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of typed results and of their rows; a field that is absent has its default.

    A result with many rows has them in `items`, complete and worst first: the caller cuts them to the budget.
    """


Row = dict[str, Any]


class Items(Result, frozen=True, kw_only=True):
    """A result that is a list of flat rows of a kind."""

    items: list[Row] = []


@dataclass(slots=True)
class Answer:
    """What a tool found.

    Rows are `data.items`, or `rows` where it pays to build only those that are shown: then `show` makes the item of a
    row. `cite` makes the evidence of a row (as it is in `rows`), and is asked only for rows that are shown.
    """

    data: Result
    summary: str
    evidence: list[Evidence] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    rows: Sequence[Any] | None = None
    show: Callable[[Any], Any] | None = None
    cite: Callable[[Any], Evidence | None] | None = None
    clipped: list[str] = field(default_factory=list)
    """What the tool itself left out, in words."""


A = TypeVar("A", bound=Args)
ToolFunction = Callable[[A, "ToolContext"], Answer]


@dataclass(frozen=True)
class Tool:
    """One entry of the registry."""

    name: str
    category: str
    title: str
    description: str
    args: type[Args]
    result: type[Result]
    function: ToolFunction[Any]
    permission: str
    cost: Cost
    read_only: bool
    destructive: bool
    idempotent: bool
    open_world: bool

    @property
    def takes_cluster(self) -> bool:
        return "cluster" in self.args.model_fields

    @property
    def pages(self) -> bool:
        return "cursor" in self.args.model_fields

    @property
    def annotations(self) -> dict[str, Any]:
        """MCP annotations, all four hints said."""
        return {
            "readOnlyHint": self.read_only,
            "destructiveHint": self.destructive,
            "idempotentHint": self.idempotent,
            "openWorldHint": self.open_world,
        }

    @cached_property
    def input_schema(self) -> dict[str, Any]:
        return input_schema(self.args)

    @cached_property
    def output_schema(self) -> dict[str, Any]:
        return output_schema(self.result, many_clusters=issubclass(self.args, ClusterArgs))

    def as_dict(self) -> dict[str, Any]:
        """The entry as `GET /api/v1/tools` lists it."""
        return {
            "name": self.name,
            "category": self.category,
            "title": self.title,
            "description": self.description,
            "input_schema": self.input_schema,
            "output_schema": self.output_schema,
            "annotations": self.annotations,
            "permission": self.permission,
            "cost": self.cost,
        }


class ToolRegistry:
    """All tools by name, in the order of categories and registration."""

    def __init__(self) -> None:
        self._tools: dict[str, Tool] = {}

    def add(self, entry: Tool) -> Tool:
        if entry.name in self._tools:
            raise ValueError(f"tool {entry.name} is registered twice")
        if not NAME.match(entry.name) or entry.category not in CATEGORIES:
            raise ValueError(f"tool {entry.name} has an invalid name or category {entry.category}")
        self._tools[entry.name] = entry
        return entry

    def __iter__(self) -> Iterator[Tool]:
        return iter(sorted(self._tools.values(), key=lambda t: CATEGORIES.index(t.category)))

    def __len__(self) -> int:
        return len(self._tools)

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    def __getitem__(self, name: str) -> Tool:
        """The tool, or NotFound `unknown_tool` with the valid names."""
        found = self._tools.get(name)
        if found is None:
            raise unknown("tool", name, self._tools, limit=100)
        return found

    @property
    def categories(self) -> tuple[str, ...]:
        """Categories that have tools."""
        used = {t.category for t in self._tools.values()}
        return tuple(c for c in CATEGORIES if c in used)


TOOLS = ToolRegistry()
"""Every tool of the product. `chalicelib.tools.registry` imports the modules that fill it."""


def tool(
    name: str,
    *,
    args: type[A],
    result: type[Result],
    title: str = "",
    permission: str = "tools:read",
    cost: Cost = "cached",
    read_only: bool = True,
    destructive: bool = False,
    idempotent: bool = True,
    open_world: bool = False,
    registry: ToolRegistry = TOOLS,
) -> Callable[[ToolFunction[A]], ToolFunction[A]]:
    """Register a function as a tool; its docstring is the description that a model reads.

    The category is the first word of the name. Say in the docstring when to use the tool, when not, and one example.
    """

    def register(function: ToolFunction[A]) -> ToolFunction[A]:
        first = name.split("_", 1)[0]
        registry.add(
            Tool(
                name=name,
                category=first if first in CATEGORIES else "discover",
                title=title or name.replace("_", " ").capitalize(),
                description=" ".join((function.__doc__ or "").split()),
                args=args,
                result=result,
                function=function,
                permission=permission,
                cost=cost,
                read_only=read_only,
                destructive=destructive,
                idempotent=idempotent,
                open_world=open_world,
            )
        )
        return function

    return register
