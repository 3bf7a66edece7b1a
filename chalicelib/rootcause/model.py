"""What a diagnosis says: problems, the symptoms they explain, and the evidence they rest on."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from chalicelib.state.evidence import Evidence
from chalicelib.state.meta import Api, Ref
from chalicelib.state.snapshot import Gap

Outcome = Literal["problems", "no_fault", "object_not_found", "insufficient_permission", "several_independent_faults"]
HypothesisStatus = Literal["supported", "proposed", "refuted"]
Action = Literal["scale", "restart", "rollback", "resize", "suspend", "cordon", "patch"]
Severity = Literal["critical", "warning", "info"]


class ProposedChange(Api):
    """A change that would mend a cause: an action and its arguments, by the names of the actions that may be approved.

    `scale` {kind, namespace, name, replicas}; `restart` {kind, namespace, name}; `rollback` {namespace, name,
    revision}; `resize` {kind, namespace, name, container, and those of cpu_request, cpu_limit, memory_request,
    memory_limit that change}; `suspend` {namespace, name, suspend}; `cordon` {name, cordoned}; `patch` {kind,
    namespace, name, patch, type} with type merge, strategic or json.
    """

    action: Action
    arguments: dict[str, Any]
    why: str


class Remedy(Api):
    """What to do. `command` is shown, never run; `change` is there where the fix is mechanical."""

    text: str
    command: str | None = None
    change: ProposedChange | None = None


class Problem(Api):
    """One cause: which object, which failure mode, how sure, and what it explains.

    `probability` is the chance that (resource, mode) is right; below 0.5 the engine knows the symptom and not the
    cause, and `missing` names the evidence that would decide. `chain` runs from the cause to the symptom.
    """

    id: str
    resource: Ref
    mode: str
    title: str
    probability: float
    severity: Severity
    summary: str
    remedy: Remedy
    evidence: tuple[Evidence, ...] = ()
    since: datetime | None = None
    explains: tuple[Ref, ...] = ()
    missing: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()


class Hypothesis(Api):
    """A cause that was weighed for the live symptoms.

    `supported` ones are the problems that are more likely than not; `proposed` ones stay below one half, where only the
    symptom is known; `refuted` ones were accounted for by another cause, which `why` names and whose evidence is
    `contradicting`. `explains` are the objects whose symptoms it was weighed for.
    """

    resource: Ref
    mode: str
    title: str
    status: HypothesisStatus
    probability: float
    supporting: tuple[Evidence, ...] = ()
    contradicting: tuple[Evidence, ...] = ()
    missing: tuple[str, ...] = ()
    why: str = ""
    explains: tuple[Ref, ...] = ()


class Symptom(Api):
    """Something that is wrong now. `subject` shows it; `resource` is the workload or object it is counted for."""

    type: str
    resource: Ref
    subject: Ref
    text: str
    count: int = 1
    since: datetime | None = None


class Diagnosis(Api):
    """The answer for a whole cluster, or for one namespace or object of it.

    `nearest` names objects like the one that was asked for, when that one does not exist.
    """

    outcome: Outcome
    problems: tuple[Problem, ...] = ()
    symptoms: tuple[Symptom, ...] = ()
    hypotheses: tuple[Hypothesis, ...] = ()
    gaps: tuple[Gap, ...] = ()
    message: str = ""
    nearest: tuple[Ref, ...] = ()

    def about(self, ref: Ref) -> tuple[Problem, ...]:
        """Problems of an object: those it has, then those whose consequences reach it."""
        own = [p for p in self.problems if p.resource == ref]
        return (*own, *(p for p in self.problems if p.resource != ref and ref in p.explains))
