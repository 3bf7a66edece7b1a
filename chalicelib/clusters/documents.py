"""Untrusted JSON and YAML to plain values, with bounds on size, depth and expansion."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

MAX_DEPTH = 64
"""Kubernetes objects are rarely deeper than 20; deeper input is an attack on the parser's stack."""
MAX_NODES = 3_000_000

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})$")
_OCTAL = re.compile(r"0o?[0-7]{1,12}$")
_FLOAT = re.compile(r"[-+]?([0-9]{1,30}\.[0-9]{0,30}|\.[0-9]{1,30}|[0-9]{1,30}(?=[eE]))([eE][-+]?[0-9]{1,3})?$")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def as_utf8(data: bytes) -> bytes:
    """The same text in UTF-8 without byte order mark: Windows shells redirect output as UTF-16.

    Raises ValueError for text in no encoding that we know.
    """
    if data.startswith(codecs.BOM_UTF8):
        return data[3:]
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16").encode()
        except UnicodeError as error:
            raise ValueError("the text is neither UTF-8 nor UTF-16") from error
    return data


def json_bodies(data: bytes) -> Iterator[bytes]:
    """Each document of a JSON or YAML text as JSON bytes. Raises ValueError for what is neither.

    JSON is passed on unparsed; its reader bounds its depth.
    """
    text = as_utf8(data)
    head = text[:64].lstrip()
    if not head and not text.strip():
        return
    if head[:1] in (b"{", b"["):
        yield text
        return
    for plain in yaml_documents(text):
        if plain is not None:
            yield msgspec.json.encode(plain)


def yaml_documents(data: bytes) -> Iterator[Any]:
    """The documents of a YAML text as plain JSON values. Raises ValueError.

    Only what kubectl and kubeconfigs need: no tags, no anchors and aliases (which can expand without bound), string
    keys, times stay text, words as in JSON (`yes` and `on` stay text).
    """
    try:
        text = as_utf8(data).decode("utf-8")
        yield from _Composer(yaml.parse(text, Loader=_LOADER)).documents()
    except yaml.YAMLError as error:
        raise ValueError(f"not valid YAML: {_where(error)}") from error
    except UnicodeError as error:
        raise ValueError("the text is not UTF-8") from error
    except RecursionError as error:
        raise ValueError("the YAML is nested too deeply") from error


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "it cannot be parsed"
    return f"line {mark.line + 1}: {problem}" if mark else str(problem)


class _Composer:
    """Builds plain values from parser events in one pass, so that nothing is built before it was bounded."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._nodes = 0

    def documents(self) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                yield self._value(next(self._events), 0)

    def _value(self, event: Any, depth: int) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise ValueError("the YAML holds too many values")
        if depth > MAX_DEPTH:
            raise ValueError("the YAML is nested too deeply")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise ValueError(f"YAML anchors and aliases are not accepted (line {event.start_mark.line + 1})")
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if event.tag is not None:
            raise ValueError(f"YAML tags are not accepted (line {event.start_mark.line + 1})")
        return self._sequence(depth) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(depth)

    def _sequence(self, depth: int) -> list[Any]:
        items: list[Any] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._value(event, depth + 1))
        return items

    def _mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent) or event.anchor:
                raise ValueError(f"a YAML key is not plain text (line {event.start_mark.line + 1})")
            found[event.value] = self._value(next(self._events), depth + 1)
        return found


def _scalar(event: Any) -> Any:
    text: str = event.value
    if event.tag not in (None, "tag:yaml.org,2002:str", "tag:yaml.org,2002:binary"):
        raise ValueError(f"YAML tags are not accepted (line {event.start_mark.line + 1})")
    if event.style or event.tag:
        return text
    if text in _WORDS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INT.match(text):
        return int(text)
    if _OCTAL.match(text):
        return int(text.replace("o", ""), 8)
    if _FLOAT.match(text):
        return float(text)
    return text
