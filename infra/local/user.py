"""`python -m infra.local.user NAME [ROLE]`: adds a local user to the running service and prints their token."""

from __future__ import annotations

import json
import os
import sys

from infra.local.api_client import ApiClient, Refused
from infra.local.options import read_options


def main() -> int:
    """The exit status; the token is shown once and kept nowhere."""
    name, role = (*sys.argv[1:], "", "")[:2]
    if not name:
        print("Give a name: make user NAME=ana ROLE=viewer", file=sys.stderr)
        return 1
    layout = read_options(os.environ).layout
    try:
        url = json.loads(layout.run.read_text())["url"]
        client = ApiClient(url, layout.token.read_text().strip())
        user = client.call("POST", "/users", {"name": name, "role": role or "viewer"})
    except Refused as error:
        print(str(error), file=sys.stderr)
        return 1
    except OSError:
        print("Kubilitics does not run. Start it with `make run`, then add the user.", file=sys.stderr)
        return 1
    print(f"Added {user['name']} with the role {user['role']}. Token, shown only now:\n{user['token']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
