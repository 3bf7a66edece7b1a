"""The product's own way in: the manifests that its users apply for reading and changing, applied here as they would."""

from __future__ import annotations

from pathlib import Path

import yaml

from infra.local.demo.server.api import Api

_MANIFESTS = Path(__file__).resolve().parents[3] / "onboarding"


def onboard(api: Api) -> None:
    """Create the account, the roles and the bindings of infra/onboarding/."""
    for name in ("reader.yaml", "operator.yaml"):
        for one in yaml.safe_load_all((_MANIFESTS / name).read_text()):
            namespace = one["metadata"].get("namespace", "")
            api.create(one["kind"], one, namespace=namespace, manager="kubectl-client-side-apply")
