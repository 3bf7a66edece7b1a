"""`python -m infra.local.worker PARENT`: queue consumers and schedules until SIGTERM, then the batches in
hand.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading

from infra.local.lifeline import die_with_parent
from infra.local.worker.mapping import Mapping
from infra.local.worker.schedules import ScheduleRunner, schedules
from infra.local.worker.sources import sources_of


def main() -> None:
    """Work until told to stop."""
    die_with_parent(int(sys.argv[1]))
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("infra.local").setLevel(logging.INFO)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())

    import boto3
    from botocore.config import Config

    from app import app
    from chalicelib.settings import settings

    sources = sources_of(app, boto3.client("sqs"))
    connections = sum(2 * source.concurrency + 1 for source in sources) + 1
    sqs = boto3.client("sqs", config=Config(max_pool_connections=connections, retries={"max_attempts": 2}))
    threads = [threading.Thread(target=Mapping(source, sqs, stopping).run, name=source.queue) for source in sources]
    for thread in threads:
        thread.start()
    threads += ScheduleRunner(schedules(settings().collect_interval_s), stopping).start()
    print("worker ready", flush=True)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
