"""Records and results as the API's JSON. Names and shapes are those of `api.models`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.state.kinds import KindEntry
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Gap
from chalicelib.store.records import ClusterRecord, EvidenceRecord, Frame

if TYPE_CHECKING:
    from chalicelib.analytics.health import Health
    from chalicelib.rootcause import Problem
    from chalicelib.state.query import Query
    from chalicelib.tools.views import ClusterView

Json = dict[str, Any]


def ref_out(ref: Ref) -> Json:
    return {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name}


def cluster_out(record: ClusterRecord) -> Json:
    return {
        "id": record.id,
        "name": record.name,
        "source": record.source,
        "server": record.server,
        "status": record.status,
        "message": record.message,
        "as_of": record.as_of,
        "version": record.version,
        "production": record.production,
        "created_at": record.created_at,
        "problems": record.problems,
    }


def problem_out(problem: Problem) -> Json:
    return {
        "id": problem.id,
        "resource": ref_out(problem.resource),
        "mode": problem.mode,
        "title": problem.title,
        "probability": problem.probability,
        "severity": problem.severity,
        "summary": problem.summary,
        "evidence": [e.id for e in problem.evidence],
        "since": problem.since,
        "explains": [ref_out(r) for r in problem.explains],
        "remedy": {
            "text": problem.remedy.text,
            "command": problem.remedy.command,
            "change": msgspec.to_builtins(problem.remedy.change),
        },
        "missing": list(problem.missing),
        "chain": list(problem.chain),
    }


def health_out(health: Health) -> Json:
    return {
        "score": health.score,
        "level": health.level,
        "factors": [{"name": f.name, "score": f.score, "weight": f.weight, "detail": f.detail} for f in health.factors],
    }


def gaps_out(gaps: Any) -> list[Json]:
    return [{"kind": g.kind, "reason": g.reason, "message": g.message, "namespace": g.namespace} for g in gaps]


def columns_out(entry: KindEntry) -> list[Json]:
    return [
        {"key": c.key, "title": c.title, "type": c.type, "hidden": c.hidden, "description": c.description}
        for c in entry.columns
    ]


def kind_out(entry: KindEntry) -> Json:
    return {
        "kind": entry.kind,
        "plural": entry.plural,
        "group": entry.group,
        "version": entry.version,
        "namespaced": entry.namespaced,
        "title": entry.title,
        "category": entry.category,
        "short_names": list(entry.short_names),
        "optional": entry.optional,
        "has_logs": entry.has_logs,
        "columns": columns_out(entry),
    }


def evidence_out(record: EvidenceRecord) -> Json:
    body = dict(record.body)
    body.setdefault("pointer", "")
    body.setdefault("at", None)
    body["lines"] = body.get("lines")
    return {**body, "id": record.id, "cluster": record.cluster}


def frame_out(frame: Frame) -> Json:
    return {"seq": frame.seq, "conversation": frame.conversation, "turn": frame.turn, "t": frame.t, **frame.body}


def listed(items: list[Any], next_: str | None = None, total: int | None = None, gaps: Any = ()) -> Json:
    """The shape of every list."""
    return {"items": items, "next": next_, "total": total, "gaps": gaps_out(gaps)}


def query_out(query: Query) -> Json:
    """What was understood of a question in plain words, and what was not."""
    return {
        "text": query.text,
        "chips": [
            {"field": c.field, "op": c.op, "value": c.value, "text": c.text, "note": c.note} for c in query.chips
        ],
        "unparsed": list(query.unparsed),
        "notes": list(query.notes),
    }


def stale_gaps(view: ClusterView) -> tuple[Gap, ...]:
    """The gap of a view whose refresh failed."""
    return (Gap(kind="*", reason="stale", message=view.note),) if view.note else ()


def plain(value: Any) -> Any:
    """Any struct as plain JSON values."""
    return msgspec.to_builtins(value)
