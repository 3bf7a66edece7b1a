"""Handlers of intents. Importing this package registers them all."""

from chalicelib.assistant.answers import (  # noqa: F401
    actions,
    capacity,
    changes,
    concepts,
    diagnosis,
    listing,
    logs,
    objects,
    relations,
    talk,
)
