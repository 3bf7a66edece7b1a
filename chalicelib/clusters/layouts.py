"""What a file of a recording holds, told from its path: three layouts, and any mixture of them.

- `kubectl cluster-info dump -o json`: `nodes.json`, `<ns>/pods.json`, `<ns>/<pod>/logs.txt`
- a troubleshoot support bundle: `cluster-resources/pods/<ns>.json`,
  `cluster-resources/pods/logs/<ns>/<pod>/<container>.log`
- any set of `kubectl get ... -o json|yaml` files

Paths are read from their end, so leading folders do not matter. The path only hints: what an object says of itself
wins.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from chalicelib.state.kinds import KINDS, KindEntry

Role = Literal["objects", "log", "meta", "version", "extra", "errors", "ignored"]

EXTRAS = ("alerts", "metrics", "node_services", "connectivity", "calls")
_OBJECT_SUFFIXES = (".json", ".yaml", ".yml")
_PRIVATE = ("image-pull-secrets", "auth-cani-list")
"""Folders of a support bundle that hold no objects, or registry user names that nobody asked for."""
_NOT_KINDS = ("groups", "resources", "analysis", "execution-data")
_SHORT = {"pvs": "pv", "pvcs": "pvc", "replicationcontroller": "replicationcontrollers"}


class Place(NamedTuple):
    """The role of a file, and what its path hints at."""

    role: Role
    hint: str = ""
    """Kind file name or folder (`pods`, `pvcs`, `tenants.platform.example.com`), extra name, or log container."""
    namespace: str = ""
    pod: str = ""
    previous: bool = False


def place(path: str) -> Place:
    """The place of one file.

    >>> place("dump/shop/cart-1/logs-previous-cart.txt")
    Place(role='log', hint='cart', namespace='shop', pod='cart-1', previous=True)
    >>> place("bundle/cluster-resources/pvcs/shop.json").hint
    'pvcs'
    """
    parts = path.split("/")
    name = parts[-1]
    if name.startswith((".", "._")) or "__MACOSX" in parts:
        return Place("ignored")
    if "cluster-resources" in parts:
        return _bundle(parts[parts.index("cluster-resources") + 1 :])
    if name in ("version.json", "cluster_version.json", "version.yaml"):
        return Place("version")
    if name == "meta.json" and len(parts) <= 2:
        return Place("meta")
    stem, suffix = _split(name)
    if len(parts) > 1 and parts[-2] == "extra" and suffix == ".json" and stem in EXTRAS:
        return Place("extra", stem)
    log = _log(parts)
    if log:
        return log
    if suffix not in _OBJECT_SUFFIXES:
        return Place("ignored")
    return Place("objects", stem, parts[-2] if len(parts) > 1 else "")


def _split(name: str) -> tuple[str, str]:
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix.lower()) if dot else (name, "")


_LOG = re.compile(r"logs(?:-(?P<previous>previous)-(?P<container>.+))?\.txt$")


def _log(parts: list[str]) -> Place | None:
    found = _LOG.match(parts[-1])
    if not found or len(parts) < 3:
        return None
    return Place("log", found["container"] or "", parts[-3], parts[-2], bool(found["previous"]))


def _bundle(parts: list[str]) -> Place:
    """Files under `cluster-resources/` of a support bundle (replicatedhq/troubleshoot, clusterResources collector)."""
    if not parts:
        return Place("ignored")
    if parts[:2] == ["pods", "logs"]:
        return _bundle_log(parts[2:])
    stem, suffix = _split(parts[-1])
    if suffix not in _OBJECT_SUFFIXES or parts[0] in _PRIVATE or stem in _NOT_KINDS:
        return Place("ignored")
    if stem.endswith("-errors"):
        return Place("errors", stem.removesuffix("-errors"))
    if parts[0] == "custom-resources":
        named = len(parts) > 2
        return Place("objects", parts[1] if named else stem, stem if named else "")
    if len(parts) == 1:
        return Place("objects", stem)
    # One release of the collector wrote ReplicaSets below "statefulsets-errors.json/": the objects say what they are.
    return Place("objects", parts[0].removesuffix(".json").removesuffix("-errors"), stem)


def _bundle_log(parts: list[str]) -> Place:
    if len(parts) != 3 or not parts[2].endswith(".log") or parts[2].endswith("-logs-errors.log"):
        return Place("ignored")
    container = parts[2].removesuffix(".log")
    previous = container.endswith("-previous")
    return Place("log", container.removesuffix("-previous"), parts[0], parts[1], previous)


def kind_of_hint(hint: str) -> KindEntry | None:
    """The kind that a file or folder name stands for, if the registry has it."""
    plain = hint.lower().replace("-", "").replace("_", "")
    return KINDS.get(plain) or KINDS.get(_SHORT.get(plain, plain))


def looks_like_objects(data: bytes) -> bool:
    """Whether a file whose name tells nothing begins as a Kubernetes object or list does."""
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head[:1] in (b"{", b"["):
        return b'"kind"' in head and b'"apiVersion"' in head
    return head.startswith((b"apiVersion:", b"kind:", b"items:", b"---"))
