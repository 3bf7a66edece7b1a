"""Requests to change something. Nothing is changed here: the command is shown for a person to run."""

from __future__ import annotations

import re

from chalicelib.assistant import blocks
from chalicelib.assistant.blocks import code, plain
from chalicelib.assistant.intents import intent
from chalicelib.assistant.turn import Turn, named
from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Ref

_NUMBER = re.compile(r"\b(?:to|at|=|up to|down to)\s*(\d{1,5})\b|\b(\d{1,5})\s*(?:replicas|pods|instances)\b")
_VERB = re.compile(
    r"^(?:re-?try to )?(restart|re-?start|bounce|redeploy|reboot|scale|increase|decrease|roll ?back|revert|undo"
    r"|delete|remove|kill|drain|"
    r"cordon|uncordon|fix|repair|apply|patch|edit|update|suspend|resume|unsuspend|evict|stop|start|pause|create|deploy|resize|set|"
    r"upgrade|change)\b"
)
SCALED = ("Deployment", "StatefulSet", "ReplicaSet")
RESTARTED = ("Deployment", "StatefulSet", "DaemonSet")
NOT_RUN = (
    "Not executed. **Change** on the page of the object asks for it with a preview and an approval; or run it yourself."
)


@intent(
    "act",
    20,
    _VERB.pattern,
    r"\b(please|can you|could you) (restart|scale|roll ?back|delete|fix|drain|cordon)\b",
    (
        r"^how (do|can|would|should|to) (?:(?:i|we|you) )?(restart|scale|roll ?back|delete|fix|drain|cordon|uncordon"
        r"|suspend|resume)\b"
    ),
    examples=("how do I restart {workload}?",),
    when=lambda t: not re.match(r"(restart|start) (count|counts|policy)|set up|create[d]? |change[sd]? ", t.text),
)
def act(turn: Turn) -> None:
    """The command for a change, marked as not executed."""
    found = _VERB.match(turn.text) or re.search(r"(restart|scale|roll ?back|delete|fix|drain|cordon)", turn.text)
    verb = (found.group(1) if found else "change").replace(" ", "").replace("-", "")
    ref = turn.one(f"{verb} {{}}", prefer=turn.troubled() if verb in ("fix", "repair") else ())
    if ref is None:
        turn.which(f"{verb} {{}}", turn.troubled())
        if not turn.asked_back():
            turn.say("I never change a cluster by myself. Name the object, and I show the command.")
        return
    turn.about(ref)
    if turn.view.snapshot.find(ref) is not None:
        turn.desk.cite_status(ref)
    if verb in ("fix", "repair"):
        _remedies(turn, ref)
        return
    command, title, effect = _command(turn, verb, ref)
    if not command:
        turn.say(
            f"I can't {plain(verb)} {named(ref)}: I change nothing by myself, and have no safe command "
            "to offer for that. "
            "Edit the manifest where it is kept (Git, Helm) and apply it."
        )
        turn.suggest(f"describe {_where(ref)}", f"what breaks if {_where(ref)} fails?")
        return
    turn.say(f"I change nothing by myself. This is the command that would do it; {effect}")
    turn.add(blocks.action(title, NOT_RUN, command))
    turn.proposed = command
    _caution(turn, verb, ref)
    turn.suggest(f"what breaks if {_where(ref)} fails?", f"status of {_where(ref)}")


def _where(ref: Ref) -> str:
    return f"{ref.kind.lower()} {ref.namespace + '/' if ref.namespace else ''}{ref.name}"


def _target(ref: Ref) -> str:
    """`deployment/checkout -n shop`, quoted by the API's own naming rules (names hold no shell characters)."""
    entry = KINDS[ref.kind]
    kind = entry.kind.lower() if entry.group in ("", "apps", "batch") else f"{entry.plural}.{entry.group}"
    return f"{kind}/{ref.name}" + (f" -n {ref.namespace}" if ref.namespace else "")


def _command(turn: Turn, verb: str, ref: Ref) -> tuple[str, str, str]:
    """(command, title, what it does); an empty command when there is none."""
    if verb in ("restart", "bounce", "redeploy", "reboot"):
        if ref.kind in RESTARTED:
            return (
                f"kubectl rollout restart {_target(ref)}",
                f"Restart {ref}",
                "its pods are replaced one after the other.",
            )
        if ref.kind == "Pod":
            owned = turn.world.graph.owner_of(ref) != ref
            effect = (
                "its controller makes a new one." if owned else "**nothing makes a new one: it has no controller.**"
            )
            return f"kubectl delete pod {ref.name} -n {ref.namespace}", f"Delete {ref}", effect
    if verb in ("scale", "increase", "decrease", "set", "resize") and ref.kind in SCALED:
        wanted = _NUMBER.search(turn.text)
        replicas = next((g for g in wanted.groups() if g), "N") if wanted else "N"
        return f"kubectl scale {_target(ref)} --replicas={replicas}", f"Scale {ref}", _scaling(turn, ref, replicas)
    if verb in ("rollback", "revert", "undo") and ref.kind in RESTARTED:
        return f"kubectl rollout undo {_target(ref)}", f"Roll back {ref}", "it returns to the revision before."
    if verb in ("drain", "cordon", "uncordon") and ref.kind == "Node":
        extra = " --ignore-daemonsets --delete-emptydir-data" if verb == "drain" else ""
        return (
            f"kubectl {verb} {ref.name}{extra}",
            f"{verb.capitalize()} {ref}",
            "look at the disruption budgets first.",
        )
    if verb in ("delete", "remove", "kill", "evict") and ref.kind not in (
        "Namespace",
        "PersistentVolume",
        "PersistentVolumeClaim",
    ):
        return f"kubectl delete {_target(ref)}", f"Delete {ref}", "it can't be undone."
    if verb in ("suspend", "pause", "resume", "unsuspend") and ref.kind in ("CronJob", "Job"):
        value = "true" if verb in ("suspend", "pause") else "false"
        patch = f'\'{{"spec":{{"suspend":{value}}}}}\''
        return f"kubectl patch {_target(ref)} -p {patch}", f"{verb.capitalize()} {ref}", "it changes when it runs."
    return "", "", ""


def _scaling(turn: Turn, ref: Ref, replicas: str) -> str:
    obj = turn.view.snapshot.find(ref)
    now = obj.spec.replicas if obj is not None else 0
    hpa = turn.world.scaled_by(obj) if obj is not None else None
    held = f" The HPA {code(hpa)} sets its replicas and will overrule it." if hpa else ""
    return f"it has {now} replicas now.{held}" + (" Put a number in place of N." if replicas == "N" else "")


def _caution(turn: Turn, verb: str, ref: Ref) -> None:
    found = [p for p in turn.problems_about(ref) if p.probability >= 0.5]
    if found and verb in ("restart", "bounce", "redeploy", "scale", "increase", "delete", "kill"):
        turn.desk.cite(*found[0].evidence)
        turn.say(f"It will hardly help: {plain(found[0].summary)}")
    if turn.desk.record.production:
        turn.say(f"**{plain(turn.desk.record.name)} is a production cluster.**")


def _remedies(turn: Turn, ref: Ref) -> None:
    """What the engine would do about the problems of an object."""
    found = turn.problems_about(ref)
    if not found:
        turn.say(f"I know of no problem with {named(ref)}, so there is nothing to fix.")
        return
    for problem in found[:3]:
        turn.desk.cite(*problem.evidence)
        turn.say(f"**{plain(problem.title)}**: {plain(problem.remedy.text)}")
        if problem.remedy.command:
            turn.add(blocks.action(problem.title, NOT_RUN, problem.remedy.command))
            turn.proposed = problem.remedy.command
    turn.say("I change nothing by myself.")
    turn.suggest(f"why is {_where(ref)} failing?")
