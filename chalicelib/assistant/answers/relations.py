"""Who uses an object, what it needs, and what breaks when it fails."""

from __future__ import annotations

import re

from chalicelib.assistant import blocks
from chalicelib.assistant.blocks import code, column, plain
from chalicelib.assistant.intents import intent
from chalicelib.assistant.turn import Turn, named, resource_json
from chalicelib.state.meta import Ref

MAX_LINKS = 60
COLUMNS = (
    column("resource", "Object", "ref"), column("relation", "Relation"), column("via", "By way of", "ref"),
    column("status", "Status", "status"),
)  # fmt: skip
_NEEDS = re.compile(
    r"\bbehind\b|\b(what|which|who) .*\b(does|do|is|are) .*\b(depend(s|ent)?( on| upon)?|use|need|require|rely on"
    r"|connected to|mount)$|"
    r"\bdependenc(y|ies) (of|for)\b|\bneeded by\b|^dependencies\b"
)
_MOUNTS = re.compile(r"\bwhat (config ?maps?|secrets?|claims?|volumes?|services?) (does|do|is|are)\b")


def _has_subject(turn: Turn) -> bool:
    return bool(turn.found.apps or turn.found.guesses or turn.memory.subject or turn.screen)


@intent(
    "breaks",
    50,
    (
        r"\b(what|who|which) .*(break|breaks|fails?|happens|stops?|affected|impacted|hit|lose|loses"
        r"|go(es)? down)\b.* (if|when|without)\b"
    ),
    r"\bblast radius\b",
    r"\bimpact (of|if|when)\b",
    r"^(if|when|what if|suppose) .+",
    r"\bcan i (safely )?(delete|remove|drain|stop|restart|take down)\b",
    r"\bis it safe to\b",
    r"\bwhat would (break|happen)\b",
    r"\bsingle points? of failure\b",
    examples=("what breaks if {workload} fails?",),
    when=_has_subject,
)
def breaks(turn: Turn) -> None:
    """What is hit when an object fails or is removed."""
    from chalicelib.safety.blast import blast_radius
    from chalicelib.tools.related import status_of

    ref = turn.one("what breaks if {} fails?")
    if ref is None:
        turn.which("what breaks if {} fails?", turn.troubled())
        return
    turn.about(ref)
    turn.desk.needs("Pod", "Service", "Ingress", "EndpointSlice")
    blast = blast_radius(turn.world, ref)
    turn.desk.cite_status(ref)
    hits = [h for h in blast.hits if h.ref != ref]
    when = " when its users start again" if blast.on_restart else ""
    why = f": {plain('; '.join(blast.reasons))}" if blast.reasons else ""
    if not hits:
        turn.say(f"Nothing that I know of breaks{when} if {named(ref)} fails. Impact: **{blast.level}**{why}.")
    else:
        turn.say(
            f"If {named(ref)} fails, {len(hits)} objects are hit{when} and {blast.pods} pods are lost. "
            f"Impact: **{blast.level}**{why}."
        )
        rows = [
            {
                "resource": resource_json(h.ref),
                "relation": h.effect,
                "via": h.how,
                "status": status_of(turn.world, h.ref),
            }
            for h in hits
        ]
        columns = (
            column("resource", "Object", "ref"),
            column("relation", "Effect"),
            column("via", "How"),
            column("status", "Status now", "status"),
        )
        turn.add(blocks.table("What is hit", columns, rows))
        turn.listed(h.ref for h in hits)
        for hit in hits[:8]:
            turn.desk.cite_status(hit.ref)
    if blast.entry_points:
        turn.say("Entry points that stop answering: " + ", ".join(code(e) for e in blast.entry_points[:8]) + ".")
    turn.say("Calls between services show only when they are declared in objects; traffic itself is not measured here.")
    turn.suggest(f"who uses {_where(ref)}?", f"what does {_where(ref)} depend on?")


@intent(
    "uses",
    55,
    r"\b(who|what|which) .*(use|uses|using|mounts?|needs?|references?|reads?|calls?)\b",
    r"\bused by\b",
    r"\bdepend(s|ing|encies|ents?|ency)?\b",
    r"\bconsumers? of\b",
    r"\b(related|connected) to\b",
    r"\bwhat is .* (related|connected)\b",
    r"\brelations?(hips?)? of\b",
    r"\bowner of\b",
    r"\bwho owns\b",
    r"\bneeded by\b",
    r"^(what|who|which \S+) (is|are|sits?|runs?) behind\b",
    examples=("what depends on {workload}?",),
    when=lambda t: (
        _has_subject(t)
        and bool(t.exact.apps or not t.query.kind)
        and not re.match(r"pods|deployments|which pods use more", t.text)
    ),
)
def uses(turn: Turn) -> None:
    """What depends on an object, or what it depends on."""
    from chalicelib.tools.related import status_of
    from chalicelib.tools.topology import dependencies, dependents, walk

    outward = bool(_NEEDS.search(turn.text) or _MOUNTS.search(turn.text))
    phrase = "what does {} depend on?" if outward else "what depends on {}?"
    ref = turn.one(phrase)
    if ref is None:
        turn.which(phrase, turn.troubled())
        return
    turn.about(ref)
    if re.search(r"\bown(er|s)\b", turn.text):
        _owner(turn, ref)
        return
    links, cut = walk(turn.world, ref, dependencies if outward else dependents, depth=3, most=MAX_LINKS)
    turn.desk.cite_status(ref)
    verb = "depends on" if outward else "is used by"
    if not links:
        turn.say(f"{named(ref)} {verb} nothing that the objects of this cluster declare.")
    else:
        direct = sum(link.depth == 1 for link in links)
        turn.say(
            f"{named(ref)} {verb} {direct} objects directly and {len(links) - direct} "
            f"indirectly{' or more' if cut else ''}."
        )
        rows = [
            {
                "resource": resource_json(link.ref),
                "relation": link.relation.replace("_", " "),
                "via": resource_json(link.via),
                "status": status_of(turn.world, link.ref),
            }
            for link in links
        ]
        turn.add(blocks.table("Dependencies" if outward else "Dependents", COLUMNS, rows))
        turn.listed(link.ref for link in links)
        for link in links[:8]:
            if turn.desk.cite_status(link.ref) is None and turn.view.snapshot.was_read(
                link.ref.kind, link.ref.namespace
            ):
                turn.desk.cite_absence(link.ref, f"there is no {link.ref}")
    if not outward and turn.world.graph.standing_for(ref) == ref:
        turn.say(
            "Calls between services show only when they are declared in objects; traffic itself is not measured here."
        )
    turn.suggest(
        f"what breaks if {_where(ref)} fails?",
        f"what {'depends on' if outward else 'does'} {_where(ref)}{'' if outward else ' depend on'}?",
    )


def _owner(turn: Turn, ref: Ref) -> None:
    owner = turn.world.graph.owner_of(ref)
    turn.desk.cite_object(ref, "/metadata/ownerReferences", str(owner), f"{ref} is owned by {owner}")
    if owner == ref:
        turn.say(f"Nothing owns {named(ref)}: it was made by a person or a tool from outside the cluster.")
    else:
        turn.say(f"{named(ref)} is owned by {named(owner)}.")


def _where(ref: Ref) -> str:
    return f"{ref.kind.lower()} {ref.namespace + '/' if ref.namespace else ''}{ref.name}"
