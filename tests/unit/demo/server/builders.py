"""A cluster of the size a test needs."""

from __future__ import annotations

import json
from typing import Any

from infra.local.demo.server.api import Api
from infra.local.demo.server.bootstrap import bootstrap
from infra.local.demo.server.clock import VirtualClock
from infra.local.demo.server.server import Server
from infra.local.demo.server.watching import Watch
from infra.local.demo.server.wire import HttpRequest, HttpResponse


class Cluster:
    """An API with one namespace, and requests to it as a named user."""

    def __init__(self, namespace: str = "shop") -> None:
        self.clock = VirtualClock()
        self.api = Api(seed=3, clock=self.clock)
        bootstrap(self.api)
        self.server = Server(self.api)
        self.api.tokens.add("admin", "admin", ["system:masters"])
        self.api.tokens.add("dev", "dev", ["team"])
        self.namespace(namespace)

    def namespace(self, name: str, **labels: str) -> None:
        self.api.create("Namespace", {"metadata": {"name": name, "labels": labels}})
        self.api.create("ServiceAccount", {"metadata": {"name": "default"}}, namespace=name)

    def send(self, method: str, target: str, body: Any = None, *, user: str = "admin", **headers: str) -> HttpResponse:
        """The answer to a request; a body that is no bytes is sent as JSON."""
        answer = self.open(method, target, body, user=user, **headers)
        if isinstance(answer, Watch):
            raise TypeError("this request opens a watch")
        return answer

    def open(self, method: str, target: str, body: Any = None, *, user: str = "admin", **headers: str) -> Any:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if user:
            given["authorization"] = f"Bearer {user}"
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.server.serve(HttpRequest.of(method, target, given, raw))


def read(answer: HttpResponse) -> Any:
    return json.loads(answer.body)


def a_pod(name: str = "cart", *, cpu: str = "", memory: str = "", **labels: str) -> dict[str, Any]:
    requests = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value}
    container = {"name": "app", "image": "registry.example.com/cart:1"} | (
        {"resources": {"requests": requests}} if requests else {}
    )
    return {"metadata": {"name": name, "labels": labels or {"app": name}}, "spec": {"containers": [container]}}


def a_deployment(name: str = "cart", replicas: int = 2, image: str = "registry.example.com/cart:1") -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": image}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


PODS = "/api/v1/namespaces/shop/pods"
MAPS = "/api/v1/namespaces/shop/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"
