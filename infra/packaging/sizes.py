"""What each function weighs in Lambda: its code and its layers, unpacked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from chalicelayer.layers import LIMIT_BYTES
from infra.packaging.functions import Function


@dataclass(frozen=True)
class Weight:
    """Unpacked bytes of one function."""

    function: str
    code_bytes: int
    layers: dict[str, int]

    @property
    def total_bytes(self) -> int:
        return self.code_bytes + sum(self.layers.values())

    @property
    def fits(self) -> bool:
        return self.total_bytes <= LIMIT_BYTES

    def as_dict(self) -> dict[str, object]:
        return asdict(self) | {"total_bytes": self.total_bytes, "limit_bytes": LIMIT_BYTES, "fits": self.fits}


def weigh(functions: Mapping[str, Function], code_bytes: int, layers: Mapping[str, int]) -> list[Weight]:
    """The weight of every function, by name."""
    return [
        Weight(name, code_bytes, {layer: layers[layer] for layer in function.layers})
        for name, function in sorted(functions.items())
    ]


def table(weights: Sequence[Weight]) -> str:
    """The weights as text, in bytes, with their share of the limit."""
    lines = [f"{'function':22} {'layers':18} {'code':>12} {'layers':>12} {'total':>12} {'of limit':>9}"]
    for weight in weights:
        attached = sum(weight.layers.values())
        lines.append(
            f"{weight.function:22} {'+'.join(weight.layers):18} {weight.code_bytes:>12,} {attached:>12,} "
            f"{weight.total_bytes:>12,} {weight.total_bytes / LIMIT_BYTES:>8.1%}"
        )
    lines.append(f"limit of Lambda, unpacked: {LIMIT_BYTES:,} bytes")
    return "\n".join(lines)
