"""One write as admission sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.local.demo.server.access import Caller
from infra.local.demo.server.resources import Resource
from infra.local.demo.server.store import Object

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api


@dataclass
class Request:
    """`object` is None for deletions, `old` for creations; plugins may change `object` in place."""

    api: Api
    resource: Resource
    operation: str
    namespace: str
    name: str
    object: Object | None
    old: Object | None
    caller: Caller
    subresource: str = ""

    @property
    def creates_pod(self) -> bool:
        return self.operation == "CREATE" and self.resource.kind == "Pod" and not self.resource.group

    def warn(self, text: str) -> None:
        """Tell the client something in a Warning header."""
        self.api.warnings.append(text)
