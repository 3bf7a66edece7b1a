"""Connects clusters at start through the public API: the sample, a recorded cluster, the contexts of a kubeconfig."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from infra.local.api_client import ApiClient, Refused
from infra.local.archive import NotARecording, name_of, packed
from infra.local.kubeconfig import NotAKubeconfig, contexts_of
from infra.local.options import Options

SAMPLE = Path(__file__).parent / "samples" / "incidents.tar.xz"
SAMPLE_NAME = "sample-incidents"


def connect_sample(options: Options, client: ApiClient, say: Callable[[str], None]) -> None:
    """On the first start one recorded cluster, so that the first screen has something to say."""
    done = options.layout.connected
    if not options.sample or done.exists():
        return
    try:
        _add_recorded(client, SAMPLE_NAME, SAMPLE)
    except (Refused, OSError) as error:
        say(f"The sample cluster could not be connected: {error}")
        return
    done.write_text("The sample cluster was connected once.\n")
    say(f"Connected the sample cluster {SAMPLE_NAME!r} (a recording with faults in it).")


def connect_imports(options: Options, client: ApiClient, say: Callable[[str], None]) -> None:
    """What KUBECONFIG_IMPORT and RECORDED_IMPORT name; a cluster that has the name already is left alone."""
    try:
        known = {cluster["name"] for cluster in client.call("GET", "/clusters")["items"]}
        if options.recorded is not None:
            _import_recorded(options.recorded, client, known, say)
        if options.kubeconfig is not None:
            _import_kubeconfig(options.kubeconfig, client, known, say)
    except (Refused, NotARecording, NotAKubeconfig, OSError) as error:
        say(f"Not imported: {error}")


def _import_recorded(path: Path, client: ApiClient, known: set[str], say: Callable[[str], None]) -> None:
    name = name_of(path)
    if name in known:
        say(f"The recorded cluster {name!r} is connected already.")
        return
    _add_recorded(client, name, path)
    say(f"Connected the recorded cluster {name!r}.")


def _import_kubeconfig(path: Path, client: ApiClient, known: set[str], say: Callable[[str], None]) -> None:
    for name, kubeconfig in contexts_of(path):
        if name in known:
            say(f"The cluster {name!r} is connected already.")
            continue
        try:
            added = client.call(
                "POST", "/clusters", {"name": name, "source": {"type": "kubeconfig", "kubeconfig": kubeconfig}}
            )
            checked = client.call("POST", f"/clusters/{added['id']}/check")
        except Refused as error:
            say(f"The context {name!r} was not connected: {error}")
            continue
        say(f"Connected {name!r}." if checked["reachable"] else f"Added {name!r}; it does not answer now.")


def _add_recorded(client: ApiClient, name: str, path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="kubilitics-") as folder:
        file = packed(path, Path(folder))
        added = client.call("POST", "/clusters", {"name": name, "source": {"type": "recorded"}})
        client.upload(added["upload"], file)
        client.call("POST", f"/clusters/{added['id']}/check")
