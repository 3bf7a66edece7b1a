from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from chalicelib.settings import Settings
from chalicelib.store.aws.objects import TEMPORARY_TAG
from chalicelib.store.aws.resources import EXPIRING_GROUPS, INDEXED_GROUPS, TEMPORARY_DAYS, table_schema
from chalicelib.store.cache import MAX_TTL_S
from chalicelib.store.facade import TABLE_GROUPS
from chalicelib.store.findings import RESOLVED_KEPT
from chalicelib.store.memory_queue import MAX_RECEIVES, VISIBILITY_S

FRAGMENT = Path(__file__).parents[3] / "infra" / "resources" / "store.yaml"
DEFAULTS = Settings()


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    return yaml.safe_load(FRAGMENT.read_text())["Resources"]


@pytest.mark.parametrize("group", TABLE_GROUPS)
def test_a_deployed_table_has_the_keys_that_the_embedded_one_has(resources: dict[str, Any], group: str) -> None:
    table = resources[f"{group.capitalize()}Table"]["Properties"]
    expected = table_schema(indexed=group in INDEXED_GROUPS)

    assert table["TableName"] == f"{DEFAULTS.table_prefix}-{group}"
    assert {name: table[name] for name in expected} == expected
    assert ("GlobalSecondaryIndexes" in table) == (group in INDEXED_GROUPS)


def test_what_must_not_be_lost_is_recoverable_and_kept(resources: dict[str, Any]) -> None:
    for group in ("core", "audit"):
        table = resources[f"{group.capitalize()}Table"]
        assert table["DeletionPolicy"] == "Retain"
        assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert resources["DataBucket"]["DeletionPolicy"] == "Retain"


def test_everything_but_audit_events_may_expire(resources: dict[str, Any]) -> None:
    expiring = [
        g for g in TABLE_GROUPS if "TimeToLiveSpecification" in resources[f"{g.capitalize()}Table"]["Properties"]
    ]

    assert tuple(expiring) == EXPIRING_GROUPS == ("core", "cache", "connections")


@pytest.mark.parametrize(("name", "queue"), [("Work", DEFAULTS.queue), ("Audit", DEFAULTS.audit_queue)])
def test_a_deployed_queue_behaves_like_its_twin(resources: dict[str, Any], name: str, queue: str) -> None:
    deployed = resources[f"{name}Queue"]["Properties"]

    assert (deployed["QueueName"], deployed["FifoQueue"]) == (queue, True)
    assert deployed["VisibilityTimeout"] == VISIBILITY_S
    assert deployed["RedrivePolicy"]["maxReceiveCount"] == MAX_RECEIVES
    assert resources[f"{name}DeadQueue"]["Properties"]["FifoQueue"] is True


def test_temporary_objects_outlive_what_points_at_them(resources: dict[str, Any]) -> None:
    (rule,) = (
        rule
        for rule in resources["DataBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
        if "TagFilters" in rule
    )
    key, value = TEMPORARY_TAG

    assert rule["TagFilters"] == [{"Key": key, "Value": value}]
    assert rule["ExpirationInDays"] == TEMPORARY_DAYS
    assert max(timedelta(seconds=MAX_TTL_S), RESOLVED_KEPT) < timedelta(days=TEMPORARY_DAYS)
