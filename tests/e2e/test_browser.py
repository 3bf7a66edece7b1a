"""The product in a real browser: `python -m infra.local` as a person starts it, driven by Chromium.

The steps are in web/e2e; here the service is started, and a recorded cluster is laid out both as an archive and as a
folder.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from infra.local.api_client import ApiClient
from infra.local.layout import ROOT
from tests.e2e.service import READY_WITHIN_S, journey, running_service

RECORDED = ROOT / "tests" / "data" / "clusters"
JOURNEY_WITHIN_S = 600.0


@pytest.mark.timeout(READY_WITHIN_S + JOURNEY_WITHIN_S + 60)
def test_a_person_connects_a_recorded_cluster_and_gets_an_evidenced_answer(tmp_path: Path) -> None:
    archive = RECORDED / "incidents.tar.xz"
    with tarfile.open(archive) as recorded:
        recorded.extractall(tmp_path / "folder", filter="data")
    answers = json.loads((RECORDED / "incidents.answers.json").read_text())
    with running_service(tmp_path / "home") as url:
        journey(
            "journey.test.mjs", JOURNEY_WITHIN_S, KUBILITICS_URL=url, RECORDING=str(archive),
            FOLDER=str(tmp_path / "folder"), PROBLEMS=str(len(answers)),
        )  # fmt: skip


@pytest.mark.timeout(READY_WITHIN_S + JOURNEY_WITHIN_S + 60)
def test_people_ask_for_changes_of_the_demo_cluster_approve_them_and_take_them_back(tmp_path: Path) -> None:
    with running_service(tmp_path / "home", demo=True) as url:
        token = (tmp_path / "home" / "token").read_text().strip()
        (cluster,) = ApiClient(url, token).call("GET", "/clusters")["items"]
        journey(
            "changes.test.mjs", JOURNEY_WITHIN_S, KUBILITICS_URL=url, CLUSTER=cluster["id"], ADMIN_TOKEN=token
        )  # fmt: skip
