"""Splits the operator's own kubeconfig into one self-contained kubeconfig per context.

A kubeconfig on the operator's disk names certificate files by path; the API takes inline content only, because what
comes in through it may be anybody's. So the files are read here, where the operator's trust is.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
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


def contexts_of(path: Path) -> Iterator[tuple[str, str]]:
    """Each context's name and a kubeconfig (YAML) with that context alone. Raises NotAKubeconfig, OSError."""
    try:
        content = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError):
        raise NotAKubeconfig(f"{path} is not YAML.") from None
    if not isinstance(content, dict) or not isinstance(content.get("contexts"), list):
        raise NotAKubeconfig(f"{path} is not a kubeconfig: it has no contexts.")
    for context in content["contexts"]:
        name = str(context["name"])
        yield name, yaml.safe_dump(_single(content, context, path.parent))


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
