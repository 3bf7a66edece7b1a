"""Questions that were waiting when a backup was made: queues are not in it, so they are queued again."""

from __future__ import annotations

from chalicelib.store import codec
from chalicelib.store.facade import Store
from chalicelib.store.records import Turn


def requeue_turns(store: Store) -> int:
    """Queue every turn that is not settled; how many. A turn that is still queued is answered once all the same."""
    waiting = 0
    for tenant, item in store.tables["core"].scan():
        if not item.sort.startswith("TURN#"):
            continue
        turn = codec.decode(item.body, Turn)
        if turn.status not in ("queued", "running"):
            continue
        message = {"type": "turn", "conversation": turn.conversation, "turn": turn.id}
        store.queue.send(tenant, message, group=turn.conversation, dedup_id=turn.id)
        waiting += 1
    return waiting
