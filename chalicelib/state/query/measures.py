"""Rules for amounts, ages, spans of time, rankings, groups and counts. Each returns how many tokens it understood."""

from __future__ import annotations

from chalicelib.state.query.conditions import HIGH_RATIO, LOW_RATIO
from chalicelib.state.query.reading import NUMERIC, Reading
from chalicelib.state.query.times import RECENT_S, Span, moment, spoken
from chalicelib.state.query.words import BECAME, ENUMERATED, FILLERS, LEAST, MOST, SUPERLATIVES

MANY_RESTARTS = 5
_THE = frozenset({"the", "their", "its", "of", "a"})
_LEAD_TIME = frozenset({"in", "within", "during", "over", "for", "from", "the", "of"})
_BETWEEN = frozenset({"is", "are", "usage", "use", "of", "was", "count", "value"})
_ASCENDING = frozenset({"asc", "ascending", "ascendingly", "up"})
_DESCENDING = frozenset({"desc", "descending", "descendingly", "down"})


def span_at(r: Reading, i: int) -> tuple[int, Span] | None:
    """(tokens, span) of a span of time that starts exactly here."""
    start = i
    i = r.skip(i, _LEAD_TIME)
    word = r.word(i)
    if word in ("last", "past", "previous", "recent"):
        found = r.duration_at(i + 1)
        return (i + 1 + found[0] - start, Span(kind="last", seconds=found[1])) if found else None
    if word == "since":
        return _since(r, i + 1, start)
    if word in ("today", "yesterday"):
        return i + 1 - start, Span(kind="today" if word == "today" else "yesterday")
    if word == "this" and r.word(i + 1) in ("morning", "week", "hour"):
        kinds = {"morning": Span(kind="today"), "week": Span(kind="week"), "hour": Span(kind="last", seconds=3600)}
        return i + 2 - start, kinds[r.word(i + 1)]
    if word in ("recently", "lately"):
        return i + 1 - start, Span(kind="last", seconds=RECENT_S)
    found = r.duration_at(i)
    if found and i == start and r.word(i + found[0]) == "ago":
        return found[0] + 1, Span(kind="last", seconds=found[1])
    if found and r.word(start) in ("within", "during", "over"):
        return i + found[0] - start, Span(kind="last", seconds=found[1])
    return None


def _since(r: Reading, i: int, start: int) -> tuple[int, Span] | None:
    i = r.skip(i, {"the", "about"})
    word = r.word(i)
    if word in ("today", "yesterday"):
        return i + 1 - start, Span(kind="today" if word == "today" else "yesterday", open_ended=True)
    if word in ("last", "past"):
        i += 1
    at = moment(word)
    if at:
        return i + 1 - start, Span(kind="since", at=at)
    found = r.duration_at(i)
    if not found:
        return None
    end = i + found[0]
    return end + (r.word(end) == "ago") - start, Span(kind="last", seconds=found[1])


def time_rule(r: Reading, i: int) -> int:
    """`restarted today`, `created in the last hour`, `last hour`, `since yesterday`."""
    verb = r.longest(i, 2, lambda p: p in BECAME)
    if verb:
        field = BECAME[r.phrase(i, verb)]
        found = span_at(r, i + verb)
        if found and field in r.columns():
            return r.during(i, verb + found[0], field, found[1])
        if (
            r.phrase(i, verb) == "restarted"
            and not found
            and not r.comparison_at(i + verb)
            and "restarts" in r.columns()
        ):
            return r.condition(i, verb, "restarts", ">", (0.0,), "0")
        if r.phrase(i, verb) == "new" and not found:
            r.notes.append(f"new: created within the last {spoken(RECENT_S)}")
            return r.during(i, verb, "created_at", Span(kind="last", seconds=RECENT_S))
    found = span_at(r, i)
    if not found:
        return 0
    if (r.kind or r.default_kind) == "Event":
        return r.during(i, found[0], "last", found[1])
    r.span = found[1]
    r.notes.append(
        f"“{r.span_text(i, found[0])}” applies to events, changes and logs; the list shows the cluster as it is now"
    )
    return r.chip(i, found[0], "time", "=", r.span_text(i, found[0]))


def age_rule(r: Reading, i: int) -> int:
    """`older than 10m`, `newer than 2 days`, `for more than 1h`, `more than 2 hours old`, `age > 1d`."""
    start = i
    for phrase, op in (("older than", ">"), ("younger than", "<"), ("newer than", "<")):
        n = r.one_of(i, (phrase,))
        found = r.duration_at(i + n) if n else None
        if found:
            return _aged(r, start, i + n + found[0] - start, op, found[1])
    if r.word(i) == "for" or r.word(i) == "age":
        i += 1
    i = r.skip(i, {"is", "of"})
    compared = r.comparison_at(i)
    if not compared:
        return 0
    found = r.duration_at(i + compared[0])
    if not found:
        return 0
    end = i + compared[0] + found[0]
    if r.word(end) in ("old", "ago"):
        return _aged(r, start, end + 1 - start, compared[1], found[1])
    if r.word(start) in ("for", "age"):
        return _aged(r, start, end - start, compared[1], found[1])
    return 0


def _aged(r: Reading, i: int, n: int, op: str, seconds: float) -> int:
    return r.condition(i, n, "age", op, (seconds,), spoken(seconds))


def compare_rule(r: Reading, i: int) -> int:
    """`more than 5 restarts`, `memory above 1Gi`, `cpu > 500m`, `with 3 restarts`, `memory over 80%`."""
    return (
        _restarted(r, i)
        or _amount_then_field(r, i)
        or _field_then_amount(r, i)
        or _counted(r, i)
        or _amount_alone(r, i)
    )


def _restarted(r: Reading, i: int) -> int:
    """`restarted more than 3 times`."""
    if r.word(i) not in ("restarted", "restarting", "restart", "crashed") or "restarts" not in r.columns():
        return 0
    compared = r.comparison_at(i + 1)
    amount = r.amount_at(i + 1 + compared[0], "number") if compared else None
    if not compared or not amount:
        return 0
    n = 1 + compared[0] + amount[0]
    return _compared(r, i, n + (r.word(i + n) == "times"), "restarts", compared[1], amount)


def _amount_alone(r: Reading, i: int) -> int:
    """`bigger than 50Gi`: the unit says which column is meant."""
    compared = r.comparison_at(i)
    if not compared:
        return 0
    columns = r.columns()
    amount = r.amount_at(i + compared[0], "bytes")
    field = "size" if "size" in columns else "memory"
    if not amount or amount[3] or field not in columns or not amount[2].rstrip("iIbB")[-1:].isalpha():
        return 0
    return _compared(r, i, compared[0] + amount[0], field, compared[1], amount)


def _amount_then_field(r: Reading, i: int) -> int:
    compared = r.comparison_at(i)
    if not compared:
        return 0
    at = i + compared[0]
    for gap in (1, 2):
        for extra in (0, 1):
            j = at + gap + (extra if r.word(at + gap) in ("of", "container") else 0)
            found = r.field_at(j)
            if found and found[2] in NUMERIC:
                amount = r.amount_at(at, found[2])
                if amount and at + amount[0] in (j, j - 1):
                    return _compared(r, i, j + found[0] - i, found[1], compared[1], amount)
    return 0


def _field_then_amount(r: Reading, i: int) -> int:
    found = r.field_at(i)
    if not found or found[2] not in NUMERIC:
        return 0
    j = r.skip(i + found[0], _BETWEEN)
    compared = r.comparison_at(j)
    amount = r.amount_at(j + compared[0], found[2]) if compared else None
    if not compared or not amount:
        return 0
    return _compared(r, i, j + compared[0] + amount[0] - i, found[1], compared[1], amount)


def _counted(r: Reading, i: int) -> int:
    """`with 14 restarts`."""
    if r.word(i - 1) not in ("with", "having", "has", "have"):
        return 0
    found = r.field_at(i + 1)
    amount = r.amount_at(i, found[2]) if found and found[2] == "number" else None
    if not found or not amount or amount[0] != 1:
        return 0
    return _compared(r, i, 1 + found[0], found[1], "=", amount)


def _compared(r: Reading, i: int, n: int, field: str, op: str, amount: tuple[int, float, str, bool]) -> int:
    _, value, shown, percentage = amount
    if percentage and field in ("cpu", "memory"):
        r.notes.append(f"{field} is compared with what the pod requests (for nodes: with what they can allocate)")
        return r.condition(i, n, f"usage {field}", op, (value,), shown)
    return r.condition(i, n, field, op, (value,), shown)


_HIGH = ("high", "heavy", "excessive", "many", "lots of", "a lot of", "too many", "too much", "much", "huge")
_LOW = ("low", "little", "few", "small")


def high_rule(r: Reading, i: int) -> int:
    """`high memory`, `low cpu`, `many restarts`, `memory heavy`, `memory hogs`."""
    found = r.field_at(i)
    if found and r.word(i + found[0]) in ("heavy", "hungry", "hogs", "intensive", "hog"):
        return _high(r, i, found[0] + 1, found[1], found[2], ">=")
    for phrases, op in ((_HIGH, ">="), (_LOW, "<=")):
        n = r.one_of(i, phrases)
        found = r.field_at(i + n) if n else None
        if found and found[2] in NUMERIC:
            extra = r.word(i + n + found[0]) in ("usage", "use", "consumption")
            return _high(r, i, n + found[0] + extra, found[1], found[2], op)
    return 0


def _high(r: Reading, i: int, n: int, field: str, type_: str, op: str) -> int:
    columns = r.columns()
    ranked = f"-{field}" if op == ">=" else field
    r.sort = r.sort or ranked
    if field in ("cpu", "memory") and (f"{field}_request" in columns or f"{field}_allocatable" in columns):
        whole = next(of for of in ("limit", "allocatable", "request") if f"{field}_{of}" in columns)
        share = LOW_RATIO if op == "<=" else 1.0 if whole == "request" else HIGH_RATIO
        return r.condition(
            i,
            n,
            f"usage {field}",
            op,
            (share,),
            f"{share:.0%} of its {field} {whole}",
            (
                f"{'high' if op == '>=' else 'low'}: at {'least' if op == '>=' else 'most'} {share:.0%} of the "
                f"{field} {whole}"
            ),
        )
    if field == "restarts":
        limit = float(MANY_RESTARTS if op == ">=" else 1)
        return r.condition(i, n, field, op, (limit,), f"{limit:.0f}", f"many restarts: {MANY_RESTARTS} or more")
    if type_ == "ratio":
        return r.condition(i, n, field, op, (HIGH_RATIO if op == ">=" else LOW_RATIO,))
    return r.chip(i, n, "sort", "=", ranked)


def rank_rule(r: Reading, i: int) -> int:
    """`top 10`, `5 oldest`, `most restarts`, `highest memory`, `sorted by age`, `by memory`, `limit 10`."""
    word = r.word(i)
    if word in ("top", "first", "limit", "worst", "last") and r.number_at(i + 1) and r.word(i + 1) not in ("a", "an"):
        return _limit(r, i, 2, r.number_at(i + 1))
    if word in ("sort", "sorted", "order", "ordered", "rank", "ranked") and r.word(i + 1) == "by":
        return _by(r, i, 2)
    if word == "by":
        return _by(r, i, 1)
    number = r.number_at(i)
    found = r.kind_at(i + 1) if number and word not in ("a", "an") else None
    if found and any(r.word(j) in MOST | LEAST for j in range(i + 1 + found[0], len(r.tokens))):
        return _limit(r, i, 1, number)
    if number and word not in ("a", "an") and (r.word(i + 1) in MOST | LEAST or r.word(i + 1) in SUPERLATIVES):
        return _limit(r, i, 1, number)
    return _superlative(r, i)


def _limit(r: Reading, i: int, n: int, limit: int | None) -> int:
    r.limit = limit
    return r.chip(i, n, "limit", "=", str(limit))


def _by(r: Reading, i: int, n: int) -> int:
    j = r.skip(i + n, _THE | MOST)
    if r.word(j) == "label":
        j += 1
    found = r.field_at(j)
    if found and (found[2] in NUMERIC or found[2] == "age"):
        end = j + found[0] + (r.word(j + found[0]) in ("usage", "use", "consumption", "count"))
        up = r.word(end) in _ASCENDING
        end += up or r.word(end) in _DESCENDING
        return _sort(r, i, end - i, found[1] if up else f"-{found[1]}")
    return _group(r, i, j, found)


def _superlative(r: Reading, i: int) -> int:
    word = r.word(i)
    start = i
    if word == "top" or word in MOST or word in LEAST:
        j = r.skip(i + 1, _THE | {"number", "amount"})
        found = r.field_at(j)
        if found and (found[2] in NUMERIC or found[2] == "age"):
            end = j + found[0]
            end += r.word(end) in ("usage", "use", "consumption", "consumers", "users", "count")
            return _sort(r, start, end - start, found[1] if word in LEAST else f"-{found[1]}")
    n = r.longest(i, 2, lambda p: p in SUPERLATIVES)
    if not n:
        return 0
    sort = SUPERLATIVES[r.phrase(i, n)]
    if sort.lstrip("-") not in r.columns():
        sort = sort.replace("size", "memory")
    if sort.lstrip("-") not in r.columns():
        return 0
    return _sort(r, start, n, sort)


def _sort(r: Reading, i: int, n: int, sort: str) -> int:
    r.sort = sort
    return r.chip(i, n, "sort", "=", sort)


_EACH = ("per", "grouped by", "group by", "for each", "in each", "for every", "in every", "broken down by", "on each")


def group_rule(r: Reading, i: int) -> int:
    """`per namespace`, `grouped by node`, `in each namespace`, `by label app`."""
    n = r.one_of(i, _EACH) or (r.one_of(i, ("does each", "does every", "each", "every")) if r.count else 0)
    if not n:
        return 0
    j = r.skip(i + n, _THE | {"label"})
    return _group(r, i, j, r.field_at(j))


def _group(r: Reading, i: int, j: int, found: tuple[int, str, str] | None) -> int:
    """Group by a column, else by a label key that exists."""
    if found and found[2] not in NUMERIC:
        r.group = found[1]
        return r.chip(i, j + found[0] - i, "group", "=", found[1])
    word = r.value(j)
    keys = [k for k in r.vocabulary.label_keys if k == word or k.rpartition("/")[2] == word]
    if not keys:
        return 0
    r.group = f"label {min(keys, key=len)}"
    return r.chip(i, j + 1 - i, "group", "=", r.group)


_WITHOUT = (
    "without", "without any", "with no", "missing", "lacking", "having no", "not having", "with zero", "not have",
)  # fmt: skip


def without_rule(r: Reading, i: int) -> int:
    """`without endpoints`, `with no restarts`, `missing owner`, `with restarts`, `without label team`."""
    n = r.one_of(i, _WITHOUT)
    positive = 0 if n else r.one_of(i, ("with", "with any", "having", "that have", "with some"))
    if not n and not positive:
        return 0
    j = r.skip(i + (n or positive), frozenset({"a", "an", "any", "ready", "the"}))
    if r.word(j) in ("label", "labels") and r.value(j + 1):
        return r.condition(i, j + 2 - i, f"label {r.value(j + 1)}", "has no" if n else "has", (), r.value(j + 1))
    found = _column_of_noun(r, j)
    if not found or (r.comparison_at(j + found[0])):
        return 0
    words, field, type_ = found
    if field not in r.columns():
        r.notes.append(f"“{r.span_text(j, words)}” is not among the columns of this list")
        r.unparsed.append(r.span_text(i, j + words - i))
        return j + words - i
    if field == "endpoints" or type_ == "number":
        return r.condition(i, j + words - i, field, "=" if n else ">", (0.0,), "0")
    return r.condition(i, j + words - i, field, "has no" if n else "has", (), field)


def _column_of_noun(r: Reading, j: int) -> tuple[int, str, str] | None:
    """A column by its word; `requests` alone means the memory request where the kind has one."""
    columns = r.columns()
    if r.phrase(j, 1) in ("requests", "request") or r.phrase(j, 2) in ("resource requests",):
        if "memory_request" in columns:
            return (1 if r.phrase(j, 1) in ("requests", "request") else 2), "memory_request", "bytes"
        return None
    n = r.one_of(j, ("resource limits", "memory limit", "cpu limit", "memory limits", "cpu limits", "limits", "limit"))
    if n and r.kind != "LimitRange":
        return n, "cpu_limit" if r.word(j) == "cpu" else "memory_limit", "bytes"
    return r.field_at(j)


_UNUSED = (
    "unused", "not used", "not in use", "used by nobody", "used by nothing", "not referenced", "not mounted",
)  # fmt: skip


def unused_rule(r: Reading, i: int) -> int:
    """`unused`, `not used`, `used by nobody`."""
    n = r.one_of(i, _UNUSED)
    columns = r.columns()
    field: str | None = next((f for f in ("used_by", "consumers", "bound") if f in columns), None)
    if r.kind == "ServiceAccount":
        field = "pods"
    if not n or field is None:
        return 0
    numeric = columns[field] == "number"
    return r.condition(i, n, field, "=" if numeric else "has no", (0.0,) if numeric else (), "0" if numeric else field)


_NAMED_VALUES = frozenset({"type", "qos", "class", "zone", "version", "reason", "schedule", "strategy", "mode"})


def typed_rule(r: Reading, i: int) -> int:
    """`LoadBalancer`, `of type NodePort`, `BestEffort`, `with class gp3`: values that name their own column."""
    column = ENUMERATED.get(r.word(i), "")
    if column in r.columns() and column:
        return r.condition(i, 1, column, "=", (r.tokens[i].text,))
    j = r.skip(i, frozenset({"of", "with", "in"}))
    found = r.field_at(j)
    if not found or found[1] not in _NAMED_VALUES:
        return 0
    j += found[0]
    j += r.word(j) in ("is", "are", "of")
    if not r.value(j) or r.word(j) in FILLERS or r.kind_at(j):
        return 0
    return r.condition(i, j + 1 - i, found[1], "contains", (r.value(j),))


def count_rule(r: Reading, i: int) -> int:
    """`how many`, `count`, `number of`; `how many restarts` adds a column up."""
    n = r.one_of(i, ("how many", "count", "count of", "count the", "number of", "the number of", "total number of"))
    if not n:
        return 0
    r.count = True
    found = r.field_at(i + n)
    if found and found[2] == "number" and not r.kind_at(i + n):
        r.sum = found[1]
        return _sort(r, i, n + found[0], f"-{found[1]}")
    return n
