"""The embedded AWS as a real process on loopback."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.local import environment
from infra.local.instance import free_port
from infra.local.options import Options, read_options
from infra.local.process import Child, python_module, wait_until


@dataclass
class EmbeddedAws:
    options: Options
    port: int
    child: Child

    @property
    def url(self) -> str:
        return environment.aws_url(self.port)

    def client(self, service: str, **overrides: Any) -> Any:
        import boto3

        key_id, secret = self.options.layout.access_key()
        given = {"aws_access_key_id": key_id, "aws_secret_access_key": secret, **overrides}
        return boto3.client(service, endpoint_url=self.url, region_name=environment.REGION, **given)

    def start(self) -> None:
        self.child.start()
        assert wait_until(self.answers, self.child, within_s=60), self.child.last_words()

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(environment.aws_health_url(self.port), timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False


def embedded_aws(home: Path) -> EmbeddedAws:
    options = read_options({"KUBILITICS_HOME": str(home), "PORT": str(free_port())})
    if not options.ministack_python.exists():
        pytest.fail(f"{options.ministack_python} is missing: run `make setup`.")
    options.layout.prepare()
    port = free_port()
    child = Child(
        "embedded AWS",
        python_module("infra.local.embedded_aws.serve", python=options.ministack_python),
        environment.for_ministack(options, port, os.environ),
        options.layout.logs / "ministack.log",
        grace_s=60,
    )
    return EmbeddedAws(options, port, child)


@pytest.fixture(scope="session", autouse=True)
def region() -> Iterator[None]:
    """Chalice's WebSocket handlers ask for the region that Lambda sets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_REGION", environment.REGION)
        yield


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    running = embedded_aws(tmp_path_factory.mktemp("aws") / ".local")
    running.start()
    yield running
    running.child.stop()
