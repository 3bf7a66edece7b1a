"""Who reads which ConfigMap or Secret, and which keys: from pod specs and templates, never from values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from chalicelib.state.kinds.pod_spec import PodSpec, Volume
from chalicelib.state.meta import Ref
from chalicelib.state.world import World
from chalicelib.tools.detail import pod_spec

TEMPLATED = ("Pod", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
Configuration = Literal["ConfigMap", "Secret"]


@dataclass(frozen=True, slots=True)
class Reference:
    """One use: `user` reads `name` by env, volume, pull or TLS; `key` "" means all keys."""

    name: str
    user: Ref
    how: str
    key: str = ""
    optional: bool = False


@dataclass(slots=True)
class Used:
    """One ConfigMap or Secret with everyone who names it."""

    ref: Ref
    exists: bool | None
    """None where objects of this kind could not be read, so that nothing is known about existence."""
    known_keys: list[str] | None
    references: list[Reference] = field(default_factory=list)

    @property
    def missing_keys(self) -> list[str]:
        """Keys that somebody needs and the object does not have; empty where its keys are not known."""
        if self.known_keys is None:
            return []
        return sorted({r.key for r in self.references if r.key and not r.optional} - set(self.known_keys))

    @property
    def broken(self) -> bool:
        needed = any(not r.optional for r in self.references)
        return (self.exists is False and needed) or bool(self.missing_keys)


def usage_of(world: World, kind: Configuration, namespace: str) -> list[Used]:
    """Every ConfigMap or Secret that exists or is named, broken ones first, then unused ones last."""
    by_name: dict[Ref, list[Reference]] = defaultdict(list)
    for where, reference in _references(world, kind, namespace):
        by_name[Ref(kind, where, reference.name)].append(reference)
    snapshot = world.snapshot
    for obj in snapshot.of(kind):
        if not namespace or obj.metadata.namespace == namespace:
            by_name.setdefault(Ref(kind, obj.metadata.namespace, obj.metadata.name), [])
    found = []
    for ref, references in by_name.items():
        obj = snapshot.find(ref)
        readable = kind in snapshot.objects and (obj is not None or snapshot.was_read(kind, ref.namespace))
        unique = sorted(set(references), key=lambda r: (r.user, r.how, r.key))
        found.append(Used(ref, obj is not None if readable else None, _keys(kind, obj), unique))
    return sorted(found, key=lambda u: (not u.broken, not u.references, u.ref))


def _keys(kind: Configuration, obj: object) -> list[str] | None:
    """Key names, where they are known: a Secret may be known by its count alone."""
    if obj is None:
        return None
    keys = list(obj.keys)  # type: ignore[attr-defined]
    return None if kind == "Secret" and not keys else keys


def _references(world: World, kind: Configuration, namespace: str) -> Iterator[tuple[str, Reference]]:
    for holder in TEMPLATED:
        for obj in world.snapshot.of(holder):
            where = obj.metadata.namespace
            spec = pod_spec(obj)
            if spec is None or (namespace and where != namespace):
                continue
            user = world.graph.standing_for(Ref(holder, where, obj.metadata.name))
            for name, how, key, optional in _in_spec(spec, kind):
                yield where, Reference(name, user, how, key, optional)
    if kind == "Secret":
        yield from _beside_pods(world, namespace)


def _beside_pods(world: World, namespace: str) -> Iterator[tuple[str, Reference]]:
    """Secrets that routes and service accounts name."""
    for holder, relation, how in (
        ("Ingress", "terminates_tls_with", "tls"),
        ("Gateway", "terminates_tls_with", "tls"),
        ("ServiceAccount", "pulls_with", "image pull"),
    ):
        for obj in world.snapshot.of(holder):
            user = Ref(holder, obj.metadata.namespace, obj.metadata.name)
            for edge in world.graph.out(user, relation):
                if not namespace or edge.target.namespace == namespace:
                    yield edge.target.namespace, Reference(edge.target.name, user, how, "", how == "image pull")


def _in_spec(spec: PodSpec, kind: Configuration) -> Iterator[tuple[str, str, str, bool]]:
    """(name, how, key, optional) of every use in a pod spec."""
    for container in spec.all_containers:
        for env in container.env:
            source = env.value_from
            key = (source.config_map_key_ref if kind == "ConfigMap" else source.secret_key_ref) if source else None
            if key:
                yield key.name, "env", key.key, key.optional
        for bulk in container.env_from:
            whole = bulk.config_map_ref if kind == "ConfigMap" else bulk.secret_ref
            if whole:
                yield whole.name, "env", "", whole.optional
    for volume in spec.volumes:
        yield from _in_volume(volume, kind)
    if kind == "Secret":
        for pull in spec.image_pull_secrets:
            yield pull.name, "image pull", "", True


def _in_volume(volume: Volume, kind: Configuration) -> Iterable[tuple[str, str, str, bool]]:
    if kind == "ConfigMap" and volume.config_map:
        keys = [i.key for i in volume.config_map.items] or [""]
        yield from ((volume.config_map.name, "volume", k, volume.config_map.optional) for k in keys)
    if kind == "Secret" and volume.secret:
        keys = [i.key for i in volume.secret.items] or [""]
        yield from ((volume.secret.secret_name, "volume", k, volume.secret.optional) for k in keys)
    for source in volume.projected.sources if volume.projected else ():
        projected = source.config_map if kind == "ConfigMap" else source.secret
        if projected:
            keys = [i.key for i in projected.items] or [""]
            yield from ((projected.name, "volume", k, projected.optional) for k in keys)
