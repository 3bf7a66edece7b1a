"""Building blocks that every Kubernetes object shares.

Structs keep only the fields an engine or a list column uses; everything else is skipped while decoding, which is what
makes reading 10,000 pods cheap. Attribute names are the API's in snake case; JSON names are the API's.
`gc=False` is safe because decoded objects form trees: nothing can point back.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

Quantities = dict[str, str | int | float]
"""Resource name -> quantity as the API wrote it (`"250m"`, `"1Gi"`, 2)."""
Labels = dict[str, str]
IntOrString = int | str


if TYPE_CHECKING:

    class Api(msgspec.Struct, kw_only=True):
        """What type checkers see: they want `frozen` repeated on every subclass, which would be noise."""
else:

    class Api(msgspec.Struct, rename="camel", frozen=True, kw_only=True, omit_defaults=True, gc=False):
        """Base of all decoded API structs."""


class Ref(NamedTuple):
    """Names one object of a cluster. `namespace` is empty for cluster-scoped kinds."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class OwnerReference(Api):
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False
    api_version: str = ""


class ObjectMeta(Api):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    generate_name: str = ""
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    labels: Labels = {}
    annotations: Labels = {}
    owner_references: list[OwnerReference] = []
    finalizers: list[str] = []

    @property
    def controller(self) -> OwnerReference | None:
        """The owner that manages this object, if any."""
        for owner in self.owner_references:
            if owner.controller:
                return owner
        return self.owner_references[0] if self.owner_references else None


class Object(Api):
    """Any Kubernetes object. `kind` and `api_version` are absent from list items and known from the list."""

    metadata: ObjectMeta = ObjectMeta()


class Condition(Api):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None
    last_update_time: datetime | None = None
    last_heartbeat_time: datetime | None = None
    observed_generation: int = 0

    @property
    def true(self) -> bool:
        return self.status == "True"

    @property
    def false(self) -> bool:
        return self.status == "False"


class MatchExpression(Api):
    key: str = ""
    operator: str = ""
    values: list[str] = []


class LabelSelector(Api):
    match_labels: Labels = {}
    match_expressions: list[MatchExpression] = []

    @property
    def empty(self) -> bool:
        """An empty selector selects everything (API convention), a missing one nothing."""
        return not self.match_labels and not self.match_expressions

    def matches(self, labels: Labels) -> bool:
        """Whether labels satisfy this selector (k8s.io/apimachinery labels semantics)."""
        if any(labels.get(key) != value for key, value in self.match_labels.items()):
            return False
        return all(
            expression_holds(e.operator, e.values, e.key in labels, labels.get(e.key, ""))
            for e in self.match_expressions
        )


def expression_holds(operator: str, values: list[str], present: bool, value: str) -> bool:
    """One `In/NotIn/Exists/DoesNotExist/Gt/Lt` requirement against a label that is present or not."""
    if operator == "In":
        return present and value in values
    if operator == "NotIn":
        return not present or value not in values
    if operator == "Exists":
        return present
    if operator == "DoesNotExist":
        return not present
    if operator in ("Gt", "Lt") and present and values:
        try:
            left, right = int(value), int(values[0])
        except ValueError:
            return False
        return left > right if operator == "Gt" else left < right
    return False


class LocalReference(Api):
    name: str = ""


class ObjectReference(Api):
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    api_version: str = ""
    field_path: str = ""
    resource_version: str = ""


def condition(conditions: list[Condition], type_: str) -> Condition | None:
    """The condition of that type, or None when the object does not report it."""
    for found in conditions:
        if found.type == type_:
            return found
    return None
