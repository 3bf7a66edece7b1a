"""All kinds. Importing this package fills the registry."""

# isort: off  (each module registers its kinds; the order is the reading order)
from chalicelib.state.kinds import (  # noqa: F401
    access,
    admission,
    batch,
    cluster,
    configuration,
    gateway,
    network,
    pod,
    scaling,
    storage,
    workloads,
)

# isort: on
from chalicelib.state.kinds.registry import KINDS, Column, Edge, KindEntry, Status

__all__ = ["KINDS", "Column", "Edge", "KindEntry", "Status", "kind"]


def kind(name: str) -> KindEntry:
    """The entry of a kind by any of its names. Raises NotFound with the valid kinds."""
    return KINDS[name]
