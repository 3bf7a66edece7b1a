"""Lists and details of any kind: one set of routes for all of them."""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib.api.endpoints import Call, endpoint
from chalicelib.api.models import resources as models
from chalicelib.api.models.clusters import FreshQuery
from chalicelib.api.render import columns_out, listed, query_out, stale_gaps
from chalicelib.state.meta import Ref
from chalicelib.state.query import parse
from chalicelib.state.snapshot import Gap
from chalicelib.tools.detail import detail, locate
from chalicelib.tools.events import events_of
from chalicelib.tools.gaps import gaps_of
from chalicelib.tools.listing import list_rows
from chalicelib.tools.logs import read_logs
from chalicelib.tools.manifest import manifest_yaml
from chalicelib.tools.related import related
from chalicelib.tools.rows import entry_of
from chalicelib.tools.views import ClusterView

blueprint = Blueprint(__name__)
LIST = "/api/v1/clusters/{cluster}/resources/{kind}"
ONE = LIST + "/{namespace}/{name}"


@endpoint(
    blueprint, "GET", LIST, summary="Objects of a kind: filter, sort, group, page.", tag="resources",
    permission="clusters:read", query=models.RowsQuery, response=models.Rows,
)  # fmt: skip
def list_resources(call: Call) -> object:
    query: models.RowsQuery = call.query
    if query.at is not None:
        view = call.services.views.at(call.principal, call.path["cluster"], query.at)
    else:
        view = _view(call, query.max_age)
    kind = entry_of(view.snapshot, call.path["kind"]).kind
    parsed = parse(query.q, view.vocabulary, kind=kind) if query.q else None
    found = list_rows(
        view,
        kind,
        namespace=query.namespace or "",
        query=parsed,
        labels=query.labels or "",
        fields=query.fields or "",
        sort=query.sort or (parsed.sort if parsed else None) or None,
        group=query.group or (parsed.group if parsed else None) or None,
        limit=query.limit,
        cursor=query.cursor,
    )
    return {
        **listed(found.items, found.next, found.total, (*stale_gaps(view), *found.gaps)),
        "as_of": found.as_of,
        "kind": found.entry.kind,
        "columns": columns_out(found.entry),
        "query": None if parsed is None else query_out(parsed),
        "groups": found.groups,
    }


@endpoint(
    blueprint, "GET", ONE, summary="One object. `-` is the namespace of cluster-scoped kinds.", tag="resources",
    permission="clusters:read", query=FreshQuery, response=models.Detail,
)  # fmt: skip
def get_resource(call: Call) -> object:
    view = _view(call, call.query.max_age)
    return detail(view, call.path["kind"], call.path["namespace"], call.path["name"])


@endpoint(
    blueprint, "GET", ONE + "/events", summary="Events of an object and of what it owns, newest first.",
    tag="resources", permission="clusters:read", query=FreshQuery, response=models.Events,
)  # fmt: skip
def list_resource_events(call: Call) -> object:
    view, ref = _subject(call)
    items = events_of(view, ref)
    return {
        **listed(items, total=len(items), gaps=(*stale_gaps(view), *gaps_of(view.snapshot, "Event"))),
        "as_of": view.as_of,
    }


@endpoint(
    blueprint, "GET", ONE + "/related", summary="What an object relates to, in both directions.", tag="resources",
    permission="clusters:read", query=FreshQuery, response=models.Related,
)  # fmt: skip
def list_related(call: Call) -> object:
    view, ref = _subject(call)
    items = related(view, ref)
    return {**listed(items, total=len(items), gaps=(*stale_gaps(view), *unread(view))), "as_of": view.as_of}


@endpoint(
    blueprint, "GET", ONE + "/yaml", summary="The object as YAML; values of Secrets are masked.", tag="resources",
    permission="clusters:read", response=models.Yaml,
)  # fmt: skip
def get_yaml(call: Call) -> object:
    view, ref = _subject(call)
    source = call.services.views.source(call.principal, call.path["cluster"])
    recorded = view.record.source == "recorded"
    return {"yaml": manifest_yaml(source, ref), "as_of": view.as_of if recorded else call.services.clock()}


@endpoint(
    blueprint, "GET", ONE + "/logs", summary="Logs of a container, or of all pods of a workload.", tag="resources",
    permission="clusters:read", query=models.LogsQuery, response=models.Logs,
)  # fmt: skip
def get_logs(call: Call) -> object:
    view, ref = _subject(call)
    query: models.LogsQuery = call.query
    source = call.services.views.source(call.principal, call.path["cluster"])
    return read_logs(
        source, view, ref, container=query.container, previous=query.previous, tail=query.tail, since=query.since,
        grep=query.grep,
    )  # fmt: skip


def unread(view: ClusterView) -> list[Gap]:
    """Gaps that could hide a relation: an API that is not installed hides none."""
    return [g for g in view.snapshot.gaps if g.reason != "not_installed"]


def _view(call: Call, max_age: int | None = None) -> ClusterView:
    return call.services.views.view(call.principal, call.path["cluster"], max_age_s=max_age, kind=call.path["kind"])


def _subject(call: Call) -> tuple[ClusterView, Ref]:
    """The view and the ref that a path names. Raises NotFound with close names."""
    view = _view(call, getattr(call.query, "max_age", None))
    _, ref, _ = locate(view, call.path["kind"], call.path["namespace"], call.path["name"])
    return view, ref
