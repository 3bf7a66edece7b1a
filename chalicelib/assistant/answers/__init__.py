"""Handlers of intents. Importing this package registers them all."""

from chalicelib.assistant.answers import (  # noqa: F401
    actions,
    capacity,
    changes,
    concepts,
    diagnosis,
    investigating,
    listing,
    logs,
    objects,
    relations,
    talk,
)
