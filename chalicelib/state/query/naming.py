"""Rules for statuses and names: namespaces, nodes, workloads, images, labels, and bare words."""

from __future__ import annotations

from chalicelib.state.query.reading import Ambiguity, Reading
from chalicelib.state.query.vocabulary import WORKLOADS, Match
from chalicelib.state.query.words import (
    EXCEPT_WORDS,
    FILLERS,
    IN_WORDS,
    LIST_WORKLOADS,
    LONGEST_STATUS,
    NEGATIONS,
    OPPOSITES,
    STATUS_BY_NAME,
    STATUS_PHRASES,
)

_AND = frozenset({"and", "or", "nor", "plus", "&"})
_THE = frozenset({"the", "my", "our", "all", "any"})
_NAMESPACE = frozenset({"namespace", "namespaces", "ns", "project"})
_EVERYWHERE = (
    "in all namespaces", "across all namespaces", "in any namespace", "everywhere", "in the cluster",
    "in this cluster", "in my cluster", "in our cluster", "across the cluster", "cluster wide", "across namespaces",
    "in every namespace", "all namespaces",
    "in cluster", "anywhere",
)  # fmt: skip


def status_rule(r: Reading, i: int) -> int:
    """`failing`, `not running`, `pending or crashlooping`, `in CrashLoopBackOff`."""
    found = _status_at(r, i)
    if not found:
        return 0
    n, name, negated = found
    names = [name]
    while not negated:
        j = i + n
        if r.type(j) == "comma":
            j += 1
        j = r.skip(j, _AND)
        more = _status_at(r, j) if j > i + n else None
        if not more or more[2]:
            break
        names.append(more[1])
        n = j + more[0] - i
    if not r.kind and r.default_kind is None and name in STATUS_BY_NAME:
        r.default_kind = STATUS_BY_NAME[name].kind or None
    op = "!=" if negated else "=" if len(names) == 1 else "in"
    return r.condition(i, n, "status", op, tuple(dict.fromkeys(names)))


def _status_at(r: Reading, i: int) -> tuple[int, str, bool] | None:
    """(words, status, negated)."""
    n = r.longest(i, LONGEST_STATUS, lambda p: p in STATUS_PHRASES)
    if n and r.phrase(i, n) == "used" and r.word(i + 1) == "by":
        return None
    if n:
        return n, STATUS_PHRASES[r.phrase(i, n)], False
    seen = r.vocabulary.statuses
    n = r.longest(i, 3, lambda p: p in seen or p.replace(" ", "") in seen)
    if n and r.phrase(i, n) not in FILLERS | {"active", "present", "default", "normal"}:
        return n, seen.get(r.phrase(i, n)) or seen[r.phrase(i, n).replace(" ", "")], False
    joined = r.phrase(i, 1).startswith("not ")
    if r.phrase(i, 1) != "not" and not joined:
        return None
    if joined:
        name = STATUS_PHRASES.get(r.phrase(i, 1)[4:])
        return (1, OPPOSITES.get(name, name), name not in OPPOSITES) if name else None
    j = r.skip(i + 1, frozenset({"in", "a", "currently", "yet", "be", "being", "state", "all"}))
    after = r.longest(j, LONGEST_STATUS, lambda p: p in STATUS_PHRASES)
    if not after:
        return None
    name = STATUS_PHRASES[r.phrase(j, after)]
    taken = j + after - i
    return (taken, OPPOSITES[name], False) if name in OPPOSITES else (taken, name, True)


def everywhere_rule(r: Reading, i: int) -> int:
    """Words that say "no limit of namespace"."""
    return r.one_of(i, _EVERYWHERE)


def namespace_rule(r: Reading, i: int) -> int:
    """`in shop`, `in shop and payments`, `namespace shop`, `shop namespace`, `except kube-system`."""
    excluded = r.one_of(i, EXCEPT_WORDS)
    if not excluded and r.word(i) == "not" and r.word(i + 1) in IN_WORDS:
        excluded = 2
    included = 0 if excluded else int(r.word(i) in IN_WORDS)
    if not excluded and not included:
        return _trailing_namespace(r, i)
    j = r.skip(i + (excluded or included), _THE | _NAMESPACE | {"in"})
    names, n, note = _names(r, j)
    if not names:
        return 0 if excluded else _not_a_namespace(r, i, j)
    end = j + n
    end += r.word(end) in _NAMESPACE and not (r.word(end) == "ns" and end + 1 < len(r.tokens))
    return _record(r, i, end - i, names, note, bool(excluded))


def _trailing_namespace(r: Reading, i: int) -> int:
    if r.word(i + 1) not in _NAMESPACE:
        return 0
    match = r.vocabulary.namespace(r.value(i))
    if not match or not match.unique:
        return 0
    return _record(r, i, 2, [match.value], _understood(r.value(i), match), False)


def _names(r: Reading, i: int) -> tuple[list[str], int, str]:
    """Namespaces of a list `a, b and c`: (names, tokens, note)."""
    names: list[str] = []
    notes: list[str] = []
    end, j = i, i
    while True:
        word = r.value(j)
        match = _namespace(r, word, j) if word and (word not in FILLERS or word in r.vocabulary.namespaces) else None
        if match is None:
            break
        names += match.values
        if note := _understood(word, match):
            notes.append(note)
        end = j + 1
        j = r.skip(end + (r.type(end) == "comma"), _AND)
        if j == end:
            break
    return list(dict.fromkeys(names)), end - i, "; ".join(notes)


def _namespace(r: Reading, word: str, i: int) -> Match | None:
    """The namespaces of a word; a near miss with several candidates is a question back, not a guess."""
    match = r.vocabulary.namespace(word)
    if match and match.how == "near" and not match.unique:
        r.ambiguous.append(Ambiguity(text=word, what="namespace", candidates=list(match.values)))
        return None
    explicit = r.word(i - 1) in _NAMESPACE
    if match and match.how in ("near", "part", "prefix") and word in r.vocabulary.objects and not explicit:
        return None
    return match


def _not_a_namespace(r: Reading, i: int, j: int) -> int:
    """`in production` where a label says so; a workload (`in deployment checkout`); else a name that does not exist."""
    found = r.kind_at(j)
    name = r.value(j + found[0]) if found else ""
    if found and name and r.vocabulary.named(name):
        return r.condition(i, j + found[0] + 1 - i, "workload", "=", (name,))
    word = r.value(j)
    if not word or (word in FILLERS and r.word(i) not in _NAMESPACE):
        return 0
    if r.vocabulary.named(word) and r.word(j - 1) not in _NAMESPACE:
        return r.condition(i, j + 1 - i, "workload", "=", (word,))
    label = r.vocabulary.environment(word)
    if label:
        note = f"no namespace is called “{word}”; a label is"
        return r.condition(i, j + 1 - i, f"label {label[0]}", "=", (label[1],), note=note)
    keys = r.vocabulary.label_values.get(word)
    if keys:
        note = f"“{word}” is a value of the label {keys[0]}"
        return r.condition(i, j + 1 - i, f"label {keys[0]}", "=", (word,), note=note)
    if "." in word and "/" not in word and "images" in r.columns() and r.word(i) == "from":
        return r.condition(i, j + 1 - i, "images", "contains", (word,))
    if r.vocabulary.namespaces and not r.kind_at(j) and not r.field_at(j):
        if not any(a.text == word for a in r.ambiguous):
            r.ambiguous.append(Ambiguity(text=word, what="namespace"))
        end = j + 1 + (r.word(j + 1) in _NAMESPACE)
        r.unparsed.append(r.span_text(i, end - i))
        return end - i
    return 0


def _record(r: Reading, i: int, n: int, names: list[str], note: str, excluded: bool) -> int:
    values: tuple[str | float, ...] = tuple(names)
    if len(names) == 1:
        return r.condition(i, n, "namespace", "!=" if excluded else "=", values, note=note)
    return r.condition(i, n, "namespace", "not in" if excluded else "in", values, note=note)


def _understood(word: str, match: Match) -> str:
    if match.how == "exact":
        return ""
    what = "namespace" if match.unique else "namespaces"
    return f"“{word}” understood as {what} {', '.join(match.values)}"


def node_rule(r: Reading, i: int) -> int:
    """`on node ip-10-0-2-58`, `on ip-10-0-2-58`, `scheduled on X`."""
    if r.kind == "Node":
        return 0
    negated = r.phrase(i, 1) == "not"
    j = r.skip(i + negated, frozenset({"scheduled", "running"}))
    if negated and r.word(j) != "on":
        return 0
    if r.word(j) == "on":
        j += 1
    elif r.word(j) not in ("node", "host"):
        return 0
    j = r.skip(j, frozenset({"the", "node", "host", "machine", "="}))
    match = r.vocabulary.node(r.value(j)) if r.value(j) else None
    if not match or "node" not in r.columns() or j == i:
        return 0
    note = "" if match.how == "exact" else f"“{r.value(j)}” understood as {', '.join(match.values)}"
    ops = ("!=", "not in") if negated else ("=", "in")
    return r.condition(i, j + 1 - i, "node", ops[not match.unique], match.values, note=note)


def owner_rule(r: Reading, i: int) -> int:
    """`owned by checkout`, `of checkout`, `for the deployment checkout`, `belonging to X`."""
    n = r.one_of(i, ("owned by", "of", "for", "belonging to", "created by", "managed by", "behind", "part of", "from"))
    if not n:
        return 0
    j = r.skip(i + n, _THE)
    found = r.kind_at(j)
    known = found is not None and r.value(j + found[0]).rpartition("/")[2] in r.vocabulary.objects
    if found and known and found[1] in (*WORKLOADS, "ReplicaSet"):
        j += found[0]
    name = r.value(j)
    namespace, slash, inner = name.partition("/")
    if slash and any(ref.namespace == namespace for ref in r.vocabulary.named(inner)):
        r.condition(i, j + 1 - i, "namespace", "=", (namespace,))
        return r.condition(i, j + 1 - i, "workload", "=", (inner,))
    if not any(ref.kind in (*WORKLOADS, "ReplicaSet") for ref in r.vocabulary.named(name)):
        return 0
    if name in r.vocabulary.namespaces:
        return 0
    return r.condition(i, j + 1 - i, "workload", "=", (name,))


_CONTAINS = ("contains", "containing", "contain", "includes", "including", "like", "with", "has", "having")
_STARTS = ("starts with", "starting with", "begins with", "beginning with", "start with")
_ENDS = ("ends with", "ending with", "ending in", "end with")
_MATCHES = ("matching", "matches", "match")
_NAME_TESTS = ((_STARTS, "starts with"), (_ENDS, "ends with"), (_MATCHES, "contains"), (_CONTAINS, "contains"))
_IMAGE_WORDS = frozenset({"from", "contains", "containing", "like", "with", "is", "are", "of", "at", "registry", "the"})


def name_rule(r: Reading, i: int) -> int:
    """`name contains cart`, `named cart`, `starting with api`, `cart-*`, `called "x y"`."""
    start = i
    named = r.word(i) in ("name", "names", "named", "called", "name's")
    exact = r.word(i) in ("named", "called")
    if named:
        i = r.skip(i + 1, frozenset({"is", "are", "that"}))
    for phrases, op in _NAME_TESTS:
        if not named and phrases is _CONTAINS:
            phrases = ("containing", "contains", "like")
        n = r.one_of(i, phrases)
        if n and r.value(i + n):
            return _name(r, start, i + n + 1 - start, op, r.value(i + n))
    if named and r.type(i) == "op" and r.tokens[i].lower == "=" and r.value(i + 1):
        return _name(r, start, i + 2 - start, "=", r.value(i + 1))
    if exact and r.value(i):
        known = r.value(i) in r.vocabulary.objects
        return _name(r, start, i + 1 - start, "=" if known else "contains", r.value(i))
    if "*" in r.word(start) and len(r.word(start).strip("*")) >= 1:
        return _name(r, start, 1, "matches", r.word(start))
    return 0


def _name(r: Reading, i: int, n: int, op: str, value: str) -> int:
    return r.condition(i, n, "name", "matches" if "*" in value else op, (value.lower(),))


def image_rule(r: Reading, i: int) -> int:
    """`images from registry.example.com`, `image contains nginx`, `using image postgres:16`."""
    start = i
    i = r.skip(i, frozenset({"with", "using", "the", "running"}))
    if r.word(i) not in ("image", "images") or "images" not in r.columns():
        return 0
    j = r.skip(i + 1, _IMAGE_WORDS)
    if r.type(j) == "op" and r.tokens[j].lower == "=":
        j += 1
    value = r.value(j)
    if not value or value in FILLERS or r.kind_at(j):
        return 0
    return r.condition(start, j + 1 - start, "images", "contains", (value,))


def selector_rule(r: Reading, i: int) -> int:
    """`app=checkout`, `tier!=web`, `label app=checkout`, `node=ip-1`, `status=Running`, `app in (a, b)`."""
    start = i
    if r.word(i) in ("label", "labels", "labelled", "labeled", "selector", "-l", "--selector"):
        i = r.skip(i + 1, frozenset({"with", "as"}))
    key = r.word(i)
    if not key:
        return 0
    if r.type(i + 1) == "op" and r.tokens[i + 1].lower in ("=", "!=") and r.value(i + 2):
        values, n = _values(r, i + 2)
        return _selected(r, start, i + 2 + n - start, key, r.tokens[i + 1].lower, values)
    if r.word(i + 1) in ("in", "notin") and r.type(i + 2) == "paren":
        values, n = _values(r, i + 3)
        closed = r.type(i + 3 + n) == "paren"
        if values:
            op = "in" if r.word(i + 1) == "in" else "not in"
            return _selected(r, start, i + 3 + n + closed - start, key, op, values)
    if start != i and key in r.vocabulary.label_keys:
        return r.condition(start, i + 1 - start, f"label {key}", "has", (), key)
    return 0


def _values(r: Reading, i: int) -> tuple[list[str], int]:
    """A value or several split by commas; `a=1,b=2` stops before the next key."""
    values, j = [], i
    while r.value(j):
        if r.type(j + 1) == "op":
            break
        values.append(r.tokens[j].text.strip("\"'`“”") if r.type(j) == "word" else r.value(j))
        if r.type(j + 1) != "comma" or not r.value(j + 2) or r.type(j + 3) == "op":
            return values, j + 1 - i
        j += 2
    return values, max(0, j - 1 - i)


def _selected(r: Reading, i: int, n: int, key: str, op: str, values: list[str]) -> int:
    if not values:
        return 0
    if len(values) > 1:
        op = {"=": "in", "!=": "not in"}.get(op, op)
    typed: tuple[str | float, ...] = tuple(values)
    if key in ("ns", "namespace"):
        return r.condition(i, n, "namespace", op, tuple(v.lower() for v in values))
    columns = r.columns()
    if key in ("status", "state", "phase"):
        names = tuple(STATUS_PHRASES.get(v.lower(), v) for v in values)
        return r.condition(i, n, "status", op, names)
    if key == "name":
        return r.condition(i, n, "name", "matches" if "*" in values[0] and op == "=" else op, typed)
    if key == "node":
        match = r.vocabulary.node(values[0].lower())
        return r.condition(i, n, "node", op, (match.value,) if match else typed)
    if key in columns and key not in r.vocabulary.label_keys:
        return r.condition(i, n, key, op, typed)
    return r.condition(i, n, f"label {key}", op, typed)


def bare_rule(r: Reading, i: int) -> int:
    """A word by itself: a namespace, a name, a label value, a node, a part of names; else the nearest namespace."""
    word = r.value(i)
    if not word:
        return 0
    if r.type(i) == "quoted":
        return r.condition(i, 1, "name", "contains", (word.lower(),))
    if (word in FILLERS or word in NEGATIONS) and word not in r.vocabulary.namespaces:
        return 0
    names, n, note = _names(r, i) if _exact_namespace(r, word) else ([], 0, "")
    if names:
        return _record(r, i, n, names, note, False)
    return _bare_name(r, i, word)


def _exact_namespace(r: Reading, word: str) -> bool:
    match = r.vocabulary.namespace(word)
    if match is None:
        return False
    return match.how in ("exact", "alias") or (match.how == "prefix" and word not in r.vocabulary.objects)


def _bare_name(r: Reading, i: int, word: str) -> int:
    namespace, slash, name = word.partition("/")
    if slash and namespace in r.vocabulary.namespaces and name:
        r.condition(i, 1, "namespace", "=", (namespace,))
        return r.condition(i, 1, "workload", "=", (name,))
    named = r.vocabulary.named(word)
    if named:
        exact = bool(r.kind) and any(ref.kind == r.kind for ref in named)
        return r.condition(i, 1, "name" if exact else "workload", "=", (word,))
    keys = r.vocabulary.label_values.get(word)
    if keys:
        return r.condition(i, 1, f"label {keys[0]}", "=", (word,), note=f"“{word}” is a value of the label {keys[0]}")
    if len(word) >= 4 and r.vocabulary.node(word) and "node" in r.columns() and r.kind != "Node":
        match = r.vocabulary.node(word)
        return r.condition(i, 1, "node", "in", match.values if match else ())
    if len(word) >= 3 and r.vocabulary.part_of_name(word):
        return r.condition(i, 1, "name", "contains", (word,))
    environment = r.vocabulary.environment(word)
    if environment:
        return r.condition(i, 1, f"label {environment[0]}", "=", (environment[1],))
    match = r.vocabulary.namespace(word)
    if match and match.unique:
        return _record(r, i, 1, [match.value], _understood(word, match), False)
    return 0


def kind_rule(r: Reading, i: int) -> int:
    """The kind word itself. Another kind than the one in hand is left as not understood."""
    found = r.kind_at(i)
    if not found:
        return 0
    if r.kind is None or found[1] == r.kind:
        if r.phrase(i, found[0]) in LIST_WORKLOADS:
            r.notes.append("workloads: these are Deployments; ask for stateful sets, daemon sets or jobs by name")
        return found[0]
    return 0
