"""The first lists of a process are decoded by many threads at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

FIRST_DECODES = """
import json, sys, threading
from chalicelib.state.decode import decode_page
from chalicelib.state.kinds import KINDS

sys.setswitchinterval(1e-6)
pod = {"spec": {"containers": [{"name": "app", "image": "app:1", "env": [{"name": "A", "value": "1"}]}]}}
owner = {"kind": "X", "name": "y", "uid": "z"}
item = {"metadata": {"name": "a", "ownerReferences": [owner]}, "spec": {"template": pod}}
body = json.dumps({"metadata": {}, "items": [item]}).encode()
kinds = [*KINDS, None]
together = threading.Barrier(len(kinds))

def decode(kind):
    together.wait()
    try:
        decode_page(body, kind)
    except ValueError:
        pass

threads = [threading.Thread(target=decode, args=(kind,)) for kind in kinds]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("run", range(4))
def test_threads_that_decode_for_the_first_time_do_not_end_the_process(run: int) -> None:
    done = subprocess.run([sys.executable, "-c", FIRST_DECODES], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
