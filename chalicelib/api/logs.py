"""Loggers of the edge: structured lines, redacted as they are written."""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from chalicelib.state.redaction import redacted_all


class RedactingFormatter(LambdaPowertoolsFormatter):
    """JSON lines whose texts, tracebacks included, hold nothing that looks like a credential."""

    def serialize(self, log: Any) -> str:
        # Read back first: only then is every value a text, exceptions included.
        return json.dumps(redacted_all(json.loads(super().serialize(log))), separators=(",", ":"))


def logger_of(service: str) -> Logger:
    return Logger(service=service, logger_formatter=RedactingFormatter())
