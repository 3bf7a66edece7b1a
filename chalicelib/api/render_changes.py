"""Change requests and what governs them as the API's JSON. Names and shapes are those of `api.models.changes`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.store.records import Document

if TYPE_CHECKING:
    from chalicelib.safety.autonomy import Autonomy, Standing
    from chalicelib.safety.model import Change, ObjectDiff
    from chalicelib.safety.policies import Policies
    from chalicelib.safety.runs import Run
    from chalicelib.safety.schedules import Schedule

Json = dict[str, Any]


def summary_out(change: Change) -> Json:
    target = change.primary
    return {
        "id": change.id, "cluster": change.cluster, "action": change.action, "summary": change.summary,
        "status": change.status, "created_at": change.created_at, "created_by": change.created_by,
        "expires_at": change.expires_at, "updated_at": change.updated_at,
        "target": {"kind": target.kind, "namespace": target.namespace, "name": target.name, "uid": target.uid},
        "verdict": change.preview.verdict, "level": change.preview.blast.level, "reason": change.reason,
        "channel": change.channel, "playbook": change.playbook, "undo_of": change.undo_of,
        "undone_by": change.undone_by, "note": change.note,
    }  # fmt: skip


def change_out(change: Change) -> Json:
    """The whole of it. Approvals are shown without signature and nonce."""
    plain: Json = msgspec.to_builtins(change)
    preview = plain["preview"]
    execution = plain["execution"]
    return {
        **summary_out(change),
        "arguments": change.arguments, "evidence": list(change.evidence), "overrides": list(change.overrides),
        "symptom": change.symptom, "digest": change.digest, "closed_by": change.closed_by,
        "operations": [
            {"verb": one.verb, "kind": one.resource.kind, "namespace": one.namespace, "name": one.name,
             "patch_type": one.patch_type, "body": one.body}
            for one in change.operations
        ],
        "targets": [{key: one[key] for key in ("kind", "namespace", "name", "uid")} for one in plain["targets"]],
        "preview": {**preview, "diffs": [diff_out(diff) for diff in change.preview.diffs]},
        "decision": plain["decision"],
        "approvals": [
            {key: one[key] for key in ("user", "at", "method", "expires_at", "standing")} for one in plain["approvals"]
        ],
        "execution": execution and {
            **{key: execution[key] for key in ("started_at", "finished_at", "error")},
            "operations": [
                {key: one[key] for key in ("index", "outcome", "message", "started_at", "finished_at")}
                for one in execution["operations"]
            ],
        },
        "verification": plain["verification"],
    }  # fmt: skip


def diff_out(diff: ObjectDiff) -> Json:
    target = diff.target
    return {
        "kind": target.kind, "namespace": target.namespace, "name": target.name, "how": diff.how,
        "changes": [{"path": one.path, "before": one.before, "after": one.after} for one in diff.changes],
        "omitted": diff.omitted,
    }  # fmt: skip


def run_out(run: Run, steps: Sequence[Change]) -> Json:
    return {
        "id": run.id, "playbook": run.playbook, "name": run.name, "cluster": run.cluster,
        "arguments": run.arguments, "status": run.status, "created_at": run.created_at, "created_by": run.created_by,
        "requirement": msgspec.to_builtins(run.requirement), "violations": list(run.violations), "note": run.note,
        "schedule": run.schedule, "steps": [summary_out(step) for step in steps],
    }  # fmt: skip


def schedule_out(schedule: Schedule) -> Json:
    plain: Json = msgspec.to_builtins(schedule)
    for private in ("signature", "revision"):
        plain.pop(private)
    return {**plain, "in_force": bool(schedule.signature)}


def policies_out(policies: Policies) -> Json:
    from chalicelib.safety.rules import rules

    plain: Json = msgspec.to_builtins(policies)
    return {**plain, "rules": [{"name": name, "text": text} for name, text in rules()]}


def standing_out(standing: Standing) -> Json:
    plain: Json = msgspec.to_builtins(standing)
    plain.pop("signature")
    return plain


def autonomy_out(autonomy: Autonomy, standing: Sequence[Standing]) -> Json:
    from chalicelib.safety.autonomy import NAMES

    plain: Json = msgspec.to_builtins(autonomy)
    return {
        "level": plain["level_of_tenant"], "levels": {str(number): name for number, name in NAMES.items()},
        "scopes": plain["scopes"], "breakers": plain["breakers"], "revision": plain["revision"],
        "standing": [standing_out(one) for one in standing],
    }  # fmt: skip


def notice_out(document: Document) -> Json:
    body = document.body
    return {
        "id": document.id, "at": document.updated_at,
        **{key: str(body.get(key, "")) for key in ("severity", "title", "text", "cluster", "change")},
    }  # fmt: skip
