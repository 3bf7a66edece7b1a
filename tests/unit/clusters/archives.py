"""Builders of archives, honest and hostile."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[2] / "data" / "clusters"
Files = dict[str, bytes]


def a_tar(files: Files, compression: str = "") -> bytes:
    """A tar (`""`, `gz`, `xz`) of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{compression}") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def a_zip(files: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def a_tar_with(entry_type: bytes, name: str = "dump/x", target: str = "") -> bytes:
    """A tar with one special entry (link, device, pipe) beside a good file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        data = a_list("Pod", a_pod("a"))
        good = tarfile.TarInfo("dump/pods.json")
        good.size = len(data)
        archive.addfile(good, io.BytesIO(data))
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = entry_type, target
        archive.addfile(entry)
    return buffer.getvalue()


def a_list(kind: str, *items: Any, api: str = "v1", **more: Any) -> bytes:
    """A list as `kubectl cluster-info dump` writes it: items without kind."""
    return json.dumps({"kind": f"{kind}List", "apiVersion": api, "metadata": {}, "items": list(items), **more}).encode()


def a_mixed_list(*items: Any) -> bytes:
    """A list as `kubectl get -o json` writes it."""
    return json.dumps({"kind": "List", "apiVersion": "v1", "metadata": {}, "items": list(items)}).encode()


def a_pod(name: str, namespace: str = "shop", container: str = "app", **more: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": "2026-11-20T10:00:00Z"},
        "spec": {"containers": [{"name": container, "image": "registry.example.com/app:1"}], "nodeName": "n1"},
        "status": {"phase": "Running"},
        **more,
    }


def an_object(kind: str, name: str, namespace: str = "", api: str = "v1", **more: Any) -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **more}
