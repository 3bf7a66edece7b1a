"""Backup of an embedded installation to its own disk, every five minutes.

In AWS, tables have point-in-time recovery and the bucket keeps versions: this job is not scheduled there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chalicelib import wiring
from chalicelib.errors import InvalidRequest


def run(context: object, params: Mapping[str, Any]) -> dict[str, Any]:
    """Export everything to `params["destination"]`, or to `backup/` in the installation's folder.

    Returns the counts. Raises InvalidRequest without a destination, Unavailable when the disk does not take it.
    """
    from chalicelib.store.backup import export_all

    services = wiring.services()
    exported = export_all(services.store, _destination(params), now=services.clock())
    return {
        "path": str(exported.path),
        "items": dict(exported.items),
        "objects": exported.objects,
        "objects_copied": exported.objects_copied,
        "secrets": exported.secrets,
    }


def _destination(params: Mapping[str, Any]) -> Path:
    if params.get("destination"):
        return Path(params["destination"])
    if os.environ.get("KUBILITICS_HOME"):
        return Path(os.environ["KUBILITICS_HOME"]) / "backup"
    raise InvalidRequest(
        "The backup has no destination.",
        code="no_destination",
        remedy="Set KUBILITICS_HOME, or pass the parameter `destination`.",
    )
