"""The report of a session: one JSON value, and the same as Markdown and as a page of HTML that stands alone.

Same session, same bytes. Text from the cluster is quoted: it can neither format the report nor bring in a link.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec

from chalicelib.state.ids import TenantId
from chalicelib.state.visible import seen
from chalicelib.store.facade import Store
from chalicelib.store.investigation_records import Conclusion, Investigation, InvestigationStep
from chalicelib.store.records import EvidenceRecord, ResourceName

Format = Literal["markdown", "html", "json"]
MEDIA: dict[Format, str] = {
    "markdown": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "json": "application/json",
}
EVIDENCE_CHARS = 600
Json = dict[str, Any]
OUTCOMES = {
    "": "Still running",
    "problems": "A cause was found",
    "several_independent_faults": "Several independent faults",
    "no_fault": "No fault found",
    "object_not_found": "The object does not exist",
    "insufficient_permission": "Too little may be read",
    "not_examined": "The cluster could not be examined",
}


@dataclass(frozen=True)
class Report:
    """A session with everything that it cites."""

    session: Investigation
    conclusion: Conclusion
    steps: tuple[InvestigationStep, ...]
    evidence: dict[str, EvidenceRecord]


def report_of(store: Store, tenant: TenantId, session: Investigation) -> Report:
    """The report of a session; of a running one what is known so far."""
    steps = tuple(store.investigations.steps(tenant, session.id))
    conclusion = store.investigations.conclusion(tenant, session.id) or Conclusion(
        outcome=session.outcome, message=session.message
    )
    cited = list(dict.fromkeys([*conclusion.evidence, *(e for s in steps for e in s.evidence)]))
    kept = store.evidence.kept(tenant, session.id, session.cluster, cited)
    return Report(session, conclusion, steps, {record.id: record for record in kept})


def as_json(report: Report) -> Json:
    """The report as plain values; evidence by id beside what cites it."""
    session, conclusion = report.session, report.conclusion
    found: Json = {
        "id": session.id,
        "question": session.question,
        "cluster": session.cluster_name,
        "version": session.snapshot.version if session.snapshot else "",
        "namespace": session.namespace,
        "target": _plain(session.target),
        "template": session.template,
        "status": session.status,
        "outcome": conclusion.outcome,
        "message": conclusion.message,
        "resolution": session.resolution,
        "created_at": _plain(session.created_at),
        "concluded_at": _plain(session.concluded_at),
        "as_of": _plain(session.snapshot.as_of) if session.snapshot else None,
        "hypotheses": [_plain(h) for h in conclusion.hypotheses],
        "symptoms": [_plain(s) for s in conclusion.symptoms],
        "nearest": [_plain(r) for r in conclusion.nearest],
        "similar": [_plain(a) for a in conclusion.alike],
        "gaps": [_plain(g) for g in conclusion.gaps],
        "outside_of_template": conclusion.outside,
        "steps": [step_brief(s) for s in report.steps],
        "feedback": _plain(session.feedback),
        "follow_up": _plain(session.follow_up),
        "evidence": {one: _evidence(record) for one, record in sorted(report.evidence.items())},
    }
    return found


def step_brief(step: InvestigationStep) -> Json:
    """A step without what only later steps need."""
    return {
        "n": step.n,
        "kind": step.kind,
        "title": step.title,
        "failed": step.failed,
        "summary": step.summary,
        "tool": step.tool,
        "evidence": list(step.evidence),
        "hypothesis": step.hypothesis,
        "started_at": _plain(step.started_at),
        "ended_at": _plain(step.ended_at),
    }


def _evidence(record: EvidenceRecord) -> Json:
    body = record.body
    return {
        "type": body.get("type", ""),
        "text": str(body.get("text", ""))[:EVIDENCE_CHARS],
        "resource": body.get("resource"),
        "at": body.get("at"),
    }


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


# One content, two notations: a report is a list of parts, and each notation writes every part.


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a report. `rows` are (label, text) of facts, or items of a list; `quote` marks foreign text."""

    kind: Literal["title", "heading", "lead", "facts", "text", "list", "numbered", "command"]
    text: str = ""
    rows: tuple[tuple[str, str], ...] = ()


def parts_of(report: Report) -> Iterator[Part]:
    session, conclusion = report.session, report.conclusion
    yield Part("title", session.question)
    yield Part("lead", f"{OUTCOMES[conclusion.outcome]}. {conclusion.message}".strip())
    yield Part("facts", rows=tuple(_facts(session)))
    for number, hypothesis in enumerate(h for h in conclusion.hypotheses if h.status != "refuted"):
        where = _name(hypothesis.resource)
        sure = f"{hypothesis.probability:.0%}"
        yield Part("heading", f"{'Cause' if number == 0 else 'Also'}: {hypothesis.title} of {where} ({sure})")
        yield Part("text", hypothesis.summary)
        if len(hypothesis.chain) > 1:
            yield Part("numbered", "How it leads to the symptoms", tuple(("", step) for step in hypothesis.chain))
        yield from _cited(report, "Evidence for it", hypothesis.supporting)
        yield from _cited(report, "Evidence against it", hypothesis.contradicting)
        if hypothesis.missing:
            yield Part("list", "Not known", tuple(("", m) for m in hypothesis.missing))
        if hypothesis.remedy:
            yield Part("text", f"What to do: {hypothesis.remedy}")
        if hypothesis.command:
            yield Part("command", hypothesis.command)
        if hypothesis.change:
            yield Part("list", "Proposed change, to be approved", tuple(_change(hypothesis.change)))
    refuted = [h for h in conclusion.hypotheses if h.status == "refuted"]
    if refuted:
        rows = tuple((f"{h.title} of {_name(h.resource)}", h.why) for h in refuted)
        yield Part("heading", "Refuted")
        yield Part("list", "", rows)
    yield from _rest(report)


def _rest(report: Report) -> Iterator[Part]:
    session, conclusion = report.session, report.conclusion
    if conclusion.alike:
        yield Part("heading", "Similar incidents")
        yield Part(
            "list",
            "",
            tuple((f"{a.concluded_at:%Y-%m-%d %H:%M} UTC, {a.cluster_name}", _alike(a)) for a in conclusion.alike),
        )
    if conclusion.gaps:
        yield Part("heading", "What could not be read")
        yield Part(
            "list", "", tuple((g.kind, f"{g.reason}: {g.message}" if g.message else g.reason) for g in conclusion.gaps)
        )
    if session.feedback is not None:
        said = session.feedback
        yield Part("heading", "Feedback")
        yield Part("text", f"{said.verdict.capitalize()}, says {said.by}. {said.cause}".strip())
    if session.follow_up is not None and session.follow_up.rechecks:
        yield Part("heading", "Looked at again")
        rows = tuple((_time(r.at), f"{r.result.replace('_', ' ')}: {r.text}") for r in session.follow_up.rechecks)
        yield Part("list", "", rows)
    yield Part("heading", "Steps")
    yield Part("numbered", "", tuple((f"{s.title}{' (failed)' if s.failed else ''}", s.summary) for s in report.steps))


def _change(change: Json) -> Iterator[tuple[str, str]]:
    """The proposed change in words: what is done, to what, and why."""
    yield str(change.get("action", "")), str(change.get("why", ""))
    for name, value in sorted(change.get("arguments", {}).items()):
        yield name, value if isinstance(value, str) else msgspec.json.encode(value, order="sorted").decode()


def _facts(session: Investigation) -> Iterator[tuple[str, str]]:
    yield "Cluster", session.cluster_name
    if session.snapshot is not None and session.snapshot.version:
        yield "Kubernetes", _release(session.snapshot.version)
    if session.target is not None:
        yield "Object", _name(session.target)
    elif session.namespace:
        yield "Namespace", session.namespace
    if session.snapshot is not None:
        yield "As of", _time(session.snapshot.as_of)
    if session.concluded_at is not None:
        yield "Concluded", _time(session.concluded_at)
    yield "Status", f"{session.status}{f', {session.resolution}' if session.resolution else ''}"
    yield "Investigation", session.id


def _release(version: str) -> str:
    """A release as it names itself; a simulated cluster is one whose version ends in `-sim`."""
    return f"{version}, simulated: nothing here was measured on machines" if version.endswith("-sim") else version


def _cited(report: Report, title: str, ids: Sequence[str]) -> Iterator[Part]:
    rows = tuple((one, _evidence(report.evidence[one])["text"]) for one in ids if one in report.evidence)
    if rows:
        yield Part("list", title, rows)


def _alike(alike: Any) -> str:
    solved = f" Solved by: {alike.solved_by}." if alike.solved_by else ""
    return f"{alike.similarity:.0%} alike ({'; '.join(alike.reasons)}). {alike.cause}{solved}"


def _name(resource: ResourceName) -> str:
    where = f"{resource.namespace}/{resource.name}" if resource.namespace else resource.name
    return f"{resource.kind} {where}".strip()


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~!])")
_ADDRESS = re.compile(r"(https?|ftp)://", re.IGNORECASE)


def escaped_markdown(text: str) -> str:
    """One line that Markdown shows as it is: no formatting, no link, no image, no HTML."""
    line = " ".join(seen(text).split())
    return _ADDRESS.sub(r"\1:&#47;&#47;", _MARKDOWN.sub(r"\\\1", line))


def as_markdown(report: Report) -> str:
    """The report in CommonMark."""
    return "".join(_markdown(part) for part in parts_of(report))


def _markdown(part: Part) -> str:
    text = escaped_markdown(part.text)
    match part.kind:
        case "title":
            return f"# {text}\n\n"
        case "heading":
            return f"## {text}\n\n"
        case "lead":
            return f"**{text}**\n\n"
        case "text":
            return f"{text}\n\n"
        case "command":
            return f"```sh\n{seen(part.text).replace('```', '` ` `')}\n```\n\n"
        case "facts" | "list" | "numbered":
            mark = "{}. " if part.kind == "numbered" else "- "
            lines = [f"{mark.format(n)}{_row(row, escaped_markdown, '**{}**')}" for n, row in enumerate(part.rows, 1)]
            return (f"{text}:\n\n" if text else "") + "\n".join(lines) + "\n\n"


def _row(row: tuple[str, str], quoted: Callable[[str], str], strong: str) -> str:
    label, text = quoted(row[0]), quoted(row[1])
    return f"{strong.format(label)}: {text}" if label and text else strong.format(label) if label else text


STYLE = """
:root{color-scheme:light dark}
body{max-width:52rem;margin:2rem auto;padding:0 1rem;font:15px/1.55 system-ui,sans-serif}
h1{font-size:1.4rem}h2{font-size:1.05rem;margin-top:2rem;border-top:1px solid #8884;padding-top:1rem}
.lead{font-size:1.05rem;font-weight:600}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dt{opacity:.75}dd{margin:0}
li{margin:.25rem 0;overflow-wrap:anywhere}p,dd{overflow-wrap:anywhere}
pre{padding:.7rem;border:1px solid #8886;border-radius:6px;overflow:auto;white-space:pre-wrap}
footer{margin-top:3rem;opacity:.75;font-size:.85rem}
"""


def as_html(report: Report, footer: str = "") -> str:
    """The report as one page without scripts, links or anything that is loaded."""
    title = html.escape(seen(report.session.question))
    body = "".join(_html(part) for part in parts_of(report))
    end = f"<footer>{html.escape(footer)}</footer>" if footer else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<style>{STYLE}</style></head><body><main>{body}</main>{end}</body></html>"
    )


def _html(part: Part) -> str:
    text = html.escape(seen(part.text))
    match part.kind:
        case "title":
            return f"<h1>{text}</h1>"
        case "heading":
            return f"<h2>{text}</h2>"
        case "lead":
            return f'<p class="lead">{text}</p>'
        case "text":
            return f"<p>{text}</p>"
        case "command":
            return f"<pre>{text}</pre>"
        case "facts":
            rows = (f"<dt>{_quoted(a)}</dt><dd>{_quoted(b)}</dd>" for a, b in part.rows)
            return f"<dl>{''.join(rows)}</dl>"
        case "list" | "numbered":
            tag = "ol" if part.kind == "numbered" else "ul"
            items = (f"<li>{_row(row, _quoted, '<strong>{}</strong>')}</li>" for row in part.rows)
            return (f"<p>{text}:</p>" if text else "") + f"<{tag}>{''.join(items)}</{tag}>"


def _quoted(text: str) -> str:
    return html.escape(seen(text))


def rendered(report: Report, format: Format, footer: str = "") -> str:
    """The report in a notation."""
    if format == "markdown":
        return as_markdown(report)
    if format == "html":
        return as_html(report, footer)
    return msgspec.json.format(msgspec.json.encode(as_json(report)), indent=2).decode() + "\n"


def texts_of(parts: Iterable[Part]) -> str:
    """All that a report says, for tests and searches."""
    return "\n".join([p.text + "".join(a + b for a, b in p.rows) for p in parts])
