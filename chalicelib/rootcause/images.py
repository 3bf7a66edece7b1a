"""Why an image is not pulled: it does not exist, the registry refuses, or it cannot be reached.

Wordings: containerd (`failed to resolve reference`), moby (`manifest unknown`, `pull access denied`), CRI-O and
containers/image (`reading manifest`, `unauthorized`), and the answers of ECR, GCR, Harbor and Quay. The kubelet repeats
them in the waiting message (since 1.31) and in the Failed event.
"""

from __future__ import annotations

import re

from chalicelib.rootcause.case import DECISIVE, GOOD, HINT, LIKELY, STRONG, WEAK, Case, Finding, blame
from chalicelib.rootcause.logs import quoted
from chalicelib.rootcause.look import Look, container_pointer, status_pointer
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.symptoms import image_not_pulled
from chalicelib.state.evidence import Evidence

_NETWORK = re.compile(
    r"no such host|i/o timeout|connection refused|connection reset|"
    r"TLS handshake timeout|context (?:deadline exceeded|canceled)|"
    r"Client\.Timeout|awaiting headers|network is unreachable|no route to host|server misbehaving|name resolution|"
    r"x509:|tls: |HTTP response to HTTPS client|toomanyrequests|"
    r"Too Many Requests|50[0234] (?:Bad|Service|Gateway|Internal)|"
    r"RegistryUnavailable|pinging container registry|proxyconnect|unexpected EOF|: EOF\b|dial tcp",
    re.I,
)
_AUTH = re.compile(
    r"unauthorized|401\b|403 Forbidden|403\b.{0,20}forbidden|authentication required|no basic auth credentials|"
    r"failed to authorize|pull access denied|denied: |access denied|insufficient_scope|authorization (?:failed|token)|"
    r"unauthenticated|cannot be authenticated|status 40[13] trying|invalid username|incorrect username|"
    r"AccessDenied|not authorized|permission denied|permission \S{1,60} denied",
    re.I,
)
_ABSENT = re.compile(
    r"not found|manifest unknown|manifest_unknown|name unknown|name_unknown|unknown: |does not exist|NotFound|404\b|"
    r"no such image|repository name not known|invalid reference to",
    re.I,
)
_PLATFORM = re.compile(
    r"no match(?:ing manifest)? for (?:platform|\S{1,40}/\S{1,40})|no image found in (?:image index|manifest list)",
    re.I,
)
_BACK_OFF = re.compile(r"^Back-off pulling image \"[^\"]{0,500}\"$")


def pull_error(case: Case, look: Look) -> tuple[str, list[Evidence]]:
    """What the runtime said, and where it is written; empty when only the back-off is left."""
    waiting = case.status.state.waiting
    cited: list[Evidence] = []
    said = ""
    if waiting and waiting.message and not _BACK_OFF.match(waiting.message):
        said = waiting.message
        cited.append(look.at(case.pod, status_pointer(case.pod, case.container, "/state/waiting/message")))
    for member in case.members[:5]:
        for event in look.events(
            member, "Failed", "FailedToPullImage", "InspectFailed", "ErrImageNeverPull", "BackOff"
        ):
            if "ull" in event.message and not event.message.startswith(("Error: ", "Back-off")):
                found = look.event(event)
                return said or event.message, [*cited, *([found] if found else [])]
    return said, cited


def _kind_of(case: Case, look: Look) -> str:
    said, _ = pull_error(case, look)
    text = said[:4000].replace(case.spec.image, "IMAGE")
    reason = case.status.state.waiting.reason if case.status.state.waiting else ""
    if reason in ("InvalidImageName", "ErrImageNeverPull"):
        return "name"
    if _PLATFORM.search(text):
        return "platform"
    if "unexpected status" in text and _AUTH.search(text):
        return "auth"
    if _NETWORK.search(text):
        return "network"
    if re.search(r"pull access denied|may require|authorize|unauthorized", text, re.I) or (
        _AUTH.search(text) and not _ABSENT.search(text)
    ):
        return "auth"
    if _ABSENT.search(text):
        return "absent"
    return "auth" if _AUTH.search(text) else ""


def _because(case: Case, look: Look) -> list[Evidence]:
    _, cited = pull_error(case, look)
    return [
        *cited,
        look.at(case.pod, container_pointer(case.pod.spec, case.container, "/image")),
        look.at(case.pod, status_pointer(case.pod, case.container, "/state/waiting/reason")),
    ]


def registry_of(image: str) -> str:
    """The registry host of an image reference (`docker.io` when it names none)."""
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


def previous_image(case: Case, look: Look) -> str:
    """The image the same container had in the revision before, if that is known and differs."""
    template = look.previous_template(case.workload)
    before = next((c.image for c in template.containers if c.name == case.container), "") if template else ""
    return before if before != case.spec.image else ""


def _facts(case: Case, look: Look) -> dict[str, str]:
    image = case.spec.image
    return {
        "image": image,
        "registry": registry_of(image),
        "container": case.container,
        "previous_image": previous_image(case, look) or "IMAGE:TAG",
    }


@detector("image_not_found", symptom=image_not_pulled)
def image_not_found(case: Case, look: Look) -> Finding | None:
    """The registry answers that it has no such repository, tag or digest."""
    kind = _kind_of(case, look)
    image = quoted(case.spec.image, 160)
    if kind == "absent":
        before = previous_image(case, look)
        chain = (f"image {quoted(before, 120)} was replaced by {image}",) if before else ()
        return blame(
            case.resource,
            f"{case.where} cannot start: image {image} does not exist in its registry",
            strength=DECISIVE,
            because=_because(case, look),
            chain=chain,
            since=case.since,
            told=_facts(case, look),
        )
    if kind == "auth" and _either(case, look) and not _absent_pull_secrets(case, look):
        return blame(
            case.resource,
            f"{case.where} cannot start: image {image} may not exist; its registry answers so for private ones too",
            strength=LIKELY if registry_of(case.spec.image) == "docker.io" else HINT,
            because=_because(case, look),
            since=case.since,
            missing=("whether the repository exists: its page or API at the registry",),
            told=_facts(case, look),
        )
    if kind == "" and not _absent_pull_secrets(case, look):
        return blame(
            case.resource,
            f"{case.where} cannot start: image {image} is not pulled; the registry's answer is not known any more",
            strength=WEAK,
            because=_because(case, look),
            since=case.since,
            missing=("the Failed event of the pull (events are kept for an hour)",),
            told=_facts(case, look),
        )
    return None


def _either(case: Case, look: Look) -> bool:
    """Whether the registry's answer means "absent" as well as "not allowed", and does not say which."""
    said, _ = pull_error(case, look)
    decided = re.search(r"no basic auth credentials|401|403|unauthorized|invalid username|denied: ", said, re.I)
    return ("does not exist or may require" in said or "no pull access" in said) and decided is None


def _absent_pull_secrets(case: Case, look: Look) -> list[str]:
    namespace = case.pod.metadata.namespace
    return [s.name for s in case.pod.spec.image_pull_secrets if look.missing("Secret", namespace, s.name)]


@detector("image_pull_auth", symptom=image_not_pulled)
def image_pull_auth(case: Case, look: Look) -> Finding | None:
    """The registry refuses: no credentials, wrong ones, or a pull secret that does not exist."""
    kind = _kind_of(case, look)
    lost = _absent_pull_secrets(case, look)
    if kind != "auth" and not (kind in ("", "absent") and lost):
        return None
    either = _either(case, look)
    public = registry_of(case.spec.image) == "docker.io"
    because = _because(case, look)
    if case.pod.spec.image_pull_secrets:
        because.append(look.at(case.pod, "/spec/imagePullSecrets"))
    because += [e for e in (look.absent("Secret", case.pod.metadata.namespace, name) for name in lost) if e]
    why = (
        f"; pull secret {lost[0]} does not exist"
        if lost
        else "; the pod names no pull secret"
        if not case.pod.spec.image_pull_secrets
        else ""
    )
    strength = (
        (0.7 if public else GOOD)
        if either and not lost
        else DECISIVE
        if kind == "auth"
        else LIKELY
        if kind == "absent"
        else GOOD
    )
    return blame(
        case.resource,
        f"{case.where} cannot start: registry {registry_of(case.spec.image)} "
        f"refuses the pull of {quoted(case.spec.image, 160)}{why}",
        strength=strength,
        because=because,
        since=case.since,
        told=_facts(case, look),
    )


@detector("registry_dns_or_network", symptom=image_not_pulled)
def registry_unreachable(case: Case, look: Look) -> Finding | None:
    """The node cannot reach the registry: DNS, time-out, refused, TLS, or it is throttled or down."""
    if _kind_of(case, look) != "network":
        return None
    said, _ = pull_error(case, look)
    registry = registry_of(case.spec.image)
    return blame(
        case.resource,
        f"{case.where} cannot start: its node cannot reach registry {registry} ({_short(said)})",
        strength=STRONG,
        because=_because(case, look),
        since=case.since,
        told=_facts(case, look),
    )


def _short(said: str) -> str:
    found = _NETWORK.search(said[:4000])
    return quoted(found.group(0), 60) if found else "network error"


@detector("image_arch_mismatch", symptom=image_not_pulled)
def image_for_other_platform(case: Case, look: Look) -> Finding | None:
    """The image has no variant for the node's architecture or system."""
    if _kind_of(case, look) != "platform":
        return None
    return blame(
        case.resource,
        f"{case.where} cannot start: image {quoted(case.spec.image, 160)} has no variant for the node's platform",
        strength=DECISIVE,
        because=_because(case, look),
        since=case.since,
        told=_facts(case, look),
    )


@detector("invalid_image_name", symptom=image_not_pulled)
def invalid_image_name(case: Case, look: Look) -> Finding | None:
    """The reference cannot be parsed, or the pull policy forbids a pull and the node does not have it."""
    if _kind_of(case, look) != "name":
        return None
    reason = case.status.state.waiting.reason if case.status.state.waiting else ""
    why = (
        "is not a valid reference"
        if reason == "InvalidImageName"
        else "is not on the node and may not be pulled (imagePullPolicy Never)"
    )
    return blame(
        case.resource,
        f"{case.where} cannot start: image {quoted(case.spec.image, 160)} {why}",
        strength=DECISIVE,
        because=_because(case, look),
        since=case.since,
        told=_facts(case, look),
    )
