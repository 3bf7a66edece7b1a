"""Change requests: classified, previewed, approved, executed, verified, undone."""
