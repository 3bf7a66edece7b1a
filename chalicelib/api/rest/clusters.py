"""Connecting clusters, checking them, and the whole of one: overview and problems."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
from chalice.app import Blueprint

from chalicelib.api.endpoints import Call, Reply, endpoint
from chalicelib.api.models import clusters as models
from chalicelib.api.render import cluster_out, gaps_out, listed, problem_out, stale_gaps
from chalicelib.errors import Conflict, InvalidRequest
from chalicelib.state.ids import new_id
from chalicelib.store.pages import decode_cursor, encode_cursor
from chalicelib.store.records import ClusterRecord
from chalicelib.tools.collection import looks_like_production
from chalicelib.tools.overview import overview

blueprint = Blueprint(__name__)
UPLOAD_EXPIRES_S = 3600
UPLOAD_TYPE = "application/octet-stream"


@endpoint(
    blueprint, "GET", "/api/v1/clusters", summary="Connected clusters.", tag="clusters",
    permission="clusters:read", response=models.Clusters,
)  # fmt: skip
def list_clusters(call: Call) -> object:
    records = call.services.views.clusters(call.principal)
    return listed([cluster_out(r) for r in records], total=len(records))


@endpoint(
    blueprint, "POST", "/api/v1/clusters", summary="Connect a cluster.", tag="clusters", status=201,
    permission="clusters:write", body=models.AddCluster, response=models.AddedCluster,
)  # fmt: skip
def add_cluster(call: Call) -> object:
    wanted: models.AddCluster = call.body
    services, tenant = call.services, call.principal.tenant
    _refuse_taken(call, wanted.name)
    connection = services.checked_connection(wanted.source.model_dump())
    identifier = new_id("cl", secrets.token_bytes(16))
    record = ClusterRecord(
        id=identifier, tenant=tenant, name=wanted.name, source=wanted.source.type, server=connection.server,
        created_at=services.clock(), connection=connection.facts,
        production=looks_like_production(wanted.name) if wanted.production is None else wanted.production,
    )  # fmt: skip
    for name, value in connection.secrets.items():
        services.store.secrets.put(tenant, identifier, name, value)
    upload = None
    if wanted.source.type == "recorded":
        key = f"{identifier}/recording/upload"
        record = msgspec.structs.replace(record, connection={"upload": key})
        upload = services.store.objects.presign_put(
            tenant, key, expires_s=UPLOAD_EXPIRES_S, content_type=UPLOAD_TYPE,
            max_bytes=services.settings.upload_limit_bytes,
        )  # fmt: skip
    added = services.store.clusters.add(tenant, record)
    services.audit(call.principal, "cluster.add", identifier, {"name": wanted.name, "source": wanted.source.type})
    out = cluster_out(added)
    out["upload"] = None if upload is None else msgspec.to_builtins(upload)
    return out


@endpoint(
    blueprint, "GET", "/api/v1/clusters/{cluster}", summary="One cluster.", tag="clusters",
    permission="clusters:read", response=models.Cluster,
)  # fmt: skip
def get_cluster(call: Call) -> object:
    return cluster_out(_record(call))


@endpoint(
    blueprint, "PATCH", "/api/v1/clusters/{cluster}", summary="Rename a cluster or set its production mark.",
    tag="clusters", permission="clusters:write", body=models.RenameCluster, response=models.Cluster,
)  # fmt: skip
def rename_cluster(call: Call) -> object:
    wanted: models.RenameCluster = call.body
    record, store, tenant = _record(call), call.services.store, call.principal.tenant
    changes: dict[str, Any] = wanted.model_dump(exclude_none=True)
    if not changes:
        raise InvalidRequest("Nothing to change.", remedy="Give `name` or `production`.")
    _refuse_taken(call, wanted.name, but=record.id)
    updated = store.clusters.update(tenant, msgspec.structs.replace(record, **changes))
    call.services.views.forget_records()
    call.services.audit(call.principal, "cluster.rename", record.id, changes)
    return cluster_out(updated)


@endpoint(
    blueprint, "DELETE", "/api/v1/clusters/{cluster}", summary="Forget a cluster with its credentials and data.",
    tag="clusters", permission="clusters:write", query=models.DeleteClusterQuery, response=None, status=204,
)  # fmt: skip
def remove_cluster(call: Call) -> object:
    record = _record(call)
    if call.query.confirm != record.name:
        raise InvalidRequest(
            f"Removing {record.name!r} deletes its credentials, snapshots, findings and evidence here.",
            code="confirmation_required",
            remedy=f"Repeat the request with ?confirm={record.name}. The cluster itself is not touched.",
            details={"confirm": record.name},
        )
    call.services.audit(call.principal, "cluster.remove", record.id, {"name": record.name})
    call.services.store.remove_cluster(call.principal.tenant, record.id)
    call.services.views.forget_records()
    call.services.connections.forget(call.principal.tenant, record.id)
    return Reply("", status=204)


@endpoint(
    blueprint, "POST", "/api/v1/clusters/{cluster}/check", summary="Test the connection, or unpack an upload.",
    tag="clusters", permission="clusters:write", response=models.CheckReport,
)  # fmt: skip
def check_cluster(call: Call) -> object:
    report, record = call.services.check(call.principal, _record(call))
    return {
        "reachable": report.reachable,
        "version": report.version,
        "latency_ms": report.latency_ms,
        "permissions": [{"feature": p.feature, "missing": list(p.missing)} for p in report.permissions],
        "metrics": report.metrics,
        "gaps": gaps_out(report.gaps),
        "counts": dict(report.counts),
        "message": " ".join(report.notes),
        "cluster": cluster_out(record),
    }


@endpoint(
    blueprint, "POST", "/api/v1/clusters/{cluster}/refresh", summary="Read the cluster anew, now.", tag="clusters",
    permission="clusters:read", response=models.Cluster,
)  # fmt: skip
def refresh_cluster(call: Call) -> object:
    updated = call.services.collector.collect(call.principal.tenant, _record(call))
    call.services.views.forget_records()
    return cluster_out(updated)


@endpoint(
    blueprint, "GET", "/api/v1/clusters/{cluster}/overview", summary="How the cluster is.", tag="clusters",
    permission="clusters:read", query=models.FreshQuery, response=models.Overview,
)  # fmt: skip
def cluster_overview(call: Call) -> object:
    view = call.services.views.view(call.principal, call.path["cluster"], max_age_s=call.query.max_age)
    age_s = max(0.0, (call.services.clock() - view.as_of).total_seconds())
    return {**overview(view), "cluster": cluster_out(view.record), "age_s": round(age_s, 1)}


@endpoint(
    blueprint, "GET", "/api/v1/clusters/{cluster}/problems", summary="What is wrong, most probable and severe first.",
    tag="clusters", permission="findings:read", query=models.ProblemsQuery, response=models.Problems,
)  # fmt: skip
def list_problems(call: Call) -> object:
    query: models.ProblemsQuery = call.query
    view = call.services.views.view(
        call.principal, call.path["cluster"], max_age_s=query.max_age, namespace=query.namespace or ""
    )
    diagnosis = view.diagnosis
    found = [
        p
        for p in diagnosis.problems
        if (query.namespace is None or query.namespace in (p.resource.namespace, "*"))
        and (query.severity is None or p.severity == query.severity)
        and p.probability >= query.min_probability
    ]
    scope = f"problems/{view.record.id}/{view.as_of.isoformat()}/{query.namespace}/{query.severity}"
    key = decode_cursor(call.principal.tenant, scope, query.cursor)
    start = int(key) if key else 0
    page = found[start : start + query.limit]
    more = start + query.limit < len(found)
    next_ = encode_cursor(call.principal.tenant, scope, str(start + query.limit)) if more else None
    out = listed([problem_out(p) for p in page], next_, len(found), (*stale_gaps(view), *diagnosis.gaps))
    return {**out, "outcome": diagnosis.outcome, "as_of": view.as_of}


def _record(call: Call) -> ClusterRecord:
    return call.services.views.record(call.principal, call.path["cluster"])


def _refuse_taken(call: Call, name: str | None, but: str = "") -> None:
    """Raises Conflict when another cluster of the tenant has this name."""
    if any(r.name == name and r.id != but for r in call.services.store.clusters.list(call.principal.tenant)):
        raise Conflict(f"There is a cluster called {name!r} already.", code="name_taken", remedy="Choose another name.")
