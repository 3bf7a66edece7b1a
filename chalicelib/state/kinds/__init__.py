"""All kinds. Importing this package fills the registry."""

from importlib import import_module

from chalicelib.state.kinds.registry import KINDS, Column, Edge, KindEntry, Status
from chalicelib.state.structs import ready

READING_ORDER = (
    "pod", "workloads", "batch", "scaling", "network", "gateway", "storage", "configuration", "access", "cluster",
    "admission",
)  # fmt: skip
"""Each module registers its kinds; lists of kinds have this order."""
for _name in READING_ORDER:
    import_module(f"{__name__}.{_name}")
ready(*(entry.struct for entry in KINDS))

__all__ = ["KINDS", "Column", "Edge", "KindEntry", "Status", "kind"]


def kind(name: str) -> KindEntry:
    """The entry of a kind by any of its names. Raises NotFound with the valid kinds."""
    return KINDS[name]
