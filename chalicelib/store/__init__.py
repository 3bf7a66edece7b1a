"""What is kept: records behind repositories, over four ports with in-memory twins and AWS adapters.

`memory_store()` and `aws_store(settings)` give the same `Store`; AWS libraries load only with the latter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.store.facade import Store, event_of
from chalicelib.store.memory import memory_store
from chalicelib.store.pages import Page
from chalicelib.store.ports import Objects, Queue, QueueMessage, Secrets, Upload

if TYPE_CHECKING:
    from chalicelib.settings import Settings

__all__ = [
    "Objects",
    "Page",
    "Queue",
    "QueueMessage",
    "Secrets",
    "Store",
    "Upload",
    "aws_store",
    "create_resources",
    "event_of",
    "memory_store",
]


def aws_store(settings: Settings) -> Store:
    """The store in AWS, or in whatever `AWS_ENDPOINT_URL` names. Nothing is called before the first use."""
    from chalicelib.store.aws import aws_store as build

    return build(settings)


def create_resources(settings: Settings) -> list[str]:
    """Create the tables, bucket and queues that are missing; their names.

    For the embedded services and tests.
    """
    from chalicelib.store.aws.resources import create_resources as create

    return create(settings)
