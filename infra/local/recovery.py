"""What the embedded AWS starts from: its own saved state, or the newest backup after an unclean end.

ministack holds tables in memory and saves them when it is stopped with SIGTERM. After a power failure or a
`kill -9` its files are those of the last clean stop, or torn. The product's backup job exports everything
every five minutes; the newer of the two wins.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from infra.local.embedded_aws.serve import CLEAN_MARKER, LAST_SAVE, LOCK, USED_MARKER
from infra.local.layout import Layout

_SAVING_TAKES_AT_MOST_S = 60.0
# A backup is a folder that is renamed into place when it is complete.
_WHOLE_BACKUPS = "*/manifest.json"


class StillInUse(Exception):
    """Another process holds the data folder."""


@dataclass(frozen=True)
class Beginning:
    """Where the data comes from and what to tell the person who starts it."""

    source: Literal["nothing", "clean", "saved", "backup", "lost"]
    moment: datetime | None = None

    @property
    def message(self) -> str | None:
        """None when nothing was lost."""
        if self.source == "lost":
            return "The last run did not end cleanly, before its first backup: what was done in it is lost."
        if self.source == "saved":
            return f"The last run did not end cleanly. Data is as of {_clock(self.moment)}; what came later is lost."
        if self.source == "backup":
            return (
                f"The last run did not end cleanly. Restored the backup of {_clock(self.moment)}; "
                "what came later is lost (at most 5 minutes)."
            )
        return None


def wait_for_predecessor(layout: Layout, within_s: float = _SAVING_TAKES_AT_MOST_S) -> None:
    """Wait until no process uses the data; one whose supervisor was killed is saving. Raises StillInUse."""
    descriptor = os.open(layout.aws / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + within_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StillInUse(f"{layout.aws} is still in use by another process.") from None
                time.sleep(0.1)
    finally:
        os.close(descriptor)


def begin(layout: Layout) -> Beginning:
    """Decide, and move a state that must not be used out of the way (the last one is kept for inspection)."""
    saved = _newest(layout.aws, LAST_SAVE)
    exported = _newest(layout.backup, _WHOLE_BACKUPS)
    if (layout.aws / CLEAN_MARKER).exists():
        return Beginning("clean")
    if saved is None and exported is None:
        _set_aside(layout)
        # The sample and the demo cluster went with the rest, so they are connected again.
        layout.connected.unlink(missing_ok=True)
        layout.demo_connected.unlink(missing_ok=True)
        return Beginning("lost" if (layout.aws / USED_MARKER).exists() else "nothing")
    if exported is None or (saved is not None and saved > exported):
        return Beginning("saved", saved)
    _set_aside(layout)
    return Beginning("backup", exported)


def _set_aside(layout: Layout) -> None:
    (layout.aws / LAST_SAVE).unlink(missing_ok=True)
    for folder in (layout.aws_state, layout.aws_objects):
        kept = folder.with_name(folder.name + ".unclean")
        if any(folder.iterdir()):
            shutil.rmtree(kept, ignore_errors=True)
            folder.rename(kept)
            folder.mkdir(mode=0o700)


def _newest(folder: Path, pattern: str) -> datetime | None:
    """When the newest of the matching files was written."""
    times = [path.stat().st_mtime for path in folder.glob(pattern)]
    return datetime.fromtimestamp(max(times)).astimezone() if times else None


def _clock(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S") if moment else "an unknown time"
