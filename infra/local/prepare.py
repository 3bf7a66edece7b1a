"""`python -m infra.local.prepare [restore]`: creates tables, bucket and queues, and fills them from the backup."""

from __future__ import annotations

import os
import sys

from infra.local.layout import Layout


def main() -> None:
    """Runs once per start, in the product's environment."""
    from pathlib import Path

    from chalicelib.settings import settings
    from chalicelib.store.aws import create_resources

    create_resources(settings())
    if sys.argv[1:] == ["restore"]:
        from chalicelib.store.backup import restore_all

        restore_all(Layout(Path(os.environ["KUBILITICS_HOME"])).backup)


if __name__ == "__main__":
    main()
