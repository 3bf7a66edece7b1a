"""Types of all built-in kinds, from the JSON schemas of Kubernetes 1.36 that kubernetes-validate carries.

A `Type` knows what patches and field managers need: which lists are maps or sets and by which keys, which maps are
one value, and which fields Go always writes. CustomResourceDefinitions make the same types from their own schemas.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import orjson

RELEASE = "v1.36.0-local"
_PREFIX = "#/$defs/"
_TIMES = {
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "microtime",
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "int-or-string",
}
_FREE = {
    "io.k8s.apimachinery.pkg.runtime.RawExtension",
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray",
}

# Optional fields that are plain structs in Go (no pointer), so that they are there even when nobody set them.
# With them go a few fields that are written even when empty. The JSON schemas do not tell; read from the Go types of
# k8s.io/api.
_ALWAYS_THERE = {
    "DeploymentSpec": ("strategy",),
    "StatefulSetSpec": ("updateStrategy",),
    "DaemonSetSpec": ("updateStrategy",),
    "ReplicaSetSpec": ("template",),
    "PodTemplateSpec": ("metadata", "spec"),
    "JobTemplateSpec": ("metadata", "spec"),
    "PersistentVolumeClaimSpec": ("resources",),
    "PersistentVolumeClaimTemplate": ("metadata",),
    "ServiceStatus": ("loadBalancer",),
    "IngressStatus": ("loadBalancer",),
    "Event": (
        "source",
        "eventTime",
        "firstTimestamp",
        "lastTimestamp",
        "reportingComponent",
        "reportingInstance",
        "deprecatedSource",
        "deprecatedFirstTimestamp",
        "deprecatedLastTimestamp",
    ),
    "NodeStatus": ("daemonEndpoints", "nodeInfo"),
    "CustomResourceDefinitionStatus": ("acceptedNames",),
}
# Keys of list entries that may be left out, with what they mean then.
KEY_DEFAULTS = {"protocol": "TCP"}


@lru_cache(maxsize=1)
def definitions() -> dict[str, dict[str, Any]]:
    """All schema definitions by full name."""
    path = files("kubernetes_validate") / "kubernetes-json-schema" / RELEASE / "_definitions.json"
    found: dict[str, dict[str, Any]] = orjson.loads(path.read_bytes())["$defs"]
    return found


ZEROS: dict[str, Any] = {"integer": 0, "number": 0, "boolean": False, "string": ""}
"""What Go writes for a scalar that was not set."""


class Type:
    """The type of a value: `form` is struct, map, list, any, or scalar."""

    __slots__ = ("atomic", "fields", "form", "item", "keys", "list_type", "merge_key", "name", "open", "required",
                 "scalar", "source", "strategy")  # fmt: skip

    def __init__(self, form: str, name: str = "") -> None:
        self.form = form
        self.name = name
        self.scalar = ""
        self.atomic = False
        self.fields: Mapping[str, Type] = {}
        self.required: tuple[str, ...] = ()
        self.item: Type | None = None
        self.list_type = "atomic"
        self.keys: tuple[str, ...] = ()
        self.merge_key = ""
        self.strategy: tuple[str, ...] = ()
        self.open = False
        self.source: Mapping[str, Any] = {}

    def field(self, name: str) -> Type | None:
        """The type of a member, of a struct or a map; None if a struct does not have it."""
        if self.form == "struct":
            found = self.fields.get(name)
            return found if found is not None or not self.open else ANY
        if self.form == "map":
            return self.item
        return ANY if self.form == "any" else None

    @property
    def merges(self) -> bool:
        """Whether a strategic merge patch merges this list by its key."""
        return self.form == "list" and "merge" in self.strategy

    def zero(self) -> Any:
        """What Go writes for this type when nothing was set."""
        if self.form == "struct":
            always = _ALWAYS_THERE.get(self.name.rpartition(".")[2], ())
            parts = [name for name in (*self.required, *always) if name in self.fields]
            return {name: self.fields[name].zero() for name in parts}
        return ZEROS.get(self.scalar)


ANY = Type("any")


class _LazyFields(Mapping[str, Type]):
    """Fields resolved when first used: some types contain themselves."""

    def __init__(self, properties: Mapping[str, Any], build: Any) -> None:
        self._properties = properties
        self._build = build
        self._made: dict[str, Type] = {}

    def __getitem__(self, name: str) -> Type:
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = self._build(self._properties[name])
        return made

    def get(self, name: str, default: Any = None) -> Any:
        made = self._made.get(name)
        if made is not None:
            return made
        return self[name] if name in self._properties else default

    def __contains__(self, name: object) -> bool:
        return name in self._properties

    def __iter__(self) -> Any:
        return iter(self._properties)

    def __len__(self) -> int:
        return len(self._properties)


@cache
def named(name: str) -> Type:
    """The type of a definition by its full name."""
    if name in _FREE:
        return ANY
    if name in _TIMES:
        made = Type("scalar", name)
        made.scalar = _TIMES[name]
        return made
    return build(definitions()[name], name)


def build(schema: Mapping[str, Any], name: str = "") -> Type:
    """The type a schema describes, with its list and map extensions."""
    reference = schema.get("$ref")
    if reference:
        return _with_extensions(named(reference.removeprefix(_PREFIX)), schema)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), None)
    if schema.get("x-kubernetes-int-or-string"):
        made = Type("scalar", name)
        made.scalar = "int-or-string"
        return made
    if schema.get("properties"):
        made = Type("struct", name)
        made.fields = _LazyFields(schema["properties"], build)
        made.required = tuple(schema.get("required") or ())
        made.open = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    elif kind == "array":
        made = Type("list", name)
        made.item = build(schema.get("items") or {})
    elif kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        made = Type("map", name)
        made.item = build(schema["additionalProperties"])
    elif kind in ("string", "integer", "number", "boolean"):
        made = Type("scalar", name)
        made.scalar = "bytes" if schema.get("format") == "byte" else kind
    else:
        made = (
            Type("any", name)
            if kind != "object" or schema.get("x-kubernetes-preserve-unknown-fields")
            else _empty(name)
        )
    made.source = schema
    return _with_extensions(made, schema)


def _empty(name: str) -> Type:
    """A struct without fields, such as EmptyDir's or a schema that leaves its object open."""
    made = Type("struct", name)
    made.open = True
    return made


def _with_extensions(base: Type, schema: Mapping[str, Any]) -> Type:
    keys = [key for key in schema if key.startswith("x-kubernetes-")]
    if not keys:
        return base
    made = Type(base.form, base.name)
    for slot in Type.__slots__:
        setattr(made, slot, getattr(base, slot))
    made.list_type = schema.get("x-kubernetes-list-type", base.list_type)
    made.keys = tuple(schema.get("x-kubernetes-list-map-keys") or base.keys)
    made.atomic = base.atomic or schema.get("x-kubernetes-map-type") == "atomic"
    made.merge_key = schema.get("x-kubernetes-patch-merge-key", base.merge_key)
    made.strategy = tuple((schema.get("x-kubernetes-patch-strategy") or "").split(",")) if (
        schema.get("x-kubernetes-patch-strategy")) else base.strategy  # fmt: skip
    return made


@lru_cache(maxsize=1)
def _by_kind() -> dict[tuple[str, str, str], str]:
    found: dict[tuple[str, str, str], str] = {}
    for name, schema in definitions().items():
        gvks = schema.get("x-kubernetes-group-version-kind") or ()
        for gvk in gvks:
            if len(gvks) == 1:
                found[gvk["group"], gvk["version"], gvk["kind"]] = name
    return found


def definition_name(group: str, version: str, kind: str) -> str | None:
    """The full definition name of a built-in kind."""
    return _by_kind().get((group, version, kind))


def type_of(group: str, version: str, kind: str) -> Type | None:
    """The type of a built-in kind, or None."""
    name = definition_name(group, version, kind)
    return _root(name) if name else None


@cache
def _root(name: str) -> Type:
    """A kind's type: its metadata, spec and status are always there."""
    base = named(name)
    made = Type(base.form, base.name)
    for slot in Type.__slots__:
        setattr(made, slot, getattr(base, slot))
    top = [
        part for part in ("metadata", "spec", "status") if part in base.fields and base.fields[part].form == "struct"
    ]
    made.required = tuple(dict.fromkeys((*base.required, *top)))
    return made


OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
