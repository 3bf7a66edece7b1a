"""The steps of an investigation, in order: read, understand, look, propose, test, judge, conclude, compare.

Deterministic: which step comes next follows from the results of those before, which the journal gives back after a
crash. No model is asked.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import msgspec

from chalicelib.accounts.identity import Principal
from chalicelib.errors import ClusterError, Conflict, NotFound, Unavailable
from chalicelib.investigations.alike import compare
from chalicelib.investigations.conclusions import conclude, not_examined
from chalicelib.investigations.hypotheses import evidence_of, name_of, proposed, ref_of, settled
from chalicelib.investigations.journal import Journal
from chalicelib.investigations.judged import JudgedViews
from chalicelib.investigations.office import Done, Office, Reading
from chalicelib.investigations.reads import READS, Read
from chalicelib.investigations.scope import Scope, scope_of, within_scope
from chalicelib.investigations.templates import template_of
from chalicelib.rootcause import Diagnosis, diagnose
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import LogKey, Snapshot
from chalicelib.state.world import World
from chalicelib.store.investigation_records import Conclusion, InvestigationStep, SnapshotMark, StoredHypothesis
from chalicelib.tools.collection import evidence_record
from chalicelib.tools.context import ToolContext
from chalicelib.tools.registry import call
from chalicelib.tools.views import ClusterView, judged_mark
from chalicelib.tools.wording import counted, listed

MAX_TESTED = 4
"""Hypotheses that are tested by reading more; the others are judged by what is there."""
MAX_READS = 24
CITED_PER_STEP = 8
COMPARED_BEFORE = timedelta(minutes=5)
COMPARED_WITHIN = timedelta(hours=24)
WAIT_FOR_READER_S, WAITS = 1.0, 12
UNDER_WAY = "reading"
"""Code of the conflict that says that another process reads the cluster now."""
log = logging.getLogger(__name__)


class Examination:
    """One session's way through its steps. Everything it builds on is in the journal."""

    def __init__(self, journal: Journal, principal: Principal) -> None:
        self.journal = journal
        self.office: Office = journal.office
        self.principal = principal

    def run(self) -> None:
        """All steps that are left. Raises Ended, TimeIsUp, and Unavailable when the store does not answer."""
        # By the cluster alone: the namespace of a session may become known only from the question.
        cluster = {"cluster": self.journal.session.cluster}
        reading = self.journal.once("reading", "Read the cluster", self._read, tool="read_cluster", arguments=cluster)
        if reading.error is not None:
            self._give_up(reading.error)
            return
        self._reading = msgspec.convert(reading.result, Reading)
        try:
            _ = self.view
        except NotFound as error:
            self._give_up(error.as_dict()["error"])
            return
        scope_step = self.journal.once("scope", "Understand the question", self._understand)
        if scope_step.error is not None:
            self._give_up(scope_step.error)
            return
        self.scope = _scope_from(scope_step)
        self.journal.once("symptoms", "Look for symptoms", self._look)
        proposal = self.journal.once("proposal", "Propose hypotheses", self._propose)
        before = msgspec.convert(proposal.result.get("hypotheses", []), list[StoredHypothesis])
        logs = self._test(before)
        verdicts = list(self._judge(before, logs))
        conclusion = self._conclude(verdicts)
        self.journal.once("comparison", "Compare with past incidents", lambda: self._compare(conclusion))

    def _give_up(self, error: dict[str, Any]) -> None:
        """The cluster, or the question, could not be looked at: said so, with the remedy."""
        step = self.journal.once("conclusion", "Conclude", lambda: not_examined(error))
        conclusion = msgspec.convert(step.result, Conclusion)
        self.journal.once("comparison", "Close", lambda: self._close(conclusion, "Nothing to compare."))

    # Reading

    def _read(self) -> Done:
        """The newest reading that is fresh enough, kept from now on for this session."""
        session = self.journal.session
        view = self._view_when_free(session.cluster, session.namespace)
        key = view.record.snapshot_key
        mark = judged_mark(key, session.id)
        if mark:
            self.office.store.objects.put(self.principal.tenant, mark, b"", temporary=True)
        previous = self._previous(view)
        reading = Reading(key=key, as_of=view.as_of, note=view.note, previous=previous)
        read = view.snapshot
        kept = SnapshotMark(key=key, as_of=view.as_of, recorded=read.recorded, version=read.version)
        gaps = len(view.snapshot.gaps)
        summary = (
            f"{view.record.name} as of {view.as_of:%Y-%m-%d %H:%M:%S} UTC: {counted(_objects(view.snapshot), 'object')}"
        )
        summary += f", {counted(gaps, 'gap')}." if gaps else "."
        if view.note:
            summary += f" {view.note}"
        return Done(summary, msgspec.to_builtins(reading), changes={"snapshot": kept})

    def _view_when_free(self, cluster: str, namespace: str) -> ClusterView:
        """The view. A first reading that another process is making is waited for."""
        for _ in range(WAITS):
            try:
                return self.office.views.view(self.principal, cluster, namespace=namespace)
            except Conflict as error:
                if error.code != UNDER_WAY:
                    raise
                self.office.pause(WAIT_FOR_READER_S)
        raise ClusterError("Another reading of this cluster takes long.", remedy="Try again in a minute.")

    def _previous(self, view: ClusterView) -> datetime | None:
        """An earlier reading that shows what changed."""
        times = self.office.views.history(self.principal, view.record.id)
        earlier = [m for m in times if COMPARED_BEFORE <= view.as_of - m <= COMPARED_WITHIN]
        return max(earlier, default=None)

    @cached_property
    def view(self) -> ClusterView:
        """The reading that this session judges, in every run the same one. Raises NotFound when it is gone."""
        return self.office.views.kept(self.principal, self.journal.session.cluster, self._reading.key)

    @cached_property
    def previous(self) -> Snapshot | None:
        if self._reading.previous is None:
            return None
        try:
            return self.office.views.at(self.principal, self.view.record.id, self._reading.previous).snapshot
        except NotFound:
            return None

    # Looking

    def _understand(self) -> Done:
        scope = scope_of(self.journal.session, self.view)
        targets = [list(target) for target in scope.targets]
        result = {"template": scope.template.id, "namespace": scope.namespace, "targets": targets, "note": scope.note}
        changes: dict[str, Any] = {"template": scope.template.id, "namespace": scope.namespace}
        if scope.target is not None:
            changes["target"] = name_of(scope.target)
        summary = f"{scope.template.title} {'of' if scope.targets else 'in'} {scope.text}."
        return Done(f"{summary} {scope.note}".strip(), result, changes=changes)

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """The diagnosis of the scope from the reading alone."""
        return within_scope(self.view.diagnosis, self.scope, self.view)

    def _look(self) -> Done:
        symptoms = self.diagnosis.symptoms
        said = [f"{s.resource}: {s.text}" for s in symptoms[:3]]
        summary = f"{counted(len(symptoms), 'symptom')} now" + (f": {'; '.join(said)}" if said else "")
        if self.diagnosis.message:
            summary = self.diagnosis.message
        return Done(summary[:600], {"count": len(symptoms), "outcome": self.diagnosis.outcome})

    def _propose(self) -> Done:
        found = proposed(self.diagnosis, self.scope.template)
        said = listed([f"{h.title} of {ref_of(h.resource)} ({h.probability:.0%})" for h in found], 4)
        number = "1 hypothesis" if len(found) == 1 else f"{len(found)} hypotheses"
        summary = f"{number}: {said}." if found else "No failure mode fits what was read."
        cited = self._keep(self.diagnosis, (one for h in found for one in h.supporting[:2]))
        return Done(summary, {"hypotheses": msgspec.to_builtins(found)}, evidence=cited)

    # Testing

    def _test(self, hypotheses: Sequence[StoredHypothesis]) -> dict[LogKey, str]:
        """Read more about each hypothesis, in the template's order; the log texts that were caught on the way."""
        logs: dict[LogKey, str] = {}
        seen: set[str] = set()
        for hypothesis, ref in self._subjects(hypotheses):
            for read in (READS[name] for name in self.scope.template.reads):
                arguments = read.arguments(ref)
                if arguments is None:
                    continue
                given = {"cluster": self.journal.session.cluster, **arguments}
                work = f"{read.tool}{sorted(given.items())}"
                if work in seen or len(seen) >= MAX_READS:
                    continue
                seen.add(work)
                step = self._read_more(read, ref, given, hypothesis)
                logs.update({LogKey(*key): text for *key, text in step.result.get("logs", [])})
        return logs

    def _subjects(self, hypotheses: Sequence[StoredHypothesis]) -> Iterator[tuple[str, Ref]]:
        """(hypothesis id, object) that are looked at: the proposed causes, else what was asked about."""
        for hypothesis in hypotheses[:MAX_TESTED]:
            yield hypothesis.id, ref_of(hypothesis.resource)
        for target in self.scope.targets if not hypotheses else ():
            if target.kind and self.view.snapshot.find(target) is not None:
                yield "", target

    def _read_more(self, read: Read, ref: Ref, given: dict[str, Any], hypothesis: str) -> InvestigationStep:
        def do() -> Done:
            judged = JudgedViews(self.office.views, self.view)
            context = ToolContext(
                principal=self.principal, views=judged, store=self.office.store, now=self.office.clock()
            )
            try:
                found = call(read.tool, given, context)
            except NotFound as nothing:
                # That there is nothing to read is a result; only what could not be read is a failure.
                return Done(f"Nothing to read: {nothing.message}", {"nothing": nothing.code})
            cited = found.cited[:CITED_PER_STEP]
            self.office.store.evidence.keep(
                self.principal.tenant,
                self.journal.session.id,
                [evidence_record(self.view.record.id, e) for e in cited],
            )
            result: dict[str, Any] = {"gaps": found.gaps}
            if judged.logs:
                result["logs"] = [[*key, text] for key, text in sorted(judged.logs.items())]
            return Done(found.summary, result, evidence=tuple(e.id for e in cited))

        return self.journal.once(
            "test", f"{read.title}: {ref}", do, tool=read.tool, arguments=given, hypothesis=hypothesis
        )

    # Judging

    def _after(self, logs: dict[LogKey, str]) -> Diagnosis:
        """The diagnosis of the scope with all that was read since."""
        snapshot = self.view.snapshot
        # What the reading has stays: a log that was rotated since must not take its evidence away.
        fresh = {key: text for key, text in logs.items() if text and not snapshot.logs.get(key)}
        if not fresh and self.previous is None:
            return self.diagnosis
        world = World(snapshot.replace(logs={**snapshot.logs, **fresh})) if fresh else self.view.world
        return within_scope(diagnose(world, previous=self.previous), self.scope, self.view)

    def _judge(self, before: Sequence[StoredHypothesis], logs: dict[LogKey, str]) -> Iterator[StoredHypothesis]:
        self.final = self._after(logs)
        for hypothesis in settled(self.final, self.scope.template, before):
            ref = ref_of(hypothesis.resource)

            def do(held: StoredHypothesis = hypothesis) -> Done:
                cited = self._keep(self.final, (*held.supporting, *held.contradicting))
                words = {"supported": "Supported", "refuted": "Refuted", "proposed": "Not decided"}[held.status]
                because = held.why or held.summary
                return Done(f"{words} ({held.probability:.0%}): {because}", msgspec.to_builtins(held), evidence=cited)

            step = self.journal.once(
                "verdict", f"{hypothesis.title}: {ref}", do, arguments={"id": hypothesis.id}, hypothesis=hypothesis.id
            )
            if step.error is None:
                yield msgspec.convert(step.result, StoredHypothesis)

    def _keep(self, diagnosis: Diagnosis, wanted: Iterable[str]) -> tuple[str, ...]:
        """Keep the slices of evidence ids for as long as the session; the ids."""
        found = evidence_of(diagnosis, wanted)
        records = [evidence_record(self.view.record.id, e) for e in found]
        self.office.store.evidence.keep(self.principal.tenant, self.journal.session.id, records)
        return tuple(e.id for e in found)

    # Concluding

    def _conclude(self, verdicts: Sequence[StoredHypothesis]) -> Conclusion:
        def do() -> Done:
            failed = [s for s in self.journal.steps.values() if s.failed]
            return conclude(self.final, self.scope, verdicts, self.view, failed, self._reading.note)

        step = self.journal.once("conclusion", "Conclude", do)
        if step.error is not None:
            return msgspec.convert(not_examined(step.error).result, Conclusion)
        return msgspec.convert(step.result, Conclusion)

    def _compare(self, conclusion: Conclusion) -> Done:
        try:
            alike = compare(self.office.store, self.principal.tenant, self.journal.session)
        except Unavailable:
            raise
        except Exception:
            # The conclusion stands for itself, and without this step the session would never end.
            log.exception("past investigations could not be compared")
            return self._close(conclusion, "Past investigations could not be compared.")
        if not alike:
            return self._close(conclusion, "No past investigation is like this one.")
        first = alike[0]
        when = f"{first.concluded_at:%Y-%m-%d %H:%M} UTC"
        solved = f", which was solved by: {first.solved_by}" if first.solved_by else ""
        summary = f"Looks like the one of {when} ({first.similarity:.0%} alike){solved}."
        return self._close(msgspec.structs.replace(conclusion, alike=tuple(alike)), summary)

    def _close(self, conclusion: Conclusion, summary: str) -> Done:
        return Done(
            summary,
            {"alike": [a.investigation for a in conclusion.alike]},
            changes={
                "status": "concluded",
                "concluded_at": self.office.clock(),
                "outcome": conclusion.outcome,
                "message": conclusion.message,
            },
            conclusion=conclusion,
        )


def _scope_from(step: InvestigationStep) -> Scope:
    told = step.result
    targets = tuple(Ref(*target) for target in told["targets"])
    return Scope(template_of(told["template"]), told["namespace"], targets, told["note"])


def _objects(snapshot: Snapshot) -> int:
    return sum(len(objects) for objects in snapshot.objects.values())
