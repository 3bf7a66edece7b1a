"""A line of the log holds no credential, wherever it came from."""

from __future__ import annotations

import json

import pytest

from chalicelib.api.logs import logger_of


def test_messages_fields_and_tracebacks_are_redacted(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logger_of("test-of-redaction")
    logger.info("login with password=hunter2hunter2", url="postgres://shop:hunter2hunter2@db/x", token="t0k3n" * 5)
    try:
        raise ValueError("Authorization: Bearer hunter2hunter2hunter2")
    except ValueError:
        logger.exception("unhandled", path="/x")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["message"] for line in lines] == ["login with password=[redacted]", "unhandled"]
    assert "hunter2" not in json.dumps(lines)
    assert lines[0]["token"] == "[redacted]"
    assert lines[1]["exception_name"] == "ValueError"
