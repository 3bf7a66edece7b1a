"""Backup of an embedded installation to its own disk, every five minutes.

In AWS, tables have point-in-time recovery and the bucket keeps versions: this job is not scheduled there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.errors import InvalidRequest

if TYPE_CHECKING:
    from chalicelib.store import Store


def run(context: object, params: Mapping[str, Any]) -> dict[str, Any]:
    """Export everything to `params["destination"]`, or to `backup/` in the installation's folder.

    Returns the counts. Raises InvalidRequest without a destination, Unavailable when the disk does not take it.
    """
    from chalicelib.store.backup import export_all

    exported = export_all(_store(), _destination(params), now=datetime.now(UTC))
    return {
        "path": str(exported.path),
        "items": dict(exported.items),
        "objects": exported.objects,
        "objects_copied": exported.objects_copied,
        "secrets": exported.secrets,
    }


@cache
def _store() -> Store:
    # Kept between runs: its clients cost more to make than a small backup takes.
    from chalicelib.settings import settings
    from chalicelib.store import aws_store

    return aws_store(settings())


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
