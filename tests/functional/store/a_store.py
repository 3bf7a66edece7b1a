"""Builders of stored records: valid by default, each test names what it is about."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.state.ids import TenantId
from chalicelib.store.findings import finding_id
from chalicelib.store.investigation_records import Investigation, InvestigationStep, Share
from chalicelib.store.records import (
    ClusterRecord,
    Conversation,
    EvidenceRecord,
    FindingRecord,
    NewAuditEvent,
    ResourceName,
    Severity,
    Turn,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
_numbers = itertools.count(1)


def a_cluster(**given: Any) -> ClusterRecord:
    fields = {"id": f"cl_{next(_numbers)}", "tenant": TenantId("-"), "name": "prod", "source": "kubeconfig"}
    return ClusterRecord(**{**fields, "created_at": NOW, **given})


def a_conversation(**given: Any) -> Conversation:
    fields = {"id": f"co_{next(_numbers)}", "title": "Why?", "cluster": "cl_1", "user": "ada"}
    return Conversation(**{**fields, "created_at": NOW, "updated_at": NOW, **given})


def a_turn(conversation: str, **given: Any) -> Turn:
    fields = {"id": f"tu_{next(_numbers)}", "user": "ada", "message": "why?", "cluster": "cl_1"}
    return Turn(**{**fields, "conversation": conversation, "created_at": NOW, **given})


def a_finding(cluster: str = "cl_1", name: str = "web", severity: Severity = "critical", **given: Any) -> FindingRecord:
    resource = ResourceName(kind="Pod", namespace="shop", name=name)
    fields = {"rule": "crash_loop", "resource": resource, "first_seen": NOW, "last_seen": NOW}
    fields["id"] = finding_id(cluster, "crash_loop", resource)
    return FindingRecord(**{**fields, "cluster": cluster, "severity": severity, **given})


def a_piece_of_evidence(**given: Any) -> EvidenceRecord:
    fields = {"id": f"ev_{next(_numbers)}", "cluster": "cl_1", "namespace": "shop", "body": {"observed": 137}}
    return EvidenceRecord(**{**fields, **given})


def an_event(**given: Any) -> NewAuditEvent:
    fields = {"id": f"au_{next(_numbers)}", "at": NOW, "actor": "ada", "action": "cluster.add", "cluster": "cl_1"}
    return NewAuditEvent(**{**fields, "detail": {"name": "prod"}, **given})


def an_investigation(**given: Any) -> Investigation:
    fields = {"id": f"iv_{next(_numbers)}", "cluster": "cl_1", "cluster_name": "prod", "question": "why is web down?"}
    times = {"created_at": NOW, "updated_at": NOW}
    return Investigation(**{**fields, **times, "creator": "ada", "trigger": "person", **given})


def a_step(investigation: str, n: int = 1, **given: Any) -> InvestigationStep:
    fields = {"kind": "test", "title": "Look at the events", "key": f"test/{n}", "summary": "2 events"}
    times = {"started_at": NOW, "ended_at": NOW}
    return InvestigationStep(**{"n": n, "investigation": investigation, **fields, **times, **given})


def a_share(investigation: str, **given: Any) -> Share:
    number = next(_numbers)
    fields = {"hash": f"hash{number}", "id": f"sh_{number}", "created_by": "ada", "created_at": NOW}
    return Share(**{**fields, "investigation": investigation, "expires_at": NOW + timedelta(days=7), **given})
