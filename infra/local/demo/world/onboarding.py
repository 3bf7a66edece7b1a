"""The product's own way in: the manifest its users apply for reading, applied here as they would."""

from __future__ import annotations

from pathlib import Path

import yaml

from infra.local.demo.server.api import Api

_MANIFEST = Path(__file__).resolve().parents[3] / "onboarding" / "reader.yaml"


def onboard(api: Api) -> None:
    """Create the account, the role and the binding of infra/onboarding/reader.yaml."""
    for one in yaml.safe_load_all(_MANIFEST.read_text()):
        namespace = one["metadata"].get("namespace", "")
        api.create(one["kind"], one, namespace=namespace, manager="kubectl-client-side-apply")
