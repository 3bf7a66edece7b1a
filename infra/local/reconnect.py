"""`python -m infra.local.reconnect CLUSTER KUBECONFIG`: gives a connected cluster another address and credential.

The public API has no such operation: whoever could point a cluster's name at another server could make its history lie.
Here the operator's own start-up does it, for a cluster that it runs itself.
"""

from __future__ import annotations

import sys
from pathlib import Path

from chalicelib.errors import KubiliticsError


def main() -> int:
    """The exit status; runs in the product's environment."""
    identifier, path = sys.argv[1:3]
    try:
        reconnect(identifier, Path(path).read_text())
    except KubiliticsError as error:
        print(f"{error.message} {error.remedy}", file=sys.stderr)
        return 1
    return 0


def reconnect(identifier: str, kubeconfig: str) -> None:
    """Store the new connection; it is not tried."""
    import msgspec

    from chalicelib import wiring
    from chalicelib.accounts import Principal
    from chalicelib.state.ids import ClusterId, TenantId

    services = wiring.services()
    tenant, cluster = TenantId(services.settings.local_tenant), ClusterId(identifier)
    administrator = Principal(tenant, wiring.LOCAL_ADMIN, wiring.LOCAL_ADMIN, "admin")
    connection = services.checked_connection({"type": "kubeconfig", "kubeconfig": kubeconfig})
    record = services.store.clusters.get(tenant, cluster)
    for name, value in connection.secrets.items():
        services.store.secrets.put(tenant, cluster, name, value)
    moved = msgspec.structs.replace(record, server=connection.server, connection=connection.facts)
    services.store.clusters.update(tenant, moved)
    services.audit(administrator, "cluster.reconnect", cluster, {"server": connection.server})


if __name__ == "__main__":
    sys.exit(main())
