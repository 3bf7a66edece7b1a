"""Server-side printing: lists and objects as the tables that `kubectl get` shows."""

from infra.local.demo.server.printing.tables import is_table, partial, table, table_event

__all__ = ["is_table", "partial", "table", "table_event"]
