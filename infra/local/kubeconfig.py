"""Splits the operator's own kubeconfig into one self-contained kubeconfig per context.

A kubeconfig on the operator's disk names certificate files by path; the API takes inline content only, because what
comes in through it may be anybody's. So the files are read here, where the operator's trust is.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_FILES = {
    "certificate-authority": "certificate-authority-data",
    "client-certificate": "client-certificate-data",
    "client-key": "client-key-data",
}


class NotAKubeconfig(Exception):
    """The file is no kubeconfig, or names a file that cannot be read."""


@dataclass(frozen=True)
class Context:
    """One context with all that belongs to it."""

    name: str
    kubeconfig: str
    """YAML with this context alone and its files inlined."""
    plugin: bool
    """Whether a program must be run to get its credentials."""


def contexts_of(path: Path) -> Iterator[Context]:
    """The contexts of a kubeconfig. Raises NotAKubeconfig, OSError for a file that it names and that is not there."""
    try:
        content = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError):
        raise NotAKubeconfig(f"{path} is not YAML.") from None
    if not isinstance(content, dict) or not isinstance(content.get("contexts"), list):
        raise NotAKubeconfig(f"{path} is not a kubeconfig: it has no contexts.")
    for context in content["contexts"]:
        alone = _single(content, context, path.parent)
        user = alone["users"][0]["user"]
        plugin = bool(user.get("exec") or user.get("auth-provider"))
        yield Context(str(context["name"]), yaml.safe_dump(alone), plugin)


def _single(content: dict[str, Any], context: dict[str, Any], folder: Path) -> dict[str, Any]:
    chosen = context["context"]
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context["name"],
        "contexts": [context],
        "clusters": [_inlined(_named(content, "clusters", chosen["cluster"]), "cluster", folder)],
        "users": [_inlined(_named(content, "users", chosen["user"]), "user", folder)],
    }


def _named(content: dict[str, Any], section: str, name: str) -> dict[str, Any]:
    for entry in content.get(section) or []:
        if entry.get("name") == name:
            found: dict[str, Any] = entry
            return found
    raise NotAKubeconfig(f"The kubeconfig names {name!r}, which is not in its {section}.")


def _inlined(entry: dict[str, Any], section: str, folder: Path) -> dict[str, Any]:
    values = dict(entry.get(section) or {})
    for key, inline in _FILES.items():
        if key in values:
            # kubectl resolves paths from the folder of the kubeconfig.
            values[inline] = base64.b64encode((folder / values.pop(key)).read_bytes()).decode()
    if "tokenFile" in values:
        values["token"] = (folder / values.pop("tokenFile")).read_text().strip()
    return {"name": entry["name"], section: values}
