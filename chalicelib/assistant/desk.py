"""The assistant's one way to facts: cluster views and tools, with evidence, gaps and steps recorded on the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chalicelib.assistant.context import AssistantContext, Step
from chalicelib.errors import KubiliticsError
from chalicelib.state.evidence import Evidence, absence_evidence, event_evidence, log_evidence, object_evidence
from chalicelib.state.kinds import KINDS
from chalicelib.state.kinds.cluster import Event
from chalicelib.state.meta import Ref
from chalicelib.state.query import Vocabulary
from chalicelib.state.snapshot import Gap
from chalicelib.state.world import World

if TYPE_CHECKING:
    from chalicelib.rootcause import Problem
    from chalicelib.store.records import ClusterRecord
    from chalicelib.tools.registry import ToolResult
    from chalicelib.tools.views import ClusterView

MAX_CITED_ROWS = 10


class Desk:
    """Facts of one cluster for one question."""

    def __init__(self, context: AssistantContext, record: ClusterRecord) -> None:
        self._context = context
        self.record = record
        self.tools = context.tools.on(record)
        self.evidence: dict[str, Evidence] = {}
        self.cited: list[str] = []
        self.steps: list[Step] = []
        self.gaps: list[Gap] = []

    @cached_property
    def view(self) -> ClusterView:
        """The cluster as last read. Raises ClusterError when there is nothing at all."""
        started = self._context.clock()
        view = self.tools.view
        self._step("read_cluster", f"{self.record.name} as of {view.as_of:%H:%M:%S} UTC", started)
        return view

    @property
    def now(self) -> datetime:
        return self.view.as_of

    @property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary.of(self.view.world)

    def call(self, tool: str, **args: Any) -> ToolResult:
        """Call a tool on this cluster; its evidence is cited and its gaps are kept."""
        from chalicelib.tools.registry import call

        started = self._context.clock()
        result = call(tool, {"cluster": self.record.id, **args}, self.tools)
        self._step(tool, result.summary, started)
        self.cited.extend(result.evidence)
        return result

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """All rows of a kind; what could not be read of it becomes a gap."""
        started = self._context.clock()
        self.needs(kind)
        rows = self.view.rows(kind)
        if kind == "Pod":
            rows = [{**row, "last_reason": _last_end(self.view.world, row)} for row in rows]
        self._step("observe_resources", f"{len(rows)} {KINDS[kind].title.lower()}", started)
        return rows

    def needs(self, *kinds: str) -> None:
        """Note the gaps of kinds that an answer rests on."""
        snapshot = self.view.snapshot
        for kind in kinds:
            known = snapshot.gaps_of(kind)
            if not known and kind not in snapshot.objects:
                known = (Gap(kind=kind, reason="not_recorded", message=f"{KINDS[kind].title} were not read"),)
            self.gaps.extend(g for g in known if g not in self.gaps)

    def problems(self) -> Sequence[Problem]:
        """All diagnosed problems, the most probable and severe first."""
        started = self._context.clock()
        diagnosis = self.view.diagnosis
        self._step("diagnose", f"{len(diagnosis.problems)} problems", started)
        self.gaps.extend(g for g in diagnosis.gaps if g not in self.gaps)
        return diagnosis.problems

    def _step(self, tool: str, summary: str, started: float) -> None:
        if any(s.tool == tool and s.summary == summary for s in self.steps):
            return
        self.steps.append(Step(tool, summary, max(0, round((self._context.clock() - started) * 1000))))

    # Citing

    def cite(self, *items: Evidence) -> None:
        for item in items:
            self.evidence[item.id] = item
            self.cited.append(item.id)

    def cite_object(self, ref: Ref, pointer: str, observed: Any, words: str) -> Evidence | None:
        """Cite a field of an object that exists."""
        obj = self.view.snapshot.find(ref)
        if obj is None:
            return None
        found = object_evidence(self.record.id, ref, obj, pointer, observed, words)
        self.cite(found)
        return found

    def cite_status(self, ref: Ref) -> Evidence | None:
        obj = self.view.snapshot.find(ref)
        if obj is None:
            return None
        status = self.view.world.status(ref.kind, obj)
        said = f"{status.word}: {status.reason}" if status.reason else status.word
        return self.cite_object(ref, "/status", status.word, f"{ref} is {said}")

    def cite_rows(self, kind: str, rows: Iterable[dict[str, Any]]) -> None:
        for row in list(rows)[:MAX_CITED_ROWS]:
            self.cite_status(Ref(kind, row["namespace"], row["name"]))

    def cite_event(self, event: Event) -> Evidence:
        found = event_evidence(self.record.id, event)
        self.cite(found)
        return found

    def cite_lines(self, ref: Ref, container: str, lines: list[tuple[int, str]], previous: bool) -> Evidence:
        words = f"{len(lines)} log line{'s' * (len(lines) != 1)} of {container}"
        found = log_evidence(self.record.id, ref, container, lines, words, previous=previous)
        self.cite(found)
        return found

    def cite_absence(self, ref: Ref, words: str) -> Evidence:
        found = absence_evidence(self.record.id, ref, words)
        self.cite(found)
        return found

    def keep(self) -> None:
        """Store the evidence that was cited here, so that its ids resolve."""
        from chalicelib.tools.collection import evidence_record

        if self.evidence:
            records = [evidence_record(self.record.id, e) for e in self.evidence.values()]
            self.tools.store.evidence.put_many(self.tools.principal.tenant, records, self.tools.now)


def _last_end(world: World, row: dict[str, Any]) -> str:
    """Why a pod's containers last ended (`OOMKilled`), which its status no longer says while it waits to restart."""
    pod = world.snapshot.get("Pod", row["namespace"], row["name"])
    ended = [s.last_state.terminated for s in pod.status.all_statuses] if pod is not None else []
    return " ".join(sorted({e.reason for e in ended if e is not None and e.reason}))


def clusters_of(context: AssistantContext) -> list[ClusterRecord]:
    """The clusters that a question is asked of. Raises NotFound `unknown_cluster` with the choices."""
    return context.tools.clusters(context.cluster)


def reachable(context: AssistantContext, records: Iterable[ClusterRecord]) -> tuple[list[Desk], list[tuple[str, str]]]:
    """Desks of the clusters that can be read, and (name, error) of those that cannot."""
    desks, failed = [], []
    for record in records:
        desk = Desk(context, record)
        try:
            _ = desk.view
        except KubiliticsError as error:
            failed.append((record.name, f"{error.message} {error.remedy}"))
            continue
        desks.append(desk)
    return desks, failed
