"""What the product teams run: booking, fleet, billing, tracking, analytics, and their playground."""

from __future__ import annotations

from infra.local.demo.controllers.programs import Call, Program
from infra.local.demo.world.manifests import REGISTRY, App


def _database(namespace: str, name: str, size: str, *, mib: float = 420) -> App:
    return App(
        namespace, name, "docker.io/library/postgres", "17.6",
        Program("postgres", listens=(5432,), memory_mib=mib, cpu=0.15, grows_s=45, serves=(),
                boot=('level=info msg="database system is ready to accept connections"',), root=False),
        kind="StatefulSet", replicas=1, port=5432, port_name="postgres", service_port=5432, cpu="250m", memory="512Mi",
        memory_limit="1Gi", claim=size, claim_path="/var/lib/postgresql/data", probes="tcp", shape="consumer",
        env={"POSTGRES_PASSWORD": ("Secret", f"{name}-admin", "password")}, priority="business-critical",
    )  # fmt: skip


def _db(namespace: str, name: str, variable: str = "DATABASE_URL", *, at_start: bool = True) -> Call:
    return Call(f"{name}.{namespace}.svc:5432", variable, at_start=at_start, gates_ready=not at_start, password="DATABASE_PASSWORD", what="database")  # noqa: S106


def _db_env(name: str) -> dict[str, object]:
    return {
        "DATABASE_URL": f"postgres://{name}:5432/app", "DATABASE_USER": "app",
        "DATABASE_PASSWORD": ("Secret", f"{name}-app", "password"),
    }  # fmt: skip


BOOKING = (
    _database("booking", "pg-booking", "40Gi"),
    App(
        "booking", "session-cache", "docker.io/valkey/valkey", "8.1.4",
        Program("valkey", listens=(6379,), memory_mib=160, cpu=0.06, serves=()), kind="StatefulSet", replicas=1, port=6379,
        port_name="valkey", service_port=6379, memory="192Mi", memory_limit="384Mi", claim="8Gi", probes="tcp", shape="consumer",
    ),
    App(
        "booking", "storefront", f"{REGISTRY}/booking/storefront", "5.12.1",
        Program("storefront", listens=(8080,), memory_mib=140, cpu=0.09, style="node", serves=("/", "/routes/olympia-juneau", "/checkout"),
                needs_env=("SESSION_CACHE",),
                calls=(Call("http://availability.booking.svc", what="availability"), Call("http://reservations.booking.svc", what="reservations"))),
        replicas=3, cpu="150m", memory="192Mi", memory_limit="320Mi", env={"SESSION_CACHE": "session-cache:6379"},
        config="storefront-settings", shape="consumer", team="booking-web",
    ),
    App(
        "booking", "availability", f"{REGISTRY}/booking/availability", "3.4.0",
        Program("availability", listens=(8080,), memory_mib=210, cpu=0.14, serves=("/v1/sailings",), calls=(_db("booking", "pg-booking", at_start=False),)),
        cpu="200m", memory="256Mi", memory_limit="512Mi", env=_db_env("pg-booking"), shape="consumer", team="booking-core",
    ),
    App(
        "booking", "reservations", f"{REGISTRY}/booking/reservations", "8.0.3",
        Program("reservations", listens=(8080,), memory_mib=230, cpu=0.11, style="java", serves=("/v1/reservations", "/v1/holds"),
                calls=(_db("booking", "pg-booking"), Call("http://payments.billing.svc", "PAYMENTS_URL", what="payments"))),
        replicas=3, cpu="200m", memory="320Mi", memory_limit="512Mi",
        env={**_db_env("pg-booking"), "PAYMENTS_URL": "http://payments.billing.svc"}, shape="consumer", team="booking-core",
    ),
    App(
        "booking", "seat-map", f"{REGISTRY}/booking/seat-map", "2.2.0",
        Program("seat-map", listens=(8080,), memory_mib=85, serves=("/v1/decks",)), config="seat-map-layouts", shape="consumer", team="booking-core",
    ),
    App(
        "booking", "fares", f"{REGISTRY}/booking/fares", "1.19.4",
        Program("fares", listens=(8080, 9090), memory_mib=120, cpu=0.07, style="python", serves=("/v1/quote",), needs_env=("CURRENCY_API_KEY",)),
        env={"CURRENCY_API_KEY": ("Secret", "fares-keys", "currency")}, shape="consumer", team="booking-core",
    ),
)  # fmt: skip

FLEET = (
    App(
        "fleet", "telemetry-broker", "docker.io/emqx/emqx", "5.8.8",
        Program("emqx", listens=(1883, 18083), memory_mib=240, cpu=0.08, serves=()), kind="StatefulSet", replicas=3, port=1883,
        port_name="mqtt", service_port=1883, headless=True, memory="256Mi", memory_limit="512Mi", claim="10Gi", probes="tcp", shape="flat",
        spec_extra={"podManagementPolicy": "Parallel"},
    ),
    App(
        "fleet", "vessel-positions", f"{REGISTRY}/fleet/vessel-positions", "4.1.7",
        Program("vessel-positions", listens=(8080,), memory_mib=150, cpu=0.1, serves=("/v1/vessels",),
                calls=(Call("telemetry-broker.fleet.svc:1883", "BROKER", gates_ready=True, what="telemetry broker"),)),
        env={"BROKER": "telemetry-broker:1883"}, memory="192Mi", memory_limit="384Mi", shape="flat", team="fleet",
    ),
    App(
        "fleet", "dispatch", f"{REGISTRY}/fleet/dispatch", "2.30.0",
        Program("dispatch", listens=(8080,), memory_mib=130, serves=("/v1/orders",), flags=frozenset({"--workers", "--log-level", "--region"})),
        container_extra={"args": ["--workers=4", "--region=us-west"]}, shape="office", team="fleet",
    ),
    App(
        "fleet", "crew-roster", f"{REGISTRY}/fleet/crew-roster", "1.7.2",
        Program("crew-roster", listens=(8080,), memory_mib=95, serves=("/v1/shifts",), commands=frozenset({"/bin/roster", "roster"})),
        replicas=1, container_extra={"command": ["/bin/roster"]}, shape="office", team="fleet",
    ),
)  # fmt: skip

BILLING = (
    _database("billing", "pg-billing", "60Gi", mib=510),
    App(
        "billing", "payments", f"{REGISTRY}/billing/payments", "11.2.0",
        Program("payments", listens=(8080,), memory_mib=170, cpu=0.08, style="java", serves=("/v1/charges", "/v1/refunds"), needs_env=("ACQUIRER_TOKEN",),
                calls=(Call("https://api.acquirer.example", what="card acquirer"),)),
        env={"ACQUIRER_TOKEN": ("Secret", "acquirer", "token")}, memory="224Mi", memory_limit="448Mi", shape="consumer", team="billing",
        priority="business-critical",
    ),
    App(
        "billing", "invoices", f"{REGISTRY}/billing/invoices", "6.5.1",
        Program("invoices", listens=(8080,), memory_mib=150, serves=("/v1/invoices",), calls=(_db("billing", "pg-billing"),)),
        env=_db_env("pg-billing"), memory="192Mi", memory_limit="384Mi", shape="office", team="billing",
    ),
    App(
        "billing", "statements", f"{REGISTRY}/billing/statements", "2.0.8",
        Program("statements", listens=(8080,), memory_mib=110, style="python", serves=("/v1/statements",), writes_to=("/var/tmp/statements",)),
        replicas=1, shape="office", team="billing",
    ),
    App(
        "billing", "invoice-run", f"{REGISTRY}/billing/invoice-run", "3.1.0", Program("invoice-run", runs_s=95, memory_mib=190, cpu=0.3),
        kind="CronJob", schedule="5 * * * *", memory="256Mi", memory_limit="512Mi", shape="flat", team="billing",
    ),
    App(
        "billing", "dunning", f"{REGISTRY}/billing/dunning", "1.4.0", Program("dunning", runs_s=40, memory_mib=90),
        kind="CronJob", schedule="*/15 * * * *", shape="flat", team="billing",
    ),
)  # fmt: skip

TRACKING = (
    App(
        "tracking", "stream", "docker.io/library/nats", "2.12.2",
        Program("nats", listens=(4222, 8222), memory_mib=120, cpu=0.07, serves=()), kind="StatefulSet", replicas=3, port=4222,
        port_name="nats", service_port=4222, memory="192Mi", memory_limit="384Mi", claim="20Gi", probes="tcp", shape="consumer",
        spec_extra={"podManagementPolicy": "Parallel"},
    ),
    App(
        "tracking", "parcel-tracker", f"{REGISTRY}/tracking/parcel-tracker", "9.6.2",
        Program("parcel-tracker", listens=(8080,), memory_mib=160, cpu=0.12, serves=("/v2/parcels", "/v2/events"),
                calls=(Call("stream.tracking.svc:4222", "STREAM", gates_ready=True, what="event stream"), Call("http://geo-index.tracking.svc", what="geo index"))),
        replicas=3, cpu="150m", memory="192Mi", memory_limit="384Mi", env={"STREAM": "stream:4222"}, shape="consumer", team="tracking",
    ),
    App(
        "tracking", "notifier", f"{REGISTRY}/tracking/notifier", "4.4.0",
        Program("notifier", listens=(8080,), memory_mib=105, style="python", serves=("/healthz",), needs_env=("SMS_SENDER",),
                calls=(Call("stream.tracking.svc:4222", "STREAM", at_start=True, what="event stream"),)),
        env={"STREAM": "stream:4222", "SMS_SENDER": "HARBORLINE"}, shape="consumer", team="tracking", service_port=None,
    ),
    App(
        "tracking", "geo-index", f"{REGISTRY}/tracking/geo-index", "0.41.0",
        Program("geo-index", listens=(8080,), memory_mib=1800, cpu=0.2, grows_s=240, serves=("/nearest",)), replicas=1,
        cpu="300m", memory="2Gi", memory_limit="3Gi", node_selector={"pool": "memory"}, shape="consumer", team="tracking",
    ),
)  # fmt: skip

ANALYTICS = (
    App(
        "analytics", "columnar", "docker.io/questdb/questdb", "9.1.1",
        Program("questdb", listens=(9000, 8812), memory_mib=2100, cpu=0.4, grows_s=3600, serves=("/exec",)), kind="StatefulSet", replicas=1,
        port=9000, service_port=9000, cpu="500m", memory="3Gi", memory_limit="6Gi", claim="200Gi", probes="tcp",
        node_selector={"pool": "memory"}, shape="night", team="data",
    ),
    App(
        "analytics", "ingest", f"{REGISTRY}/analytics/ingest", "2.9.0",
        Program("ingest", listens=(8080,), memory_mib=260, cpu=0.2, serves=("/batch",), calls=(Call("columnar.analytics.svc:9000", "SINK", at_start=True, what="columnar store"),)),
        env={"SINK": "columnar:9000"}, cpu="250m", memory="320Mi", memory_limit="640Mi", shape="consumer", team="data",
    ),
    App(
        "analytics", "report-builder", f"{REGISTRY}/analytics/report-builder", "1.3.5",
        Program("report-builder", listens=(8080,), memory_mib=180, style="python", serves=("/reports",)), replicas=1, cpu="500m",
        memory="1Gi", memory_limit="2Gi", shape="office", team="data",
    ),
    App(
        "analytics", "nightly-rollup", f"{REGISTRY}/analytics/rollup", "5.0.1", Program("rollup", runs_s=420, memory_mib=700, cpu=0.9),
        kind="CronJob", schedule="0 2 * * *", memory="1Gi", memory_limit="2Gi", cpu="500m", shape="night", team="data",
    ),
    App(
        "analytics", "partition-prune", f"{REGISTRY}/analytics/partition-prune", "1.0.2", Program("partition-prune", runs_s=12, memory_mib=60),
        kind="CronJob", schedule="*/20 * * * *", shape="flat", team="data",
    ),
)  # fmt: skip

SANDBOX = (
    App(
        "sandbox", "demo-api", f"{REGISTRY}/sandbox/demo-api", "main-412",
        Program("demo-api", listens=(8080,), memory_mib=70, serves=("/",)), replicas=1, shape="dev", team="booking-core",
    ),
    App(
        "sandbox", "preview-web", f"{REGISTRY}/sandbox/preview-web", "pr-1187",
        Program("preview-web", listens=(8080,), memory_mib=90, style="node", serves=("/",)), shape="dev", team="booking-web",
    ),
    App(
        "sandbox", "lab", "quay.io/jupyter/minimal-notebook", "2025-10-20",
        Program("lab", listens=(8888,), memory_mib=300, serves=("/api/kernels",)), replicas=1, port=8888, service_port=8888, cpu="250m",
        memory="512Mi", memory_limit="2Gi", probes="tcp", shape="dev", team="data",
    ),
    App(
        "sandbox", "load-rig", f"{REGISTRY}/sandbox/load-rig", "2.1.0", Program("load-rig", listens=(8089,), memory_mib=140, serves=()),
        replicas=0, port=8089, probes="none", annotations={"harborline.example/scaled-down": "on purpose, until the next load test"},
        shape="dev", team="platform",
    ),
)  # fmt: skip

BUSINESS = (*BOOKING, *FLEET, *BILLING, *TRACKING, *ANALYTICS, *SANDBOX)
