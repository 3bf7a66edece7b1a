"""The registry of actions: each turns typed arguments into the operations it stands for, and nothing else.

An action neither judges nor writes. What its operations would do is worked out from the objects before and after, the
same way for every action.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chalicelib.clusters.operations import Operation, PatchType, ResourceType
from chalicelib.errors import InvalidRequest, unknown
from chalicelib.safety.scene import Json, Scene
from chalicelib.state.meta import Ref

NAME = r"^[A-Za-z0-9]([A-Za-z0-9.:_-]{0,251}[A-Za-z0-9])?$"
NAMESPACE = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"


class Arguments(BaseModel):
    """Arguments of an action. Unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class NamedArguments(Arguments):
    namespace: str = Field(pattern=NAMESPACE, description="namespace of the object")
    name: str = Field(pattern=NAME, description="one object; no patterns")


@dataclass(frozen=True, slots=True)
class Draft:
    """What an action asks for. `about` is the object that people think of it as being about."""

    summary: str
    operations: tuple[Operation, ...]
    about: Ref


A = TypeVar("A", bound=Arguments)
Function = Callable[[A, Scene], Draft]


@dataclass(frozen=True, slots=True)
class Action:
    name: str
    title: str
    description: str
    arguments: type[Arguments]
    draft: Function[Any]
    kind: str = ""
    """The one kind that it is about, where the arguments do not name it."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of objects that it can be asked for: `*` is any, none is an action that is not about one object."""
        field = self.arguments.model_fields.get("kind")
        if field is None:
            return (self.kind,) if self.kind else ()
        return get_args(field.annotation) or ("*",)

    def parse(self, given: Mapping[str, Any]) -> Arguments:
        """Typed arguments. Raises InvalidRequest `invalid_arguments` naming the field."""
        try:
            return self.arguments.model_validate(dict(given))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "arguments"
            raise InvalidRequest(
                f"{where}: {first['msg']}.", code="invalid_arguments",
                remedy=f"{self.name} takes: {', '.join(self.arguments.model_fields)}.",
                details={"action": self.name, "field": where, "valid": sorted(self.arguments.model_fields)},
            ) from None  # fmt: skip


_ACTIONS: dict[str, Action] = {}


def action(name: str, *, title: str, arguments: type[A], kind: str = "") -> Callable[[Function[A]], Function[A]]:
    """Register a function as an action; its docstring says what it does and what to expect."""

    def register(function: Function[A]) -> Function[A]:
        if name in _ACTIONS:
            raise ValueError(f"action {name} is registered twice")
        about = " ".join((function.__doc__ or "").split())
        _ACTIONS[name] = Action(name, title, about, arguments, function, kind)
        return function

    return register


@functools.cache
def _loaded() -> Mapping[str, Action]:
    for module in ("workloads", "objects", "nodes"):
        importlib.import_module(f"chalicelib.safety.actions.{module}")
    return _ACTIONS


def actions() -> Iterator[Action]:
    return iter(_loaded().values())


def find_action(name: str) -> Action:
    """Raises NotFound `unknown_action` with the valid names."""
    found = _loaded().get(name)
    if found is None:
        raise unknown("action", name, _loaded())
    return found


def patch(resource: ResourceType, obj: Json, body: Any, patch_type: PatchType) -> Operation:
    """A patch of an object as it is now."""
    meta = obj["metadata"]
    return Operation(
        verb="patch", resource=resource, namespace=meta.get("namespace", ""), name=meta["name"], body=body,
        patch_type=patch_type, uid=meta["uid"], resource_version=meta["resourceVersion"],
    )  # fmt: skip


def nothing_to_do(text: str) -> InvalidRequest:
    """The error for a change that would change nothing."""
    return InvalidRequest(
        text, code="nothing_to_change", remedy="There is nothing to approve; look at its state again."
    )
