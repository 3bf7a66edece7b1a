"""What a container needs to be created: ConfigMaps, Secrets, their keys, and a program to run.

Derived from the pod's own references and the lists of ConfigMaps and Secrets; the kubelet's message (waiting reason,
FailedMount event) decides where those lists were not read, and confirms where they were.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from chalicelib.rootcause.case import DECISIVE, GOOD, HINT, LIKELY, STRONG, Case, Finding, blame
from chalicelib.rootcause.logs import quoted
from chalicelib.rootcause.look import Look, container_pointer, status_pointer
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.symptoms import container_crashing, container_not_created, pod_creating
from chalicelib.state.evidence import Evidence
from chalicelib.state.kinds.cluster import Event
from chalicelib.state.kinds.pod_spec import KeyToPath, PodSpec, Volume
from chalicelib.state.meta import Ref

_NAMED = re.compile(r"\b(configmap|secret)s? \"([^\"]{1,253})\" not found", re.I)
_KEY = re.compile(r"couldn't find key (\S{1,253}) in (ConfigMap|Secret) ([^/\s]{1,63})/([^\s\"']{1,253})", re.I)
_VOLUME_KEY = re.compile(r"references non-existent (config|secret) key:? (\S{1,253})", re.I)
_VOLUME = re.compile(r"for volume \"([^\"]{1,253})\"")
KIND = {"configmap": "ConfigMap", "secret": "Secret"}


@dataclass(frozen=True, slots=True)
class Reference:
    """One mention of a ConfigMap or Secret in a pod spec, and where it is written."""

    kind: str
    name: str
    key: str
    optional: bool
    pointer: str
    volume: str = ""


def references(spec: PodSpec, container: str = "", *, root: str = "/spec") -> Iterator[Reference]:
    """References of one container (all containers without a name) and of all volumes."""
    for field, containers in (("initContainers", spec.init_containers), ("containers", spec.containers)):
        for index, found in enumerate(containers):
            if container and found.name != container:
                continue
            base = f"{root}/{field}/{index}"
            for number, env in enumerate(found.env):
                source = env.value_from
                for kind, part, key in (
                    ("ConfigMap", "configMapKeyRef", source.config_map_key_ref if source else None),
                    ("Secret", "secretKeyRef", source.secret_key_ref if source else None),
                ):
                    if key:
                        yield Reference(kind, key.name, key.key, key.optional, f"{base}/env/{number}/valueFrom/{part}")
            for number, bulk in enumerate(found.env_from):
                for kind, part, whole in (
                    ("ConfigMap", "configMapRef", bulk.config_map_ref),
                    ("Secret", "secretRef", bulk.secret_ref),
                ):
                    if whole:
                        yield Reference(kind, whole.name, "", whole.optional, f"{base}/envFrom/{number}/{part}")
    for index, volume in enumerate(spec.volumes):
        yield from _volume_references(volume, f"{root}/volumes/{index}")


def _volume_references(volume: Volume, base: str) -> Iterator[Reference]:
    if volume.config_map:
        source = volume.config_map
        yield from _keys("ConfigMap", source.name, source.items, source.optional, f"{base}/configMap", volume.name)
    if volume.secret:
        secret = volume.secret
        yield from _keys("Secret", secret.secret_name, secret.items, secret.optional, f"{base}/secret", volume.name)
    for number, part in enumerate(volume.projected.sources if volume.projected else ()):
        where = f"{base}/projected/sources/{number}"
        if part.config_map:
            yield from _keys(
                "ConfigMap",
                part.config_map.name,
                part.config_map.items,
                part.config_map.optional,
                f"{where}/configMap",
                volume.name,
            )
        if part.secret:
            yield from _keys(
                "Secret", part.secret.name, part.secret.items, part.secret.optional, f"{where}/secret", volume.name
            )


def _keys(
    kind: str, name: str, items: list[KeyToPath], optional: bool, pointer: str, volume: str
) -> Iterator[Reference]:
    yield Reference(kind, name, "", optional, pointer, volume)
    for index, item in enumerate(items):
        yield Reference(kind, name, item.key, optional, f"{pointer}/items/{index}/key", volume)


def _message(case: Case, look: Look) -> tuple[str, Evidence | None]:
    """What the kubelet says: the waiting message, else a live FailedMount or Failed event."""
    waiting = case.status.state.waiting
    if waiting and waiting.message:
        return waiting.message, look.at(case.pod, status_pointer(case.pod, case.container, "/state/waiting/message"))
    for member in case.members[:5]:
        for event in _mount_events(member, look):
            if (
                _NAMED.search(event.message[:4000])
                or _VOLUME_KEY.search(event.message[:4000])
                or _KEY.search(event.message[:4000])
            ):
                return event.message, look.event(event)
    return "", None


def _mount_events(pod: Ref, look: Look) -> list[Event]:
    return [e for e in look.events(pod, "FailedMount", "Failed", "FailedSync") if e.type == "Warning"]


def _missing(case: Case, look: Look, kind: str) -> Finding | None:
    """A required ConfigMap or Secret of the waiting pod does not exist."""
    said, cited = _message(case, look)
    named = {(KIND[k.lower()], n) for k, n in _NAMED.findall(said[:4000])}
    for reference in references(case.pod.spec, case.container):
        if reference.kind != kind or (reference.key and not reference.pointer.endswith("KeyRef")) or reference.optional:
            continue
        gone = look.absent(kind, case.pod.metadata.namespace, reference.name)
        spoken = (kind, reference.name) in named
        if gone is None and not spoken:
            continue
        if not gone and look.snapshot.was_read(kind, case.pod.metadata.namespace):
            continue  # created since: the kubelet's next try will find it
        how = (
            f"mounts {kind} {reference.name} as volume {reference.volume}"
            if reference.volume
            else f"reads {kind} {reference.name} into its environment"
        )
        return blame(
            case.resource,
            f"{case.where} cannot start: it {how}, which does not exist",
            strength=DECISIVE if spoken else STRONG,
            because=[look.at(case.pod, reference.pointer), gone, cited if spoken else None],
            chain=(
                f"{kind} {reference.name} does not exist in namespace {case.resource.namespace}",
                f"the kubelet cannot create containers of {case.where}",
            ),
            missing_name=reference.name,
            since=case.since,
        )
    return None


@detector("missing_configmap", symptom=(container_not_created, pod_creating))
def missing_configmap(case: Case, look: Look) -> Finding | None:
    """The pod needs a ConfigMap that does not exist."""
    return _missing(case, look, "ConfigMap")


@detector("missing_secret", symptom=(container_not_created, pod_creating))
def missing_secret(case: Case, look: Look) -> Finding | None:
    """The pod needs a Secret that does not exist."""
    return _missing(case, look, "Secret")


@detector("missing_key_in_configmap_or_secret", symptom=(container_not_created, pod_creating))
def missing_key(case: Case, look: Look) -> Finding | None:
    """The object exists, but not the key that the pod asks for."""
    said, cited = _message(case, look)
    text = said[:4000]
    direct, mounted = _KEY.search(text), _VOLUME_KEY.search(text)
    volume = _VOLUME.search(text)
    for reference in references(case.pod.spec, case.container):
        if not reference.key or reference.optional:
            continue
        spoken = bool(direct and direct.group(1) == reference.key and direct.group(4) == reference.name) or bool(
            mounted and mounted.group(2) == reference.key and (not volume or volume.group(1) == reference.volume)
        )
        lacking = _lacks_key(case.pod.metadata.namespace, reference, look)
        if lacking is False or (lacking is None and not spoken):
            continue
        holder = look.snapshot.get(reference.kind, case.pod.metadata.namespace, reference.name)
        listed = None
        if lacking and holder is not None:
            keys = quoted(", ".join(holder.keys), 160) or "none"
            listed = look.at(holder, "/metadata/name", f"{reference.kind} {reference.name} has keys: {keys}")
        return blame(
            case.resource,
            f"{case.where} cannot start: {reference.kind} {reference.name} has no key {quoted(reference.key, 80)}",
            strength=DECISIVE if spoken else STRONG,
            because=[look.at(case.pod, reference.pointer), cited if spoken else None, listed],
            key=reference.key,
            source_kind=reference.kind,
            source_lower=reference.kind.lower(),
            source_name=reference.name,
            since=case.since,
        )
    return None


def _lacks_key(namespace: str, reference: Reference, look: Look) -> bool | None:
    """Whether an object lacks a key; None when its keys are not known."""
    holder = look.snapshot.get(reference.kind, namespace, reference.name)
    if holder is None:
        return None
    if reference.kind == "Secret" and (not holder.keys or len(holder.keys) < holder.key_count):
        return None
    return reference.key not in holder.keys


_NO_PROGRAM = re.compile(
    r"executable file [`'\"]?[^`'\"]{0,200}[`'\"]? ?not found|"
    r"exec: \"?[^\"]{0,200}\"?: (?:stat|executable|permission|no such|is a directory)|"
    r"no such file or directory|exec format error|permission denied.{0,40}unknown|No command specified|not a directory|"
    r"open executable|starting container process caused|unable to start container process: exec",
    re.I,
)
_SHELL = re.compile(
    r"(?:^|[:\s])(?:sh|bash|ash|dash|"
    r"/[\w./-]{1,60}): (?:line )?\d{0,5}:? ?\S{1,120}: (?:command )?not found|"
    r"can't open '[^']{1,200}'|No such file or directory|can't execute",
    re.I,
)
_FORMAT = re.compile(r"exec format error", re.I)
NOT_RUNNABLE = (126, 127)
SLOW_START = timedelta(minutes=2)


def start_error(case: Case, look: Look) -> tuple[str, Evidence | None]:
    """The runtime's message about a container that could not be started."""
    for part, state in (("state", case.status.state), ("lastState", case.status.last_state)):
        if (
            state.terminated
            and state.terminated.message
            and state.terminated.reason in ("StartError", "ContainerCannotRun", "RunContainerError")
        ):
            return state.terminated.message, look.at(
                case.pod, status_pointer(case.pod, case.container, f"/{part}/terminated/message")
            )
        if state.waiting and state.waiting.reason in ("RunContainerError", "CreateContainerError", "StartError"):
            return state.waiting.message, look.at(
                case.pod, status_pointer(case.pod, case.container, f"/{part}/waiting/message")
            )
    for member in case.members[:5]:
        event = next((e for e in look.events(member, "Failed") if _NO_PROGRAM.search(e.message[:4000])), None)
        if event is not None and "exec" in event.message:
            return event.message, look.event(event)
    return "", None


def exit_code(case: Case) -> int | None:
    """The exit code of the container's last end."""
    ended = case.status.state.terminated or case.status.last_state.terminated
    return ended.exit_code if ended else None


@detector("bad_command", symptom=(container_crashing, container_not_created))
def bad_command(case: Case, look: Look) -> Finding | None:
    """The program to run is not in the image, or cannot be run."""
    said, cited = start_error(case, look)
    code = exit_code(case)
    refused = bool(said and _NO_PROGRAM.search(said[:4000]) and not _FORMAT.search(said) and "OOM" not in said)
    refused = refused and _CONTEXT.search(said[:4000]) is None
    words = look.last_words(case.ref, case.container)
    shell = (
        next((line for line in reversed(words[0]) if _SHELL.search(line.text)), None)
        if words and code in NOT_RUNNABLE
        else None
    )
    if not refused and code not in (*NOT_RUNNABLE, 128):
        return None
    if words and any(_FORMAT.search(line.text) for line in words[0]):
        return None
    pointer = "/command" if case.spec.command else "/args" if case.spec.args else "/image"
    strength = DECISIVE if refused else STRONG if shell else GOOD if code in NOT_RUNNABLE else LIKELY
    what = quoted(said, 140) if refused else f"exit code {code}" + (f": {quoted(shell.text, 140)}" if shell else "")
    return blame(
        case.resource,
        f"{case.where} cannot run: the command of container {case.container} cannot be executed ({what})",
        strength=strength,
        because=[
            cited if refused else None,
            look.at(case.pod, container_pointer(case.pod.spec, case.container, pointer)),
            _exit_evidence(case, look),
            look.lines(case.ref, case.container, [shell], f"Its last words: {quoted(shell.text)}", previous=words[1])
            if shell and words
            else None,
        ],
        container=case.container,
        since=case.since,
    )


def _exit_evidence(case: Case, look: Look) -> Evidence | None:
    for part, state in (("state", case.status.state), ("lastState", case.status.last_state)):
        if state.terminated:
            return look.at(case.pod, status_pointer(case.pod, case.container, f"/{part}/terminated/exitCode"))
    return None


@detector("image_arch_mismatch", symptom=container_crashing)
def program_of_other_architecture(case: Case, look: Look) -> Finding | None:
    """The program is built for another CPU: `exec format error`."""
    said, cited = start_error(case, look)
    words = look.last_words(case.ref, case.container)
    line = next((x for x in reversed(words[0]) if _FORMAT.search(x.text)), None) if words else None
    if not _FORMAT.search(said[:4000]) and line is None:
        return None
    return blame(
        case.resource,
        f"{case.where} cannot run: its image is built for another CPU architecture (exec format error)",
        strength=STRONG,
        because=[
            cited,
            look.at(case.pod, container_pointer(case.pod.spec, case.container, "/image")),
            look.lines(case.ref, case.container, [line], quoted(line.text), previous=words[1])
            if line and words
            else None,
        ],
        image=case.spec.image,
        since=case.since,
    )


@detector("security_context_invalid", symptom=container_not_created)
def user_not_allowed(case: Case, look: Look) -> Finding | None:
    """The container must not run as root, and its image or its own runAsUser would.

    Texts: verifyRunAsNonRoot in pkg/kubelet/kuberuntime/security_context_others.go.
    """
    said, cited = _message(case, look)
    if not any(text in said for text in ("runAsNonRoot", "non-numeric user", "breaks non-root policy")):
        return _context_refused(case, look, said, cited)
    return blame(
        case.resource,
        f"{case.where} cannot start: runAsNonRoot is set and container {case.container} would run as root",
        strength=DECISIVE,
        because=[cited],
        container=case.container,
        since=case.since,
    )


_CONTEXT = re.compile(
    r"seccomp|apparmor|specified without (?:a )?user|selinux|run_?As_?Group|runAsUser|supplementalGroups|fsGroup|"
    r"unknown capability|capabilit(?:y|ies) .{0,60}(?:not|invalid|unknown)|privileged .{0,40}not allowed|no_new_privs",
    re.I,
)


def _context_refused(case: Case, look: Look, said: str, cited: Evidence | None) -> Finding | None:
    """The runtime cannot give the container the security context that it asks for."""
    found = _CONTEXT.search(said[:4000])
    if found is None:
        return None
    return blame(
        case.resource,
        f"{case.where} cannot start: the node cannot apply the security context of container {case.container} "
        f"({quoted(said, 160)})",
        strength=DECISIVE,
        because=[cited],
        container=case.container,
        since=case.since,
    )


@detector("security_context_invalid", symptom=container_crashing)
def context_refused_at_start(case: Case, look: Look) -> Finding | None:
    """The container's start fails over its security context."""
    said, cited = start_error(case, look)
    return _context_refused(case, look, said, cited)


_NO_ADDRESS = re.compile(
    r"no IP addresses available|no available IP|no more IPs|IP pool.{0,40}exhaust|exhausted.{0,40}IP|"
    r"failed to allocate for range|InsufficientFreeAddresses|failed to assign an IP address|"
    r"no (?:more |free |available )+(?:ips?|addresses|affine blocks)\b|could not allocate ip|affine blocks|"
    r"assigned 0 out of \d+|all (?:pod )?CIDRs? .{0,40}(?:full|used|exhausted)|range is full|not enough IP",
    re.I,
)


@detector("pod_ip_exhaustion", symptom=pod_creating)
def pod_ip_exhaustion(case: Case, look: Look) -> Finding | None:
    """The network plugin of the node has no address left to give."""
    event = look.saying(case.members[:5], "ip", "cidr", "range", "address", reasons=_SANDBOX)
    if event is None or not _NO_ADDRESS.search(event.message[:4000]):
        return None
    name = case.pod.spec.node_name
    node = look.snapshot.get("Node", "", name)
    return blame(
        case.resource,
        f"{case.where} cannot start: node {name} has no pod address left ({quoted(event.message, 140)})",
        strength=DECISIVE,
        because=[
            look.event(event),
            look.at(node, "/spec/podCIDR", f"The pod range of node {name} holds {look.world.pods_on(name)} pods")
            if node is not None and node.spec.pod_cidr
            else None,
        ],
        node=name,
        pod=case.ref.name,
        since=case.since,
    )


_SANDBOX = ("FailedCreatePodSandBox", "FailedCreatePodSandbox", "NetworkNotReady")


@detector("sandbox_create_failure", symptom=pod_creating)
def sandbox_not_created(case: Case, look: Look) -> Finding | None:
    """The runtime cannot make the pod's sandbox, or nothing says why the containers are not created."""
    event = look.saying(case.members[:5], "", reasons=_SANDBOX)
    if event is not None and _NO_ADDRESS.search(event.message[:4000]):
        return None
    if event is not None:
        return blame(
            case.resource,
            f"{case.where} cannot start: the node cannot create its sandbox ({quoted(event.message, 140)})",
            strength=GOOD,
            because=[look.event(event)],
            pod=case.ref.name,
            since=case.since,
        )
    if look.age(case.since) < SLOW_START:
        return None
    other = next((e for m in case.members[:5] for e in look.events(m, "FailedMount", "FailedAttachVolume")), None)
    return blame(
        case.resource,
        f"{case.where} does not get past {case.text}",
        strength=HINT,
        because=[look.at(case.pod, "/status/phase"), look.event(other)],
        pod=case.ref.name,
        since=case.since,
        missing=("events of the pod (FailedMount, FailedCreatePodSandBox)",),
    )
