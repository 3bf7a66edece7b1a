"""Secret values stop here: masked in plain objects before anything keeps, shows or sends them."""

from __future__ import annotations

from typing import Any

HIDDEN = "(hidden)"
_KEPT_ANNOTATIONS = ("kubernetes.io/", "meta.helm.sh/", "helm.sh/", "cert-manager.io/")


def is_secret(plain: Any) -> bool:
    """Whether a plain object is a core/v1 Secret (or claims to be one)."""
    return isinstance(plain, dict) and plain.get("kind") == "Secret"


def masked(plain: dict[str, Any]) -> dict[str, Any]:
    """The Secret with its key names and without any value.

    Annotations are dropped unless their domain is known to hold no values: `last-applied-configuration` is a full copy.
    """
    kept = {key: value for key, value in plain.items() if key not in ("data", "stringData", "metadata")}
    for field in ("data", "stringData"):
        if isinstance(plain.get(field), dict):
            kept[field] = {str(key): HIDDEN for key in plain[field]}
    meta = plain.get("metadata")
    if isinstance(meta, dict):
        kept["metadata"] = {**meta}
        annotations = meta.get("annotations")
        if annotations is not None:
            listed = annotations if isinstance(annotations, dict) else {}
            kept["metadata"]["annotations"] = {k: v for k, v in listed.items() if str(k).startswith(_KEPT_ANNOTATIONS)}
    return kept


def with_secrets_masked(plain: Any, kind: str = "") -> Any:
    """The same plain value with Secrets masked, also inside lists. `kind` is what an object without kind is."""
    if isinstance(plain, list):
        return [with_secrets_masked(item, kind) for item in plain]
    if not isinstance(plain, dict):
        return plain
    own = plain.get("kind") or kind
    if own == "Secret":
        return masked(plain)
    if isinstance(plain.get("items"), list) and (not own or str(own).endswith("List")):
        inner = str(own or "").removesuffix("List")
        return {**plain, "items": [with_secrets_masked(item, inner) for item in plain["items"]]}
    return plain
