"""What people said of conclusions can be fitted on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chalicelib.investigations import sessions
from chalicelib.investigations.calibration import exported
from chalicelib.rootcause.ranking import uncalibrated
from tests.bench.calibrate import fed_back
from tests.unit.investigations.offices import ADA, a_world
from tests.unit.rootcause.builders import a_cluster


def test_the_export_holds_the_odds_that_a_calibration_is_fitted_on(tmp_path: Path) -> None:
    cluster = a_cluster()
    cluster.deployment("shop/cart", replicas=2).crashing(exit_code=1, log="KeyError: 'CART_TTL'")
    world = a_world(cluster)
    session = world.investigate("why does cart fail?")
    cause = session.cause
    assert cause is not None
    sessions.give_feedback(world.office, ADA, session.id, "wrong", cause="a typo")
    export = tmp_path / "feedback.json"
    export.write_text(json.dumps(exported(world.office, ADA)))

    ((_, [(probability, right)]),) = fed_back(export)
    assert not right
    assert probability == pytest.approx(uncalibrated(cause.probability))
