"""What is checked of a case and of an answer besides right and wrong: new wording, and citations that resolve."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import msgspec

import chalicelib
from chalicelib.state.evidence import Evidence
from chalicelib.state.snapshot import LogKey, Snapshot
from tests.bench.rootcause_scenarios.case import Case

ENGINE = Path(chalicelib.__file__).parent / "rootcause"
RUN_OF_WORDS = 3


@functools.cache
def engine_text() -> str:
    """All text of the engine in lower case, without the backslashes of its patterns."""
    files = [path for path in sorted(ENGINE.rglob("*")) if path.suffix in (".py", ".json", ".md", ".txt")]
    return _plain(" ".join(path.read_text(encoding="utf-8") for path in files))


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.lower().replace("\\", ""))


def is_new(case: Case) -> bool:
    """Whether no run of three words of the case's telling words (or all of fewer words) occurs in the engine."""
    return bool(case.words) and not any(run in engine_text() for phrase in case.words for run in _runs(phrase))


def _runs(phrase: str) -> list[str]:
    words = _plain(phrase).split()
    size = min(RUN_OF_WORDS, len(words))
    return [" ".join(words[i : i + size]) for i in range(len(words) - size + 1)]


def told_in(case: Case, snapshot: Snapshot) -> bool:
    """Whether the case's telling words stand in its events, logs, conditions, alerts or metrics."""
    text = " ".join(snapshot.logs.values())
    text += msgspec.json.encode(snapshot.extras).decode().replace('\\"', '"')
    for kind, found in snapshot.objects.items():
        if kind in ("Event", "Pod", "Node", "ConfigMap", "HorizontalPodAutoscaler", "Gateway", "HTTPRoute", "Job"):
            text += msgspec.json.encode(found).decode().replace('\\"', '"')
        elif kind == "PersistentVolume":
            text += msgspec.json.encode(found).decode()
    return all(phrase in text for phrase in case.words)


def resolves(evidence: Evidence, snapshot: Snapshot) -> bool:
    """Whether a citation names something that is in the snapshot (or, for an absence, that is not)."""
    return bool(evidence.id) and _RESOLVERS[evidence.type](evidence, snapshot)


def _object(evidence: Evidence, snapshot: Snapshot) -> bool:
    found = snapshot.find(evidence.ref)
    if found is None or found.metadata.uid != evidence.uid:
        return False
    value: Any = msgspec.to_builtins(found, str_keys=True)
    for part in evidence.pointer.strip("/").split("/") if evidence.pointer.strip("/") else ():
        part = part.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, ValueError, TypeError):
            return isinstance(value, dict)  # a field of a struct that has its default value is left out
    return True


def _event(evidence: Evidence, snapshot: Snapshot) -> bool:
    return any(e.metadata.uid == evidence.uid and e.message == evidence.observed for e in snapshot.of("Event"))


def _log(evidence: Evidence, snapshot: Snapshot) -> bool:
    key = LogKey(evidence.ref.namespace, evidence.ref.name, evidence.container, evidence.observed == "previous")
    lines = (snapshot.logs.get(key) or "").splitlines()
    return all(
        0 < number <= len(lines) and _spaced(text) in _spaced(lines[number - 1]) for number, text in evidence.lines
    )


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _absence(evidence: Evidence, snapshot: Snapshot) -> bool:
    return snapshot.find(evidence.ref) is None


def _metric(evidence: Evidence, snapshot: Snapshot) -> bool:
    return bool(evidence.pointer)


_RESOLVERS = {"object": _object, "event": _event, "log": _log, "absence": _absence, "metric": _metric}
