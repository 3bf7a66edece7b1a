"""What is wrong, and why: problems of a cluster, a namespace, an object, with their evidence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalicelib.assistant import blocks
from chalicelib.assistant.blocks import code, column, plain
from chalicelib.assistant.intents import intent
from chalicelib.assistant.turn import Turn, kind_title, label, named, resource_json
from chalicelib.state.meta import Ref
from chalicelib.state.quantity import format_bytes, format_cores

if TYPE_CHECKING:
    from chalicelib.rootcause import Problem
    from chalicelib.state.kinds.cluster import Event

SHOWN = 5
MAX_EXPLAINED = 3
LIKELY = 0.5
_SLOW = re.compile(r"\b(slow|latency|lag|laggy|sluggish|slowness|performance|timing out|timeouts?)\b")
_YES_OR_NO = re.compile(
    r"(is|are) (everything|anything ok|all|things|we|it)\b.*(ok|okay|fine|good|healthy|well|alright)$|all good$"
)
PROBLEM_COLUMNS = (
    column("resource", "Resource", "ref"), column("title", "Problem"), column("severity", "Severity"),
    column("probability", "Probability", "ratio"),
)  # fmt: skip


def _names_object(turn: Turn) -> bool:
    """Whether the question is about one object rather than a namespace or the cluster."""
    return bool(turn.found.apps or turn.found.guesses)


@intent(
    "why",
    60,
    r"^(why|how come|explain why)\b",
    r"\bwhy$",
    r"\bwhat('s| is|s)? (causing|stopping|preventing|blocking|keeping)\b",
    r"\b(root cause|reason|cause)\b",
    (
        r"^(?!is |are |which |what |show |list ).*\b(is|are|keeps?|gets?) (broken|down|failing|crashing|stuck|dying"
        r"|dead|offline)\b"
    ),
    r"\bwhat('s| is| are)? (wrong|up|the (problem|issue|matter)s?) with\b",
    r"^whats? (wrong|up|the (problem|issue|matter)) with\b",
    r"^(troubleshoot|diagnose|debug|investigate|analy[sz]e)\b",
    r"\bwhat happened (to|with)\b",
    r"\bwhat (is )?caus(es|ed|ing)\b",
    r"^what's wrong with\b",
    r"\bis (\S+ )+slow\b",
    r"^\S+ (is|are) (down|broken|failing|crashing|stuck)\b",
    (
        r"\b(not working|won't start|doesn't start|does not start|can't start|keeps? (crashing|restarting|failing"
        r"|dying))\b"
    ),
    examples=("why is {failing} failing?",),
    when=lambda t: _names_object(t) or not (t.namespaces or _about_all(t)),
)
def why(turn: Turn) -> None:
    """Why an object is as it is."""
    own = [p.resource for p in turn.desk.problems()]
    prefer = own if set(own).intersection(r for app in turn.found.apps for r in app) else _explained(turn)
    ref = turn.one("why is {} failing?", prefer=prefer)
    if ref is None:
        turn.which("why is {} failing?", own)
        return
    turn.about(ref)
    if _SLOW.search(turn.text):
        slow(turn, ref)
        return
    found = turn.problems_about(ref)
    if found:
        explain_problems(turn, ref, found)
        _others_of_the_name(turn, ref)
    else:
        without_cause(turn, ref)


def _about_all(turn: Turn) -> bool:
    return bool(
        re.search(r"\b(cluster|everything|things|pods?|deployments?|services?|nodes?|so many|workloads?)\b", turn.text)
    ) and not (turn.found.unknown or turn.screen)


def _explained(turn: Turn) -> list[Ref]:
    """Objects whose state a problem of another explains."""
    return list(dict.fromkeys(r for p in turn.desk.problems() for r in p.explains))


def _others_of_the_name(turn: Turn, ref: Ref) -> None:
    others = [app[0] for app in turn.found.apps if app[0].namespace != ref.namespace]
    if others:
        listed = ", ".join(named(o) for o in others[:4])
        turn.say(f"There {'is' if len(others) == 1 else 'are'} also {listed}; I answered for the one with a problem.")


def explain_problems(turn: Turn, ref: Ref, found: Sequence[Problem]) -> None:
    """The problems that explain an object, the first in full."""
    first = found[0]
    sure = _sureness(first.probability)
    whose = "" if first.resource == ref else f" The cause is in {named(first.resource)}."
    status = turn.desk.cite_status(ref)
    state = turn.world.status(ref.kind, turn.view.snapshot.find(ref)).word if status else "missing"
    turn.say(
        f"{named(ref)} is **{plain(state)}**{_count_of_restarts(turn, ref)}.{whose} {sure}: {plain(first.summary)}"
    )
    for problem in found[:SHOWN]:
        show_problem(turn, problem)
    _chain(turn, first)
    _evidence(turn, first)
    if first.missing:
        turn.say("To be surer I need: " + "; ".join(plain(m) for m in first.missing) + ".")
    turn.suggest(*_next_questions(turn, ref, first))


def _sureness(probability: float) -> str:
    if probability >= 0.9:
        return "Cause"
    if probability >= LIKELY:
        return f"Probable cause ({probability:.0%})"
    return f"I see the symptom but am not sure of the cause ({probability:.0%})"


def _count_of_restarts(turn: Turn, ref: Ref) -> str:
    pods = turn.world.pods_of(ref)
    restarts = sum(p.restarts for p in pods)
    return f", with {restarts} restarts" if restarts else ""


def show_problem(turn: Turn, problem: Problem) -> None:
    """A problem block, its evidence cited."""
    from chalicelib.tools.rows import problem_json

    found = problem_json(problem)
    found["explains"] = found["explains"][:MAX_EXPLAINED]
    turn.add(blocks.problem(found))
    turn.desk.cite(*problem.evidence)


def _chain(turn: Turn, problem: Problem) -> None:
    if len(problem.chain) > 1:
        turn.say("How it leads there: " + " → ".join(plain(step) for step in problem.chain))


def _evidence(turn: Turn, problem: Problem) -> None:
    items = [
        {"id": e.id, "text": blocks.visible(e.text, 300), "resource": resource_json(e.ref)} for e in problem.evidence
    ]
    if items:
        turn.add(blocks.evidence(items[:8]))


def _next_questions(turn: Turn, ref: Ref, problem: Problem) -> list[str]:
    found = []
    if turn.world.pods_of(ref):
        found.append(f"logs of {ref.kind.lower()} {ref.namespace}/{ref.name}")
    where = f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name
    found.append(f"events of {ref.kind.lower()} {where}")
    found.append(f"what depends on {ref.kind.lower()} {where}?")
    return found


def without_cause(turn: Turn, ref: Ref) -> None:
    """An object with no diagnosed problem: healthy, or a symptom whose cause is not known."""
    obj = turn.view.snapshot.find(ref)
    if obj is None:
        turn.say(f"{named(ref)} does not exist in the cluster as it was read.")
        turn.desk.cite_absence(ref, f"there is no {ref}")
        return
    status = turn.world.status(ref.kind, obj)
    turn.desk.cite_status(ref)
    warnings = [e for e in _warnings(turn, ref)][:3]
    if status.level in ("ok", "progress"):
        restarts = _count_of_restarts(turn, ref)
        turn.say(f"I found no problem with {named(ref)}: it is **{plain(status.word)}**{restarts}.")
        if ref.kind not in ("Pod", "Node"):
            _state_of_pods(turn, ref)
    else:
        reason = f": {plain(status.reason)}" if status.reason else ""
        turn.say(
            f"{named(ref)} is **{plain(status.word)}**{reason}. I can't tell why: none of the failure modes I "
            "know fits what "
            "was read. To know, I need its events and the logs of its containers from around the time it began."
        )
    for event in warnings:
        turn.desk.cite_event(event)
        turn.say(f"Warning event {code(event.reason)}: {code(event.message)}")
    turn.suggest(
        f"events of {ref.kind.lower()} {ref.namespace + '/' if ref.namespace else ''}{ref.name}", "what is wrong?"
    )


def _warnings(turn: Turn, ref: Ref) -> list[Event]:
    from chalicelib.tools.events import about

    return [e for e in about(turn.view, ref) if e.type == "Warning"]


def _state_of_pods(turn: Turn, ref: Ref) -> None:
    pods = turn.world.pods_of(ref)
    if pods:
        ready = sum(p.ready for p in pods)
        turn.say(f"{ready} of its {kind_title('Pod', len(pods))} are ready.")


def slow(turn: Turn, ref: Ref) -> None:
    """Slowness cannot be seen without latency: say so, and say what can be seen."""
    status = turn.world.status(ref.kind, turn.view.snapshot.find(ref))
    turn.desk.cite_status(ref)
    turn.say(
        f"I can't tell whether or why {named(ref)} is slow: no request latency is measured here. To know, I need "
        "request "
        "durations (a Prometheus with the service's or the mesh's latency metrics) or traces."
    )
    facts = [f"its status is **{plain(status.word)}**"]
    pods = turn.world.pods_of(ref)
    used = [u for p in pods if (u := turn.world.pod_usage(p.metadata.namespace, p.metadata.name)) is not None]
    if used:
        asked = [turn.world.requests_of(p) for p in pods]
        facts.append(
            f"{len(used)} pods use {format_cores(sum(u.cpu for u in used))} cores of "
            f"{format_cores(sum(a[0] for a in asked))} "
            f"requested and {format_bytes(sum(u.memory for u in used))} of "
            f"{format_bytes(sum(a[1] for a in asked))} requested"
        )
    elif pods:
        facts.append("no usage was measured for its pods")
    restarts = sum(p.restarts for p in pods)
    facts.append(f"{restarts} restarts" if restarts else "no restarts")
    turn.say("What I can see: " + "; ".join(facts) + ".")
    for problem in turn.problems_about(ref)[:2]:
        show_problem(turn, problem)
    turn.suggest(
        f"what does {ref.kind.lower()} {ref.namespace}/{ref.name} depend on?",
        f"status of {ref.kind.lower()} {ref.namespace}/{ref.name}",
    )


@intent(
    "wrong",
    70,
    (
        r"\b(what('s| is| are)?|whats|anything|something|everything|who is|which things are) .*\b(wrong|broken"
        r"|failing|down|unhealthy|bad|on fire|burning)\b"
    ),
    r"^(what('s| is)?|whats|anything|something) (wrong|broken|failing|down)\b",
    r"\bproblems?\b",
    r"\b(failures?|outages?|faults?)\b",
    r"\bissues?\b",
    r"\bincidents?\b",
    r"^(is|are) (everything|anything|all|things|we) (is )?(ok|okay|fine|good|healthy|well|alright|broken|wrong|down)\b",
    r"\ball good\b",
    r"\bhow bad\b",
    r"\b(something|anything|things?|what) (is|are|looks?|seems?) (off|odd|weird|strange|fishy|not right|amiss)\b",
    r"^(why|how come|what is causing|troubleshoot|diagnose|debug|investigate)\b",
    r"\bworr(y|ied|ying)\b",
    r"^(triage|health ?check|check)( (the |my )?cluster)?$",
    r"\bneeds? (my |some )?(attention|fixing|care|a look|work)\b",
    r"^what('s| is) (going on|happening|not working|failing|the matter|up)\b",
    r"\bworst thing\b",
    r"\bwhat should i (fix|look at|worry about)\b",
    examples=("what is wrong?", "what is wrong in {namespace}?"),
    when=lambda t: not _filters_by_problem(t),
)
def wrong(turn: Turn) -> None:
    """What is wrong in the cluster, or in the named namespaces."""
    problems = list(turn.desk.problems())
    where, scope = f"cluster {code(turn.desk.record.name)}", turn.namespaces
    unknown = [a for a in turn.query.ambiguous if a.what == "namespace"]
    if unknown and not scope:
        _unknown_namespace(turn, unknown[0].text, "what is wrong in {}?")
        return
    if scope:
        problems = [p for p in problems if _touches(p, scope)]
        where = f"namespace{'s' * (len(scope) > 1)} {', '.join(code(n) for n in scope)}"
        turn.namespace = scope[0]
    if not problems:
        _no_fault(turn, where, scope)
        return
    _summary_of(turn, problems, where)
    for problem in problems[:SHOWN]:
        show_problem(turn, problem)
    if len(problems) > SHOWN:
        _rest(turn, problems[SHOWN:])
    turn.listed(p.resource for p in problems)
    first = problems[0].resource
    turn.suggest(
        f"why is {first.kind.lower()} {label(first).partition(' ')[2]} failing?",
        "what changed in the last hour?",
        "failing pods",
    )


def _filters_by_problem(turn: Turn) -> bool:
    """Whether "problems" is a condition on a list (`ingresses with problems`)."""
    limited = re.search(
        r"\b(with|having|that have|in) (any |a |some )?(problems?|issues?|trouble|errors?)\b", turn.text
    )
    asked = re.match(r"(what|anything|something|everything|is|why)\b", turn.text)
    return bool(limited and turn.query.kind and not asked)


def _touches(problem: Problem, namespaces: Sequence[str]) -> bool:
    """Whether a problem lies in a namespace, is the namespace's own, or has a consequence there."""
    refs = (problem.resource, *problem.explains)
    return any(r.namespace in namespaces or (r.kind == "Namespace" and r.name in namespaces) for r in refs)


def _summary_of(turn: Turn, problems: Sequence[Problem], where: str) -> None:
    likely = [p for p in problems if p.probability >= LIKELY]
    counts = {s: sum(p.severity == s for p in problems) for s in ("critical", "warning", "info")}
    said = ", ".join(f"{n} {s}" for s, n in counts.items() if n)
    unsure = len(problems) - len(likely)
    more = f" For {unsure} of them I see the symptom but am not sure of the cause." if unsure else ""
    no = "No. " if _YES_OR_NO.match(turn.text) else ""
    turn.say(f"{no}**{len(problems)} problem{'s' * (len(problems) != 1)}** in {where}: {said}.{more}")


def _rest(turn: Turn, problems: Sequence[Problem]) -> None:
    rows = [
        {"resource": resource_json(p.resource), "title": p.title, "severity": p.severity, "probability": p.probability}
        for p in problems
    ]
    turn.add(blocks.table("Further problems", PROBLEM_COLUMNS, rows))
    for problem in problems[:20]:
        turn.desk.cite(*problem.evidence[:1])


def _no_fault(turn: Turn, where: str, namespaces: Sequence[str]) -> None:
    turn.desk.needs("Pod", "Deployment", "Node", "Event")
    pods = [p for p in turn.view.snapshot.of("Pod") if not namespaces or p.metadata.namespace in namespaces]
    ready = sum(p.ready for p in pods if not p.finished)
    running = sum(not p.finished for p in pods)
    yes = "Yes. " if _YES_OR_NO.match(turn.text) else ""
    turn.say(
        f"{yes}I found no fault in {where}: {ready} of {kind_title('Pod', running)} that should run are ready, "
        "and none of the "
        "failure modes I know shows."
    )
    if pods:
        turn.desk.cite_rows("Pod", [{"namespace": p.metadata.namespace, "name": p.metadata.name} for p in pods[:3]])
    turn.suggest("overview", "pods with the most restarts", "what changed?")


def _unknown_namespace(turn: Turn, word: str, phrase: str) -> None:
    names = turn.vocabulary.namespaces
    turn.say(f"There is no namespace called or like {code(word.removeprefix('in '))} here.")
    everywhere = " ".join(re.sub(r"\b(?:in|from|namespace) \{\}", "", phrase).split())
    items = [(n, phrase.format(n)) for n in names if not n.startswith("kube-")]
    turn.ask("Which namespace do you mean?", [("all namespaces", everywhere), *items])
