"""Users with their tokens, and a kubeconfig for each."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

import yaml

from infra.local.demo.server.api import Api
from infra.local.demo.server.certificates import write_private

CLUSTER = "demo"


@dataclass(frozen=True)
class Account:
    """A user of the demo. `role` is a ClusterRole bound cluster-wide; empty for system:masters or none.

    `user` is the name the server knows it by where that is another one, as with a ServiceAccount.
    """

    name: str
    groups: tuple[str, ...] = ()
    role: str = ""
    user: str = ""


ACCOUNTS = (
    Account("admin", ("system:masters",)),
    Account("editor", ("team-platform",), "edit"),
    Account("viewer", ("team-observers",), "view"),
    Account(
        "kubilitics",
        ("system:serviceaccounts", "system:serviceaccounts:kubilitics"),
        user="system:serviceaccount:kubilitics:kubilitics-reader",
    ),
)
"""The last one is who the product reads with; its rights come from the manifest its users apply."""


def tokens(folder: Path, accounts: tuple[Account, ...] = ACCOUNTS) -> dict[str, str]:
    """A token per account, made once and kept in `tokens.json` (mode 600)."""
    path = folder / "tokens.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = [account.name for account in accounts if account.name not in known]
    if missing:
        known |= {name: secrets.token_urlsafe(32) for name in missing}
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, json.dumps(known).encode())
    return known


def admit(api: Api, folder: Path, accounts: tuple[Account, ...] = ACCOUNTS) -> dict[str, str]:
    """Let the accounts in, with their cluster-wide roles; returns their tokens."""
    known = tokens(folder, accounts)
    for account in accounts:
        api.tokens.add(known[account.name], account.user or account.name, account.groups)
        if account.role and api.find("ClusterRoleBinding", "", f"demo-{account.name}") is None:
            subject = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": account.name}
            role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": account.role}
            binding = {"metadata": {"name": f"demo-{account.name}"}, "subjects": [subject], "roleRef": role}
            api.create("ClusterRoleBinding", binding, manager="kube-apiserver")
    return known


def write(
    folder: Path, server: str, authority: Path, known: dict[str, str], namespace: str = "default"
) -> dict[str, Path]:
    """`<folder>/<user>.kubeconfig` for each user, mode 600; returns their paths."""
    certificate = base64.b64encode(authority.read_bytes()).decode()
    written = {}
    for name, token in known.items():
        context = {"cluster": CLUSTER, "user": name, "namespace": namespace}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": CLUSTER, "cluster": {"server": server, "certificate-authority-data": certificate}}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": CLUSTER, "context": context}],
            "current-context": CLUSTER,
        }
        path = folder / f"{name}.kubeconfig"
        write_private(path, yaml.safe_dump(config, sort_keys=False).encode())
        written[name] = path
    return written
