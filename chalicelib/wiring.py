"""The one place that builds adapters from settings, each on first use.

Everything a handler needs is a field or method of `Services`; tests install one over the in-memory store.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.accounts.authenticate import Authenticator
from chalicelib.accounts.identity import Principal
from chalicelib.accounts.sessions import SessionSigner, session_signer
from chalicelib.accounts.tokens import create_token, register_token
from chalicelib.errors import Conflict, InvalidRequest, KubiliticsError, NotFound
from chalicelib.settings import Settings, settings
from chalicelib.state.ids import TenantId, new_id
from chalicelib.store.facade import Store
from chalicelib.store.keys import SYSTEM
from chalicelib.store.records import ClusterRecord, Conversation, NewAuditEvent, Role, Tenant, Turn, User

if TYPE_CHECKING:
    from chalicelib.clusters.connect import Connections, NewConnection
    from chalicelib.clusters.source import CheckReport, ClusterSource
    from chalicelib.investigations.desk import Desk
    from chalicelib.llm.desk import ModelDesk
    from chalicelib.safety.autopilot import Autopilot
    from chalicelib.safety.execution import Executor
    from chalicelib.safety.runs import Runs
    from chalicelib.safety.schedules import Schedules
    from chalicelib.safety.service import Safety
    from chalicelib.store.investigation_records import InvestigationStep, Trigger
    from chalicelib.tools.collection import Collector
    from chalicelib.tools.context import ToolContext
    from chalicelib.tools.registry import ToolResult
    from chalicelib.tools.views import StoredViews

COOKIE = "kubilitics_session"
SOCKET_TTL_S = 7200
LOCAL_ADMIN = "admin"
Frames = list[tuple[str, dict[str, Any]]]
Push = Callable[[TenantId, str, bytes], None]
log = logging.getLogger(__name__)


def utc_now() -> datetime:
    return datetime.now(UTC)


class Services:
    """What handlers work with. Built once per process; adapters inside are built when first asked for."""

    def __init__(
        self, settings: Settings, store: Store, *, clock: Callable[[], datetime] = utc_now, push: Push | None = None
    ) -> None:
        self.settings = settings
        self.store = store
        self.clock = clock
        self._push = push
        self._sockets: dict[str, Principal] = {}
        self._lock = threading.RLock()

    # Identities

    @cached_property
    def signer(self) -> SessionSigner:
        return session_signer(self.store.secrets, TenantId(self.settings.local_tenant), secrets.token_bytes(32))

    @cached_property
    def authenticator(self) -> Authenticator:
        return Authenticator(self.store, self.signer)

    @cached_property
    def origins(self) -> frozenset[str]:
        """Our own origins: the public one, and on a laptop both names of loopback."""
        origin = self.settings.public_origin
        twin = origin.replace("//127.0.0.1", "//localhost")
        return frozenset({origin, twin})

    def add_user(self, by: Principal, name: str, role: Role) -> tuple[User, str]:
        """A new user and their token, which is shown this once. Raises Conflict for a name that is taken."""
        user = self.store.users.add(by.tenant, User(id=name, name=name, role=role))
        token = create_token(
            self.store, by.tenant, user.id, role, name="first", now=self.clock(), random_bytes=secrets.token_bytes(32)
        )
        self.audit(by, "user.add", "", {"user": name, "role": role})
        return user, token

    def remove_user(self, by: Principal, user: str) -> None:
        """Remove a user; their tokens are refused from then on. Raises Conflict for the caller themselves."""
        if user == by.user:
            raise Conflict("You cannot remove yourself.", remedy="Ask another administrator.")
        self.store.users.get(by.tenant, user)
        self.store.users.remove(by.tenant, user)
        self.authenticator.forget()
        self.audit(by, "user.remove", "", {"user": user})

    # Sockets: which principal a connection id stands for. The id is the gateway's, unguessable, and known only to it.

    def remember_socket(self, connection: str, principal: Principal) -> None:
        self.store.cache.put(SYSTEM, f"socket/{connection}", msgspec.json.encode(principal), SOCKET_TTL_S, self.clock())

        self._sockets[connection] = principal

    def principal_of_socket(self, connection: str) -> Principal | None:
        known = self._sockets.get(connection)
        if known is not None:
            return known
        found = self.store.cache.get(SYSTEM, f"socket/{connection}", self.clock())
        return msgspec.json.decode(found, type=Principal) if found else None

    def forget_socket(self, connection: str) -> None:
        self._sockets.pop(connection, None)
        self.store.cache.remove(SYSTEM, f"socket/{connection}")

    def push(self, tenant: TenantId, connection: str, payload: bytes) -> None:
        """Send to an open WebSocket. A connection that is gone is forgotten: its client resumes from the journal."""
        with self._lock:
            if self._push is None:
                from chalicelib.delivery.push import gateway_push

                self._push = gateway_push(self.settings)
        try:
            self._push(tenant, connection, payload)
        except NotFound:
            self.store.connections.remove(tenant, connection)

    def broadcast(self, tenant: TenantId, topic: str, payloads: Iterable[bytes]) -> None:
        """Send to every WebSocket that shows a conversation or an investigation."""
        listeners = self.store.connections.list_for_conversation(tenant, topic)
        if listeners:
            for payload in payloads:
                for listener in listeners:
                    self.push(tenant, listener.id, payload)

    # Clusters

    @cached_property
    def connections(self) -> Connections:
        from chalicelib.clusters.connect import Connections

        return Connections(self.store, self.settings)

    def checked_connection(self, source: Mapping[str, Any]) -> NewConnection:
        """A connection request checked against the hostile-input rules, split into facts and secrets."""
        from chalicelib.clusters.connect import new_connection

        if source["type"] == "eks" and self.settings.mode == "embedded":
            raise InvalidRequest(
                "An EKS role cannot be assumed here: the AWS services of this installation are embedded ones.",
                code="eks_needs_aws",
                remedy="Use `make run KUBECONFIG_IMPORT=~/.kube/config`: its aws plugin may run on your machine.",
            )
        return new_connection(source, hosted=self.settings.hosted)

    def open_source(self, tenant: TenantId, record: ClusterRecord) -> ClusterSource:
        return self.connections.open(tenant, record)

    @cached_property
    def collector(self) -> Collector:
        from chalicelib.tools.collection import Collector

        return Collector(self.store, self.open_source, self.clock, self.settings.read_deadline_s, self.holder)

    @cached_property
    def holder(self) -> str:
        """The name under which this process takes leases."""
        return f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"

    @cached_property
    def views(self) -> StoredViews:
        from chalicelib.tools.views import StoredViews

        return StoredViews(
            self.store, self.collector.refresh, self.open_source, self.clock, self.settings.snapshot_max_age_s
        )

    def check(self, principal: Principal, record: ClusterRecord) -> tuple[CheckReport, ClusterRecord]:
        """Test a connection; when it answers, read the cluster. The record says what came of it."""
        source = self.connections.open(principal.tenant, record, anew=True)
        report = source.check(self.clock())
        if report.reachable:
            record = self.collector.collect(principal.tenant, record)
        else:
            newest = self.store.clusters.get(principal.tenant, record.id)
            message = report.notes[0] if report.notes else "The API server does not answer."
            record = self.store.clusters.update(
                principal.tenant, msgspec.structs.replace(newest, status="unreachable", message=message)
            )
        self.views.forget_records()
        self.audit(principal, "cluster.check", record.id, {"reachable": report.reachable})
        return report, record

    # Investigations

    @cached_property
    def investigations(self) -> Desk:
        from chalicelib.investigations.desk import Desk
        from chalicelib.investigations.office import Office

        return Desk(
            Office(
                store=self.store,
                views=self.views,
                # Asked at each use: tests move the time of an installation.
                clock=lambda: self.clock(),
                random=secrets.token_bytes,
                holder=self.holder,
                principal_of=lambda tenant, user: self.authenticator.user(tenant, user, self.clock()),
                note=self.audit,
                tell=self._tell,
                pause=time.sleep,
            )
        )

    def _tell(self, tenant: TenantId, step: InvestigationStep) -> None:
        """Show a step to who follows it. One that cannot be reached reads the journal when it is back."""
        from chalicelib.investigations.frames import frame_of

        try:
            self.broadcast(tenant, step.investigation, [msgspec.json.encode([frame_of(step)])])
        except KubiliticsError as error:
            log.warning("step of %s not pushed: %s", step.investigation, error.message)

    # Changes

    @cached_property
    def safety(self) -> Safety:
        from chalicelib.safety.readings import Readings
        from chalicelib.safety.service import Safety

        readings = Readings(self.store, self.open_source, self.collector.collect, self.clock)
        return Safety(self.store, readings, self.clock, secrets.token_bytes, self._note)

    @cached_property
    def runs(self) -> Runs:
        from chalicelib.safety.runs import Runs

        return Runs(self.safety, self.store)

    @cached_property
    def schedules(self) -> Schedules:
        from chalicelib.safety.schedules import Schedules

        return Schedules(self.safety, self.runs, self.store)

    @cached_property
    def autopilot(self) -> Autopilot:
        from chalicelib.safety.autopilot import Autopilot

        return Autopilot(self.safety, self.store)

    def act_alone(self, tenant: TenantId, record: ClusterRecord) -> None:
        """Do what a new reading asks for and a standing approval covers. Without one, nothing is even looked at."""
        if not self.autopilot.standing(tenant):
            return
        from chalicelib.safety.autopilot import wishes

        viewer = Principal(tenant, "kubilitics", "Kubilitics", "viewer")
        self.autopilot.consider(tenant, record, wishes(self.views.view(viewer, record.id).diagnosis))

    @cached_property
    def executor(self) -> Executor:
        from chalicelib.safety.execution import Executor

        return Executor(self.safety, self.store, self.holder, self.runs)

    # Language models

    @cached_property
    def models(self) -> ModelDesk:
        from chalicelib.llm.desk import ModelDesk

        return ModelDesk(
            self.store,
            hosted=self.settings.hosted,
            clock=lambda: self.clock(),
            note=lambda by, action, detail: self.audit(by, action, "", detail),
        )

    # Tools, questions, audit

    def tool_context(self, principal: Principal, via: Trigger = "person") -> ToolContext:
        """What a tool called by this principal may use."""
        from chalicelib.tools.changing import Changing
        from chalicelib.tools.context import ToolContext

        return ToolContext(
            principal=principal, views=self.views, store=self.store, now=self.clock(),
            investigator=self.investigations, changing=Changing(self.safety, self.runs, self.schedules), via=via,
        )  # fmt: skip

    def call_tool(
        self, principal: Principal, name: str, arguments: Mapping[str, Any], via: Trigger = "person"
    ) -> ToolResult:
        """Call a tool for a caller and note it in the audit log. Raises what the tool raises."""
        from chalicelib.tools.registry import call

        outcome = "ok"
        try:
            return call(name, dict(arguments), self.tool_context(principal, via))
        except KubiliticsError as error:
            outcome = error.code
            raise
        finally:
            self.audit(principal, "tool.call", str(arguments.get("cluster", "")), {"tool": name, "outcome": outcome})

    def answer(self, tenant: TenantId, conversation: Conversation, turn: Turn) -> tuple[Frames, dict[str, Any]]:
        """The frames that answer a turn, and the conversation's memory for the next one."""
        from chalicelib.assistant import AssistantContext, answer, frames_of

        principal = self.authenticator.user(tenant, turn.user, self.clock())
        self.audit(principal, "question", turn.cluster, {"turn": turn.id, "length": len(turn.message)})
        context = AssistantContext(
            tools=self.tool_context(principal, "chat"),
            cluster=turn.cluster,
            memory=conversation.memory,
            screen=turn.context,
            clock=time.perf_counter,
            investigations=self.investigations,
            conversation=conversation.id,
            turn=turn.id,
        )
        found = answer(turn.message, context)
        return frames_of(found), found.memory

    def own_conversation(self, principal: Principal, conversation: str) -> Conversation:
        """A conversation of the caller's own; another user's is as good as absent."""
        found = self.store.conversations.get(principal.tenant, conversation)
        if found.user != principal.user:
            raise NotFound(
                f"There is no conversation {conversation!r}.", code="unknown_conversation",
                remedy="List your conversations to see their ids.",
            )  # fmt: skip
        return found

    def cancel(self, tenant: TenantId, conversation: str, turn: str) -> Turn:
        """Stop a turn that is not settled yet; a settled one stays as it is."""
        found = self.store.conversations.get_turn(tenant, conversation, turn)
        if found.status not in ("queued", "running"):
            return found
        return self.store.conversations.update_turn(tenant, msgspec.structs.replace(found, status="cancelled"))

    def audit(
        self, principal: Principal, action: str, cluster: str, detail: Mapping[str, Any], *, id: str = ""
    ) -> None:
        """Note what was done. Raises when the note cannot be kept: an unaudited action is not done.

        `id` names a fact that happens once, so that noting it again adds nothing.
        """
        self._note(principal.tenant, principal.user, action, cluster, detail, id=id)

    def _note(
        self, tenant: TenantId, actor: str, action: str, cluster: str, detail: Mapping[str, Any], *, id: str = ""
    ) -> None:
        self.store.audit.submit(
            tenant,
            NewAuditEvent(
                id=id or new_id("au", secrets.token_bytes(16)), at=self.clock(), actor=actor, action=action,
                cluster=cluster, detail=dict(detail),
            ),
        )  # fmt: skip


_services: Services | None = None
_building = threading.Lock()


def services() -> Services:
    """The services of this process, built from its settings on first use."""
    global _services
    if _services is None:
        with _building:
            if _services is None:
                _services = build(settings())
    return _services


def install(replacement: Services | None) -> None:
    """Use these services from now on; None: build from settings again. For tests and for the local stack."""
    global _services
    _services = replacement


def build(from_settings: Settings) -> Services:
    """Services over the store that the settings name."""
    if from_settings.mode == "memory":
        from chalicelib.store.memory import memory_store

        return Services(from_settings, memory_store())
    from chalicelib.store.aws import aws_store

    return Services(from_settings, aws_store(from_settings))


def ensure_local_tenant(token: str) -> None:
    """The tenant, its one administrator, and the token of this installation. Safe to repeat at every start."""
    held = services()
    tenant, now = TenantId(held.settings.local_tenant), held.clock()
    held.store.tenants.ensure(tenant, Tenant(id=tenant, name=tenant, plan="local", created_at=now))
    if held.store.users.find(tenant, LOCAL_ADMIN) is None:
        held.store.users.add(tenant, User(id=LOCAL_ADMIN, name="Local admin", role="admin"))
    register_token(held.store, token, LOCAL_ADMIN, "admin", name="local", now=now)


__all__: Sequence[str] = ("COOKIE", "Services", "ensure_local_tenant", "install", "services")
