"""What the API server asks kubelets and the metrics server for: container logs and resource usage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from infra.local.demo.server.clock import parse_time
from infra.local.demo.server.errors import ApiError, bad_request, no_such_resource
from infra.local.demo.server.kinds.pod_spec import CONTAINER_LISTS
from infra.local.demo.server.reading import get, predicate
from infra.local.demo.server.resources import Resource
from infra.local.demo.server.sources import LogLine, Usage
from infra.local.demo.server.store import Object
from infra.local.demo.server.wire import HttpRequest, HttpResponse, json_response

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api


# -- logs -------------------------------------------------------------------------------------------------------------


def log(api: Api, namespace: str, name: str, request: HttpRequest) -> HttpResponse:
    """GET /log: text, newest lines last; 204 while the pod is on no node."""
    pod = get(api, api.resource("Pod"), namespace, name).object
    container = _container(pod, name, request.one("container"))
    if not pod["spec"].get("nodeName"):
        return HttpResponse(204, b"", "")
    previous = request.flag("previous")
    lines = api.logs.lines(pod, container, previous) if api.logs else []
    if lines is None:
        raise _no_log(pod, name, container, previous=previous)
    text = _text(_selected(api, lines, request), request)
    return HttpResponse(200, text, "text/plain")


def _container(pod: Object, name: str, asked: str) -> str:
    known = [one["name"] for listed in CONTAINER_LISTS for one in pod["spec"].get(listed) or ()]
    if asked:
        if asked not in known:
            raise bad_request(f"container {asked} is not valid for pod {name}")
        return asked
    main = [one["name"] for one in pod["spec"].get("containers") or ()]
    initial = [one["name"] for one in pod["spec"].get("initContainers") or ()]
    if len(main) == 1 and not initial:
        return str(main[0])
    choices = f"[{' '.join(main)}]" + (f" or one of the init containers: [{' '.join(initial)}]" if initial else "")
    raise bad_request(f"a container name must be specified for pod {name}, choose one of: {choices}")


def _no_log(pod: Object, name: str, container: str, *, previous: bool) -> ApiError:
    if previous:
        return bad_request(f'previous terminated container "{container}" in pod "{name}" not found')
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    state = next((one.get("state") or {} for one in statuses if one["name"] == container), {})
    reason = (state.get("waiting") or {}).get("reason", "ContainerCreating")
    if reason in ("ImagePullBackOff", "ErrImagePull", "InvalidImageName"):
        return bad_request(
            f'container "{container}" in pod "{name}" is waiting to start: trying and failing to pull image'
        )
    return bad_request(f'container "{container}" in pod "{name}" is waiting to start: {reason}')


def _selected(api: Api, lines: Sequence[LogLine], request: HttpRequest) -> Sequence[LogLine]:
    if request.one("sinceSeconds"):
        start = api.clock.now() - timedelta(seconds=int(request.one("sinceSeconds")))
        lines = [line for line in lines if line.at >= start]
    elif request.one("sinceTime"):
        start = parse_time(request.one("sinceTime"))
        lines = [line for line in lines if line.at >= start]
    if request.one("tailLines"):
        tail = int(request.one("tailLines"))
        lines = lines[len(lines) - tail :] if tail < len(lines) else lines
        lines = lines if tail else []
    return lines


def _text(lines: Sequence[LogLine], request: HttpRequest) -> bytes:
    stamped = request.flag("timestamps")
    rows = [f"{line.at:%Y-%m-%dT%H:%M:%S.%f}000Z {line.text}" if stamped else line.text for line in lines]
    text = "".join(row + "\n" for row in rows).encode()
    limit = int(request.one("limitBytes") or 0)
    return text[:limit] if limit else text


# -- metrics.k8s.io ---------------------------------------------------------------------------------------------------


def metrics(api: Api, resource: Resource, namespace: str, name: str, request: HttpRequest) -> HttpResponse:
    """GET on metrics.k8s.io: nodes or pods, one or all."""
    if api.metrics is None:
        raise ApiError(503, "ServiceUnavailable", "the server is currently unable to handle the request")
    made = _made(api, resource, namespace, name, request)
    if name:
        if not made:
            raise _no_metrics(resource, namespace, name)
        return _json(made[0])
    return _json({"kind": resource.list_kind, "apiVersion": resource.group_version, "metadata": {}, "items": made})


def _json(value: Object) -> HttpResponse:
    response = json_response(value)
    response.content_type = "application/json; charset=utf-8"
    return response


def _no_metrics(resource: Resource, namespace: str, name: str) -> ApiError:
    full = f"{namespace}/{name}" if namespace else name
    plural = resource.kind.lower()
    details = {"name": full, "group": "metrics.k8s.io", "kind": plural}
    response = ApiError(404, "NotFound", f'{plural}.metrics.k8s.io "{full}" not found', details)
    return response


def _made(api: Api, resource: Resource, namespace: str, name: str, request: HttpRequest) -> list[Object]:
    source = api.metrics
    if source is None:
        raise no_such_resource()
    of = api.resource("Node" if resource.kind == "NodeMetrics" else "Pod")
    test = predicate(of, request.one("labelSelector"), "")
    found = []
    for stored in api.store.list(of, namespace):
        obj = stored.object
        if (name and obj["metadata"]["name"] != name) or (test and not test(obj)):
            continue
        entry = _entry(api, resource, obj)
        if resource.kind == "NodeMetrics":
            usage = source.node(obj)
            if usage is not None:
                found.append({**entry, "usage": _usage(usage)})
        else:
            containers = source.pod(obj)
            if containers is not None:
                listed = [{"name": key, "usage": _usage(value)} for key, value in containers.items()]
                found.append({**entry, "containers": listed})
    return found


def _entry(api: Api, resource: Resource, obj: Object) -> Object:
    meta = obj["metadata"]
    kept = {key: meta[key] for key in ("name", "namespace") if key in meta} | {"creationTimestamp": api.now()}
    if meta.get("labels"):
        kept["labels"] = meta["labels"]
    head = {"kind": resource.kind, "apiVersion": resource.group_version, "metadata": kept}
    return {**head, "timestamp": api.now(), "window": "15.012s" if resource.namespaced else "20.037s"}


def _usage(usage: Usage) -> Object:
    return {"cpu": f"{round(usage.cpu * 1e9)}n", "memory": f"{usage.memory // 1024}Ki"}
