"""Reach a cluster: credentials, raw paged reads, logs, permission checks, and recorded clusters."""
