"""A demo cluster with its control plane on a virtual clock, and the safety engine in front of it.

Requests take the product's own path (LiveCluster and its operations) up to the HTTP message, which the demo's API
server answers in process; so its audit list is the witness of what was written.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import yaml

from chalicelib.accounts.identity import Principal
from chalicelib.clusters.live import LiveCluster
from chalicelib.clusters.transport import JSON, Answer
from chalicelib.safety.execution import Executor
from chalicelib.safety.model import Change
from chalicelib.safety.readings import Readings
from chalicelib.safety.runs import Runs
from chalicelib.safety.service import Safety
from chalicelib.state.ids import TenantId, new_id
from chalicelib.state.snapshot import encode_snapshot
from chalicelib.store.memory import memory_store
from chalicelib.store.records import ClusterRecord, NewAuditEvent, Role
from infra.local.demo.controllers.assembly import control_plane
from infra.local.demo.controllers.clock import WorldClock
from infra.local.demo.server.api import Api
from infra.local.demo.server.bootstrap import bootstrap
from infra.local.demo.server.server import Server
from infra.local.demo.server.wire import HttpRequest
from tests.functional.demo.conformance.start_state import Metrics

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TENANT = TenantId("acme")
SERVICE_USER = "kubilitics"


class InProcess:
    """What LiveCluster asks of an ApiServer, answered by the demo's server without a socket."""

    def __init__(self, server: Server, token: str) -> None:
        self._server = server
        self._headers = {"authorization": f"Bearer {token}"}
        self.before_write: Callable[[str, str], None] = lambda method, path: None
        self.after_write: Callable[[str, str], None] = lambda method, path: None

    def get(self, path: str, query: dict[str, str] | None = None, *, deadline: Any, accept: str = JSON,
            limit_bytes: int = 0) -> Answer:  # fmt: skip
        return self._send("GET", path, query or {}, b"", {"accept": accept})

    def post(self, path: str, body: bytes, *, deadline: Any) -> Answer:
        return self._send("POST", path, {}, body, {"content-type": JSON})

    def write(self, method: str, path: str, query: dict[str, str], body: bytes, *, content_type: str,
              deadline: Any) -> Answer:  # fmt: skip
        real = "dryRun" not in query and b"dryRun" not in body
        if real:
            self.before_write(method, path)
        answer = self._send(method, path, query, body, {"content-type": content_type})
        if real:
            self.after_write(method, path)
        return answer

    def close(self) -> None:
        """Nothing is open."""

    def _send(self, method: str, path: str, query: dict[str, str], body: bytes, headers: dict[str, str]) -> Answer:
        target = path + (f"?{urlencode(query)}" if query else "")
        answer = self._server.serve(HttpRequest.of(method, target, {**self._headers, **headers}, body))
        return Answer(answer.status, answer.body)  # type: ignore[union-attr]


@dataclass
class Stage:
    """One cluster, one tenant, people of every role."""

    nodes: int = 3
    cpu: str = "4"
    memory: str = "16Gi"
    name: str = "atlas"
    seed: int = 11
    live: InProcess = field(init=False)

    def __post_init__(self) -> None:
        self.clock = WorldClock(START)
        self.api = Api(seed=self.seed, clock=self.clock)
        bootstrap(self.api)
        self.server = Server(self.api)
        self.api.tokens.add("token", SERVICE_USER, ["system:masters"])
        self.api.tokens.add("person", "person", ["system:masters"])
        self.plane = control_plane(self.api, self.clock)
        for number in range(self.nodes):
            self.api.create("Node", a_node(f"n{number + 1}", self.cpu, self.memory))
        self.plane.start()
        self.api.metrics = Metrics()
        self.run_for(10)
        self._set_up_product()

    def _set_up_product(self) -> None:
        counter = itertools.count(1)
        self.live = InProcess(self.server, "token")
        self.cluster = LiveCluster(self.name, self.live)  # type: ignore[arg-type]
        self.store = memory_store(clock=lambda: self.now.timestamp())
        self.record = self.store.clusters.add(
            TENANT, ClusterRecord(id="cl-1", tenant=TENANT, name=self.name, source="token", created_at=START)
        )
        readings = Readings(self.store, lambda tenant, record: self.cluster, self._collect, lambda: self.now)
        self.safety = Safety(
            self.store, readings, lambda: self.now, lambda size: next(counter).to_bytes(size, "big"), self._say
        )
        self.runs = Runs(self.safety, self.store)
        self.executor = Executor(self.safety, self.store, "worker-1", self.runs)

    def _collect(self, tenant: TenantId, record: ClusterRecord) -> ClusterRecord:
        snapshot = self.cluster.snapshot(now=self.now)
        self.store.objects.put(tenant, f"{record.id}/snapshots/first", encode_snapshot(snapshot))
        import msgspec

        newest = self.store.clusters.get(tenant, record.id)
        return self.store.clusters.update(
            tenant, msgspec.structs.replace(newest, snapshot_key=f"{record.id}/snapshots/first")
        )

    def refresh(self) -> None:
        """A whole reading, as the collector takes one every few minutes."""
        self.record = self._collect(TENANT, self.store.clusters.get(TENANT, "cl-1"))
        self.safety.scene._last = None  # type: ignore[attr-defined]

    def _say(self, tenant: TenantId, actor: str, action: str, cluster: str, detail: Any) -> None:
        identity = new_id("au", self.safety.random(16))
        event = NewAuditEvent(
            id=identity, at=self.now, actor=actor, action=action, cluster=cluster, detail=dict(detail)
        )
        self.store.audit.submit(tenant, event)

    # The cluster

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def run_for(self, seconds: float) -> None:
        self.plane.run_for(seconds)

    def apply(self, manifests: str, namespace: str = "shop") -> None:
        """Create objects as somebody with kubectl would, and let the controllers come to rest."""
        for obj in yaml.safe_load_all(manifests):
            kind = obj["kind"]
            where = obj["metadata"].get("namespace", namespace)
            if kind not in ("Namespace", "PersistentVolume", "StorageClass", "PriorityClass", "ClusterRole"):
                self.api.create(kind, obj, namespace=where, manager="kubectl")
            else:
                self.api.create(kind, obj, manager="kubectl")
        self.run_for(60)

    def namespace(self, name: str, **labels: str) -> None:
        self.api.create("Namespace", {"metadata": {"name": name, "labels": labels}})
        self.run_for(2)

    def get(self, kind: str, name: str, namespace: str = "shop") -> dict[str, Any]:
        return self.api.get(kind, namespace, name)

    def written(self) -> list[str]:
        """Writes of the product that changed something: `verb resource namespace/name`."""
        return [
            f"{entry.verb} {entry.resource} {entry.namespace}/{entry.name}"
            for entry in self.server.audit.writes()
            if entry.user == SERVICE_USER
        ]

    # People

    def person(self, role: Role = "admin", name: str = "") -> Principal:
        return Principal(TENANT, name or role, name or role, role)

    def ask(self, action: str, *, by: Principal | None = None, **arguments: Any) -> Change:
        """A change request by an administrator, or by whom is named."""
        options = {key: arguments.pop(key) for key in ("overrides", "symptom", "reason") if key in arguments}
        return self.safety.create(by or self.person(), self.record, action, arguments, **options)

    def approve(self, change: Change, *, by: Principal | None = None) -> Change:
        """The yes that the change asks for."""
        requirement = change.decision.requirement
        return self.safety.approve(by or self.person(), change.id, requirement.method, requirement.phrase)

    def work(self, change: Change, within: timedelta = timedelta(minutes=25)) -> Change:
        """Let the worker and the cluster go on until the change, and what follows from it, is at its end."""
        deadline = self.now + within
        while self.now < deadline:
            later = [self.executor.run(TENANT, one.id, self.now) for one in self._open()]
            if not any(later) and not self._open():
                break
            self.run_for(max([one for one in later if one], default=1))
        return self.safety.get(self.person(), change.id)

    def _open(self) -> list[Change]:
        page = self.safety.list(self.person(), statuses=("approved", "executing", "verifying"))
        return list(page.items)

    def do(self, action: str, **arguments: Any) -> Change:
        """Ask, approve, work."""
        return self.work(self.approve(self.ask(action, **arguments)))


def a_node(name: str, cpu: str, memory: str, zone: str = "z1") -> dict[str, Any]:
    room = {"cpu": cpu, "memory": memory, "pods": "110", "ephemeral-storage": "100Gi"}
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone}},
        "status": {
            "capacity": room, "allocatable": room,
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
        },
    }  # fmt: skip


def a_deployment(name: str = "web", replicas: int = 3, *, cpu: str = "100m", memory: str = "64Mi", **spec: Any) -> str:
    """A Deployment with its Service."""
    template = spec.pop("template", {})
    container = {
        "name": "app", "image": "registry.example.com/web:1.0", "ports": [{"containerPort": 8080}],
        "resources": {"requests": {"cpu": cpu, "memory": memory}}, **spec.pop("container", {}),
    }  # fmt: skip
    pod = {"terminationGracePeriodSeconds": 1, "containers": [container], **template}
    deployment = {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod}, **spec,
        },
    }  # fmt: skip
    service = {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]},
    }  # fmt: skip
    return yaml.safe_dump_all([deployment, service])
