"""Health, readiness, the OpenAPI document, the kinds, and who is calling."""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib import __version__
from chalicelib.accounts.identity import PERMISSIONS
from chalicelib.api.endpoints import Call, Reply, endpoint
from chalicelib.api.models import resources, system
from chalicelib.api.render import kind_out, listed
from chalicelib.errors import KubiliticsError
from chalicelib.state.kinds import KINDS

blueprint = Blueprint(__name__)


@endpoint(blueprint, "GET", "/healthz", summary="The process runs.", tag="system", permission="", response=system.Alive)
def healthz(call: Call) -> object:
    return {"status": "ok", "version": __version__}


@endpoint(
    blueprint, "GET", "/readyz", summary="The store answers.", tag="system", permission="", response=system.Ready,
    others={503: system.Ready},
)  # fmt: skip
def readyz(call: Call) -> object:
    try:
        call.services.store.ready()
    except KubiliticsError as error:
        return Reply({"status": "not_ready", "checks": {"store": error.message}}, status=503)
    return {"status": "ready", "checks": {"store": "ok"}}


@endpoint(
    blueprint, "GET", "/api/v1/openapi.json", summary="This document.", tag="system", permission="",
    response=dict[str, object],
)  # fmt: skip
def openapi_document(call: Call) -> object:
    from chalicelib.api.openapi import document

    return document()


@endpoint(
    blueprint, "GET", "/api/v1/kinds", summary="The kinds that have lists, with their columns.", tag="resources",
    permission="clusters:read", response=resources.Kinds,
)  # fmt: skip
def list_kinds(call: Call) -> object:
    kinds = [kind_out(entry) for entry in KINDS if entry.listed]
    return listed(kinds, total=len(kinds))


@endpoint(
    blueprint, "GET", "/api/v1/me", summary="Who is calling.", tag="system", permission="clusters:read",
    response=system.Me,
)  # fmt: skip
def who_am_i(call: Call) -> object:
    principal = call.principal
    return {
        "user": principal.user, "name": principal.name, "tenant": principal.tenant, "role": principal.role,
        "permissions": sorted(PERMISSIONS[principal.role]),
    }  # fmt: skip
