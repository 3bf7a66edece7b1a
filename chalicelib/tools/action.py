"""Tools that ask for a change: one for each action of the safety room, and one to take a change back.

A call never changes a cluster. It returns a change request with its preview; approving is not a tool.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field, create_model
from pydantic.fields import FieldInfo

from chalicelib.safety.actions import actions
from chalicelib.safety.actions.registry import Action
from chalicelib.tools.changing import Asked, asked, changing, told
from chalicelib.tools.context import ToolContext
from chalicelib.tools.entry import Answer, Args, ToolFunction, tool

NAMED = {
    "scale": ("action_scale_workload", {"namespace": "shop", "name": "cart", "replicas": 3}),
    "restart": ("action_restart_workload", {"namespace": "shop", "name": "cart"}),
    "rollback": ("action_rollback_deployment", {"namespace": "shop", "name": "cart"}),
    "resize": ("action_resize_workload", {"namespace": "shop", "name": "cart", "cpu_limit": "1"}),
    "apply": ("action_apply_manifest", {"manifest": "kind: ConfigMap\n..."}),
    "patch": ("action_patch_resource", {"kind": "Service", "namespace": "shop", "name": "cart",
                                        "patch": {"spec": {"selector": {"app": "cart"}}}}),
    "delete": ("action_delete_resource", {"kind": "Job", "namespace": "shop", "name": "import-1"}),
    "cordon": ("action_cordon_node", {"name": "node-1", "cordoned": True}),
    "drain": ("action_drain_node", {"name": "node-1"}),
    "suspend": ("action_suspend_cronjob", {"namespace": "shop", "name": "report", "suspend": True}),
}  # fmt: skip
"""The tool of each action, with an example call."""

_RULES = "Returns a change request for a person to approve. Use when asked for it. Not for causes."


class OneClusterArgs(Args):
    """A change is asked for on one cluster, never on all."""

    cluster: str = Field("", max_length=253, pattern=r"^[^*]*$")


class UndoArgs(Args):
    change: str = Field(max_length=40, description="its id")


@tool("action_undo", args=UndoArgs, result=Asked, permission="changes:write", cost="cluster_read", read_only=False,
      idempotent=False, title="Undo a change")  # fmt: skip
def undo(args: UndoArgs, context: ToolContext) -> Answer:
    """Ask to put back what a change did. Returns a change request; nothing is changed. Use when a change made here
    should be taken back. Not for changes made elsewhere. Example: {"change":"ch_x"}."""
    made = changing(context).safety.undo(context.principal, args.change, channel="tool")
    return Answer(asked(made), told(made))


def _register(entry: Action) -> None:
    name, example = NAMED[entry.name]
    fields: dict[str, Any] = {
        field: (info.annotation, _told_once(field, info)) for field, info in entry.arguments.model_fields.items()
    }  # fmt: skip
    args = create_model(
        f"{entry.arguments.__name__}Call", __base__=OneClusterArgs, **fields,
        reason=(str, Field("", max_length=500)),
    )  # fmt: skip
    function = _asks(entry)
    function.__doc__ = f"{entry.title}. {_RULES} Example: {json.dumps(example, separators=(',', ':'))}."
    tool(
        name, args=args, result=Asked, title=entry.title, permission="changes:write", cost="cluster_read",
        read_only=False, idempotent=False,
    )(function)  # fmt: skip


def _told_once(name: str, info: FieldInfo) -> FieldInfo:
    """A field without the words that every tool would repeat."""
    return FieldInfo.merge_field_infos(info, description=None) if name in ("kind", "namespace", "name") else info


def _asks(entry: Action) -> ToolFunction[Any]:
    own = set(entry.arguments.model_fields)

    def ask(args: Any, context: ToolContext) -> Answer:
        if context.record is None:
            raise RuntimeError("this tool was registered without a cluster argument")
        made = changing(context).safety.create(
            context.principal, context.record, entry.name, args.model_dump(include=own), reason=args.reason,
            channel="tool",
        )  # fmt: skip
        return Answer(asked(made), told(made))

    return ask


for _entry in actions():
    if _entry.name in NAMED:
        _register(_entry)
