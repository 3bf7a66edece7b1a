"""`python -m infra.local.prepare [restore]`: what must exist before the first request.

Creates tables, bucket and queues, with `restore` fills them from the newest backup, and makes the local administrator
whose token lies in `.local/token`.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.errors import KubiliticsError
from infra.local.layout import Layout

if TYPE_CHECKING:
    from chalicelib.store import Store

ADMINISTRATOR = "admin"


def main() -> int:
    """Runs once per start, in the product's environment. The exit status; what went wrong is on stderr."""
    layout = Layout(Path(os.environ["KUBILITICS_HOME"]))
    try:
        prepare(layout, restore="restore" in sys.argv[1:])
    except KubiliticsError as error:
        print(f"{error.message} {error.remedy}", file=sys.stderr)
        return 1
    return 0


def prepare(layout: Layout, *, restore: bool) -> None:
    """Raises KubiliticsError: no whole backup, a lost key, an unreachable embedded AWS."""
    from chalicelib.settings import settings
    from chalicelib.store import aws_store
    from chalicelib.store.aws import create_resources

    create_resources(settings())
    if restore:
        from chalicelib.store.backup import restore_all

        restore_all(layout.backup)
    admit_administrator(aws_store(settings()), layout)


def admit_administrator(store: Store, layout: Layout) -> None:
    """The local tenant and administrator exist, and the token in `.local/token` is theirs."""
    from chalicelib.accounts import register_token
    from chalicelib.settings import settings
    from chalicelib.state.ids import TenantId
    from chalicelib.store.records import Tenant, User

    tenant = TenantId(settings().local_tenant)
    now = datetime.now(UTC)
    store.tenants.ensure(tenant, Tenant(id=tenant, name="Local", plan="local", created_at=now))
    if store.users.find(tenant, ADMINISTRATOR) is None:
        store.users.add(tenant, User(id=ADMINISTRATOR, name="Local administrator", role="admin"))
    register_token(store, layout.token.read_text().strip(), ADMINISTRATOR, "admin", name=".local/token", now=now)


if __name__ == "__main__":
    sys.exit(main())
