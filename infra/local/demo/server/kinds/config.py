"""ConfigMaps, Secrets, ServiceAccounts, events, leases and limits."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from infra.local.demo.server.errors import FieldError, field_forbidden, required, too_long
from infra.local.demo.server.kinds.workloads import immutable
from infra.local.demo.server.store import Object
from infra.local.demo.server.strategies import Strategy, strategy

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api

_LIMIT_BYTES = 1024 * 1024
_FROZEN = "field is immutable when `immutable` is set"


class _Data(Strategy):
    fields: tuple[str, ...] = ("data", "binaryData")

    def validate(self, api: Api, obj: Object) -> list[FieldError]:
        size = sum(len(value) for name in self.fields for value in (obj.get(name) or {}).values())
        return [too_long("", _LIMIT_BYTES)] if size > _LIMIT_BYTES else []

    def validate_update(self, api: Api, obj: Object, old: Object) -> list[FieldError]:
        if not old.get("immutable"):
            return []
        found = []
        if not obj.get("immutable"):
            found.append(field_forbidden("immutable", _FROZEN))
        return found + [field_forbidden(name, _FROZEN) for name in self.fields if obj.get(name) != old.get(name)]


@strategy("ConfigMap")
class ConfigMapStrategy(_Data):
    pass


@strategy("Secret")
class SecretStrategy(_Data):
    fields = ("data",)

    def default(self, obj: Object) -> None:
        obj.setdefault("type", "Opaque")
        written = obj.pop("stringData", None)
        if written:
            encoded = {key: base64.b64encode(value.encode()).decode() for key, value in written.items()}
            obj["data"] = {**(obj.get("data") or {}), **encoded}

    def validate_update(self, api: Api, obj: Object, old: Object) -> list[FieldError]:
        return immutable("type", obj.get("type"), old.get("type")) + super().validate_update(api, obj, old)


@strategy("Event")
class EventStrategy(Strategy):
    create_on_update = True

    def default(self, obj: Object) -> None:
        obj.setdefault("source", {})
        obj.setdefault("firstTimestamp", None)
        obj.setdefault("lastTimestamp", None)
        obj.setdefault("eventTime", None)
        obj.setdefault("reportingComponent", (obj.get("source") or {}).get("component", ""))
        obj.setdefault("reportingInstance", (obj.get("source") or {}).get("host", ""))

    def validate(self, api: Api, obj: Object) -> list[FieldError]:
        return [] if obj.get("involvedObject") else [required("involvedObject")]


@strategy("Lease")
class LeaseStrategy(Strategy):
    create_on_update = True


@strategy("LimitRange")
class LimitRangeStrategy(Strategy):
    def default(self, obj: Object) -> None:
        for item in (obj.get("spec") or {}).get("limits") or ():
            if item.get("type") != "Container":
                continue
            defaults = dict(item.get("default") or {})
            for name, amount in (item.get("max") or {}).items():
                defaults.setdefault(name, amount)
            requests = dict(item.get("defaultRequest") or {})
            for name, amount in {**(item.get("min") or {}), **defaults}.items():
                requests.setdefault(name, amount)
            if defaults:
                item["default"] = defaults
            if requests:
                item["defaultRequest"] = requests
