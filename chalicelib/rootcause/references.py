"""Addresses that a workload is configured with: hosts and ports in its environment, and what they mean in the cluster.

Values are read to find addresses and are never cited; names of variables are.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chalicelib.rootcause import logs
from chalicelib.rootcause.logs import Line
from chalicelib.rootcause.look import Look, container_pointer
from chalicelib.state.evidence import Evidence
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.kinds.pod_spec import Container, EnvVar
from chalicelib.state.meta import Ref

VALUE_CHARACTERS = 2_000
ADDRESSES_PER_VALUE = 8
TYPO = 0.8
"""Likeness (difflib's ratio) from which one name is taken for a misspelling of another."""
_URL = re.compile(
    r"[a-z][a-z0-9+.:-]{1,40}://(?:[^@/\s,]{1,200}@)?([A-Za-z0-9][A-Za-z0-9._-]{0,252})(?::(\d{1,5}))?", re.I
)
_PAIR = re.compile(r"(?<![\w./@-])([A-Za-z][A-Za-z0-9._-]{0,252}):(\d{2,5})(?![\w.])")
_IN_PARENTHESES = re.compile(r"@(?:tcp)?\(?([A-Za-z0-9][A-Za-z0-9._-]{0,252}):(\d{2,5})\)?")
_KEYED = re.compile(r"\bhost(?:name)?=([A-Za-z0-9][A-Za-z0-9._-]{0,252})(?:.{0,200}?\bport=(\d{1,5}))?", re.I)
_BARE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$")
_HOST_NAME = re.compile(r"(?:^|_)(?:HOST(?:NAME)?|ADDR(?:ESS)?|SERVER|ENDPOINT|SERVICE|URL|URI|BROKERS?)\d?$", re.I)


@dataclass(frozen=True, slots=True)
class Reference:
    """An address in a container's environment. `port` is 0 when none is given; `service` is what the host means."""

    container: str
    variable: str
    host: str
    port: int
    service: Ref | None
    index: int
    """Position of the variable in `env`, -1 when it comes from `envFrom`."""


def references(pod: Pod, look: Look) -> tuple[Reference, ...]:
    """Addresses in the environment of a pod's containers, in the order of the spec."""
    ref = Ref("Pod", pod.metadata.namespace, pod.metadata.name)
    return look.once("references", ref, lambda: tuple(_of_pod(pod, look)))


def _of_pod(pod: Pod, look: Look) -> Iterator[Reference]:
    namespace = pod.metadata.namespace
    for container in pod.spec.all_containers:
        values = list(_values(container, namespace, look))
        ports = {name.upper(): value for name, value, _ in values if value.isdigit() and len(value) <= 5}
        for name, value, index in values:
            for host, port in addresses(name, value):
                asked = port or int(ports.get(_HOST_NAME.sub("", name.upper()) + "_PORT", 0))
                yield Reference(container.name, name, host, asked, look.service_named(host, namespace), index)


def _values(container: Container, namespace: str, look: Look) -> Iterator[tuple[str, str, int]]:
    for index, env in enumerate(container.env):
        if env.value:
            yield env.name, env.value[:VALUE_CHARACTERS], index
        elif env.value_from is not None and env.value_from.config_map_key_ref is not None:
            key = env.value_from.config_map_key_ref
            found = look.snapshot.get("ConfigMap", namespace, key.name)
            if found is not None and key.key in found.data:
                yield env.name, found.data[key.key][:VALUE_CHARACTERS], index
    for bulk in container.env_from:
        found = (
            look.snapshot.get("ConfigMap", namespace, bulk.config_map_ref.name)
            if bulk.config_map_ref is not None
            else None
        )
        for key, value in sorted(found.data.items()) if found is not None else ():
            if len(value) <= VALUE_CHARACTERS:
                yield f"{bulk.prefix}{key}", value, -1


def addresses(name: str, value: str) -> list[tuple[str, int]]:
    """(host, port) pairs in a variable's value; a bare name counts only in a variable that is called like a host."""
    found: dict[tuple[str, int], None] = {}
    for pattern in (_URL, _IN_PARENTHESES, _PAIR, _KEYED):
        for host, port in pattern.findall(value)[:ADDRESSES_PER_VALUE]:
            known = any(h == host for h, _ in found)
            if not host.isdigit() and not known:
                found[host.strip("."), int(port or 0)] = None
    if not found and _HOST_NAME.search(name) and _BARE.match(value) and not value.isdigit() and value != "localhost":
        found[value, 0] = None
    return list(found)


def cite(reference: Reference, pod: Pod, look: Look) -> Evidence:
    """The variable that holds an address, without its value."""
    if reference.index < 0:
        pointer = container_pointer(pod.spec, reference.container, "/envFrom")
    else:
        pointer = container_pointer(pod.spec, reference.container, f"/env/{reference.index}/name")
    text = f"Variable {reference.variable} of container {reference.container} holds the address"
    port = f":{reference.port}" if reference.port else ""
    return look.at(pod, pointer, f"{text} {reference.host}{port}")


def servers(pod: Pod, ports: frozenset[int], look: Look) -> list[Ref]:
    """Services that a pod's environment names on one of these ports (all Services when no port is given)."""
    found: dict[Ref, None] = {}
    for one in references(pod, look):
        service = look.snapshot.find(one.service) if one.service is not None else None
        if service is None or one.service is None:
            continue
        offered = {p.port for p in service.spec.ports}
        if not ports or (one.port in ports if one.port else bool(offered & ports)) or offered & ports:
            found[one.service] = None
    return list(found)


def server_behind(pod: Pod, lines: Iterable[Line], ports: frozenset[int], look: Look) -> Ref | None:
    """The workload in the cluster that a failing exchange is with, when it can only be one; else the only Service."""
    if any(p.container_port in ports for c in pod.spec.containers for p in c.ports):
        return look.owner(look.world.ref_of(pod))
    named: dict[Ref, None] = {}
    for line in lines:
        for host, _ in logs.hosts(line.text):
            ref = look.service_named(host, pod.metadata.namespace)
            if ref is not None and look.snapshot.find(ref) is not None:
                named[ref] = None
    found = list(named) or servers(pod, ports, look)
    if len(found) != 1:
        return None
    service = look.snapshot.find(found[0])
    behind = look.backing_refs(service) if service is not None else []
    return behind[0] if len(behind) == 1 else found[0]


def nearest_service(wanted: Ref, look: Look) -> Ref | None:
    """The Service that a name which means none was probably meant for: a like name here, the same name elsewhere."""
    here = {s.metadata.name: look.world.ref_of(s) for s in look.services_in.get(wanted.namespace, ())}
    close = difflib.get_close_matches(wanted.name, sorted(here), 1, TYPO)
    if close:
        return here[close[0]]
    same = sorted(look.world.ref_of(s) for s in look.snapshot.of("Service") if s.metadata.name == wanted.name)
    return same[0] if len(same) == 1 else None


def shadowed(container: Container) -> Iterator[tuple[str, list[int]]]:
    """Variables that a container sets more than once to different values, with their positions; the last counts."""
    places: dict[str, list[int]] = defaultdict(list)
    for index, env in enumerate(container.env):
        places[env.name].append(index)
    for name, own in places.items():
        if len({identity(container.env[i]) for i in own}) > 1:
            yield name, own


def hidden(container: Container, namespace: str, look: Look) -> Iterator[tuple[str, int, str]]:
    """(variable, position, hidden value) of variables that hide another value of a ConfigMap read as a whole."""
    for index, env in enumerate(container.env):
        for bulk in container.env_from if env.value else ():
            source = bulk.config_map_ref
            found = look.snapshot.get("ConfigMap", namespace, source.name) if source is not None else None
            value = found.data.get(env.name.removeprefix(bulk.prefix)) if found is not None else None
            if value is not None and value != env.value:
                yield env.name, index, value


def identity(env: EnvVar) -> str:
    """What a variable is set to, or where its value comes from."""
    return env.value or repr(env.value_from)
