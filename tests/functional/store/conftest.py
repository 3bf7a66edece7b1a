"""The same suite against the in-memory twin and against AWS as moto has it.

A store lives as long as a test module; each test has a tenant of its own. With CONTRACT_ENDPOINT (and the AWS
credentials that it takes) the suite also runs against the services there.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chalicelib.settings import Settings
from chalicelib.state.ids import TenantId
from chalicelib.store import Store, aws_store, create_resources, memory_store
from chalicelib.store.memory import MemoryObjects

_numbers = itertools.count(1)


ENDPOINT = os.environ.get("CONTRACT_ENDPOINT", "")


@pytest.fixture(scope="module", params=["memory", "moto", *(["endpoint"] if ENDPOINT else [])])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "memory":
        yield memory_store()
        return
    with moto_settings() if request.param == "moto" else endpoint_settings() as settings:
        create_resources(settings)
        yield aws_store(settings)


@pytest.fixture(params=["memory", *(["endpoint"] if ENDPOINT else [])])
def shared_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A store for writers that race. Not moto: it undoes the writes of other threads when one transaction fails."""
    if request.param == "memory":
        yield memory_store()
        return
    with endpoint_settings() as settings:
        create_resources(settings)
        yield aws_store(settings)


@pytest.fixture
def empty_store(store: Store) -> Store:
    """Another store of the same kind, with nothing in it."""
    if isinstance(store.objects, MemoryObjects):
        return memory_store()
    elsewhere = new_settings()
    create_resources(elsewhere)
    return aws_store(elsewhere)


@pytest.fixture
def tenant() -> TenantId:
    return TenantId(f"tenant-{next(_numbers)}")


@pytest.fixture
def other_tenant() -> TenantId:
    return TenantId(f"tenant-{next(_numbers)}")


@contextmanager
def moto_settings() -> Iterator[Settings]:
    """Settings for AWS in this process: moto answers, and no real credentials can be used by accident."""
    from moto import mock_aws

    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_DEFAULT_REGION"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_REGION", "eu-central-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        with mock_aws():
            yield Settings(mode="aws")


@contextmanager
def endpoint_settings() -> Iterator[Settings]:
    """Settings for the services at CONTRACT_ENDPOINT, with names that nothing there has yet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", ENDPOINT)
        patch.setenv("AWS_REGION", "eu-central-1")
        yield new_settings()


def new_settings() -> Settings:
    name = f"test{os.getpid()}-{next(_numbers)}"
    return Settings(
        mode="aws", table_prefix=name, bucket=name, queue=f"{name}-work.fifo", audit_queue=f"{name}-audit.fifo"
    )
