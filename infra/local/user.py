"""`python -m infra.local.user NAME [ROLE [TENANT]]`: adds a local user to the running service.

Prints their token and a sign-in link; opened in a browser, the link adds them to the people that its account menu
switches between.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from infra.local.api_client import ApiClient, Refused
from infra.local.options import read_options


def main(arguments: Sequence[str]) -> int:
    """The exit status; token and link are shown once and kept nowhere."""
    name, role, tenant = (*arguments, "", "", "")[:3]
    if not name:
        print("Give a name: make user NAME=ana ROLE=viewer", file=sys.stderr)
        return 1
    layout = read_options(os.environ).layout
    try:
        url = json.loads(layout.run.read_text())["url"]
        client = ApiClient(url, layout.token.read_text().strip(), base="/local")
        user = client.call("POST", "/people/add", {"name": name, "role": role or "viewer", "tenant": tenant})
    except Refused as error:
        print(str(error), file=sys.stderr)
        return 1
    except OSError:
        print("Kubilitics does not run. Start it with `make run`, then add the user.", file=sys.stderr)
        return 1
    print(f"Added {user['user']} with the role {user['role']} to tenant {user['tenant']}.")
    print(f"  Sign in (once, within 15 minutes): {url}{user['path']}")
    print(f"  Token, shown only now: {user['token']}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
