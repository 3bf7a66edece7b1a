"""Typed settings, read from the environment once and checked at start.

Every variable starts with `KUBILITICS_`; AWS's own variables (`AWS_ENDPOINT_URL`, `AWS_REGION`, ...) are left to boto3.
No setting switches an adapter to a "local" branch: on a laptop only the endpoint differs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chalicelib.errors import KubiliticsError

PREFIX = "KUBILITICS_"


class InvalidSettings(KubiliticsError):
    code = "invalid_settings"
    default_remedy = "Correct the environment variable that the message names and start again."


class Settings(BaseModel):
    """What the process was told. Field `x_y` is read from `KUBILITICS_X_Y`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["memory", "embedded", "aws"] = "memory"
    """Which deployment this is, for messages and for the rules that differ (hosted network rules apply in `aws`)."""
    table_prefix: str = Field("kubilitics", pattern=r"^[a-z][a-z0-9-]{1,40}$")
    bucket: str = "kubilitics-data"
    anchor_bucket: str = "kubilitics-audit"
    """Holds the daily anchors of the audit chains, under Object Lock."""
    queue: str = "kubilitics-work.fifo"
    audit_queue: str = "kubilitics-audit.fifo"
    websocket_endpoint: str = ""
    """Where frames are posted (`.../@connections`); empty: no push, clients poll the journal."""
    public_origin: str = "http://127.0.0.1:8000"
    """Origin that browsers use; unsafe methods and /ws are refused from any other."""
    local_tenant: str = "local"
    local_auth: Literal["cookie", "link"] = "cookie"
    hosted: bool = False
    """True where strangers add clusters: servers on loopback, link-local and metadata addresses are refused."""
    snapshot_max_age_s: int = Field(30, ge=0, le=3600)
    collect_interval_s: int = Field(300, ge=30, le=86400)
    read_deadline_s: float = Field(20.0, gt=0, le=900)
    upload_limit_bytes: int = Field(512 * 1024 * 1024, ge=1024)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from an environment. Raises InvalidSettings naming the variable and what it accepts."""
    known = {name: PREFIX + name.upper() for name in Settings.model_fields}
    given = {name: environ[variable] for name, variable in known.items() if environ.get(variable, "") != ""}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        variable = known.get(str(first["loc"][0]), PREFIX + str(first["loc"][0]).upper())
        raise InvalidSettings(f"{variable} is not valid: {first['msg']}.", details={"variable": variable}) from error


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process."""
    return read_settings(os.environ)
