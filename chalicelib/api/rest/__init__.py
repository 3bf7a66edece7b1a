"""The REST routes, one module per subject."""
