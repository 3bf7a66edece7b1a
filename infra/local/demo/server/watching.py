"""WATCH: frames for one client, from the change log and from then on as changes are committed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson

from infra.local.demo.server import conversion
from infra.local.demo.server.errors import gone
from infra.local.demo.server.listing import parse_revision
from infra.local.demo.server.reading import predicate
from infra.local.demo.server.resources import Resource
from infra.local.demo.server.store import ADDED, DELETED, MODIFIED, Change, Compacted, Object
from infra.local.demo.server.wire import HttpRequest

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api

Shape = Callable[[Object], Any]


class Watch:
    """An open watch. `drain` gives the frames that are ready; `notify` is called when there are new ones."""

    def __init__(self, api: Api, resource: Resource, namespace: str, request: HttpRequest, shape: Shape) -> None:
        self._api = api
        self._resource = resource
        self._namespace = namespace
        self._shape = shape
        self._test = predicate(resource, request.one("labelSelector"), request.one("fieldSelector"))
        self._frames: list[bytes] = []
        self._sent = 0
        self.bookmarks = request.flag("allowWatchBookmarks")
        self.timeout_s = float(request.one("timeoutSeconds") or 1800)
        self.over = False
        self.notify: Callable[[], None] = lambda: None
        self._stop: Callable[[], None] = lambda: None
        self._start(request)

    def _start(self, request: HttpRequest) -> None:
        given = request.one("resourceVersion")
        revision = parse_revision(given) if given else 0
        self._sent = self._api.store.revision
        if not revision:
            self._initial(request)
        else:
            try:
                for change in self._api.store.changes(revision):
                    self._take(change)
            except Compacted:
                oldest = self._api.store.compacted
                error = gone(f"too old resource version: {revision} ({oldest})")
                self._frame("ERROR", error.status())
                self.over = True
                return
            self._sent = max(self._sent, revision)
        self._stop = self._api.store.subscribe(self._take)

    def _initial(self, request: HttpRequest) -> None:
        """Synthetic ADDED events for everything there is, closed by a bookmark if the client streams its list."""
        if request.one("sendInitialEvents") == "false":
            return
        for row in self._api.store.list(self._resource, self._namespace):
            if self._test is None or self._test(row.object):
                self._emit(ADDED, row.object)
        if request.flag("sendInitialEvents"):
            self._bookmark({"annotations": {"k8s.io/initial-events-end": "true"}})

    def _take(self, change: Change) -> None:
        self._sent = max(self._sent, change.revision)
        if change.key != self._resource.key or (self._namespace and change.namespace != self._namespace):
            return
        is_in = change.type != DELETED and (self._test is None or self._test(change.object))
        was_in = change.before is not None and (self._test is None or self._test(change.before.object))
        if is_in:
            self._emit(MODIFIED if was_in else ADDED, change.object)
        elif was_in:
            last = dict(change.object)
            last["metadata"] = dict(last["metadata"], resourceVersion=str(change.revision))
            self._emit(DELETED, last)

    def _emit(self, kind: str, obj: Object) -> None:
        self._frame(kind, self._shape(conversion.convert(self._resource, obj)))

    def _frame(self, kind: str, body: Any) -> None:
        self._frames.append(orjson.dumps({"type": kind, "object": body}) + b"\n")
        self.notify()

    def _bookmark(self, extra: Object) -> None:
        meta = {"resourceVersion": str(self._sent), **extra}
        kind, version = self._resource.kind, self._resource.group_version
        self._frame("BOOKMARK", {"kind": kind, "apiVersion": version, "metadata": meta})

    def bookmark(self) -> None:
        """Tell the client how far it has come, if it wants to know."""
        if self.bookmarks and not self.over:
            self._bookmark({})

    def drain(self) -> list[bytes]:
        """Frames not handed out yet."""
        ready, self._frames = self._frames, []
        return ready

    def close(self) -> None:
        self.over = True
        self._stop()
