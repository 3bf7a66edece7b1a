"""Builders of list rows and of a small vocabulary."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.state.meta import Ref
from chalicelib.state.query import Vocabulary

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def ago(**span: float) -> str:
    """An RFC 3339 time before NOW."""
    return (NOW - timedelta(**span)).isoformat().replace("+00:00", "Z")


def a_row(name: str = "checkout-86946c88fb-7p7d7", namespace: str = "shop", **columns: Any) -> dict[str, Any]:
    """A healthy pod's row; keywords replace its parts."""
    word, level = columns.pop("word", "Running"), columns.pop("level", "ok")
    return {
        "namespace": namespace, "name": name, "created_at": ago(days=3), "labels": {}, "problem": None,
        "status": {"level": level, "word": word, "reason": columns.pop("reason", "")},
        "health": {"score": 100, "level": "ok", "reasons": []}, "ready": "1/1", "restarts": 0, "last_restart": None,
        "cpu": 0.05, "memory": 100 * 2**20, "cpu_request": 0.1, "memory_request": 200 * 2**20,
        "node": "ip-10-0-2-58.ec2.internal", "owner": "ReplicaSet/checkout-86946c88fb",
        "images": ["registry.example.com/shop/checkout:1"],
    } | columns  # fmt: skip


def a_vocabulary(**parts: Any) -> Vocabulary:
    """Names of a small cluster."""
    objects = {
        "checkout": (Ref("Deployment", "shop", "checkout"), Ref("Service", "shop", "checkout")),
        "catalog": (Ref("Deployment", "shop", "catalog"), Ref("Deployment", "staging", "catalog")),
        "payments-api": (Ref("Deployment", "payments", "payments-api"),),
        "redis-cart": (Ref("StatefulSet", "shop", "redis-cart"),),
        "cart": (Ref("Deployment", "shop", "cart"),),
    }
    found: dict[str, Any] = {
        "namespaces": ("kube-system", "payments", "shop", "staging", "production-eu"),
        "nodes": ("ip-10-0-2-58.ec2.internal", "ip-10-0-2-87.ec2.internal"),
        "objects": objects,
        "label_keys": frozenset({"app", "tier", "env"}),
        "label_values": {"checkout": ("app",), "web": ("tier",), "canary": ("env",)},
        "statuses": {"createcontainerconfigerror": "CreateContainerConfigError", "running": "Running"},
        "now": NOW,
    }
    return Vocabulary(**(found | parts))
