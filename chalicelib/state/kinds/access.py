"""Who may do what: ServiceAccount, Role, RoleBinding, ClusterRole, ClusterRoleBinding."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.state.kinds.registry import KINDS, Column, KindEntry, Related, Status
from chalicelib.state.meta import Api, LabelSelector, LocalReference, Object, Ref

if TYPE_CHECKING:
    from chalicelib.state.world import World

IRSA = "eks.amazonaws.com/role-arn"


class ServiceAccount(Object):
    image_pull_secrets: list[LocalReference] = []
    automount_service_account_token: bool | None = None


class PolicyRule(Api):
    verbs: list[str] = []
    api_groups: list[str] = []
    resources: list[str] = []
    resource_names: list[str] = []
    non_resource_urls: list[str] = msgspec.field(name="nonResourceURLs", default_factory=list)

    def allows(self, verb: str, group: str, resource: str, name: str = "") -> bool:
        """Whether this rule grants a verb on a resource (`pods`, `pods/log`), RBAC matching rules."""
        if verb not in self.verbs and "*" not in self.verbs:
            return False
        if group not in self.api_groups and "*" not in self.api_groups:
            return False
        base, _, sub = resource.partition("/")
        named = {resource, "*"} | ({f"*/{sub}"} if sub else set()) | ({base} if not sub else set())
        if not named.intersection(self.resources):
            return False
        return not self.resource_names or name in self.resource_names


class Role(Object):
    rules: list[PolicyRule] = []


class AggregationRule(Api):
    cluster_role_selectors: list[LabelSelector] = []


class ClusterRole(Object):
    rules: list[PolicyRule] = []
    aggregation_rule: AggregationRule | None = None


class RoleRef(Api):
    kind: str = ""
    name: str = ""
    api_group: str = ""


class Subject(Api):
    kind: str = ""
    name: str = ""
    namespace: str = ""
    api_group: str = ""


class RoleBinding(Object):
    role_ref: RoleRef = RoleRef()
    subjects: list[Subject] = []


class ClusterRoleBinding(Object):
    role_ref: RoleRef = RoleRef()
    subjects: list[Subject] = []


def _account_refs(account: ServiceAccount) -> Iterable[Related]:
    for pull in account.image_pull_secrets:
        yield "pulls_with", Ref("Secret", account.metadata.namespace, pull.name), ""


def _binding_refs(binding: Any) -> Iterable[Related]:
    namespace = binding.metadata.namespace
    role = binding.role_ref
    yield "grants", Ref(role.kind, namespace if role.kind == "Role" else "", role.name), ""
    for subject in binding.subjects:
        if subject.kind == "ServiceAccount":
            yield "grants_to", Ref("ServiceAccount", subject.namespace or namespace, subject.name), role.name


def _dangling(binding: Any, world: World) -> Status:
    role = binding.role_ref
    namespace = binding.metadata.namespace if role.kind == "Role" else ""
    if world.snapshot.was_read(role.kind) and not world.snapshot.get(role.kind, namespace, role.name):
        return Status("warn", "Dangling", f"{role.kind} {role.name} does not exist")
    return Status("ok", "Bound")


def _verbs(obj: Any) -> list[str]:
    return sorted({verb for rule in obj.rules for verb in rule.verbs})


def _bound(kind: str, obj: Object, world: World) -> int:
    return len(world.graph.into(Ref(kind, obj.metadata.namespace, obj.metadata.name), "grants"))


def _subjects(binding: Any) -> list[str]:
    return [f"{s.kind}:{s.namespace + '/' if s.namespace else ''}{s.name}" for s in binding.subjects]


def _pods_of(account: ServiceAccount, world: World) -> int:
    ref = Ref("ServiceAccount", account.metadata.namespace, account.metadata.name)
    return sum(e.source.kind == "Pod" for e in world.graph.into(ref, "runs_as"))


def _role_columns(kind: str) -> tuple[Column, ...]:
    return (
        Column("rules", "Rules", "number", lambda r, w: len(r.rules)),
        Column("verbs", "Verbs", "list", lambda r, w: _verbs(r)),
        Column("bound", "Bindings", "number", lambda r, w: _bound(kind, r, w)),
    )


BINDING_COLUMNS = (
    Column("role", "Role", "ref", lambda b, w: f"{b.role_ref.kind}/{b.role_ref.name}"),
    Column("subjects", "Subjects", "list", lambda b, w: _subjects(b)),
)

KINDS.add(
    KindEntry(
        kind="ServiceAccount", plural="serviceaccounts", group="", version="v1", category="Access",
        title="Service accounts", struct=ServiceAccount, status=lambda s, w: Status("ok", "Present"),
        short_names=("sa",), refs=_account_refs,
        columns=(
            Column("pods", "Pods", "number", _pods_of),
            Column("bindings", "Bindings", "number", lambda s, w: len(
                w.graph.into(Ref("ServiceAccount", s.metadata.namespace, s.metadata.name), "grants_to"))),
            Column("automount", "Automount", "text",
                   lambda s, w: "no" if s.automount_service_account_token is False else "yes", hidden=True),
            Column("iam_role", "IAM role", "text", lambda s, w: s.metadata.annotations.get(IRSA), hidden=True),
        ),
        words=("service account",),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="Role", plural="roles", group="rbac.authorization.k8s.io", version="v1", category="Access", title="Roles",
        struct=Role, status=lambda r, w: Status("ok", "Present"), columns=_role_columns("Role"), words=("role",),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="RoleBinding", plural="rolebindings", group="rbac.authorization.k8s.io", version="v1", category="Access",
        title="Role bindings", struct=RoleBinding, status=_dangling, columns=BINDING_COLUMNS, refs=_binding_refs,
        words=("role binding",),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="ClusterRole", plural="clusterroles", group="rbac.authorization.k8s.io", version="v1", category="Access",
        title="Cluster roles", struct=ClusterRole, namespaced=False, status=lambda r, w: Status("ok", "Present"),
        columns=_role_columns("ClusterRole"), words=("cluster role",),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="ClusterRoleBinding", plural="clusterrolebindings", group="rbac.authorization.k8s.io", version="v1",
        category="Access", title="Cluster role bindings", struct=ClusterRoleBinding, namespaced=False,
        status=_dangling, columns=BINDING_COLUMNS, refs=_binding_refs, words=("cluster role binding",),
    )
)  # fmt: skip
