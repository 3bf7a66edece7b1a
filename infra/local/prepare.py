"""`python -m infra.local.prepare [restore]`: what must exist before the first request.

Creates tables, bucket and queues, with `restore` fills them from the newest backup, and makes the local administrator
whose token lies in `.local/token`. A process of its own, so that the supervisor stays small.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from chalicelib.errors import KubiliticsError
from infra.local.layout import Layout


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
    from chalicelib import wiring
    from chalicelib.settings import settings
    from chalicelib.store.aws import create_resources

    create_resources(settings())
    if restore:
        from chalicelib.store.backup import restore_all
        from chalicelib.store.requeue import requeue_work

        restore_all(layout.backup)
        requeue_work(wiring.services().store, wiring.services().clock())
    wiring.ensure_local_tenant(layout.token.read_text().strip())


if __name__ == "__main__":
    sys.exit(main())
