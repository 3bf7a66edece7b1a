"""`python -m infra.local.plugin_context PATH CONTEXT`: connects a context whose credentials come from a plugin.

The API refuses such contexts, because running a plugin means running a program. Here the operator named the file on
their own machine, so a reference to it is kept instead of credentials. Prints the id of the new cluster.
"""

from __future__ import annotations

import os
import secrets
import sys

from chalicelib.errors import KubiliticsError


def main() -> int:
    """The exit status; runs in the product's environment."""
    path, context = sys.argv[1:3]
    try:
        print(connect(path, context))
    except KubiliticsError as error:
        print(f"{error.message} {error.remedy}", file=sys.stderr)
        return 1
    return 0


def connect(path: str, context: str) -> str:
    """Store the cluster and what it is reached by; it is not read yet."""
    from chalicelib import wiring
    from chalicelib.accounts import Principal
    from chalicelib.clusters.connect import local_connection
    from chalicelib.clusters.connection import LocalConnection
    from chalicelib.state.ids import TenantId, new_id
    from chalicelib.store.records import ClusterRecord
    from chalicelib.tools.collection import looks_like_production

    services = wiring.services()
    tenant = TenantId(services.settings.local_tenant)
    administrator = Principal(tenant, wiring.LOCAL_ADMIN, wiring.LOCAL_ADMIN, "admin")
    identifier = new_id("cl", secrets.token_bytes(16))
    connection = local_connection(LocalConnection(path=os.path.abspath(path), context=context))
    for name, value in connection.secrets.items():
        services.store.secrets.put(tenant, identifier, name, value)
    record = ClusterRecord(
        id=identifier,
        tenant=tenant,
        name=context,
        source="kubeconfig",
        created_at=services.clock(),
        connection=connection.facts,
        production=looks_like_production(context),
    )
    services.store.clusters.add(tenant, record)
    services.audit(administrator, "cluster.add", identifier, {"name": context, "source": "kubeconfig import"})
    return identifier


if __name__ == "__main__":
    sys.exit(main())
