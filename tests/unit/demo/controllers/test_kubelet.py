"""Kubelets: images, configuration, crashes, probes, init containers, stopping, and what is logged."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.demo.controllers.programs import Call, Program
from tests.unit.demo.controllers.builders import IMAGE, SPACE, Sim, a_container, condition, state


def run(sim: Sim, container: dict[str, Any] | None = None, seconds: float = 30, **spec: Any) -> dict[str, Any]:
    """A pod `p` after some time."""
    sim.create("Pod", "p", {"containers": [a_container(**(container or {}))], **spec}, labels={"app": "p"})
    sim.run(seconds)
    return sim.get("Pod", "p")


def waiting(pod: dict[str, Any]) -> tuple[str, str]:
    found = state(pod)["state"]["waiting"]
    return found["reason"], found.get("message", "")


def log(sim: Sim, *, previous: bool = False) -> str:
    assert sim.api.logs is not None
    return "\n".join(line.text for line in sim.api.logs.lines(sim.get("Pod", "p"), "app", previous) or ())


def test_a_pod_starts_with_the_events_of_a_1_36_kubelet() -> None:
    sim = Sim()
    pod = run(sim)
    assert (pod["status"]["phase"], condition(pod, "Ready"), state(pod)["started"]) == ("Running", "True", True)
    reasons = [e["reason"] for e in sim.api.list("Event") if e["involvedObject"]["name"] == "p"]
    assert reasons == ["Scheduled", "Pulling", "Pulled", "Created", "Started"]
    assert (sim.events("Created"), sim.events("Started")) == (["Container created"], ["Container started"])
    assert state(pod)["containerID"].startswith("containerd://")
    assert state(pod)["allocatedResources"] == {"cpu": "100m", "memory": "64Mi"}


def test_an_image_that_is_there_already_is_not_pulled_again() -> None:
    sim = Sim()
    node = {"nodeSelector": {"kubernetes.io/hostname": sim.nodes[0]}}
    run(sim, **node)
    sim.create("Pod", "q", {"containers": [a_container()], **node})
    sim.run(10)
    assert sim.events("Pulled", "q") == [
        f'Container image "{IMAGE}:1" already present on machine and can be accessed by the pod'
    ]


@pytest.mark.parametrize(
    ("broken", "image", "text"),
    [
        ({"tags": {IMAGE: frozenset({"1"})}}, f"{IMAGE}:2", f"{IMAGE}:2: not found"),
        ({"private": {IMAGE}}, f"{IMAGE}:1", "401 Unauthorized"),
        ({"dead_registries": {"registry.example.com": "dial tcp: i/o timeout"}}, f"{IMAGE}:1", "dial tcp: i/o timeout"),
        ({"single_arch": {f"{IMAGE}:1": "arm64"}}, f"{IMAGE}:1", "no match for platform in manifest"),
    ],
)
def test_a_pull_that_fails_backs_off_with_the_runtimes_words(broken: dict[str, Any], image: str, text: str) -> None:
    sim = Sim()
    for field, value in broken.items():
        setattr(sim.plane.environment, field, value)
    pod = run(sim, {"image": image}, 60)
    reason, message = waiting(pod)
    assert reason == "ImagePullBackOff"
    assert text in message
    assert any(text in one for one in sim.events("Failed", "p"))
    assert "Error: ErrImagePull" in sim.events("Failed", "p")


def test_a_pull_secret_opens_a_private_repository() -> None:
    sim = Sim()
    sim.plane.environment.private = {IMAGE}
    text = '{"auths":{"registry.example.com":{"auth":"ZGVtbw=="}}}'
    sim.create("Secret", "pull", type="kubernetes.io/dockerconfigjson", stringData={".dockerconfigjson": text})
    pod = run(sim, imagePullSecrets=[{"name": "pull"}])
    assert condition(pod, "Ready") == "True"


def test_a_name_that_is_none_is_not_even_tried() -> None:
    pod = run(Sim(), {"image": "registry.example.com/Cart:1"})
    assert waiting(pod)[0] == "InvalidImageName"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"envFrom": [{"configMapRef": {"name": "gone"}}]}, 'configmap "gone" not found'),
        (
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "gone", "key": "a"}}}]},
            'secret "gone" not found',
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "here", "key": "b"}}}]},
            "couldn't find key b in ConfigMap shop/here",
        ),
        ({"securityContext": {"runAsNonRoot": True, "runAsUser": 0}}, "container's runAsUser breaks non-root policy"),
    ],
)
def test_what_a_container_cannot_be_given_keeps_it_from_being_created(fields: dict[str, Any], text: str) -> None:
    sim = Sim()
    sim.create("ConfigMap", "here", data={"a": "1"})
    pod = run(sim, fields)
    reason, message = waiting(pod)
    assert reason == "CreateContainerConfigError"
    assert message.startswith(text)
    assert any(one.startswith(f"Error: {text}") for one in sim.events("Failed", "p"))


def test_a_missing_volume_source_is_mounted_when_it_comes() -> None:
    sim = Sim()
    pod = run(sim, volumes=[{"name": "v", "secret": {"secretName": "late"}}])
    assert waiting(pod)[0] == "ContainerCreating"
    assert sim.events("FailedMount", "p") == ['MountVolume.SetUp failed for volume "v" : secret "late" not found']
    sim.create("Secret", "late", stringData={"a": "b"})
    sim.run(130)
    assert condition(sim.get("Pod", "p"), "Ready") == "True"


def test_a_crash_restarts_with_growing_pauses_and_keeps_its_last_words() -> None:
    sim = Sim()
    sim.image("bad", Program(listens=(8080,), crash=("level=fatal boom",)))
    pod = run(sim, {"image": f"{IMAGE}:bad"}, 200)
    found = state(pod)
    assert found["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert "back-off 2m40s restarting failed container=app" in found["state"]["waiting"]["message"]
    assert (found["lastState"]["terminated"]["exitCode"], found["lastState"]["terminated"]["reason"]) == (1, "Error")
    assert 4 <= found["restartCount"] <= 6
    assert log(sim, previous=True).endswith("boom")
    assert any(
        text.startswith("Back-off restarting failed container app in pod p_shop(") for text in sim.events("BackOff")
    )


def test_memory_beyond_the_limit_ends_in_the_kernel() -> None:
    sim = Sim()
    sim.image("big", Program(listens=(8080,), memory_mib=200, grows_s=10))
    pod = run(sim, {"image": f"{IMAGE}:big", "resources": {"limits": {"memory": "100Mi"}}}, 60)
    ended = state(pod)["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "OOMKilled")


def test_a_leak_kills_at_steady_intervals() -> None:
    sim = Sim()
    sim.image("leak", Program(listens=(8080,), memory_mib=50, leaks_mib_per_hour=1800))
    pod = run(sim, {"image": f"{IMAGE}:leak", "resources": {"limits": {"memory": "100Mi"}}}, 360)
    assert state(pod)["restartCount"] == 3


@pytest.mark.parametrize(
    ("program", "fields", "code", "said"),
    [
        (Program(needs_env=("TOKEN",), style="python"), {}, 1, "KeyError: 'TOKEN'"),
        (Program(needs_env=("TOKEN",), style="node"), {}, 1, "Missing required environment variable TOKEN"),
        (Program(flags=frozenset({"--a"})), {"args": ["--b=1"]}, 2, "unknown flag: --b"),
        (Program(calls=(Call("db:5432", at_start=True),)), {}, 1, "lookup db on 10.96.0.10:53: no such host"),
    ],
)
def test_programs_die_of_what_they_are_not_given(
    program: Program, fields: dict[str, Any], code: int, said: str
) -> None:
    sim = Sim()
    sim.image("x", program)
    pod = run(sim, {"image": f"{IMAGE}:x", **fields}, 60)
    assert state(pod)["lastState"]["terminated"]["exitCode"] == code
    assert said in log(sim, previous=True)


def test_a_command_that_is_not_in_the_image_never_starts() -> None:
    sim = Sim()
    sim.image("x", Program(commands=frozenset({"/bin/app"})))
    pod = run(sim, {"image": f"{IMAGE}:x", "command": ["/bin/ap"]}, 60)
    ended = state(pod)["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
    assert 'exec: "/bin/ap": stat /bin/ap: no such file or directory' in ended["message"]


def probe(port: int = 8080, **more: Any) -> dict[str, Any]:
    return {"httpGet": {"path": "/healthz", "port": port}, "periodSeconds": 5, **more}


def test_a_readiness_probe_that_fails_keeps_the_pod_out_but_running() -> None:
    sim = Sim()
    pod = run(sim, {"readinessProbe": probe(8081)}, 60)
    assert (condition(pod, "Ready"), condition(pod, "Ready", "reason")) == ("False", "ContainersNotReady")
    assert state(pod)["restartCount"] == 0
    text = sim.events("Unhealthy", "p")[0]
    assert text.startswith('Readiness probe failed: Get "http://10.')
    assert text.endswith(":8081: connect: connection refused")


def test_a_liveness_probe_that_fails_restarts_the_container() -> None:
    sim = Sim()
    pod = run(sim, {"livenessProbe": probe(8081)}, 60)
    assert state(pod)["restartCount"] >= 2
    assert "Container app failed liveness probe, will be restarted" in sim.events("Killing", "p")


def test_a_startup_probe_holds_the_others_back() -> None:
    sim = Sim()
    sim.image("slow", Program(listens=(8080,), starts_s=40))
    fields = {"startupProbe": probe(failureThreshold=12), "livenessProbe": probe(failureThreshold=1)}
    pod = run(sim, {"image": f"{IMAGE}:slow", **fields}, 90)
    assert (state(pod)["restartCount"], condition(pod, "Ready")) == (0, "True")


@pytest.mark.parametrize(
    ("program", "fields", "said"),
    [
        (Program(listens=(8080,)), {"scheme": "HTTPS"}, "server gave HTTP response to HTTPS client"),
        (Program(listens=(8080,), tls=frozenset({8080})), {}, "HTTP probe failed with statuscode: 400"),
        (Program(listens=(8080,), not_found=frozenset({"/healthz"})), {}, "HTTP probe failed with statuscode: 404"),
        (Program(listens=(8080,), stuck_ready="no model"), {}, "HTTP probe failed with statuscode: 503"),
    ],
)
def test_probes_say_what_they_met(program: Program, fields: dict[str, str], said: str) -> None:
    sim = Sim()
    sim.image("x", program)
    asked = {"httpGet": {"path": "/healthz", "port": 8080, **fields}, "periodSeconds": 5}
    run(sim, {"image": f"{IMAGE}:x", "readinessProbe": asked})
    assert said in sim.events("Unhealthy", "p")[-1]


def test_readiness_follows_a_server_that_it_depends_on() -> None:
    sim = Sim()
    sim.image("x", Program(listens=(8080,), calls=(Call("http://cart.shop.svc", gates_ready=True),)))
    sim.deployment(replicas=1)
    sim.service()
    sim.run(30)
    ask = {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 5}
    assert condition(run(sim, {"image": f"{IMAGE}:x", "readinessProbe": ask}), "Ready") == "True"
    sim.scale("Deployment", "cart", 0)
    sim.run(30)
    assert condition(sim.get("Pod", "p"), "Ready") == "False"
    sim.scale("Deployment", "cart", 1)
    sim.run(30)
    assert condition(sim.get("Pod", "p"), "Ready") == "True"


def test_init_containers_run_in_order_before_the_others() -> None:
    sim = Sim()
    first, second = (a_container(name=name, command=["sh", "-c", "sleep 10"]) for name in ("one", "two"))
    pod = run(sim, None, 8, initContainers=[first, second])
    assert waiting(pod)[0] == "PodInitializing"
    assert "containers with incomplete status: [one two]" in condition(pod, "Initialized", "message")
    sim.run(40)
    assert condition(sim.get("Pod", "p"), "Ready") == "True"


def test_a_failing_init_container_never_lets_the_pod_start() -> None:
    sim = Sim()
    bad = a_container(name="setup", command=["sh", "-c", "exit 3"])
    pod = run(sim, None, 90, initContainers=[bad])
    found = pod["status"]["initContainerStatuses"][0]
    assert found["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert found["lastState"]["terminated"]["exitCode"] == 3
    assert pod["status"]["phase"] == "Pending"


def test_a_deleted_pod_stops_and_is_gone() -> None:
    sim = Sim()
    run(sim)
    sim.api.delete("Pod", SPACE, "p")
    sim.settle()
    assert sim.events("Killing", "p") == ["Stopping container app"]
    sim.run(5)
    assert sim.api.find("Pod", SPACE, "p") is None


def test_a_healthy_server_logs_requests_with_their_time() -> None:
    sim = Sim()
    run(sim, seconds=300)
    lines = log(sim).splitlines()
    assert 'msg="listening" addr=:8080' in "\n".join(lines[:5])
    assert all(line[:4] == "2026" for line in lines)
    assert any("status=200" in line for line in lines)
