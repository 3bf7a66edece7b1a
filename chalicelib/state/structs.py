"""Structs that several threads decode are made ready before the first of them does."""

from __future__ import annotations

from typing import Any

import msgspec


def ready(*types: Any) -> None:
    """Build what msgspec needs to know of these types and of all that they hold. Called where a module is imported.

    msgspec 0.22 builds it at the first use, and runs Python code meanwhile: a second thread that meets a type that is
    half built reads through a null pointer, which ends the process. Imports are done by one thread at a time.
    """
    for type_ in types:
        msgspec.json.Decoder(type_)
