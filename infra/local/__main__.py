"""`python -m infra.local`: run the product on this machine until Ctrl-C."""

from __future__ import annotations

import errno
import os
import secrets
import sys
import threading
from functools import partial

from infra.local.api_client import ApiClient
from infra.local.connect import connect_imports, connect_sample
from infra.local.demo_background import follow_history, follow_prometheus
from infra.local.demo_connect import connect_demo, say_demo
from infra.local.instance import AlreadyRunning, CannotStart, disk_full, hold, listen, require_space
from infra.local.layout import write_private
from infra.local.options import InvalidOption, Options, read_options
from infra.local.supervisor import StopRequested, Supervisor, stop_on_signals


def main() -> int:
    """The exit status: 0 after a clean stop or when it runs already."""
    try:
        options = read_options(os.environ)
        return run(options)
    except StopRequested:
        say("Stopped before everything had started.")
        return 0
    except AlreadyRunning as error:
        say(str(error))
        return 0
    except (CannotStart, InvalidOption) as error:
        say(str(error))
        return 1
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        say(disk_full(options.layout.home, 0))
        return 1


def run(options: Options) -> int:
    """Start, say where, watch, stop."""
    require_space(options.layout.home)
    options.layout.prepare()
    # Kept until the process ends: the lock goes with it.
    _lock = hold(options.layout.run, options.url)
    if not options.ministack_python.exists():
        raise CannotStart(f"{options.ministack_python} is missing. Start with `make run`, which installs it.")
    listening = listen(options)
    if options.local_auth == "link":
        write_private(options.layout.link, secrets.token_urlsafe(24))
    supervisor = Supervisor(options, listening, say)
    stop_on_signals(supervisor)
    say("Starting Kubilitics ...")
    beginning = supervisor.start()
    if beginning.message:
        say(beginning.message)
    client = ApiClient(options.url, options.layout.secret("token"))
    connect_sample(options, client, say)
    say_ready(options)
    lost = beginning.source not in ("clean", "nothing")
    # Clusters may answer slowly or not at all; the service is usable meanwhile.
    for connect in (connect_imports, partial(connect_demo, lost=lost)):
        arguments = (options, client, supervisor.run_in_product, say)
        threading.Thread(target=connect, args=arguments, daemon=True).start()
    for follow in (follow_history, follow_prometheus):
        threading.Thread(target=follow, args=(options, say), daemon=True).start()
    kept = supervisor.watch()
    say("Stopping ...")
    saved = supervisor.stop()
    say("Stopped; everything is saved." if saved else f"Stopped, but not everything could be saved: {_log(options)}")
    return 0 if kept else 1


def _log(options: Options) -> str:
    return f"see {options.layout.logs / 'ministack.log'}. The next start restores the newest backup."


def say_ready(options: Options) -> None:
    address = options.url
    if options.local_auth == "link":
        address = f"{options.url}/?key={options.layout.link.read_text().strip()} (works once)"
    say(f"Kubilitics is ready at {address}")
    say(f"  API token: {options.layout.token}   Logs: {options.layout.logs}   Stop: Ctrl-C")
    say_demo(options, say)


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
