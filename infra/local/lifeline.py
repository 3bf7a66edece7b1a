"""A child that does not outlive its parent, whatever kills the parent.

Linux delivers a signal itself (`prctl(PR_SET_PDEATHSIG)`, see prctl(2)); elsewhere a thread looks whether the
process was given to another parent. The standard library only: ministack's interpreter imports this too.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
_LOOK_EVERY_S = 0.5


def die_with_parent(parent: int, number: signal.Signals = signal.SIGTERM) -> None:
    """Arrange that this process receives signal `number` when the process `parent` ends.

    `parent` is the id that the parent passed on, not `os.getppid()`: the parent may have died before this
    line runs. Call it from the main thread.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), number)
        return
    threading.Thread(target=_watch, args=(parent, number), name="lifeline", daemon=True).start()


def _watch(parent: int, number: signal.Signals) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY_S)
    os.kill(os.getpid(), number)
