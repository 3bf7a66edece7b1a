"""`make run` with the demo cluster and its Prometheus, as a newcomer starts it: what is said, and that it is true."""

from __future__ import annotations

import re
import shutil
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.demo.scenarios.catalog import at_start
from infra.local.instance import free_port
from tests.functional.demo.kubectl.commands import Kubectl, find
from tests.functional.local.test_supervisor import Service, until

PROMETHEUS = shutil.which("prometheus") is not None and shutil.which("promtool") is not None


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("demo") / ".local"
    service = Service(home, free_port(), DEMO="1", PROMETHEUS="1" if PROMETHEUS else "0").ready()
    until(lambda: "Connected the demo cluster" in service.said, "the demo was not connected", within_s=120)
    yield service
    service.stop()


def problems(service: Service) -> list[tuple[str, str, str, str]]:
    """Everything that the answer to "what is wrong?" names, in full or as a row."""
    asked = {"cluster": "demo", "message": "what is wrong?"}
    answer = service.ask("POST", "/chat?wait=25", asked)
    assert answer["status"] == "done"
    found = [block["problem"] for block in answer["blocks"] if block["type"] == "problem"]
    told = [(*_where(one["resource"]), one["mode"]) for one in found]
    rows = [row for block in answer["blocks"] if block["type"] == "table" for row in block["rows"]]
    return told + [(*_where(row["resource"]), row["title"]) for row in rows]


def _where(resource: dict[str, Any]) -> tuple[str, str, str]:
    return resource["kind"], resource.get("namespace") or "", resource["name"]


def test_what_is_wrong_names_the_six_active_faults_and_nothing_else(installation: Service) -> None:
    told = problems(installation)
    faults = at_start()
    assert len(told) == len(faults) == 6
    where = {one[:3] for one in told}
    assert {
        fault.name
        for fault in faults
        if not where & {(fault.answer.kind, fault.answer.namespace, fault.answer.name), *fault.answer.also}
    } == set()


def test_the_kubectl_command_that_is_printed_works(installation: Service, tmp_path: Path) -> None:
    printed = re.search(r"kubectl --kubeconfig (\S+) get pods -A", installation.said)
    assert printed
    kubeconfig = Path.cwd() / printed.group(1)
    assert len(Kubectl(find(), kubeconfig, tmp_path)("get", "pods", "-A").lines) > 90


def test_a_report_says_that_the_cluster_is_a_simulation(installation: Service) -> None:
    asked = {"cluster": "demo", "question": "why does invoices fail?"}
    session = installation.ask("POST", "/investigations?wait=25", asked)
    report = installation.text(f"/investigations/{session['id']}/report?format=markdown")
    assert re.search(r"v1\.\d+\.\d+-sim", report)


def test_it_says_when_the_history_is_written(installation: Service) -> None:
    until(lambda: "The demo's history is written (30 days of " in installation.said, installation.said, within_s=120)


@pytest.mark.skipif(not PROMETHEUS, reason="prometheus is not installed (Debian: apt-get install prometheus)")
def test_it_says_where_prometheus_is_and_a_month_is_in_it(installation: Service) -> None:
    until(lambda: "Prometheus with the demo's metrics" in installation.said, installation.said, within_s=240)
    printed = re.search(r"Prometheus with the demo's metrics: (http://\S+)", installation.said)
    assert printed
    query = urllib.parse.urlencode({"query": "count(kube_pod_owner offset 29d)"})
    with urllib.request.urlopen(f"{printed.group(1)}/api/v1/query?{query}", timeout=20) as answer:
        assert b'"value"' in answer.read()
