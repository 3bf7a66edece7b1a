"""Probes that ask the wrong thing, and programs that do not get ready."""

from __future__ import annotations

from infra.local.demo.controllers.programs import Program
from infra.local.demo.scenarios.changes import Publish, set_container, set_image
from infra.local.demo.scenarios.model import Answer, Fault, register
from infra.local.demo.world.manifests import REGISTRY


def _http(port: int, path: str = "/ready", **more: object) -> dict[str, object]:
    return {"httpGet": {"path": path, "port": port}, **more}


register(
    Fault(
        "liveness-port",
        "A liveness probe on a port nobody listens on",
        "probes",
        (set_container("Deployment", "edge", "signin-proxy", livenessProbe=_http(4181, "/healthz")),),
        Answer("Deployment", "edge", "signin-proxy", "liveness_wrong_port"),
        (
            "the container is killed every half minute",
            "Unhealthy and Killing events",
            "CrashLoopBackOff",
            "its log is clean",
        ),
        loudest="Pods of signin-proxy",
        within_30s=(),
        at_start=True,
        settles_s=600,
    ),
    Fault(
        "liveness-protocol",
        "A liveness probe speaks TLS to a plain port",
        "probes",
        (
            set_container(
                "Deployment",
                "booking",
                "reservations",
                livenessProbe={"httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTPS"}},
            ),
        ),
        Answer("Deployment", "booking", "reservations", "liveness_wrong_protocol"),
        ("restarts", "server gave HTTP response to HTTPS client", "the rollout stands still"),
        loudest="Pods of reservations",
        within_30s=(),
        settles_s=600,
    ),
    Fault(
        "readiness-port",
        "A readiness probe on the wrong port",
        "probes",
        (set_container("Deployment", "tracking", "parcel-tracker", readinessProbe=_http(8081)),),
        Answer("Deployment", "tracking", "parcel-tracker", "readiness_wrong_port"),
        ("new pods run and are never ready", "no restarts", "the rollout stands still"),
        loudest="Pod of parcel-tracker",
        within_30s=("parcel-tracker", "8081"),
    ),
    Fault(
        "readiness-protocol",
        "A readiness probe speaks TLS to a plain port",
        "probes",
        (
            set_container(
                "Deployment",
                "billing",
                "invoices",
                readinessProbe={"httpGet": {"path": "/ready", "port": 8080, "scheme": "HTTPS"}},
            ),
        ),
        Answer("Deployment", "billing", "invoices", "readiness_wrong_protocol"),
        ("new pods run and are never ready", "server gave HTTP response to HTTPS client"),
        loudest="Pod of invoices",
        within_30s=("invoices", "https"),
    ),
    Fault(
        "startup-too-short",
        "A startup probe that gives up before the index is loaded",
        "probes",
        (
            Publish(
                f"{REGISTRY}/tracking/geo-index:0.42.0",
                Program(
                    "geo-index",
                    listens=(8080,),
                    memory_mib=1800,
                    grows_s=240,
                    starts_s=95,
                    boot=('level=info msg="loading index" tiles=88214',),
                ),
            ),
            set_container(
                "Deployment",
                "tracking",
                "geo-index",
                image=f"{REGISTRY}/tracking/geo-index:0.42.0",
                startupProbe=_http(8080, "/healthz", periodSeconds=5, failureThreshold=6),
            ),
        ),
        Answer("Deployment", "tracking", "geo-index", "startup_probe_too_short"),
        ("killed after 30 s, again and again", "Startup probe failed events", "the old pod serves"),
        loudest="Pod of geo-index",
        within_30s=("geo-index", "startup probe"),
        settles_s=900,
    ),
    Fault(
        "liveness-impatient",
        "A liveness probe that does not wait for a slow start",
        "probes",
        (
            Publish(
                f"{REGISTRY}/fleet/vessel-positions:4.2.0",
                Program(
                    "vessel-positions",
                    listens=(8080,),
                    memory_mib=150,
                    starts_s=45,
                    boot=('level=info msg="warming up position cache"',),
                ),
            ),
            set_container(
                "Deployment",
                "fleet",
                "vessel-positions",
                image=f"{REGISTRY}/fleet/vessel-positions:4.2.0",
                livenessProbe=_http(8080, "/healthz", initialDelaySeconds=3, periodSeconds=3, failureThreshold=2),
            ),
        ),
        Answer("Deployment", "fleet", "vessel-positions", "liveness_too_aggressive"),
        ("killed seconds after each start", "never ready", "restarts rise"),
        loudest="Pod of vessel-positions",
        within_30s=("vessel-positions", "liveness probe"),
        settles_s=900,
    ),
    Fault(
        "never-ready",
        "A release that never gets ready",
        "probes",
        (
            Publish(
                f"{REGISTRY}/booking/availability:3.5.0",
                Program(
                    "availability",
                    listens=(8080,),
                    memory_mib=210,
                    stuck_ready="open /models/sailings-v9.bin: no such file or directory",
                ),
            ),
            set_image("booking", "availability", f"{REGISTRY}/booking/availability:3.5.0"),
        ),
        Answer("Deployment", "booking", "availability", "rollout_stuck", also_modes=("endpoints_not_ready",)),
        (
            "the new pod answers 503 to its readiness probe",
            "ProgressDeadlineExceeded after ten minutes",
            "old pods serve",
        ),
        loudest="Pod of availability",
        within_30s=("availability", "503"),
        settles_s=900,
    ),
    Fault(
        "crash-on-start",
        "A release that dies of its own exception",
        "probes",
        (
            Publish(
                f"{REGISTRY}/billing/statements:2.1.0",
                Program(
                    "statements",
                    style="python",
                    listens=(8080,),
                    crash=(
                        "Traceback (most recent call last):",
                        '  File "/srv/main.py", line 88, in <module>',
                        "    serve(load_templates())",
                        '  File "/srv/templates.py", line 31, in load_templates',
                        "    return {t.name: t for t in parse(path)}",
                        "ValueError: template 'invoice-eu' has no field 'vat_rate'",
                    ),
                ),
            ),
            set_image("billing", "statements", f"{REGISTRY}/billing/statements:2.1.0"),
        ),
        Answer("Deployment", "billing", "statements", "app_exception"),
        ("exit code 1", "CrashLoopBackOff", "a stack trace in the log"),
        loudest="Pod of statements",
        within_30s=("statements", "ValueError"),
    ),
)
