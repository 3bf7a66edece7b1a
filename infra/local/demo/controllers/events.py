"""Events as clients of the API write them: counted when repeated, combined when similar, gone after an hour.

Follows client-go's event correlator: an equal event within the time to live raises the count; from the tenth different
message about the same object and reason within ten minutes on, they are combined into one. The scheduler writes
events of the newer API, which have an eventTime and no count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from infra.local.demo.server.api import Api
from infra.local.demo.server.clock import micro_timestamp, timestamp
from infra.local.demo.server.errors import ApiError
from infra.local.demo.server.store import Object

TIME_TO_LIVE = timedelta(hours=1)
_SIMILAR = 10
_WINDOW = timedelta(minutes=10)
_KEY = ("", "events")
_EventId = tuple[str, str, str, str, str, str]


@dataclass
class _Similar:
    since: datetime  # of the last one
    messages: int


class Recorder:
    """Writes events for controllers and kubelets."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: dict[_EventId, tuple[str, str]] = {}
        self._similar: dict[_EventId, _Similar] = {}
        self._serial = 0

    def record(
        self,
        source: str,
        about: Object,
        kind: str,
        reason: str,
        message: str,
        *,
        field: str = "",
        host: str = "",
        times: int = 1,
    ) -> None:
        """Write an event, or count one more of the same; `times` counts several at once."""
        meta = about["metadata"]
        space = meta.get("namespace", "") or "default"
        identity = (source, meta.get("uid", ""), field, kind, reason, message)
        message = self._combined(identity, message)
        identity = (*identity[:5], message if not message.startswith("(combined") else "(combined)")
        known = self._known.get(identity)
        stored = self._api.store.get(_KEY, *known) if known else None
        if stored is not None:
            self._count(stored.object, message, times)
            return
        self._serial += 1
        name = f"{meta['name']}.{0x18EA51F62D731EB0 + self._serial * 7919:016x}"
        self._known[identity] = (space, name)
        body = self._body(source, about, kind, reason, message, field, host, times)
        try:
            self._write(space, name, body)
        except ApiError as error:
            if error.code not in (403, 404):  # an event about an object of a namespace that is going away
                raise

    def _combined(self, identity: _EventId, message: str) -> str:
        group = (*identity[:5], "")
        now = self._api.clock.now()
        similar = self._similar.get(group)
        if similar is None or now - similar.since > _WINDOW:
            similar = self._similar[group] = _Similar(now, 0)
        similar.since = now
        if identity not in self._known:
            similar.messages += 1
        return f"(combined from similar events): {message}" if similar.messages >= _SIMILAR else message

    def _count(self, event: Object, message: str, times: int) -> None:
        if event.get("eventTime"):
            changed = {**event, "metadata": dict(event["metadata"])}
            series = event.get("series") or {"count": 1}
            changed["series"] = {
                "count": series["count"] + times,
                "lastObservedTime": micro_timestamp(self._api.clock.now()),
            }
        else:
            changed = {**event, "metadata": dict(event["metadata"]), "message": message}
            changed["count"] = event.get("count", 1) + times
            changed["lastTimestamp"] = timestamp(self._api.clock.now())
        self._api.store.put(_KEY, changed)

    def _body(
        self,
        source: str,
        about: Object,
        kind: str,
        reason: str,
        message: str,
        field: str,
        host: str,
        times: int,
    ) -> Object:
        meta = about["metadata"]
        involved: Object = {
            "kind": about["kind"],
            "namespace": meta.get("namespace", ""),
            "name": meta["name"],
        }
        involved |= {"uid": meta.get("uid", ""), "apiVersion": about["apiVersion"]}
        involved["resourceVersion"] = meta.get("resourceVersion", "")
        if field:
            involved["fieldPath"] = field
        if not involved["namespace"]:
            del involved["namespace"]
        if about["kind"] == "Node":
            involved["uid"] = meta["name"]  # kubelets and the node controller write the name here
        now = self._api.clock.now()
        body: Object = {"involvedObject": involved, "reason": reason, "message": message, "type": kind}
        if source == "default-scheduler":
            body |= {
                "source": {},
                "firstTimestamp": None,
                "lastTimestamp": None,
                "eventTime": micro_timestamp(now),
            }
            body |= {
                "action": "Binding" if reason == "Scheduled" else "Scheduling",
                "reportingComponent": source,
            }
            return body | {"reportingInstance": "default-scheduler-ip-10-20-0-10"}
        origin = {"component": source, "host": host} if host else {"component": source}
        moment = timestamp(now)
        body |= {"source": origin, "firstTimestamp": moment, "lastTimestamp": moment, "count": times}
        return body | {"eventTime": None, "reportingComponent": source, "reportingInstance": host}

    def _write(self, namespace: str, name: str, body: Object) -> None:
        space = self._api.store.get(("", "namespaces"), "", namespace)
        if space is None:
            return
        meta = {
            "name": name,
            "namespace": namespace,
            "uid": self._api.identity.uid(),
            "creationTimestamp": self._api.now(),
        }
        self._api.store.put(_KEY, {"kind": "Event", "apiVersion": "v1", "metadata": meta, **body})

    def expire(self) -> int:
        """Remove events that nothing has happened to for an hour; returns how many."""
        limit = self._api.clock.now() - TIME_TO_LIVE
        old = [stored.object["metadata"] for stored in self._api.store.list(_KEY) if last_seen(stored.object) < limit]
        for meta in old:
            self._api.store.remove(_KEY, meta["namespace"], meta["name"])
        if old:
            gone = {(meta["namespace"], meta["name"]) for meta in old}
            self._known = {identity: key for identity, key in self._known.items() if key not in gone}
        return len(old)


def last_seen(event: Object) -> datetime:
    """The newest time an event tells of."""
    text = (event.get("series") or {}).get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return datetime.fromisoformat((text or event["metadata"]["creationTimestamp"]).replace("Z", "+00:00"))
