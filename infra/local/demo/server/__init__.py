"""The Kubernetes API server of the demo cluster: storage, protocol, patches, admission and access."""
