"""Which kinds a server offers: aggregated discovery in two requests, the older form where that is not offered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec

from chalicelib.clusters.deadline import Deadline
from chalicelib.clusters.reader import Getter
from chalicelib.errors import ClusterError
from chalicelib.state.meta import Api
from chalicelib.state.snapshot import ApiResource
from chalicelib.state.structs import ready

_AGGREGATED = ",".join(
    (
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
        "application/json",
    )
)
MAX_LEGACY_GROUPS = 300


class _Kind(Api):
    kind: str = ""


class _Resource(Api):
    resource: str = ""
    response_kind: _Kind | None = None
    scope: str = ""
    verbs: list[str] = []
    short_names: list[str] = []


class _Version(Api):
    version: str = ""
    resources: list[_Resource] = []


class _Group(Api):
    metadata: _Name | None = None
    versions: list[_Version] = []


class _Name(Api):
    name: str = ""


class _Discovery(Api):
    kind: str = ""
    items: list[_Group] | None = None


class _GroupVersion(Api):
    group_version: str = ""


class _LegacyGroup(Api):
    name: str = ""
    versions: list[_GroupVersion] = []
    preferred_version: _GroupVersion = _GroupVersion()


class _LegacyGroups(Api):
    kind: str = ""
    groups: list[_LegacyGroup] = []
    versions: list[str] = []


class _LegacyResource(Api):
    name: str = ""
    kind: str = ""
    namespaced: bool = False
    verbs: list[str] = []
    short_names: list[str] = []


class _LegacyResources(Api):
    group_version: str = ""
    resources: list[_LegacyResource] = []


ready(_Discovery, _LegacyGroups, _LegacyResources)


def discover(server: Getter, deadline: Deadline) -> tuple[ApiResource, ...]:
    """All listable kinds, each in the version the server prefers, ordered by name. Raises ClusterError."""
    found: dict[str, ApiResource] = {}
    for path in ("/api", "/apis"):
        answer = server.get(path, deadline=deadline, accept=_AGGREGATED)
        if answer.status != 200:
            raise ClusterError(
                f"The API server answered {answer.status} to the discovery of kinds.",
                code="cluster_discovery",
                remedy="Grant the credential the ClusterRole system:discovery, which every user has by default.",
            )
        try:
            resources = _resources(server, path, answer.body, deadline)
            for resource in resources:
                found.setdefault(resource.name, resource)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ClusterError(f"The discovery document {path} is damaged.", code="cluster_damaged_answer") from error
    return tuple(sorted(found.values(), key=lambda r: r.name))


def _resources(server: Getter, path: str, body: bytes, deadline: Deadline) -> Iterable[ApiResource]:
    document = msgspec.json.decode(body, type=_Discovery)
    if document.kind == "APIGroupDiscoveryList":
        return list(_aggregated(document))
    return _legacy(server, path, body, deadline)


def _aggregated(document: _Discovery) -> Iterator[ApiResource]:
    for group in document.items or ():
        name = group.metadata.name if group.metadata else ""
        for version in group.versions:
            for resource in version.resources:
                if "list" in resource.verbs and resource.response_kind:
                    yield ApiResource(
                        kind=resource.response_kind.kind, plural=resource.resource, group=name,
                        version=version.version, namespaced=resource.scope == "Namespaced", verbs=resource.verbs,
                        short_names=resource.short_names,
                    )  # fmt: skip


def _legacy(server: Getter, path: str, body: bytes, deadline: Deadline) -> list[ApiResource]:
    groups = msgspec.json.decode(body, type=_LegacyGroups)
    versions = [f"/api/{v}" for v in groups.versions]
    for group in groups.groups[:MAX_LEGACY_GROUPS]:
        preferred = group.preferred_version.group_version
        listed = [preferred, *(v.group_version for v in group.versions if v.group_version != preferred)]
        versions.extend(f"/apis/{v}" for v in listed if v)
    with ThreadPoolExecutor(max_workers=4, thread_name_prefix="discovery") as pool:
        documents = list(pool.map(lambda p: _legacy_version(server, p, deadline), versions))
    return [resource for document in documents for resource in document]


def _legacy_version(server: Getter, path: str, deadline: Deadline) -> list[ApiResource]:
    answer = server.get(path, deadline=deadline)
    if answer.status != 200:
        # An aggregated API whose backend is down must not hide the others.
        return []
    document = msgspec.json.decode(answer.body, type=_LegacyResources)
    group, _, version = document.group_version.rpartition("/")
    return [
        ApiResource(
            kind=r.kind, plural=r.name, group=group, version=version, namespaced=r.namespaced, verbs=r.verbs,
            short_names=r.short_names,
        )
        for r in document.resources
        if "/" not in r.name and "list" in r.verbs
    ]  # fmt: skip
