"""The lease of one session: one run at a time, renewed by a heartbeat, free soon after its holder was killed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from chalicelib.errors import KubiliticsError
from chalicelib.investigations.office import Office
from chalicelib.state.ids import TenantId
from chalicelib.store.records import Lease

LEASE_S = 20
"""How long the work of a killed worker waits; shorter than the time in which its queue message is seen again."""
RENEW_EVERY_S = 6.0
log = logging.getLogger(__name__)


class Ended(Exception):
    """The session takes no more steps from here: it was cancelled, removed, or another worker has it."""


@dataclass
class Hold:
    """A lease in hand. `lost` is set when another run has taken it."""

    office: Office
    tenant: TenantId
    name: str
    holder: str
    lease: Lease
    lost: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raises Ended when another run has the session by now. Writing is safe without: the journal decides."""
        if self.lost.is_set():
            raise Ended

    def renew(self) -> None:
        again = self.office.store.leases.acquire(self.tenant, self.name, self.holder, LEASE_S, self.office.clock())
        if again is None:
            self.lost.set()
        else:
            self.lease = again


def lease_name(investigation: str) -> str:
    return f"investigation#{investigation}"


@contextmanager
def hold(office: Office, tenant: TenantId, investigation: str) -> Iterator[Hold | None]:
    """The lease of a session while the block runs; None when another run has it."""
    # A name of its own for each run: two threads of one process must not both have it.
    holder = f"{office.holder}/{office.random(6).hex()}"
    name = lease_name(investigation)
    lease = office.store.leases.acquire(tenant, name, holder, LEASE_S, office.clock())
    if lease is None:
        yield None
        return
    held, over = Hold(office, tenant, name, holder, lease), threading.Event()
    heartbeat = threading.Thread(target=_beat, args=(held, over), name=f"hold-{investigation}", daemon=True)
    heartbeat.start()
    try:
        yield held
    finally:
        over.set()
        heartbeat.join()
        # When the store does not answer, the lease expires by itself.
        with suppress(KubiliticsError):
            office.store.leases.release(tenant, held.lease)


def _beat(held: Hold, over: threading.Event) -> None:
    while not over.wait(RENEW_EVERY_S):
        try:
            held.renew()
        except KubiliticsError as error:
            log.warning("lease of %s not renewed: %s", held.name, error.message)
