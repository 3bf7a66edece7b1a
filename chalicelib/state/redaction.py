"""Masks what looks like a credential in text that leaves: to models, into shared reports, messages and logs.

Three passes: forms that are secret by themselves, values behind names that say so (in assignments, flags, JSON, YAML,
XML, SQL, headers and URLs), and the fields of Kubernetes objects that hold secrets. `chalicelib.state.secret_forms` has
the data. Characters that are not seen are taken out first where text leaves (`chalicelib.state.visible`), since one
inside a name would hide it from every pattern.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from chalicelib.state.secret_forms import NAMES_OF_SECRETS, NOT_A_VALUE, WHOLE

MASK = "[redacted]"

_WHOLE = [(form.marks, re.compile(form.pattern, re.DOTALL)) for form in WHOLE.values()]
_SUFFIXES = r"\d{1,2}|b64|base64|value|text|hash|base|prod|dev|staging|old|new|primary|secondary|current|previous|main"
_ASSIGNED_NAME = re.compile(rf"(?:{NAMES_OF_SECRETS})(?:[_-]?(?:{_SUFFIXES}))?\Z", re.IGNORECASE)
_SECRET_NAME = re.compile(rf"(?:{NAMES_OF_SECRETS}|token)(?:[_-]?(?:{_SUFFIXES}))?\Z", re.IGNORECASE)
_IN_URL = re.compile(
    r"(?P<keep>\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@'\"]{0,200}:)(?!\d{1,5}(?:/|\b@))[^\s@'\"]{1,200}(?=@)", re.IGNORECASE
)
"""The password may have a slash; what is a port with a path behind it is none."""
_HEADER = re.compile(
    r"(?P<keep>\b(?:authorization|proxy-authorization|x-api-key|x-auth-token|x-vault-token|x-amz-security-token|"
    r"private-token|cookie|set-cookie)(?:\\?[\"'])?[ \t]*[:=][ \t]*(?:\\?[\"'])?"
    r"(?:(?:bearer|basic|token|digest)[ \t]+)?)"
    r"[^\s\"',;\\]+[^\r\n\"'\\]*",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(?P<keep>\b(?:bearer|basic)[ \t]+)[A-Za-z0-9+/=._~-]{16,}", re.IGNORECASE)
_VALUE = (
    # In quotes, in quotes inside a JSON text, or up to what ends a value.
    r"(?:\[redacted\]|\$\{[^}\r\n]*\}|\$\([^)\r\n]*\)|\\\"(?:[^\"\\\r\n]|\\\\.)+\\\"|\"(?:[^\"\\\r\n]|\\.)+\"|'[^'\r\n]+'|[^\s,;&\"'\\})\]<>|]+)"
)
_ASSIGNED = re.compile(r"(?P<name>[\w.-]{1,100})(?:\\?[\"'])?[ \t]*(?:=>|:=|[=:])[ \t]*")
_ASSIGNED_VALUE = re.compile(_VALUE)
_FLAG = re.compile(
    rf"(?P<keep>(?<![\w-])--?[\w.-]{{0,40}}?(?:{NAMES_OF_SECRETS}|token)(?:[_-]?(?:{_SUFFIXES}))?"
    r"(?:\\?[\"'])?(?:[ \t]+|[\"'],[ \t]*)(?:\\?[\"'])?)"
    r"(?!-)(?:\[redacted\]|[^\s\"',\\\]]+)",
    re.IGNORECASE,
)
_TOKEN = re.compile(
    r"(?P<keep>token(?:\\?[\"'])?[ \t]*(?:=>|:=|[=:])[ \t]*(?:\\?[\"'])?)"
    r"(?=[A-Za-z0-9+/=._~-]*\d)[A-Za-z0-9+/=._~-]{16,}",
    re.IGNORECASE,
)
"""A bare `token` names many things; only what is long and has a digit is taken for a secret one."""
_PAIR = re.compile(
    rf"(?P<keep>\\?[\"']?\bname\\?[\"']?[ \t]*:[ \t]*\\?[\"']?[\w.-]{{0,60}}?"
    rf"(?:{NAMES_OF_SECRETS}|token)(?:[_-]?(?:{_SUFFIXES}))?\\?[\"']?[ \t]*,?"
    rf"\s{{1,200}}?(?:\\?[\"'])?value(?:\\?[\"'])?[ \t]*:[ \t]*){_VALUE}|"
    rf"(?P<keep2>\\?[\"']name\\?[\"'][ \t]*:[ \t]*\\?[\"'][\w.-]{{0,60}}?"
    rf"(?:{NAMES_OF_SECRETS}|token)(?:[_-]?(?:{_SUFFIXES}))?\\?[\"'][ \t]*,[ \t]*"
    rf"\\?[\"']value\\?[\"'][ \t]*:[ \t]*){_VALUE}",
    re.IGNORECASE,
)
"""An environment variable of a container: `name` and `value`, in YAML or JSON."""
_XML = re.compile(
    rf"(?P<keep><[\w.:-]{{0,60}}?(?:{NAMES_OF_SECRETS})(?:[_-]?(?:{_SUFFIXES}))?>)[^<\r\n]+(?=</)", re.IGNORECASE
)  # fmt: skip
_SAID = re.compile(
    r"(?P<keep>\b(?:passw(?:or)?d|identified[ \t]+by|passphrase|secret)[ \t]+(?:is[ \t]+|was[ \t]+|=[ \t]*)?)"
    r"(?:'[^'\r\n]{4,}'|\"[^\"\r\n]{4,}\")(?![ \t]+(?:not[ \t]+found|does|is|was|has|could|cannot|already|in\b))",
    re.IGNORECASE,
)
_DOCKER_AUTH = re.compile(r"(?P<keep>\\?\"(?:auth|identitytoken)\\?\"[ \t]*:[ \t]*\\?\")[A-Za-z0-9+/=_.-]{8,}")
_DOCKER_CONFIG = re.compile(r"(?P<keep>\.dockerconfigjson|\.dockercfg)(?P<between>\\?[\"']?[ \t]*:[ \t]*)[^\s,}]+")
_NOT_A_VALUE = re.compile(NOT_A_VALUE, re.IGNORECASE)
_SECRET_KIND = re.compile(r"(?P<quote>\\?\"?)kind(?P=quote)[ \t]*:[ \t]*(?P=quote)Secret(?P=quote)(?![\w])")
_YAML_DATA = re.compile(r"^(?P<indent>[ \t]*)(?:data|stringData):[ \t]*$", re.MULTILINE)
_YAML_ITEM = re.compile(r"(?P<keep>^(?P<indent>[ \t]*)[\w.-]+:[ \t]*)\S.*$", re.MULTILINE)
_JSON_DATA = re.compile(r"(?P<quote>\\?\")(?:data|stringData)(?P=quote)[ \t\r\n]*:[ \t\r\n]*\{(?P<inside>[^{}]*)\}")
_JSON_ITEM = re.compile(
    r"(?P<keep>(?P<quote>\\?\")[\w.-]+(?P=quote)[ \t\r\n]*:[ \t\r\n]*(?P=quote))(?:(?!\\?\").)*", re.DOTALL
)


def redacted(text: str) -> str:
    """The text with everything that looks like a credential masked.

    >>> redacted("connect to postgres://shop:hunter2@db:5432 failed, DB_PASSWORD=hunter2")
    'connect to postgres://shop:[redacted]@db:5432 failed, DB_PASSWORD=[redacted]'
    """
    if len(text) < 4:
        return text
    if _SECRET_KIND.search(text):
        text = _without_secret_data(text)
    for marks, pattern in _WHOLE:
        if any(mark in text for mark in marks):
            text = pattern.sub(MASK, text)
    for form in (_IN_URL, _HEADER, _BEARER, _DOCKER_AUTH, _XML):
        text = form.sub(lambda found: found["keep"] + MASK, text)
    text = _DOCKER_CONFIG.sub(lambda found: found["keep"] + found["between"] + MASK, text)
    text = _PAIR.sub(lambda found: _masked_after(found, found["keep"] or found["keep2"]), text)
    text = _without_assigned(text)
    for form in (_TOKEN, _FLAG, _SAID):
        text = form.sub(lambda found: _masked_after(found, found["keep"]), text)
    return text


def _masked_after(found: re.Match[str], keep: str) -> str:
    value = found[0][len(keep) :]
    return found[0] if _NOT_A_VALUE.match(value.strip("\\\"'")) else keep + _mask_for(value)


_QUOTES = re.compile(r"(\\?[\"']).*\1\Z", re.DOTALL)


def _mask_for(value: str) -> str:
    """The mask in the quotes that the value had, so that JSON stays JSON."""
    quoted = _QUOTES.match(value)
    return f"{quoted[1]}{MASK}{quoted[1]}" if quoted else MASK


def _without_assigned(text: str) -> str:
    """Values of names that say that they are secret, in whatever notation has a name, a sign and a value."""
    parts, at = [], 0
    for found in _ASSIGNED.finditer(text):
        if found.start() < at or not _is_assigned_secret(found["name"]):
            continue
        value = _ASSIGNED_VALUE.match(text, found.end())
        if value is not None and not _NOT_A_VALUE.match(value[0].strip("\\\"'")):
            parts += [text[at : found.end()], _mask_for(value[0])]
            at = value.end()
    return "".join([*parts, text[at:]]) if parts else text


@lru_cache(maxsize=4096)
def _is_assigned_secret(name: str) -> bool:
    return _ASSIGNED_NAME.search(name) is not None


def _without_secret_data(text: str) -> str:
    """Values under `data` and `stringData` of Secrets, as YAML, as JSON, and as JSON inside a JSON text."""
    text = _JSON_DATA.sub(_json_block, text)
    return _in_yaml_documents(text, _yaml_block)


def _json_block(found: re.Match[str]) -> str:
    inside = found["inside"]
    return found[0].replace(inside, _JSON_ITEM.sub(lambda item: item["keep"] + MASK, inside)) if inside else found[0]


def _in_yaml_documents(text: str, change: Callable[[str], str]) -> str:
    parts = re.split(r"(^---[ \t]*$)", text, flags=re.MULTILINE)
    return "".join(change(part) if _SECRET_KIND.search(part) else part for part in parts)


def _yaml_block(document: str) -> str:
    """Everything that is indented deeper than a `data:` of a document that has a Secret."""
    lines, inside = document.split("\n"), None
    for n, line in enumerate(lines):
        if inside is not None:
            indent = len(line) - len(line.lstrip())
            if not line.strip() or indent > inside:
                lines[n] = (
                    _YAML_ITEM.sub(lambda item: item["keep"] + MASK, line)
                    if ":" in line
                    else (line[:indent] + MASK if line.strip() else line)
                )
                continue
            inside = None
        head = _YAML_DATA.match(line)
        if head is not None:
            inside = len(head["indent"])
    return "\n".join(lines)


def redacted_all(value: Any) -> Any:
    """A JSON value whose texts are redacted; keys stay. A value behind a key that says so is masked whole."""
    return _all(value, secret=False)


def _all(value: Any, *, secret: bool) -> Any:
    if isinstance(value, str):
        return MASK if secret and value and not _NOT_A_VALUE.match(value) else redacted(value)
    if isinstance(value, list | tuple):
        return [_all(item, secret=secret) for item in value]
    if isinstance(value, dict):
        if value.get("kind") == "Secret":
            value = {k: _hidden(v) if k in ("data", "stringData") else v for k, v in value.items()}
        named = isinstance(value.get("name"), str) and is_secret_name(value["name"])
        return {
            k: _all(v, secret=secret or is_secret_name(str(k)) or (named and k == "value")) for k, v in value.items()
        }
    return value


def _hidden(value: Any) -> Any:
    return dict.fromkeys(value, MASK) if isinstance(value, dict) else MASK


def is_secret_name(name: str) -> bool:
    """Whether the name of a field or a variable says that its value is secret."""
    return len(name) <= 100 and _SECRET_NAME.search(name) is not None
