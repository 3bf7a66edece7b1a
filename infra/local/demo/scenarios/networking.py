"""Services that lead nowhere, and what their clients say about it."""

from __future__ import annotations

from infra.local.demo.controllers.environment import External
from infra.local.demo.scenarios.changes import Delete, Outside, Patch, Restart
from infra.local.demo.scenarios.model import Answer, Fault, register


def _path(service: str, port: int = 80) -> dict[str, object]:
    return {"path": "/pay", "pathType": "Prefix", "backend": {"service": {"name": service, "port": {"number": port}}}}


register(
    Fault(
        "selector-typo",
        "A Service selects no pods any more",
        "network",
        (
            Patch(
                "Service", "booking", "reservations", {"spec": {"selector": {"app.kubernetes.io/name": "reservation"}}}
            ),
        ),
        Answer("Service", "booking", "reservations", "service_selector_mismatch"),
        ("the Service has no endpoints", "storefront logs: connection refused", "pods of reservations are well"),
        loudest="Pods of storefront",
        within_30s=("reservations", "selector"),
    ),
    Fault(
        "wrong-target-port",
        "A Service leads to a port nobody listens on",
        "network",
        (
            Patch(
                "Service",
                "tracking",
                "geo-index",
                {"spec": {"ports": [{"name": "http", "port": 80, "targetPort": 8090}]}},
            ),
        ),
        Answer("Service", "tracking", "geo-index", "target_port_mismatch"),
        ("parcel-tracker logs: connection refused", "endpoints exist, on port 8090", "geo-index is well"),
        loudest="Pods of parcel-tracker",
        within_30s=("geo-index", "8090", "8080"),
        at_start=True,
    ),
    Fault(
        "service-deleted",
        "Somebody deleted a Service",
        "network",
        (Delete("Service", "tracking", "stream"), Restart("tracking", "notifier")),
        Answer(
            "Service",
            "tracking",
            "stream",
            "service_missing",
            also=(("Deployment", "tracking", "notifier"), ("Deployment", "tracking", "parcel-tracker")),
        ),
        ("parcel-tracker gets unready", "notifier crashes: no such host", "the broker's pods are well"),
        loudest="Pods of notifier",
        within_30s=("Service tracking/stream", "does not exist"),
        settles_s=420,
    ),
    Fault(
        "ingress-backend",
        "An Ingress names a Service that does not exist",
        "network",
        (
            Patch(
                "Ingress",
                "billing",
                "billing",
                {"spec": {"rules": [{"host": "billing.harborline.example", "http": {"paths": [_path("payment")]}}]}},
                "merge",
            ),
        ),
        Answer("Ingress", "billing", "billing", "ingress_backend_or_tls_missing"),
        ("the path /pay answers 503", "the router logs a missing Service"),
        loudest="the Ingress",
        within_30s=("Service payment", "does not exist"),
    ),
    Fault(
        "ingress-class",
        "An Ingress of a class nobody serves",
        "network",
        (Patch("Ingress", "observability", "dashboards", {"spec": {"ingressClassName": "internal"}}, "merge"),),
        Answer("Ingress", "observability", "dashboards", "ingress_class_missing"),
        ("the address answers 404", "the Ingress gets no address"),
        loudest="the Ingress",
        within_30s=("dashboards", "class internal"),
    ),
    Fault(
        "policy-too-strict",
        "A network policy forgets a client",
        "network",
        (
            Patch(
                "NetworkPolicy",
                "booking",
                "pg-booking-clients",
                {
                    "spec": {
                        "ingress": [
                            {
                                "from": [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "availability"}}}],
                                "ports": [{"port": 5432}],
                            }
                        ]
                    }
                },
                "merge",
            ),
            Restart("booking", "reservations"),
        ),
        Answer(
            "NetworkPolicy",
            "booking",
            "pg-booking-clients",
            "networkpolicy_blocks",
            also=(("Deployment", "booking", "reservations"),),
        ),
        ("reservations crash: i/o timeout, not refused", "the database is well", "storefront logs errors"),
        loudest="Pods of reservations",
        within_30s=("reservations", "pg-booking"),
        settles_s=420,
    ),
    Fault(
        "database-scaled-down",
        "A database was scaled to zero",
        "network",
        (Patch("StatefulSet", "booking", "pg-booking", {"spec": {"replicas": 0}}), Restart("booking", "reservations")),
        Answer("StatefulSet", "booking", "pg-booking", "zero_replicas"),
        (
            "reservations crash: connection refused",
            "availability gets unready",
            "storefront logs errors",
            "Service pg-booking has no endpoints",
        ),
        loudest="Pods of reservations",
        within_30s=("pg-booking", "zero"),
        settles_s=420,
    ),
    Fault(
        "partner-down",
        "The card acquirer does not answer",
        "network",
        (Outside("externals", "api.acquirer.example", External("silent")),),
        Answer("Deployment", "billing", "payments", "dependency_unreachable"),
        ("payments logs: i/o timeout to api.acquirer.example", "its pods stay ready", "no event anywhere"),
        loudest="log of payments",
        within_30s=(),
    ),
)
