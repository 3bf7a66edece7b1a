"""Work that was waiting when a backup was made: queues are not in it, so it is queued again."""

from __future__ import annotations

from datetime import datetime

from chalicelib.store import codec
from chalicelib.store.facade import Store
from chalicelib.store.investigation_records import RUNNING
from chalicelib.store.records import Turn


def requeue_work(store: Store, now: datetime) -> int:
    """Queue every question and investigation that is not settled; how many.

    What is queued already is done once all the same.
    """
    waiting = 0
    for tenant, item in store.tables["core"].scan():
        if item.sort.startswith("TURN#"):
            turn = codec.decode(item.body, Turn)
            if turn.status not in ("queued", "running"):
                continue
            message = {"type": "turn", "conversation": turn.conversation, "turn": turn.id}
            store.queue.send(tenant, message, group=turn.conversation, dedup_id=turn.id)
        elif item.sort == "SESSION":
            session = store.investigations.get(tenant, item.partition.removeprefix("IV#"))
            if session.status not in RUNNING:
                continue
            store.queue.send(
                tenant,
                {"type": "investigation", "investigation": session.id},
                group=session.id,
                dedup_id=f"{session.id}/restored/{now.timestamp():.0f}",
            )
        else:
            continue
        waiting += 1
    return waiting
