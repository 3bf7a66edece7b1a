"""What an investigation is about: objects, a namespace or the cluster; read from the question when not named."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.investigations.templates import Template, fitting, template_of
from chalicelib.rootcause import Diagnosis, scoped
from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Ref
from chalicelib.state.query.subjects import Found, find_subject, namespaces_in, rank
from chalicelib.store.investigation_records import Investigation
from chalicelib.store.records import ResourceName
from chalicelib.tools.views import ClusterView

MAX_TARGETS = 5
NEAREST = 3


@dataclass(frozen=True, slots=True)
class Scope:
    """`targets` and `namespace` empty: the whole cluster. `note` says how the question was understood.

    A single target without a kind was named by a name that nothing has.
    """

    template: Template
    namespace: str = ""
    targets: tuple[Ref, ...] = ()
    note: str = ""

    @property
    def target(self) -> Ref | None:
        """The one object that it is about, if it is one."""
        return self.targets[0] if len(self.targets) == 1 else None

    @property
    def places(self) -> tuple[str, ...]:
        """Namespaces that the answer rests on; none for the whole cluster."""
        found = [t.namespace for t in self.targets] if self.targets else [self.namespace]
        return tuple(dict.fromkeys(place for place in found if place))

    @property
    def text(self) -> str:
        """`Deployment shop/checkout`, `namespace shop`, `the whole cluster`."""
        if self.targets:
            return " and ".join(str(t).strip() for t in self.targets)
        return f"namespace {self.namespace}" if self.namespace else "the whole cluster"


def scope_of(session: Investigation, view: ClusterView) -> Scope:
    """The scope of a session. What a person named stands, also when it does not exist: the diagnosis says so."""
    named = _named(session, view)
    if named is not None:
        found: tuple[tuple[Ref, ...], str, str] = (named,), session.namespace or named.namespace, ""
    elif session.scoped:
        found = (), session.namespace, ""
    else:
        found = _asked(session, view)
    targets, namespace, note = found
    kind = targets[0].kind if targets else ""
    template = template_of(session.template) if session.template else fitting(session.question, kind)
    return Scope(template, namespace, targets, note)


def _named(session: Investigation, view: ClusterView) -> Ref | None:
    """The object that was named. One without a kind is whatever has that name; a kind of "" means that nothing has."""
    given = session.target
    if given is None:
        return None
    namespace = given.namespace or session.namespace
    if not given.kind:
        places = ("", namespace) if namespace else ()
        known = [r for r in view.vocabulary.named(given.name.lower()) if not places or r.namespace in places]
        sick = _sick(view)
        best = min(known, key=lambda ref: (ref not in sick, rank(ref), ref), default=None)
        return best or Ref("", namespace, given.name)
    entry = KINDS.get(given.kind)
    if entry is not None and entry.namespaced and not namespace:
        found = {o.metadata.namespace for o in view.snapshot.of(entry.kind) if o.metadata.name == given.name}
        namespace = found.pop() if len(found) == 1 else ""
    kind = entry.kind if entry else given.kind
    return Ref(kind, namespace if entry is None or entry.namespaced else "", given.name)


def _asked(session: Investigation, view: ClusterView) -> tuple[tuple[Ref, ...], str, str]:
    """(targets, namespace, note) of what the question names."""
    vocabulary = view.vocabulary
    found = find_subject(session.question, vocabulary)
    inside = namespaces_in(session.question, vocabulary)
    namespace = session.namespace or (inside[0] if len(inside) == 1 else "")
    apps = [app for app in found.apps if not namespace or app[0].namespace in ("", namespace)]
    if not apps:
        return (), namespace, _unknown(found, namespace)
    if len(apps) > 1:
        return _of_several(apps, found, namespace, view)
    ref = apps[0][0]
    if ref.kind == "Namespace":
        return (), ref.name, found.note
    return (ref,), ref.namespace, found.note


def _of_several(
    apps: list[list[Ref]], found: Found, namespace: str, view: ClusterView
) -> tuple[tuple[Ref, ...], str, str]:
    """Those of the objects with one name that are unwell; all of them when none or all are."""
    sick = _sick(view)
    unwell = [app for app in apps if sick.intersection(app)]
    chosen = (unwell or apps)[:MAX_TARGETS]
    targets = tuple(next((ref for ref in app if ref in sick), app[0]) for app in chosen)
    note = f"{len(apps)} objects are called {found.name}; {len(unwell)} of them have a problem."
    return targets, targets[0].namespace if len(targets) == 1 else namespace, note


def _unknown(found: Found, namespace: str) -> str:
    if not found.unknown:
        return ""
    where = f"namespace {namespace}" if namespace else "the whole cluster"
    return f"Nothing here is called {found.unknown[:80]!r}, so {where} was looked at."


def _sick(view: ClusterView) -> set[Ref]:
    return {ref for p in view.diagnosis.problems for ref in (p.resource, *p.explains)}


def within_scope(whole: Diagnosis, scope: Scope, view: ClusterView) -> Diagnosis:
    """The part of a whole cluster's diagnosis that a scope is about."""
    target = scope.target
    if target is not None and not target.kind:
        return Diagnosis(
            outcome="object_not_found",
            gaps=whole.gaps,
            message=f"Nothing here is called {target.name[:200]}.",
            nearest=tuple(_nearest(target, view)),
        )
    if len(scope.targets) < 2:
        return scoped(whole, view.world, target=target, namespace="" if target else scope.namespace)
    parts = [scoped(whole, view.world, target=one) for one in scope.targets]
    problems = {p.id for part in parts for p in part.problems}
    symptoms = [s for s in whole.symptoms if any(s in part.symptoms for part in parts)]
    weighed = {(h.resource, h.mode) for part in parts for h in part.hypotheses}
    return Diagnosis(
        outcome=parts[0].outcome,
        problems=tuple(p for p in whole.problems if p.id in problems),
        symptoms=tuple(symptoms),
        hypotheses=tuple(h for h in whole.hypotheses if (h.resource, h.mode) in weighed),
        gaps=whole.gaps,
    )


def _nearest(target: Ref, view: ClusterView) -> Iterable[Ref]:
    """Objects whose name is like one that does not exist."""
    for name in difflib.get_close_matches(target.name.lower(), view.vocabulary.asked_names, NEAREST, 0.5):
        yield min(view.vocabulary.named(name), key=rank)


def parse_target(text: str, namespace: str = "") -> ResourceName:
    """`deployment/checkout`, `deployment shop/checkout`, `shop/deployment/checkout` as an object.

    A single word has no kind: whatever has that name is meant.
    """
    words = text.replace("/", " ").split()
    kinds = [i for i, word in enumerate(words) if KINDS.get(word) is not None]
    kind = KINDS[words[kinds[0]]].kind if kinds and len(words) > 1 else ""
    rest = [word for i, word in enumerate(words) if not kinds or i != kinds[0] or len(words) == 1]
    if len(rest) >= 2:
        return ResourceName(kind=kind, namespace=rest[0], name=rest[-1])
    return ResourceName(kind=kind, namespace=namespace, name=rest[0] if rest else "")


def scope_text(session: Investigation) -> str:
    """What a session is about, in words."""
    if session.target is not None:
        return str(Ref(session.target.kind, session.target.namespace, session.target.name)).strip()
    return f"namespace {session.namespace}" if session.namespace else "the whole cluster"
