"""The rules of the built-in kinds; importing the package registers them all."""

from infra.local.demo.server.kinds import batch, cluster, config, network, pods, policy, workloads

__all__ = ["batch", "cluster", "config", "network", "pods", "policy", "workloads"]
