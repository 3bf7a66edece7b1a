"""ControllerRevisions of StatefulSets and DaemonSets."""

from __future__ import annotations

import orjson

from infra.local.demo.controllers.status import owner_reference
from infra.local.demo.server.api import Api
from infra.local.demo.server.identity import safe_hash
from infra.local.demo.server.store import Object, copy_of


def current_revision(api: Api, owner: Object) -> Object:
    """The revision of the owner's present template; made, or numbered anew, when need be."""
    data = {"spec": {"template": {**copy_of(owner["spec"]["template"]), "$patch": "replace"}}}
    digest = safe_hash(orjson.dumps(data, option=orjson.OPT_SORT_KEYS))
    meta = owner["metadata"]
    history = api.owned_by("ControllerRevision", owner)
    highest = max((one.get("revision", 0) for one in history), default=0)
    name = f"{meta['name']}-{digest}"
    for one in history:
        if one["metadata"]["name"] == name:
            if one["revision"] == highest:
                return one
            return api.update("ControllerRevision", {**copy_of(one), "revision": highest + 1})
    labels = dict(owner["spec"]["template"]["metadata"].get("labels") or {})
    labels["controller-revision-hash" if owner["kind"] == "DaemonSet" else "controller.kubernetes.io/hash"] = digest
    body = {
        "metadata": {"name": name, "labels": labels, "ownerReferences": [owner_reference(owner)]},
        "data": data, "revision": highest + 1,
    }  # fmt: skip
    return api.create("ControllerRevision", body, namespace=meta["namespace"], manager="kube-controller-manager")
