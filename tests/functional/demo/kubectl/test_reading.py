"""kubectl reads: lists, selectors, watches, descriptions, logs, usage, events, what the server offers."""

from __future__ import annotations

from tests.functional.demo.kubectl.commands import Kubectl
from tests.functional.demo.kubectl.conftest import eventually


def test_version_names_the_simulation(kubectl: Kubectl) -> None:
    assert kubectl("version", "-o", "json").json["serverVersion"]["gitVersion"] == "v1.36.2-sim"


def test_api_resources_and_versions_are_discovered(kubectl: Kubectl) -> None:
    rows = {(row["NAME"], row["APIVERSION"]): row for row in kubectl("api-resources").table()}
    pods = rows["pods", "v1"]
    assert (pods["SHORTNAMES"], pods["NAMESPACED"], pods["KIND"]) == ("po", "true", "Pod")
    assert rows["nodes", "v1"]["NAMESPACED"] == "false"
    assert rows["deployments", "apps/v1"]["SHORTNAMES"] == "deploy"
    batch = kubectl("api-resources", "--api-group=batch", "-o", "name").lines
    assert batch == ["cronjobs.batch", "jobs.batch"]
    versions = kubectl("api-versions").lines
    assert {"apps/v1", "v1", "metrics.k8s.io/v1beta1"} <= set(versions)
    assert kubectl("get", "--raw", "/readyz").out.strip() == "ok"


def test_explain_follows_the_schema(kubectl: Kubectl) -> None:
    said = kubectl("explain", "deployment.spec.strategy")
    assert "KIND:       Deployment" in said.out
    assert "rollingUpdate\t<RollingUpdateDeployment>" in said.out
    deep = kubectl("explain", "pod.spec.containers.resources.limits")
    assert "FIELD: limits <map[string]Quantity>" in deep.out
    missing = kubectl("explain", "pod.spec.nothing", code=1)
    assert 'field "nothing" does not exist' in missing.err


def test_get_prints_the_servers_table(web: Kubectl) -> None:
    rows = web("get", "pods").table()
    assert len(rows) == 2
    assert all((r["READY"], r["STATUS"], r["RESTARTS"]) == ("1/1", "Running", "0") for r in rows)
    wide = web("get", "pods", "-o", "wide").table()
    assert {r["NODE"] for r in wide} <= {"n1", "n2", "n3"}
    assert all(r["IP"].count(".") == 3 and r["NOMINATED NODE"] == "<none>" for r in wide)
    (deployment,) = web("get", "deploy").table()
    assert (deployment["READY"], deployment["UP-TO-DATE"], deployment["AVAILABLE"]) == ("2/2", "2", "2")
    nodes = web("get", "nodes", "-o", "wide").table()
    assert [(n["NAME"], n["STATUS"], n["CONTAINER-RUNTIME"]) for n in nodes] == [
        (name, "Ready", "containerd://2.1.4") for name in ("n1", "n2", "n3")
    ]
    mixed = web("get", "deploy,svc,cm").out
    assert "deployment.apps/web" in mixed
    assert "service/web" in mixed
    assert "configmap/settings" in mixed


def test_get_gives_whole_objects_as_json_yaml_and_by_path(web: Kubectl) -> None:
    listed = web("get", "pods", "-o", "json").json
    assert listed["kind"] == "List"
    assert {item["metadata"]["ownerReferences"][0]["kind"] for item in listed["items"]} == {"ReplicaSet"}
    assert "progressDeadlineSeconds: 600" in web("get", "deploy", "web", "-o", "yaml").out
    path = web("get", "deploy", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}")
    assert path.out == "registry.example.com/web:1.0"
    columns = web("get", "svc", "web", "-o", "custom-columns=N:.metadata.name,P:.spec.ports[0].targetPort")
    assert columns.lines[1].split() == ["web", "8080"]
    ordered = web("get", "nodes", "--sort-by=.metadata.name", "-o", "name").lines
    assert ordered == ["node/n1", "node/n2", "node/n3"]


def test_label_and_field_selectors_choose(web: Kubectl) -> None:
    assert len(web("get", "pods", "-l", "app=web", "-o", "name").lines) == 2
    assert web("get", "pods", "-l", "app in (api,db)").err.startswith("No resources found")
    running = web("get", "pods", "--field-selector", "status.phase=Running", "-o", "name").lines
    assert len(running) == 2
    name = running[0].removeprefix("pod/")
    assert web("get", "pods", "--field-selector", f"metadata.name={name}", "-o", "name").lines == [f"pod/{name}"]
    node = web("get", "pod", name, "-o", "jsonpath={.spec.nodeName}").out
    on_node = web("get", "pods", "-A", "--field-selector", f"spec.nodeName={node}", "-o", "name").lines
    assert f"pod/{name}" in on_node
    refused = web("get", "pods", "--field-selector", "spec.nothing=x", code=1)
    assert "field label not supported: spec.nothing" in refused.err


def test_a_list_in_chunks_is_the_whole_list(web: Kubectl) -> None:
    whole = web("get", "events", "-o", "name").lines
    assert len(whole) > 4
    assert sorted(web("get", "events", "--chunk-size=2", "-o", "name").lines) == sorted(whole)


def test_a_watch_shows_what_is_there_and_ends_at_its_time(web: Kubectl) -> None:
    said = web("get", "pods", "-w", "--request-timeout=2s", "-o", "name", code=None)
    assert len({line for line in said.lines if line.startswith("pod/web-")}) == 2


def test_what_does_not_exist_is_not_found(kubectl: Kubectl) -> None:
    assert 'Error from server (NotFound): pods "ghost" not found' in kubectl("get", "pod", "ghost", code=1).err
    assert "the server doesn't have a resource type" in kubectl("get", "unicorns", code=1).err


def test_describe_gathers_an_object_and_its_events(web: Kubectl) -> None:
    deployment = web("describe", "deploy", "web").out
    assert "2 desired | 2 updated | 2 total | 2 available | 0 unavailable" in deployment
    assert "Scaled up replica set web-" in deployment
    pods = web("describe", "pod", "-l", "app=web").out
    assert pods.count("Successfully assigned") == 2
    assert "QoS Class:                   Burstable" in pods
    node = web("describe", "node", "n1").out
    assert "Allocated resources:" in node
    assert "KubeletReady" in node
    service = web("describe", "svc", "web").out
    assert service.count(":8080") == 2, service


def test_events_are_listed_newest_last_and_for_one_object(web: Kubectl) -> None:
    rows = web("get", "events").table()
    assert {"ScalingReplicaSet", "SuccessfulCreate", "Scheduled", "Started"} <= {row["REASON"] for row in rows}
    about = web("events", "--for", "deploy/web").table()
    assert {row["OBJECT"] for row in about} == {"Deployment/web"}
    assert about[-1]["MESSAGE"].startswith("Scaled up replica set")


def test_logs_of_a_workload_and_of_a_pod_with_a_tail(web: Kubectl) -> None:
    whole = web("logs", "deploy/web")
    assert whole.lines
    assert web("logs", "deploy/web", "--tail=1").lines == whole.lines[-1:]
    pod = web("get", "pods", "-o", "name").lines[0]
    stamped = web("logs", pod, "--timestamps", "--tail=1").out
    assert stamped[:2] == "20"
    missing = web("logs", pod, "-c", "sidecar", code=1)
    assert "container sidecar is not valid for pod" in missing.err


def test_top_shows_usage_of_nodes_and_pods(web: Kubectl) -> None:
    nodes = web("top", "nodes").table()
    assert [(n["NAME"], n["CPU(cores)"], n["MEMORY(bytes)"]) for n in nodes] == [
        (name, "200m", "700Mi") for name in ("n1", "n2", "n3")
    ]
    assert eventually(lambda: len(web("top", "pods", code=None).lines) == 3)
    assert {(p["CPU(cores)"], p["MEMORY(bytes)"]) for p in web("top", "pods").table()} == {("30m", "60Mi")}
    assert web("top", "pod", "-l", "app=web", "--containers").table()[0]["NAME"] == "app"
