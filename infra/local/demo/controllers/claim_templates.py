"""A StatefulSet may mount its claim templates: the server's rules for the kind, taught that claims are volumes too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.local.demo.server.errors import FieldError
from infra.local.demo.server.kinds.workloads import StatefulSetStrategy
from infra.local.demo.server.store import Object, copy_of
from infra.local.demo.server.strategies import strategy

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api


@strategy("StatefulSet")
class WithClaims(StatefulSetStrategy):
    """Validation sees the volumes that the StatefulSet controller will add to each pod."""

    def validate(self, api: Api, obj: Object) -> list[FieldError]:
        seen = copy_of(obj)
        spec = seen["spec"]["template"].get("spec") or {}
        have = {volume.get("name") for volume in spec.get("volumes") or ()}
        names = (claim["metadata"]["name"] for claim in seen["spec"].get("volumeClaimTemplates") or ())
        added = [{"name": name, "emptyDir": {}} for name in names if name not in have]
        if added:
            spec["volumes"] = [*(spec.get("volumes") or ()), *added]
        return super().validate(api, seen)
