"""Present use of pods and nodes from metrics.k8s.io lists."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import msgspec

from chalicelib.state.decode import ListMeta, Page
from chalicelib.state.meta import Api, ObjectMeta, Quantities
from chalicelib.state.quantity import quantity
from chalicelib.state.snapshot import Usage
from chalicelib.state.structs import ready


class ContainerUsage(Api):
    usage: Quantities = {}


class Metrics(Api):
    """PodMetrics (`containers`) or NodeMetrics (`usage`)."""

    metadata: ObjectMeta = ObjectMeta()
    usage: Quantities = {}
    containers: list[ContainerUsage] = []

    @property
    def key(self) -> tuple[str, str]:
        return self.metadata.namespace, self.metadata.name

    @property
    def total(self) -> Usage:
        """The sum over the containers, or the node's use; cores and bytes."""
        parts: Iterable[Quantities] = [self.usage] if self.usage else [c.usage for c in self.containers]
        return Usage(
            cpu=sum(quantity(p.get("cpu")) for p in parts), memory=sum(quantity(p.get("memory")) for p in parts)
        )


ready(Metrics)


@functools.cache
def _decoder() -> Any:
    return msgspec.json.Decoder(
        msgspec.defstruct(
            "MetricsList",
            [("metadata", ListMeta | None, None), ("items", list[Metrics] | None, None)],
            bases=(Api,),
        )
    )


def metrics_page(body: bytes) -> Page:
    """One page of a metrics.k8s.io list. Raises ValueError."""
    try:
        page = _decoder().decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"not a list of metrics: {error}") from error
    meta = page.metadata or ListMeta()
    return Page(page.items or [], meta.continue_, meta.resource_version, meta.remaining_item_count)
