"""Evidence: what an id stands for."""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib.api.endpoints import Call, endpoint
from chalicelib.api.models import clusters as models
from chalicelib.api.render import evidence_out

blueprint = Blueprint(__name__)


@endpoint(
    blueprint, "GET", "/api/v1/evidence/{evidence}", summary="The slice, event or log lines an id stands for.",
    tag="evidence", permission="findings:read", query=models.EvidenceQuery, response=models.Evidence,
)  # fmt: skip
def get_evidence(call: Call) -> object:
    record = call.services.store.evidence.get(call.principal.tenant, call.path["evidence"], call.query.cluster)
    return evidence_out(record)
