"""Rules that hold in every installation and that no setting, role or model can lift.

A rule looks at the operations and at the cluster, never at what the request says about itself. What a rule needs and
cannot read counts against the change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from chalicelib.safety.blast import blast_of_pods
from chalicelib.safety.canonical import changes_between
from chalicelib.safety.checks.registry import Proposal, where
from chalicelib.safety.effects import Effect
from chalicelib.safety.model import Violation
from chalicelib.state.meta import Ref

MOST_OPERATIONS = 20
MOST_EVICTIONS = 300
SYSTEM_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease")
OURS = "kubilitics"
UNDO = "undo"
"""The action that puts back what was there; nobody can ask for it but by undoing a change of ours."""
_RBAC = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
_CONTROL = (
    "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "APIService", "CertificateSigningRequest",
    "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding", "FlowSchema", "PriorityLevelConfiguration", "TokenRequest",
    "SelfSubjectAccessReview", "Lease", "Event", "ControllerRevision", "Endpoints", "EndpointSlice",
)  # fmt: skip
_METADATA = ("labels", "annotations", "name", "namespace", "uid", "resourceVersion", "creationTimestamp")
"""Metadata that an operation may mention; the last ones only to say what is there already."""
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod")
Rule = Callable[[Proposal], Iterator[Violation]]
_RULES: list[tuple[str, Rule]] = []


def rule(name: str) -> Callable[[Rule], Rule]:
    """Register a rule; its docstring is what the documentation says of it."""

    def register(function: Rule) -> Rule:
        _RULES.append((name, function))
        return function

    return register


def violations(proposal: Proposal) -> tuple[Violation, ...]:
    """Every rule that the change breaks."""
    return tuple(found for _, function in _RULES for found in function(proposal))


def rules() -> Iterator[tuple[str, str]]:
    """(name, what it says) of every rule, for people to read."""
    for name, function in _RULES:
        yield name, " ".join((function.__doc__ or "").split())


def _broken(name: str, text: str, remedy: str = "") -> Violation:
    return Violation(rule=name, text=text, remedy=remedy or "Do it by hand with kubectl if it really has to be done.")


def _deletions(proposal: Proposal, *kinds: str) -> Iterator[Effect]:
    for effect in proposal.effects:
        if effect.operation.verb == "delete" and (not kinds or effect.ref.kind in kinds):
            yield effect


@rule("bounded")
def bounded(proposal: Proposal) -> Iterator[Violation]:
    """One request names at most 20 objects (300 pods when a node is drained), each by its full name."""
    evictions = sum(effect.operation.verb == "evict" for effect in proposal.effects)
    others = len(proposal.effects) - evictions
    if others > MOST_OPERATIONS or evictions > MOST_EVICTIONS:
        yield _broken("bounded", f"The request would change {len(proposal.effects)} objects.", "Split the request.")
    for effect in proposal.effects:
        if not effect.operation.name or "*" in effect.operation.name or "*" in effect.operation.namespace:
            yield _broken("bounded", "An operation names no single object.", "Name each object.")


@rule("no_secrets")
def no_secrets(proposal: Proposal) -> Iterator[Violation]:
    """Secrets are neither read nor written, and no workload gets a Secret that it did not use before."""
    for effect in proposal.effects:
        if effect.ref.kind == "Secret":
            yield _broken("no_secrets", f"Secret {where(effect.ref)} would be written.")
        added = _secrets_of(effect.after) - _secrets_of(effect.before)
        for name in sorted(added) if proposal.action != UNDO else ():
            yield _broken("no_secrets", f"{effect.ref} would get Secret {name}, which it does not use now.")


def _secrets_of(obj: Any) -> set[str]:
    """Names of Secrets that a workload's pods read."""
    spec = _pod_spec(obj)
    found: set[str] = set()
    for volume in spec.get("volumes") or ():
        found.add((volume.get("secret") or {}).get("secretName", ""))
        for source in (volume.get("projected") or {}).get("sources") or ():
            found.add((source.get("secret") or {}).get("name", ""))
    for container in _containers(spec):
        for env in container.get("env") or ():
            found.add(((env.get("valueFrom") or {}).get("secretKeyRef") or {}).get("name", ""))
        for source in container.get("envFrom") or ():
            found.add((source.get("secretRef") or {}).get("name", ""))
    return found - {""}


@rule("no_permissions")
def no_permissions(proposal: Proposal) -> Iterator[Violation]:
    """RBAC, admission, API services and certificates are not changed, and nothing of this installation's own."""
    for effect in proposal.effects:
        ref = effect.ref
        if ref.kind in _RBAC or ref.kind in _CONTROL:
            yield _broken("no_permissions", f"{ref} decides what may be done in the cluster.")
        elif ref.kind == "ConfigMap" and ref.namespace == "kube-system" and ref.name == "aws-auth":
            yield _broken("no_permissions", "aws-auth decides who may sign in.")
        elif ref.namespace == OURS or (ref.kind in ("ServiceAccount", "Namespace") and ref.name == OURS):
            yield _broken("no_permissions", f"{ref} belongs to this installation.")
        elif ref.kind == "ServiceAccount" and effect.operation.verb != "delete":
            yield _broken("no_permissions", f"{ref} is an identity.")


@rule("no_escalation")
def no_escalation(proposal: Proposal) -> Iterator[Violation]:
    """No pod gets more power over its node, or another identity, than it has."""
    if proposal.action == UNDO:
        return
    for effect in proposal.effects:
        for power in sorted(_powers(effect.after) - _powers(effect.before)):
            yield _broken("no_escalation", f"{effect.ref} would get {power}.", "Leave it out.")


def _powers(obj: Any) -> set[str]:
    """What a workload's pods can do beyond an ordinary pod, in words."""
    spec = _pod_spec(obj)
    if not spec:
        return set()
    found = {f"{field}: true" for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field)}
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    if account != "default":
        found.add(f"the service account {account}")
    paths = ((volume.get("hostPath") or {}).get("path") for volume in spec.get("volumes") or ())
    found |= {f"the host path {path}" for path in paths if path}
    if spec.get("nodeName"):
        found.add(f"a place on node {spec['nodeName']} without the scheduler")
    found |= _user_powers("the pod", spec.get("securityContext") or {})
    for container in _containers(spec):
        name = f"container {container.get('name')}"
        context = container.get("securityContext") or {}
        if context.get("privileged"):
            found.add(f"{name} privileged")
        if context.get("allowPrivilegeEscalation"):
            found.add(f"{name} allowPrivilegeEscalation")
        added = (context.get("capabilities") or {}).get("add") or ()
        found |= {f"{name} capability {capability}" for capability in added}
        if context.get("procMount") not in (None, "Default"):
            found.add(f"{name} procMount {context['procMount']}")
        found |= _user_powers(name, context)
        found |= {f"{name} host port {p['hostPort']}" for p in container.get("ports") or () if p.get("hostPort")}
    return found


def _user_powers(name: str, context: dict[str, Any]) -> set[str]:
    found = set()
    if context.get("runAsUser") == 0:
        found.add(f"{name} user root")
    if context.get("runAsNonRoot") is False:
        found.add(f"{name} leave to run as root")
    for profile in ("seccompProfile", "appArmorProfile"):
        if (context.get(profile) or {}).get("type") == "Unconfined":
            found.add(f"{name} no {profile}")
    return found


@rule("no_hidden_metadata")
def no_hidden_metadata(proposal: Proposal) -> Iterator[Violation]:
    """Finalizers, owners and managers of an object are not edited, nor its status."""
    for effect in proposal.effects:
        if effect.operation.verb in ("delete", "evict") or effect.before is None:
            if effect.operation.verb == "apply" and effect.after is not None:
                yield from _foreign_metadata(effect, effect.operation.body)
            continue
        changes, _ = changes_between(effect.before, effect.after)
        for change in changes:
            parts = change.path.split("/")
            if parts[1] == "metadata" and len(parts) > 2 and parts[2] not in _METADATA:
                yield _broken("no_hidden_metadata", f"metadata.{parts[2]} of {effect.ref} would be edited.")
                break
        body = effect.operation.body if effect.operation.verb != "replace" else None
        touched = body if isinstance(body, dict) else {}
        pointers = [str(one.get("path", "")) for one in body] if isinstance(body, list) else []
        if "status" in touched or any(pointer.startswith("/status") for pointer in pointers):
            yield _broken("no_hidden_metadata", f"The status of {effect.ref} would be edited.")


def _foreign_metadata(effect: Effect, body: Any) -> Iterator[Violation]:
    for field in sorted(set((body or {}).get("metadata") or {}) - set(_METADATA)):
        yield _broken("no_hidden_metadata", f"metadata.{field} of {effect.ref} would be set.")


@rule("system_namespaces")
def system_namespaces(proposal: Proposal) -> Iterator[Violation]:
    """Nothing in kube-system, kube-public and kube-node-lease is deleted or scaled to zero, nor those namespaces."""
    for effect in proposal.effects:
        space = effect.ref.name if effect.ref.kind == "Namespace" else effect.ref.namespace
        gone = effect.operation.verb == "delete" or _to_zero(effect)
        if space in (*SYSTEM_NAMESPACES, "default") and gone and (space != "default" or effect.ref.kind == "Namespace"):
            yield _broken("system_namespaces", f"{effect.ref} keeps the cluster running.")


def _to_zero(effect: Effect) -> bool:
    before, after = (((one or {}).get("spec") or {}).get("replicas") for one in (effect.before, effect.after))
    return after == 0 and before != 0


@rule("namespaces_with_content")
def namespaces_with_content(proposal: Proposal) -> Iterator[Violation]:
    """A namespace that holds workloads or volume claims is not deleted."""
    snapshot = proposal.world.snapshot
    for effect in _deletions(proposal, "Namespace"):
        name = effect.ref.name
        kinds = (*_WORKLOADS, "PersistentVolumeClaim", "Service")
        unread = [kind for kind in kinds if not snapshot.was_read(kind, name)]
        held = [(kind, sum(o.metadata.namespace == name for o in snapshot.of(kind))) for kind in kinds]
        full = [f"{count} {kind}" for kind, count in held if count]
        if full:
            yield _broken("namespaces_with_content", f"Namespace {name} holds {', '.join(full)}.",
                          "Delete what is in it first, one by one.")  # fmt: skip
        elif unread:
            text = f"Whether namespace {name} is empty is not known: {', '.join(unread)} could not be read."
            yield _broken("namespaces_with_content", text)


@rule("definitions_in_use")
def definitions_in_use(proposal: Proposal) -> Iterator[Violation]:
    """A CustomResourceDefinition is not deleted: all of its objects would go with it."""
    for effect in _deletions(proposal, "CustomResourceDefinition"):
        counted = proposal.instances(effect.ref.name)
        if counted != 0:
            many = "an unknown number of" if counted is None else str(counted)
            yield _broken("definitions_in_use", f"{effect.ref.name} has {many} objects, which would go with it.")


@rule("data")
def data(proposal: Proposal) -> Iterator[Violation]:
    """Volumes that are bound and claims that pods use are not deleted."""
    world = proposal.world
    for effect in _deletions(proposal, "PersistentVolume", "PersistentVolumeClaim"):
        ref, obj = effect.ref, effect.before or {}
        if ref.kind == "PersistentVolume" and ((obj.get("status") or {}).get("phase") == "Bound"):
            yield _broken("data", f"PersistentVolume {ref.name} is bound to a claim.")
        users = sorted(
            {str(world.graph.standing_for(e.source)) for e in world.graph.into(ref, "mounts")}
            | {str(e.source) for e in world.graph.into(ref, "owns") if e.source.kind == "StatefulSet"}
        )
        if users:
            yield _broken("data", f"{ref} is used by {', '.join(users[:3])}.", "Stop what uses it first.")
        elif ref.kind == "PersistentVolumeClaim" and not world.snapshot.was_read("Pod", ref.namespace):
            yield _broken("data", f"Whether a pod uses {ref} is not known: Pods could not be read.")


@rule("nodes_in_use")
def nodes_in_use(proposal: Proposal) -> Iterator[Violation]:
    """A node with pods on it is not deleted from the cluster."""
    for effect in _deletions(proposal, "Node"):
        running = proposal.world.pods_on(effect.ref.name)
        if running or not proposal.world.snapshot.was_read("Pod"):
            text = f"Node {effect.ref.name} runs {running} pods." if running else "Pods of the node could not be read."
            yield _broken("nodes_in_use", text, "Drain it first.")


@rule("last_replica")
def last_replica(proposal: Proposal) -> Iterator[Violation]:
    """In production no Service loses its last ready pod for good."""
    if not proposal.production[0]:
        return
    unread = [k for k in ("Service", "Pod") if not proposal.world.snapshot.was_read(k)]
    if proposal.all.lost and unread:
        yield _broken("last_replica", f"{unread[0]}s could not be read, so what depends on these pods is not known.")
    for service in _silenced(proposal):
        yield _broken(
            "last_replica", f"Service {where(service)} would lose its last ready pod ({proposal.production[1]}).",
            "Keep one replica, or mark the namespace as not being production.",
        )  # fmt: skip
    for effect in _deletions(proposal, "Service", "Ingress", "HTTPRoute", "Gateway"):
        if effect.ref.kind != "Service" or _serves(proposal, effect.ref):
            yield _broken("last_replica", f"{effect.ref} is in use in production ({proposal.production[1]}).")


def _silenced(proposal: Proposal) -> Iterable[Ref]:
    lost = list(proposal.all.lost)
    if not lost:
        return ()
    blast = blast_of_pods(proposal.world, lost[0], lost, for_a_while=False)
    return [
        hit.ref for hit in blast.hits if hit.ref.kind == "Service" and hit.share >= 1 and _serves(proposal, hit.ref)
    ]


def _serves(proposal: Proposal, service: Ref) -> bool:
    counts = proposal.world.endpoint_counts(service.namespace, service.name)
    return counts is None or counts[0] > 0


def _pod_spec(obj: Any) -> dict[str, Any]:
    """The pod spec inside a workload, a CronJob or a Pod; empty for anything else."""
    if not isinstance(obj, dict):
        return {}
    spec = obj.get("spec") or {}
    if "jobTemplate" in spec:
        spec = (spec["jobTemplate"] or {}).get("spec") or {}
    template = spec.get("template")
    if isinstance(template, dict) and isinstance(template.get("spec"), dict):
        return dict(template["spec"])
    return dict(spec) if isinstance(spec.get("containers"), list) else {}


def _containers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [c for key in ("initContainers", "containers", "ephemeralContainers") for c in spec.get(key) or ()]
