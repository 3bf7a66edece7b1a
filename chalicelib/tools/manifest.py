"""One object as YAML, the way `kubectl get -o yaml` shows it, without what nobody wants to read."""

from __future__ import annotations

from typing import Any

import yaml

from chalicelib.clusters.source import ClusterSource
from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Ref

FIRST_KEYS = ("apiVersion", "kind", "metadata", "spec", "status")
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def manifest(source: ClusterSource, ref: Ref) -> dict[str, Any]:
    """The object as plain values; Secret values come masked from the source. Raises NotFound."""
    plain = source.raw(KINDS.get(ref.kind) or ref.kind, ref.namespace, ref.name)
    entry = KINDS.get(ref.kind)
    if entry is not None:
        plain = {"apiVersion": entry.api_version, "kind": entry.kind, **plain}
    metadata = dict(plain.get("metadata") or {})
    metadata.pop("managedFields", None)
    annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != LAST_APPLIED}
    metadata.pop("annotations", None)
    if annotations:
        metadata["annotations"] = annotations
    plain = {**plain, "metadata": metadata}
    ordered = {key: plain[key] for key in FIRST_KEYS if key in plain}
    return {**ordered, **{key: value for key, value in plain.items() if key not in ordered}}


def manifest_yaml(source: ClusterSource, ref: Ref) -> str:
    """YAML text of `manifest`."""
    plain = manifest(source, ref)
    return yaml.safe_dump(plain, sort_keys=False, default_flow_style=False, width=120, allow_unicode=True)
