"""Masks what looks like a credential in text that leaves: reports that are shared, and whatever else goes outside.

Named forms only (key prefixes, headers, URLs, PEM blocks, `password=`): a filter by entropy masks plain log lines too.
Sources of the forms: the named detectors of Yelp/detect-secrets and the documented token prefixes of the issuers.
"""

from __future__ import annotations

import re
from typing import Any

MASK = "[redacted]"

_FORMS = (
    # A whole PEM block, also one whose end was cut off.
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",  # JSON Web Token
    r"\b(?:AKIA|ASIA|AGPA|AROA|AIDA)[A-Z0-9]{16}\b",  # AWS key id
    r"\bgh[pousr]_[A-Za-z0-9]{20,}\b|\bgithub_pat_[A-Za-z0-9_]{20,}\b",
    r"\bglpat-[A-Za-z0-9_-]{16,}\b",
    r"\bxox[abeprs]-[A-Za-z0-9-]{10,}\b",  # Slack
    r"https://hooks\.slack\.com/\S+",
    r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}\b",  # model providers
    r"\b[rsp]k_(?:live|test)_[A-Za-z0-9]{10,}\b",  # Stripe
    r"\bAIza[A-Za-z0-9_-]{30,}\b",  # Google API key
    r"\bya29\.[A-Za-z0-9_-]{20,}",
    r"\bnpm_[A-Za-z0-9]{30,}\b|\bpypi-[A-Za-z0-9_-]{30,}\b|\bdop_v1_[a-f0-9]{40,}\b",
    r"\bk8s-aws-v1\.[A-Za-z0-9_-]{20,}",
    r"\b(?:kbl|kbs|link)_[a-z0-9-]{1,63}_[A-Za-z0-9_-]{43}",  # our own
)
_WHOLE = re.compile("|".join(f"(?:{form})" for form in _FORMS), re.DOTALL)
_IN_URL = re.compile(r"(?P<keep>\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@'\"]{0,200}:)[^\s/@'\"]{1,200}(?=@)", re.IGNORECASE)
_HEADER = re.compile(
    r"(?P<keep>\b(?:authorization|proxy-authorization|x-api-key|x-auth-token|cookie|set-cookie)[\"']?\s*[:=]\s*[\"']?"
    r"(?:(?:bearer|basic|token|digest)\s+)?)[^\s\"',;]+[^\r\n\"']*",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(?P<keep>\b(?:bearer|basic)\s+)[A-Za-z0-9+/=._~-]{16,}", re.IGNORECASE)
_KEYED = re.compile(
    r"(?P<keep>[\w.-]{0,40}(?:passw(?:or)?d|passwd|pwd|passphrase|secret(?:[_-]?(?:access[_-]?)?key)?|api[_-]?key|"
    r"access[_-]?key|private[_-]?key|client[_-]?secret|auth[_-]?token|access[_-]?token|refresh[_-]?token|credentials?)"
    r"[\"']?\s*(?:=>|[=:])\s*)(?:\"[^\"\r\n]+\"|'[^'\r\n]+'|[^\s,;&\"'})\]]+)",
    re.IGNORECASE,
)
_NOT_A_VALUE = re.compile(r"(?:true|false|null|none|nil|\*+|<[^>]*>|\[redacted\]|\d{1,3})\Z", re.IGNORECASE)


def redacted(text: str) -> str:
    """The text with everything that looks like a credential masked.

    >>> redacted("connect to postgres://shop:hunter2@db:5432 failed, DB_PASSWORD=hunter2")
    'connect to postgres://shop:[redacted]@db:5432 failed, DB_PASSWORD=[redacted]'
    """
    text = _WHOLE.sub(MASK, text)
    for form in (_IN_URL, _HEADER, _BEARER):
        text = form.sub(lambda found: found["keep"] + MASK, text)
    return _KEYED.sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    value = found[0][len(found["keep"]) :].strip("\"'")
    return found[0] if _NOT_A_VALUE.match(value) else found["keep"] + MASK


def redacted_all(value: Any) -> Any:
    """A JSON value whose texts are redacted; keys stay."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, list | tuple):
        return [redacted_all(item) for item in value]
    if isinstance(value, dict):
        return {key: redacted_all(item) for key, item in value.items()}
    return value
