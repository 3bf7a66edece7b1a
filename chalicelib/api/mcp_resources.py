"""What MCP clients can read by URI: clusters, their problems, investigations, reports, evidence."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib import wiring
from chalicelib.accounts.identity import Principal, allows, require
from chalicelib.api.endpoints import encode
from chalicelib.api.render import evidence_out, gaps_out, problem_out, stale_gaps
from chalicelib.errors import NotFound
from chalicelib.investigations import sessions
from chalicelib.investigations.report import rendered, report_of
from chalicelib.mcp.prompts import Completing
from chalicelib.mcp.resources import Document, ResourceEntry

JSON, MARKDOWN = "application/json", "text/markdown"
SHOWN = 25
"""Problems of a cluster and investigations that are shown; the tools page through the rest."""
Read = Callable[[wiring.Services, Principal, str], Any]


@dataclass(frozen=True, slots=True)
class Family:
    """Documents with one URI template; its one variable is in braces."""

    template: str
    name: str
    description: str
    permission: str
    read: Read
    """Text, or what is encoded as JSON."""
    mime_type: str = JSON

    @property
    def variable(self) -> str:
        return self.template.partition("{")[2].partition("}")[0]

    def match(self, uri: str) -> str | None:
        """The value of the variable in a URI of this family."""
        before, _, rest = self.template.partition("{")
        found = re.fullmatch(re.escape(before) + r"([A-Za-z0-9_.-]{1,128})" + re.escape(rest.partition("}")[2]), uri)
        return found[1] if found else None

    def entry(self, value: str, title: str) -> ResourceEntry:
        uri = self.template.replace(f"{{{self.variable}}}", value)
        return ResourceEntry(uri, f"{self.name}-{value}", title, self.description, self.mime_type)


def _overview(services: wiring.Services, principal: Principal, cluster: str) -> Any:
    return services.call_tool(principal, "observe_cluster_overview", {"cluster": cluster}, "mcp").as_dict()


def _problems(services: wiring.Services, principal: Principal, cluster: str) -> Any:
    view = services.views.view(principal, cluster)
    diagnosis = view.diagnosis
    return {
        "outcome": diagnosis.outcome,
        "as_of": view.as_of,
        "total": len(diagnosis.problems),
        "items": [problem_out(problem) for problem in diagnosis.problems[:SHOWN]],
        "gaps": gaps_out((*stale_gaps(view), *diagnosis.gaps)),
    }


def _investigation(services: wiring.Services, principal: Principal, id_: str) -> str:
    return _report(services, principal, id_, "json")


def _markdown(services: wiring.Services, principal: Principal, id_: str) -> str:
    return _report(services, principal, id_, "markdown")


def _report(services: wiring.Services, principal: Principal, id_: str, format: Any) -> str:
    session = sessions.get(services.investigations.office, principal, id_)
    return rendered(report_of(services.store, principal.tenant, session), format)


def _evidence(services: wiring.Services, principal: Principal, id_: str) -> Any:
    return evidence_out(services.store.evidence.get(principal.tenant, id_, None))


CLUSTER = Family("kubilitics://clusters/{cluster}", "cluster", "Overview of a cluster.", "clusters:read", _overview)
PROBLEMS = Family(
    "kubilitics://clusters/{cluster}/problems", "problems", "What is wrong, most probable and severe first.",
    "findings:read", _problems,
)  # fmt: skip
INVESTIGATION = Family(
    "kubilitics://investigations/{investigation}", "investigation", "An investigation with steps and hypotheses.",
    "investigations:read", _investigation,
)  # fmt: skip
REPORT = Family(
    "kubilitics://investigations/{investigation}/report", "report", "An investigation's report.",
    "investigations:read", _markdown, MARKDOWN,
)  # fmt: skip
EVIDENCE = Family(
    "kubilitics://evidence/{evidence}", "evidence", "The slice, event or log lines that an evidence id stands for.",
    "findings:read", _evidence,
)  # fmt: skip
FAMILIES = (CLUSTER, PROBLEMS, INVESTIGATION, REPORT, EVIDENCE)


class CallersResources:
    """All documents that one caller may read."""

    def __init__(self, services: wiring.Services, principal: Principal) -> None:
        self._services = services
        self._principal = principal

    def resources(self) -> Sequence[ResourceEntry]:
        """Clusters with their problems, and the newest investigations with their reports."""
        found: list[ResourceEntry] = []
        for record in self._services.views.clusters(self._principal):
            found += [CLUSTER.entry(record.id, record.name), PROBLEMS.entry(record.id, f"Problems of {record.name}")]
        for session in self._recent():
            title = session.question[:80] or session.id
            found += [INVESTIGATION.entry(session.id, title), REPORT.entry(session.id, f"Report: {title}")]
        return found

    def templates(self) -> Sequence[ResourceEntry]:
        return [ResourceEntry(f.template, f.name, f.name.capitalize(), f.description, f.mime_type) for f in FAMILIES]

    def read(self, uri: str) -> Document:
        for family in FAMILIES:
            value = family.match(uri)
            if value is not None:
                require(self._principal, family.permission)
                found = family.read(self._services, self._principal, value)
                return Document(family.mime_type, found if isinstance(found, str) else encode(found))
        raise NotFound(
            f"No document has the URI {uri[:200]!r}.", code="unknown_resource",
            remedy="resources/list and resources/templates/list name all of them.",
            details={"valid": [family.template for family in FAMILIES]},
        )  # fmt: skip

    def complete(self, wanted: Completing) -> Sequence[str]:
        """Names of clusters and ids of investigations that begin with, then that contain, what is typed."""
        known: list[str] = []
        if wanted.argument == "cluster":
            records = self._services.views.clusters(self._principal)
            known = [record.name if wanted.of == "prompt" else record.id for record in records]
        elif wanted.argument == "investigation":
            known = [session.id for session in self._recent()]
        typed = wanted.typed.lower()
        fitting = [value for value in known if typed in value.lower()]
        return sorted(fitting, key=lambda value: (not value.lower().startswith(typed), value))

    def _recent(self) -> Sequence[Any]:
        if not allows(self._principal, "investigations:read"):
            return ()
        office = self._services.investigations.office
        return sessions.search(office, self._principal, sessions.Filter(), SHOWN, None).items
