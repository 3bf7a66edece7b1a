"""How a call to a model can fail, and whether it is worth trying again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from chalicelib.errors import KubiliticsError
from chalicelib.state.redaction import redacted

LONGEST_MESSAGE = 300


class LlmError(KubiliticsError):
    """Base. `transient`: the same call may work later or elsewhere; permanent errors do not open a circuit."""

    code = "llm_failed"
    status = 502
    transient = False
    default_remedy = "The answer without a model stands; ask an administrator to test the provider."

    def __init__(self, message: str, *, retry_after_s: float | None = None, **more: Any) -> None:
        super().__init__(message, **more)
        self.retry_after_s = retry_after_s


class LlmUnauthorized(LlmError):
    code = "llm_unauthorized"
    default_remedy = "Ask an administrator to set the key of this provider again."


class LlmQuotaExceeded(LlmError):
    """The account at the provider has no money or quota left."""

    code = "llm_quota_exceeded"
    default_remedy = "Check billing and limits of the account at the provider."


class LlmModelUnknown(LlmError):
    code = "llm_model_unknown"
    default_remedy = "Choose a model that the provider lists; the test of the provider shows them."


class LlmBadRequest(LlmError):
    """The server does not accept the request: usually a parameter that the model does not take."""

    code = "llm_bad_request"
    default_remedy = "Test the provider again, so that its capabilities are learned anew."


class LlmOverflow(LlmError):
    """The prompt is longer than the model's context window."""

    code = "llm_context_overflow"
    default_remedy = "Ask about less at once, or choose a model with a larger context window."


class LlmRateLimited(LlmError):
    code = "llm_rate_limited"
    transient = True
    default_remedy = "Try again in a moment."


class LlmOverloaded(LlmError):
    code = "llm_overloaded"
    transient = True
    default_remedy = "Try again in a moment."


class LlmUnreachable(LlmError):
    code = "llm_unreachable"
    transient = True
    default_remedy = "Check the address of the provider, and whether its server runs."


class LlmAddressRefused(LlmError):
    """The provider's name leads to an address that must not be reached from here."""

    code = "address_refused"
    default_remedy = "Give the public address of the provider."


class LlmTimeout(LlmError):
    code = "llm_timeout"
    status = 504
    transient = True
    default_remedy = "Try again, or choose a faster model."


class LlmBrokenStream(LlmError):
    """The answer stopped in the middle."""

    code = "llm_broken_stream"
    transient = True
    default_remedy = "Try again."


class LlmCancelled(LlmError):
    code = "llm_cancelled"
    status = 409
    default_remedy = "Nothing needs to be done: somebody stopped it."


class LlmAnswerTooLarge(LlmError):
    code = "llm_answer_too_large"
    default_remedy = "Choose another model: this one does not keep to its limits."


_OVERFLOW = re.compile(
    r"context.{0,3}(?:length|window|size)|maximum context|n_ctx|prompt is too long|too many (?:input )?tokens|"
    r"exceeds? the (?:available|model'?s) context|context_length_exceeded|input is too long",
    re.IGNORECASE,
)
_QUOTA = re.compile(r"insufficient_quota|billing|credit balance|payment", re.IGNORECASE)


def error_of(provider: str, status: int, message: str, headers: Mapping[str, str] | None = None) -> LlmError:
    """The error for an HTTP status and what the server said; its words are redacted and cut."""
    said = redacted(" ".join(message.split()))[:LONGEST_MESSAGE]
    text = f"{provider} answered {status}: {said}" if said else f"{provider} answered {status}."
    more: dict[str, Any] = {"details": {"provider": provider, "status": status}}
    after = retry_after(headers or {})
    if status in (401, 403):
        return LlmUnauthorized(text, **more)
    if status == 402 or (status == 429 and _QUOTA.search(message)):
        return LlmQuotaExceeded(text, **more)
    if status == 413 or (status in (400, 422, 500) and _OVERFLOW.search(message)):
        return LlmOverflow(text, **more)
    if status == 404:
        return LlmModelUnknown(text, **more)
    if status == 429:
        return LlmRateLimited(text, retry_after_s=after, **more)
    if status in (408, 504):
        return LlmTimeout(text, retry_after_s=after, **more)
    if status >= 500:
        return LlmOverloaded(text, retry_after_s=after, **more)
    return LlmBadRequest(text, **more)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait (`retry-after-ms`, or `Retry-After` in seconds or as a date)."""
    lowered = {name.lower(): value for name, value in headers.items()}
    try:
        if "retry-after-ms" in lowered:
            return max(0.0, float(lowered["retry-after-ms"]) / 1000)
        return max(0.0, float(lowered["retry-after"]))
    except KeyError:
        return None
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(lowered.get("retry-after", ""))
        sent = parsedate_to_datetime(lowered.get("date", ""))
    except ValueError:
        return None
    return max(0.0, (until - sent).total_seconds())
