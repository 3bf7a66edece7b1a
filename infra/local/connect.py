"""Connects clusters at start through the public API: the sample, a recorded cluster, the contexts of a kubeconfig."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from infra.local.api_client import ApiClient, Refused
from infra.local.archive import NotARecording, name_of, packed
from infra.local.kubeconfig import Context, NotAKubeconfig, contexts_of
from infra.local.options import Options
from infra.local.process import ProductFailed

RunInProduct = Callable[..., str]
"""Runs a module of ours in the product's environment and returns what it printed. Raises ProductFailed."""
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


def connect_imports(options: Options, client: ApiClient, run: RunInProduct, say: Callable[[str], None]) -> None:
    """What KUBECONFIG_IMPORT and RECORDED_IMPORT name; a cluster that has the name already is left alone."""
    try:
        known = {cluster["name"] for cluster in client.call("GET", "/clusters")["items"]}
        if options.recorded is not None:
            _import_recorded(options.recorded, client, known, say)
        if options.kubeconfig is not None:
            for context in contexts_of(options.kubeconfig):
                _import_context(context, options.kubeconfig, client, known, run, say)
    except (Refused, NotARecording, NotAKubeconfig, OSError) as error:
        say(f"Not imported: {error}")


def _import_recorded(path: Path, client: ApiClient, known: set[str], say: Callable[[str], None]) -> None:
    name = name_of(path)
    if name in known:
        say(f"The recorded cluster {name!r} is connected already.")
        return
    _add_recorded(client, name, path)
    say(f"Connected the recorded cluster {name!r}.")


def _import_context(
    context: Context, path: Path, client: ApiClient, known: set[str], run: RunInProduct, say: Callable[[str], None]
) -> None:
    name = context.name
    if name in known:
        say(f"The cluster {name!r} is connected already.")
        return
    try:
        if context.plugin:
            cluster = run("infra.local.plugin_context", str(path), name)
        else:
            source = {"type": "kubeconfig", "kubeconfig": context.kubeconfig}
            cluster = client.call("POST", "/clusters", {"name": name, "source": source})["id"]
        reachable = client.call("POST", f"/clusters/{cluster}/check")["reachable"]
    except (Refused, ProductFailed) as error:
        say(f"The context {name!r} was not connected: {error}")
        return
    say(f"Connected {name!r}." if reachable else f"Added {name!r}; it does not answer now.")


def _add_recorded(client: ApiClient, name: str, path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="kubilitics-") as folder:
        file = packed(path, Path(folder))
        added = client.call("POST", "/clusters", {"name": name, "source": {"type": "recorded"}})
        client.upload(added["upload"], file)
        client.call("POST", f"/clusters/{added['id']}/check")
