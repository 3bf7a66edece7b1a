"""Runs ministack with the guard in front: `python -m infra.local.embedded_aws.serve PARENT`, in ministack's
virtualenv.

Its settings come from the environment that `infra.local.environment` makes. When everything was saved on the
way out it leaves a marker, so that the next start knows whether the saved state is complete.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sys
import time
from pathlib import Path

from infra.local.embedded_aws.guard import Application, Guard, Message, Receive, Scope, Send
from infra.local.lifeline import die_with_parent
from infra.local.signature import SignatureCheck

CLEAN_MARKER = "clean-stop"
"""Present between a complete save and the next start."""
LAST_SAVE = "last-complete-save"
"""The marker of the last clean stop while a later run goes on; its time is that of the saved state."""
USED_MARKER = "used"
"""Present once the embedded AWS has run."""
LOCK = "lock"
_WAIT_FOR_PREDECESSOR_S = 60.0
# ministack reports a save that failed (a full disk) to this logger and goes on as if it had not.
_SAVING_LOGGER = "persistence"


def main() -> None:
    """Serve until SIGTERM; ministack then saves its state."""
    die_with_parent(int(sys.argv[1]))
    home = Path(os.environ["KUBILITICS_AWS_HOME"])
    lock = _own(home)
    if (home / CLEAN_MARKER).exists():
        (home / CLEAN_MARKER).replace(home / LAST_SAVE)
    (home / USED_MARKER).touch()

    import ministack.app as ministack

    origins = frozenset(os.environ["KUBILITICS_AWS_ORIGINS"].split())
    signature = SignatureCheck(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    guarded = Guard(ministack.app, signature, origins)
    ministack.app = _marking(guarded, home)
    sys.argv = ["ministack"]
    try:
        ministack.main()
    finally:
        os.close(lock)


def _own(home: Path) -> int:
    """Take the data folder; a predecessor whose supervisor was killed may still be saving into it."""
    lock = os.open(home / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + _WAIT_FOR_PREDECESSOR_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise SystemExit(f"Another process still uses {home}.") from None
            time.sleep(0.1)


def _marking(application: Application, home: Path) -> Application:
    """The application; when it has shut down and saved everything, the marker is there."""
    failures = _Failures(logging.ERROR)
    logging.getLogger(_SAVING_LOGGER).addHandler(failures)

    async def serving(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "lifespan.shutdown.complete" and not failures.seen:
                (home / CLEAN_MARKER).write_text("The state beside this file is complete.\n")
            await send(message)

        await application(scope, receive, sending if scope["type"] == "lifespan" else send)

    return serving


class _Failures(logging.Handler):
    seen = False

    def emit(self, record: logging.LogRecord) -> None:
        self.seen = True


if __name__ == "__main__":
    main()
