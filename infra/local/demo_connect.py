"""Connects the demo cluster through the public API, once, and keeps that connection right at later starts.

The product reads the demo as it should read any cluster: with a user that may look and change nothing, by a
kubeconfig with an inline CA and token.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import yaml

from infra.local.api_client import ApiClient, Refused
from infra.local.connect import RunInProduct
from infra.local.demo_client import DemoClient
from infra.local.layout import Layout, write_private
from infra.local.options import Options
from infra.local.process import ProductFailed

NAME = "demo"
READER = "kubilitics.kubeconfig"
"""The user that the product reads the demo with: the roles of infra/onboarding/, which know no Secret."""
_NAMES = (NAME, "kubilitics-demo")
_STARTS_WITHIN_S = 180.0
_LOOK_EVERY_S = 0.25


def connect_demo(
    options: Options, client: ApiClient, run: RunInProduct, say: Callable[[str], None], *, lost: bool = False
) -> None:
    """Wait for the demo cluster, connect it if it is not, and say so. Runs beside the service; says what fails.

    `lost`: the last run's end may have taken the connection with it, so a missing one was not removed by a person.
    """
    if not options.demo.on:
        return
    layout = options.layout
    began = time.monotonic()
    if not wait_for(DemoClient(layout.demo), _STARTS_WITHIN_S):
        say(f"The demo cluster did not answer within {_STARTS_WITHIN_S:g} s; see {layout.logs / 'demo.log'}.")
        return
    try:
        cluster = _connected(layout, client, run, lost)
        if cluster is None:
            return
        report = client.call("POST", f"/clusters/{cluster}/check")
    except (Refused, ProductFailed, OSError) as error:
        say(f"The demo cluster runs, but could not be connected: {error}")
        return
    told = report["cluster"]
    problems = told.get("problems") or {}
    found = f"{problems.get('critical', 0)} critical and {problems.get('warning', 0)} other problems to look at"
    took_s = time.monotonic() - began
    say(f"Connected the demo cluster {told['name']!r} ({report['version']}, simulated) after {took_s:.0f} s: {found}.")


def wait_for(demo: DemoClient, within_s: float) -> bool:
    """Whether the demo answers in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if demo.ready():
            return True
        time.sleep(_LOOK_EVERY_S)
    return False


def say_demo(options: Options, say: Callable[[str], None]) -> None:
    """The lines about the demo cluster below the ready line."""
    demo = options.demo
    if not demo.on:
        say("  Demo cluster: off (DEMO=0)")
        return
    size = "1,000 nodes, 10,000 pods" if demo.scale else "a small company"
    say(f"  Demo cluster: starting ({size}, simulated). When it is connected:")
    say(f"    kubectl --kubeconfig {shown(options.layout.demo / 'admin.kubeconfig')} get pods -A")


def shown(path: Path) -> Path:
    """A path as the person in the present folder would type it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _connected(layout: Layout, client: ApiClient, run: RunInProduct, lost: bool) -> str | None:
    """The id of the demo cluster in the product; None when a person removed it there."""
    kubeconfig = layout.demo / READER
    marker = layout.demo_connected
    known = {cluster["id"]: cluster for cluster in client.call("GET", "/clusters")["items"]}
    identifier = marker.read_text().strip() if marker.exists() else ""
    if identifier and identifier not in known and not lost:
        return None
    if identifier in known:
        if known[identifier]["server"] != _server(kubeconfig):
            # The kept port was taken by another program, so the demo answers elsewhere now.
            run("infra.local.reconnect", identifier, str(kubeconfig))
        return identifier
    taken = {cluster["name"] for cluster in known.values()}
    name = next((name for name in _NAMES if name not in taken), f"{NAME}-{len(taken)}")
    source = {"type": "kubeconfig", "kubeconfig": kubeconfig.read_text()}
    added: str = client.call("POST", "/clusters", {"name": name, "source": source})["id"]
    write_private(marker, added + "\n")
    return added


def _server(kubeconfig: Path) -> str:
    return str(yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"])
