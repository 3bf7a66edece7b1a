"""Which object a question is about: by kind and name, by name alone, by a beginning of it, by likeness."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Ref
from chalicelib.state.query.lexer import Token, lex
from chalicelib.state.query.vocabulary import KIND_PHRASES, Vocabulary, nearest
from chalicelib.state.query.words import COMPARISONS, FIELDS, FILLERS, IN_WORDS, NEGATIONS, STATUS_PHRASES


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


RANK = (
    "Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Pod", "Service", "Ingress", "HTTPRoute", "Gateway",
    "PersistentVolumeClaim", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Node", "Namespace", "PersistentVolume",
    "StorageClass", "ConfigMap", "Secret", "ResourceQuota",
)  # fmt: skip
"""Of objects with one name, the kind people most likely mean comes first."""
POD_OWNERS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet")
_ASKING = _words("""
    why what's whats wrong failing broken error errors problem problems issue issues log logs event events
    describe status health healthy explain happened happens happening happen if when goes down fails fail dies
    going keep keeps restarting restart crashing crash crashes pending slow starting start stuck change changed
    changes since last hour today yesterday depend depends dependency dependencies uses used user users break
    breaks affected impact blast radius previous recent lines line tail show me about tell details detail info
    information scale delete remove rollback roll back undo drain cordon uncordon ready running run terminating
    unavailable unhealthy down up latency performance quota capacity free most much many how does did will would
    should could can anything something everything else reason cause caused causing behind because work working
    works serving respond responding reachable traffic receive receiving get getting not no new old replicas
    replica to from with without between compare versus vs evidence first second third one ones same also again
    please help suspended paused exhausted full empty bound unbound missing there exist exists open closed
    current currently connect connecting memory cpu disk space image images pull pulling container containers
    using pod's
""")
"""Words of questions that are never taken for a misspelt name."""


@dataclass
class Found:
    """Objects that a question names. `apps` groups what has one namespace and name; the best kind is first in each."""

    apps: list[list[Ref]] = field(default_factory=list)
    kind: str | None = None
    name: str = ""
    """The words that named it."""
    note: str = ""
    """How a word was understood when it was not the exact name."""
    guesses: list[Ref] = field(default_factory=list)
    """Near names when nothing matched exactly and none was clearly best."""
    unknown: str = ""
    """A word that looks like a name and is none."""

    @property
    def refs(self) -> list[Ref]:
        return [app[0] for app in self.apps]


def namespaces_in(text: str, vocabulary: Vocabulary) -> list[str]:
    """Namespaces that a question is limited to: `in shop`, `namespace shop`, `shop namespace`."""
    tokens = lex(text)
    found: list[str] = []
    for i, token in enumerate(tokens):
        before = tokens[i - 1].lower if i else ""
        after = tokens[i + 1].lower if i + 1 < len(tokens) else ""
        marked = before in IN_WORDS or before in ("namespace", "namespaces", "ns") or after in ("namespace", "ns")
        listed = bool(found) and before in ("and", "or", ",")
        if token.type != "word" or not (marked or listed) or KIND_PHRASES.get(token.lower) == "Namespace":
            continue
        match = vocabulary.namespace(token.lower)
        exact = match is not None and match.how in ("exact", "alias")
        if match and match.unique and (exact or token.lower not in vocabulary.objects):
            found.append(match.value)
    return list(dict.fromkeys(found))


def find_subject(text: str, vocabulary: Vocabulary, *, misspelt: bool = True) -> Found:
    """The objects that a question names. `misspelt` allows near names."""
    tokens = [t for t in lex(text) if t.type in ("word", "quoted")]
    inside = namespaces_in(text, vocabulary)
    found = Found()
    candidates: list[Ref] = []
    for i, token in enumerate(tokens):
        refs = _refs_at(tokens, i, vocabulary, inside, found)
        if refs:
            candidates += [r for r in refs if r not in candidates]
            found.name = found.name or token.lower
            found.kind = found.kind or _kind_beside(tokens, i)
    if not candidates:
        candidates = _of_several_words(tokens, vocabulary, found)
    if not candidates and misspelt:
        candidates = _near(tokens, vocabulary, inside, found)
    candidates, inside = _within_namespaces(candidates, inside)
    found.apps = _grouped(_of_kind(candidates, found.kind), inside)
    return found


def _within_namespaces(refs: list[Ref], inside: list[str]) -> tuple[list[Ref], list[str]]:
    """`shop catalog`: a namespace beside a name that exists there says where it is, and is not the subject."""
    named = [r.name for r in refs if r.kind == "Namespace"]
    there = [r for r in refs if r.namespace in named]
    if not there:
        return refs, inside
    return [r for r in refs if r.kind != "Namespace" and r.namespace in named], [*inside, *named]


def _refs_at(tokens: Sequence[Token], i: int, vocabulary: Vocabulary, inside: list[str], found: Found) -> list[Ref]:
    """Objects named by one token."""
    word = tokens[i].lower
    kind = _kind_beside(tokens, i)
    namespace, slash, name = word.rpartition("/")
    if slash:
        as_kind = KINDS.get(namespace)
        if as_kind is not None:
            found.kind = found.kind or as_kind.kind
            return list(vocabulary.named(name))
        return [r for r in vocabulary.named(name) if r.namespace == namespace.rpartition("/")[2]]
    refs = list(vocabulary.named(word))
    before = tokens[i - 1].lower if i else ""
    if word in vocabulary.namespaces:
        if kind == "Namespace" or (before not in IN_WORDS and kind is None):
            return [Ref("Namespace", "", word)] if kind == "Namespace" or word not in inside else []
        refs = [r for r in refs if r.kind == kind]
        if before in IN_WORDS or word in inside:
            return []
    if refs and kind is None and tokens[i].type == "word" and _is_grammar(word):
        return []
    if refs:
        return refs
    if kind is None and _is_grammar(word):
        return []
    return _by_beginning(word, kind, vocabulary)


def _of_several_words(tokens: Sequence[Token], vocabulary: Vocabulary, found: Found) -> list[Ref]:
    """Names written with spaces: `nightly export` for nightly-export-20261121."""
    for size in (3, 2):
        for i in range(len(tokens) - size + 1):
            words = [t.lower for t in tokens[i : i + size]]
            joined = "-".join(words)
            if all(_is_grammar(w) for w in words):
                continue
            refs = [
                r
                for name, named in vocabulary.objects.items()
                if name == joined or (name.startswith(f"{joined}-") and not any(r.kind == "Pod" for r in named))
                for r in named
            ]
            if refs:
                found.name = joined
                found.kind = _kind_beside(tokens, i + size - 1)
                return refs
    return []


def _is_grammar(word: str) -> bool:
    """Whether a word that is also a name is first a word of the grammar (`images`, `api`, `search` may be both)."""
    return word in FILLERS or word in NEGATIONS or word in STATUS_PHRASES or word in _ASKING or word in KIND_PHRASES


def _by_beginning(word: str, kind: str | None, vocabulary: Vocabulary) -> list[Ref]:
    """Nodes by host name, pods by the beginning of their generated name."""
    if len(word) < 5 or not any(c.isdigit() for c in word):
        return []
    node = vocabulary.node(word)
    if node and node.unique:
        return [Ref("Node", "", node.value)]
    if kind not in (None, "Pod", "ReplicaSet"):
        return []
    return [r for name, refs in vocabulary.objects.items() if name.startswith(word) for r in refs if r.kind == "Pod"]


def _kind_beside(tokens: Sequence[Token], i: int) -> str | None:
    """The kind that stands right before a name, or right after it."""
    for size in (3, 2, 1):
        before = " ".join(t.lower for t in tokens[max(0, i - size) : i])
        if i >= size and before in KIND_PHRASES:
            return KIND_PHRASES[before]
        after = " ".join(t.lower for t in tokens[i + 1 : i + 1 + size])
        if i + size < len(tokens) and after in KIND_PHRASES:
            return KIND_PHRASES[after]
    return None


def _of_kind(refs: Sequence[Ref], kind: str | None) -> list[Ref]:
    """Those of the named kind; when there are none (`the checkout pods`) all of them."""
    exact = [r for r in refs if r.kind == kind]
    return exact or list(refs)


def _grouped(refs: Iterable[Ref], inside: list[str]) -> list[list[Ref]]:
    """Objects by (namespace, name), those of the named namespaces only, best kind first."""
    listed = list(refs)
    limited = [r for r in listed if r.namespace in inside or (r.kind == "Namespace" and r.name in inside)]
    groups: dict[tuple[str, str], list[Ref]] = {}
    for ref in limited if inside and limited else listed:
        groups.setdefault((ref.namespace, ref.name), []).append(ref)
    return [sorted(group, key=rank) for _, group in sorted(groups.items())]


def rank(ref: Ref) -> tuple[int, str]:
    return (RANK.index(ref.kind) if ref.kind in RANK else len(RANK), ref.kind)


def _near(tokens: Sequence[Token], vocabulary: Vocabulary, inside: list[str], found: Found) -> list[Ref]:
    """Objects whose name is like a word that means nothing else."""
    for i, token in enumerate(tokens):
        word = token.lower
        known = _is_grammar(word) or word in COMPARISONS or word in vocabulary.namespaces or word in inside
        if len(word) < 3 or known or any(word in said for said in FIELDS.values()):
            continue
        before = tokens[i - 1].lower if i else ""
        if before in IN_WORDS and vocabulary.namespace(word):
            continue
        parts = [n for n in vocabulary.asked_names if word in n.split("-")]
        match = nearest(word, vocabulary.asked_names)
        names = list(match.values) if match else parts[:6]
        if not names:
            found.unknown = found.unknown or token.text
            continue
        refs = [r for n in names for r in vocabulary.named(n)]
        found.kind = _kind_beside(tokens, i)
        found.name = word
        if len(names) == 1:
            found.note = f"I read “{token.text}” as {names[0]}."
            return refs
        found.guesses = [min((r for r in vocabulary.named(n)), key=rank) for n in names]
        return []
    return []
