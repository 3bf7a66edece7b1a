"""Putting a control plane together."""

from __future__ import annotations

from infra.local.demo.controllers import claim_templates  # noqa: F401 - registers the rules of StatefulSets
from infra.local.demo.controllers.adoption import Adoption
from infra.local.demo.controllers.autoscaling import Autoscaling
from infra.local.demo.controllers.budgets import Budgets
from infra.local.demo.controllers.clock import WorldClock
from infra.local.demo.controllers.cronjobs import CronJobs
from infra.local.demo.controllers.daemonsets import DaemonSets
from infra.local.demo.controllers.deployments import Deployments
from infra.local.demo.controllers.endpoints import Endpoints
from infra.local.demo.controllers.environment import Environment
from infra.local.demo.controllers.housekeeping import Housekeeping
from infra.local.demo.controllers.jobs import Jobs
from infra.local.demo.controllers.kubelet import Kubelet
from infra.local.demo.controllers.namespaces import Namespaces
from infra.local.demo.controllers.nodes import Nodes
from infra.local.demo.controllers.output import Output
from infra.local.demo.controllers.plane import ControlPlane
from infra.local.demo.controllers.quotas import Quotas
from infra.local.demo.controllers.replicasets import ReplicaSets
from infra.local.demo.controllers.scheduler import Scheduler
from infra.local.demo.controllers.statefulsets import StatefulSets
from infra.local.demo.controllers.volumes import Volumes
from infra.local.demo.server.api import Api


def control_plane(api: Api, clock: WorldClock, *, environment: Environment | None = None) -> ControlPlane:
    """All controllers over an API, not yet started; its logs are served from the kubelets."""
    plane = ControlPlane(api, clock, environment=environment)
    for cls in (
        Namespaces, Nodes, Adoption, Deployments, StatefulSets, DaemonSets, CronJobs, Jobs, ReplicaSets, Volumes,
        Scheduler, Kubelet, Endpoints, Budgets, Quotas, Autoscaling, Housekeeping,
    ):  # fmt: skip
        plane.add(cls(plane))
    kubelet = plane.find(Kubelet)
    assert isinstance(kubelet, Kubelet)
    api.logs = Output(plane, kubelet)
    plane.enqueue(plane.find(Housekeeping), ("", "events"))
    return plane
