"""Whether a change concerns production. When nothing says otherwise, it does."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from chalicelib.state.meta import Ref
from chalicelib.state.world import World
from chalicelib.store.records import ClusterRecord

LABELS = ("environment", "env", "stage", "tier", "app.kubernetes.io/environment", "kubilitics.ai/environment")
_WORD = r"(^|[^a-z0-9]){}([^a-z0-9]|$)"


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """How a tenant calls its environments. Words are matched whole, in any case."""

    production: tuple[str, ...] = ("production", "prod", "prd", "live")
    other: tuple[str, ...] = (
        "development", "dev", "test", "testing", "tst", "qa", "staging", "stage", "stg", "preprod", "uat", "sandbox",
        "playground", "demo", "preview", "ephemeral", "lab", "poc", "experiment", "integration", "perf", "ci",
    )  # fmt: skip


DEFAULT = Words()


def is_production(world: World, record: ClusterRecord, refs: Iterable[Ref], words: Words = DEFAULT) -> tuple[bool, str]:
    """(production?, why). Labels of the namespace decide, then its name, then the cluster's; silence means yes."""
    spaces = sorted({ref.namespace or (ref.name if ref.kind == "Namespace" else "") for ref in refs})
    verdicts = [_space(world, record, space, words) for space in spaces] or [_cluster(record, words)]
    strict = [verdict for verdict in verdicts if verdict[0]]
    return strict[0] if strict else verdicts[0]


def _space(world: World, record: ClusterRecord, name: str, words: Words) -> tuple[bool, str]:
    if not name:
        return _cluster(record, words)
    space = world.snapshot.get("Namespace", "", name)
    labels = space.metadata.labels if space is not None else {}
    for key in LABELS:
        said = _said(labels.get(key, ""), words)
        if said is not None:
            return said, f"namespace {name} is labelled {key}={labels[key]}"
    said = _said(name, words)
    if said is not None:
        return said, f"the namespace is called {name}"
    whole, why = _cluster(record, words)
    return whole, why if not whole or record.production else f"nothing says that namespace {name} is not production"


def _cluster(record: ClusterRecord, words: Words) -> tuple[bool, str]:
    if record.production:
        return True, f"cluster {record.name} is marked as production"
    said = _said(record.name, words)
    if said is not None:
        return said, f"the cluster is called {record.name}"
    return True, f"nothing says that cluster {record.name} is not production"


def _said(text: str, words: Words) -> bool | None:
    """True for a production word, False for another environment's, None for neither. Both: production."""
    lowered = text.lower()
    # "preprod" and "non-production" hold a production word and mean the opposite.
    if re.search(r"(non|pre|not)[-_]?(prod|production|prd)", lowered):
        return False
    if any(re.search(_WORD.format(re.escape(word)), lowered) for word in words.production):
        return True
    if any(re.search(_WORD.format(re.escape(word)), lowered) for word in words.other):
        return False
    return None
