"""What looks like a fault and is none: played into the last hour of every world.

Older ones (restarts of days ago) come with the world's past; scale to zero on purpose, single replicas and tainted
nodes are part of the company. Nothing here may be reported as a problem.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from infra.local.demo.controllers.status import owner_reference
from infra.local.demo.server.store import copy_of
from infra.local.demo.world.manifests import REGISTRY, obj

if TYPE_CHECKING:
    from infra.local.demo.world.build import World


@dataclass(frozen=True)
class LookAlike:
    name: str
    what: str
    where: tuple[str, str, str]
    play: Callable[[World], None] | None = None
    minutes_ago: int = 0


def _image(world: World, namespace: str, name: str, image: str) -> None:
    patch = {"spec": {"template": {"spec": {"containers": [{"name": name, "image": image}]}}}}
    world.api.patch("Deployment", namespace, name, patch, how="strategic", manager="kubectl")
    world.plane.settle()


def _rolled_back(world: World) -> None:
    good = world.apps["sandbox", "preview-web"].full_image
    _image(world, "sandbox", "preview-web", f"{REGISTRY}/sandbox/preview-web:pr-1188")
    world.run_for(100)
    _image(world, "sandbox", "preview-web", good)


def _manual_job(world: World) -> None:
    cron = world.api.get("CronJob", "billing", "dunning")
    template = copy_of(cron["spec"]["jobTemplate"])
    meta = {
        "name": "dunning-manual-1",
        "ownerReferences": [owner_reference(cron)],
        "annotations": {"cronjob.kubernetes.io/instantiate": "manual"},
    }
    world.api.create("Job", {"metadata": meta, "spec": template["spec"]}, namespace="billing", manager="kubectl")


def _second_try(world: World) -> None:
    pod = {
        "restartPolicy": "Never",
        "containers": [
            {
                "name": "import",
                "image": f"{REGISTRY}/tracking/import:2.0.0",
                "command": ["/bin/sh", "-c", "sleep 9"],
                "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
            }
        ],
    }
    job = obj("Job", "import-depots", "tracking", api="batch/v1", spec={"backoffLimit": 3, "template": {"spec": pod}})
    world.api.create("Job", job, namespace="tracking", manager="kubectl")
    world.run_for(5)
    for one in world.api.list("Pod", "tracking", labels={"job-name": "import-depots"}):
        world.kubelet.restart_now("tracking", one["metadata"]["name"], "import", exit_code=1, reason="Error")


def _late_secret(world: World) -> None:
    """A pod that came before its Secret: FailedMount for half a minute, then all is well."""
    labels = {"app.kubernetes.io/name": "label-printer"}
    container = {
        "name": "label-printer",
        "image": "docker.io/library/nginx:1.29.3",
        "ports": [{"containerPort": 80}],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        "volumeMounts": [{"name": "tls", "mountPath": "/etc/tls"}],
    }
    spec = {"containers": [container], "volumes": [{"name": "tls", "secret": {"secretName": "label-printer-tls"}}]}
    made = obj(
        "Deployment",
        "label-printer",
        "tracking",
        api="apps/v1",
        labels=labels,
        spec={
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    )
    world.api.create("Deployment", made, namespace="tracking", manager="helm")
    world.run_for(25)
    secret = obj(
        "Secret", "label-printer-tls", "tracking", type="kubernetes.io/tls", stringData={"tls.crt": "", "tls.key": ""}
    )
    world.api.create("Secret", secret, namespace="tracking", manager="cert-manager")


def _slow_start(world: World) -> None:
    """A restart of a service that needs a while: readiness failures at first, then none."""
    for pod in world.api.list("Pod", "booking", labels={"app.kubernetes.io/name": "fares"})[:1]:
        text = (
            'Readiness probe failed: Get "http://10.244.1.9:8080/ready": dial tcp 10.244.1.9:8080: '
            "connect: connection refused"
        )
        world.plane.events.record(
            "kubelet",
            pod,
            "Warning",
            "Unhealthy",
            text,
            field="spec.containers{fares}",
            host=pod["spec"]["nodeName"],
            times=2,
        )


def _scaled_and_back(world: World) -> None:
    """Somebody scaled up and down again; its events remain."""
    for count in (3, 2):
        world.api.patch(
            "Deployment", "fleet", "dispatch", {"spec": {"replicas": count}}, subresource="scale", manager="kubectl"
        )
        world.plane.settle()
        world.run_for(45)


def _waited_for_room(world: World) -> None:
    """A pod that found no node until a cordon was lifted; it runs now."""
    node = next(one for one in world.api.list("Node") if (one["metadata"]["labels"]).get("pool") == "memory")[
        "metadata"
    ]["name"]
    world.api.patch("Node", "", node, {"spec": {"unschedulable": True}}, manager="kubectl")
    for pod in world.api.list("Pod", "tracking", labels={"app.kubernetes.io/name": "geo-index"}):
        old = pod["metadata"]["name"]
        world.plane.events.record(
            "default-scheduler",
            pod,
            "Warning",
            "FailedScheduling",
            (
                "0/6 nodes are available: 1 node(s) were unschedulable, 5 node(s) didn't match "
                "Pod's node affinity/selector. no new claims to "
                "deallocate, preemption: 0/6 nodes are available: 6 Preemption is not helpful for scheduling."
            ),
        )
        assert old
    world.run_for(40)
    world.api.patch("Node", "", node, {"spec": {"unschedulable": None}}, manager="kubectl")
    world.plane.settle()


LOOK_ALIKES = (
    LookAlike("old-oom-restarts", "three OOM kills nine days ago; well since", ("Deployment", "tracking", "geo-index")),
    LookAlike("old-crash", "one crash six days ago", ("Deployment", "fleet", "dispatch")),
    LookAlike(
        "scaled-to-zero", "scaled to zero on purpose, says its annotation", ("Deployment", "sandbox", "load-rig")
    ),
    LookAlike("single-replicas", "one replica and no budget, by choice", ("Deployment", "observability", "dashboards")),
    LookAlike("tainted-pool", "a node that keeps others out on purpose", ("Node", "", "arm")),
    LookAlike(
        "unused-balancer", "a load balancer kept until the contract ends", ("Service", "tracking", "partner-ftp")
    ),
    LookAlike("unused-volumes", "claims that nobody uses", ("PersistentVolumeClaim", "analytics", "import-2024")),
    LookAlike(
        "rolled-back",
        "a bad tag, rolled back; its events remain",
        ("Deployment", "sandbox", "preview-web"),
        _rolled_back,
        58,
    ),
    LookAlike(
        "scaled-and-back", "scaled up and down by hand", ("Deployment", "fleet", "dispatch"), _scaled_and_back, 54
    ),
    LookAlike(
        "late-secret",
        "FailedMount until the Secret came",
        ("Deployment", "tracking", "label-printer"),
        _late_secret,
        51,
    ),
    LookAlike(
        "manual-job",
        "a Job made by hand; UnexpectedJob warnings",
        ("CronJob", "billing", "dunning"),
        _manual_job,
        48,
    ),
    LookAlike("second-try", "a Job whose first pod failed", ("Job", "tracking", "import-depots"), _second_try, 47),
    LookAlike(
        "slow-start", "two failed readiness checks after a restart", ("Deployment", "booking", "fares"), _slow_start, 46
    ),
    LookAlike(
        "waited-for-room",
        "FailedScheduling while a node was cordoned",
        ("Deployment", "tracking", "geo-index"),
        _waited_for_room,
        45,
    ),
)


def play(world: World, now: datetime) -> None:
    """Play the look-alikes at their times, up to about 43 minutes before the present."""
    for one in LOOK_ALIKES:
        if one.play is not None:
            world.plane.run_until(now - timedelta(minutes=one.minutes_ago))
            one.play(world)
            world.plane.settle()
    world.plane.run_until(now - timedelta(minutes=42))
