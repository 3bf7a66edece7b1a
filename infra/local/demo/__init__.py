"""A Kubernetes API on a laptop, with applications, history and faults; for development only, never shipped."""
