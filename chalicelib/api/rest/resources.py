"""Lists and details of any kind: one set of routes for all of them."""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib.api.endpoints import Call, endpoint
from chalicelib.api.models import resources as models
from chalicelib.api.models.clusters import FreshQuery
from chalicelib.api.render import listed, plain
from chalicelib.errors import NotFound
from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Ref
from chalicelib.state.query import parse, vocabulary_of
from chalicelib.tools.detail import detail
from chalicelib.tools.events import events_of
from chalicelib.tools.listing import list_rows
from chalicelib.tools.logs import read_logs
from chalicelib.tools.manifest import manifest_yaml
from chalicelib.tools.related import related
from chalicelib.tools.views import ClusterView

blueprint = Blueprint(__name__)
LIST = "/api/v1/clusters/{cluster}/resources/{kind}"
ONE = LIST + "/{namespace}/{name}"
CLUSTER_SCOPED = "-"
"""What stands for the namespace of a cluster-scoped object in a path."""


@endpoint(
    blueprint, "GET", LIST, summary="Objects of a kind: filter, sort, group, page.", tag="resources",
    permission="clusters:read", query=models.RowsQuery, response=models.Rows,
)  # fmt: skip
def list_resources(call: Call) -> object:
    query: models.RowsQuery = call.query
    kind = _kind(call.path["kind"])
    if query.at is not None:
        view = call.services.views.at(call.principal, call.path["cluster"], query.at)
    else:
        view = _view(call, query.max_age)
    parsed = parse(query.q, vocabulary_of(view.world), kind=kind) if query.q else None
    found = list_rows(
        view, kind, namespace=query.namespace, query=parsed, labels=query.labels, fields=query.fields,
        sort=query.sort, group=query.group, limit=query.limit, cursor=query.cursor,
    )  # fmt: skip
    return plain(found)


@endpoint(
    blueprint, "GET", ONE, summary="One object. `-` is the namespace of cluster-scoped kinds.", tag="resources",
    permission="clusters:read", query=FreshQuery, response=models.Detail,
)  # fmt: skip
def get_resource(call: Call) -> object:
    view, ref = _subject(call)
    return detail(view, ref)


@endpoint(
    blueprint, "GET", ONE + "/events", summary="Events of an object and of what it owns, newest first.",
    tag="resources", permission="clusters:read", query=FreshQuery, response=models.Events,
)  # fmt: skip
def list_resource_events(call: Call) -> object:
    view, ref = _subject(call)
    items = events_of(view, ref)
    return {**listed(items, total=len(items), gaps=view.gaps), "as_of": view.as_of}


@endpoint(
    blueprint, "GET", ONE + "/related", summary="What an object relates to, in both directions.", tag="resources",
    permission="clusters:read", query=FreshQuery, response=models.Related,
)  # fmt: skip
def list_related(call: Call) -> object:
    view, ref = _subject(call)
    items = related(view, ref)
    return {**listed(items, total=len(items), gaps=view.gaps), "as_of": view.as_of}


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


def _kind(name: str) -> str:
    """Canonical kind; a name the registry does not know may be a discovered kind, which the listing decides."""
    entry = KINDS.get(name)
    return entry.kind if entry else name


def _view(call: Call, max_age: int | None) -> ClusterView:
    return call.services.views.view(call.principal, call.path["cluster"], max_age_s=max_age)


def _subject(call: Call) -> tuple[ClusterView, Ref]:
    """The view and the ref that a path names. Raises NotFound with the nearest names."""
    view = _view(call, getattr(call.query, "max_age", None))
    kind = _kind(call.path["kind"])
    if kind not in view.snapshot.objects:
        KINDS[call.path["kind"]]
    entry = KINDS.get(kind)
    namespace = "" if call.path["namespace"] == CLUSTER_SCOPED else call.path["namespace"]
    ref = Ref(kind, namespace if entry is None or entry.namespaced else "", call.path["name"])
    if view.snapshot.find(ref) is None:
        raise _missing(view, ref)
    return view, ref


def _missing(view: ClusterView, ref: Ref) -> NotFound:
    objects = view.snapshot.of(ref.kind)
    namespaces = sorted({o.metadata.namespace for o in objects if o.metadata.name == ref.name})
    same = sorted({o.metadata.name for o in objects if o.metadata.namespace == ref.namespace})
    if namespaces:
        remedy = f"{ref.kind} {ref.name} exists in: {', '.join(namespaces[:10])}."
    elif ref.namespace and ref.namespace not in view.snapshot.namespaces():
        remedy = f"There is no namespace {ref.namespace!r}. Valid: {', '.join(view.snapshot.namespaces()[:20])}."
    else:
        remedy = f"Choose one of: {', '.join(same[:20]) or 'there is none'}."
    return NotFound(
        f"There is no {ref}.", code="object_not_found", remedy=remedy,
        details={"valid": same[:20], "namespaces": namespaces[:20]},
    )  # fmt: skip
