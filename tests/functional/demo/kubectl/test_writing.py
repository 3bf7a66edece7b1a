"""kubectl writes: apply, diff, dry runs that change nothing, patches, labels, server-side apply, deletion."""

from __future__ import annotations

import yaml

from tests.functional.demo.kubectl.commands import Kubectl
from tests.functional.demo.kubectl.conftest import eventually
from tests.functional.demo.kubectl.manifests import POD, QUOTA, WEB


def changed(**spec: object) -> str:
    """The manifest of `web` with other values in its Deployment's spec."""
    documents = list(yaml.safe_load_all(WEB))
    documents[1]["spec"].update(spec)
    return yaml.safe_dump(documents[1])


def test_apply_creates_then_leaves_alone_then_configures(kubectl: Kubectl) -> None:
    first = kubectl("apply", "-f", "web.yaml").lines
    assert first == ["configmap/settings created", "deployment.apps/web created", "service/web created"]
    again = kubectl("apply", "-f", "web.yaml").lines
    assert again == ["configmap/settings unchanged", "deployment.apps/web unchanged", "service/web unchanged"]
    assert kubectl("apply", "-f", "-", stdin=changed(replicas=3)).out == "deployment.apps/web configured\n"
    assert kubectl.object("deploy", "web")["spec"]["replicas"] == 3


def test_diff_shows_the_change_and_makes_none(kubectl: Kubectl) -> None:
    fresh = kubectl("diff", "-f", "web.yaml", code=1)
    assert "+kind: Deployment" in fresh.out
    kubectl("apply", "-f", "web.yaml")
    said = kubectl("diff", "-f", "-", stdin=changed(replicas=5), code=1)
    assert "-  replicas: 2" in said.out
    assert "+  replicas: 5" in said.out
    assert kubectl.object("deploy", "web")["spec"]["replicas"] == 2
    assert kubectl("diff", "-f", "web.yaml").out == ""


def test_a_dry_run_answers_as_if_and_leaves_no_trace(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "web.yaml")
    before = kubectl.object("deploy", "web")
    created = kubectl("create", "configmap", "ghost", "--from-literal=a=b", "--dry-run=server")
    assert created.out == "configmap/ghost created (server dry run)\n"
    assert "NotFound" in kubectl("get", "configmap", "ghost", code=1).err
    applied = kubectl("apply", "-f", "-", "--dry-run=server", stdin=changed(replicas=4))
    assert applied.out == "deployment.apps/web configured (server dry run)\n"
    patched = kubectl("patch", "deploy", "web", "--dry-run=server", "-p", '{"spec":{"replicas":7}}', "-o", "json")
    assert patched.json["spec"]["replicas"] == 7
    deleted = kubectl("delete", "deploy", "web", "--dry-run=server")
    assert "deleted" in deleted.out
    assert "(server dry run)" in deleted.out
    after = kubectl.object("deploy", "web")
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]


def test_a_wrong_type_and_an_unknown_field_are_refused(kubectl: Kubectl) -> None:
    wrong = kubectl("apply", "-f", "-", "--validate=false", stdin=changed(replicas="three"), code=1)
    assert "BadRequest" in wrong.err
    assert "replicas" in wrong.err
    unknown = kubectl("apply", "-f", "-", stdin=changed(replcas=3), code=1)
    assert 'unknown field "spec.replcas"' in unknown.err
    assert "NotFound" in kubectl("get", "deploy", "web", code=1).err


def test_three_kinds_of_patch_keep_to_their_rules(web: Kubectl) -> None:
    strategic = '{"spec":{"template":{"spec":{"containers":[{"name":"app","env":[{"name":"COLOR","value":"red"}]}]}}}}'
    assert web("patch", "deploy", "web", "-p", strategic).out == "deployment.apps/web patched\n"
    (container,) = web.object("deploy", "web")["spec"]["template"]["spec"]["containers"]
    assert {entry["name"]: entry["value"] for entry in container["env"]} == {"LEVEL": "info", "COLOR": "red"}
    assert container["image"] == "registry.example.com/web:1.0"

    web("patch", "cm", "settings", "--type=merge", "-p", '{"data":{"LEVEL":null,"MODE":"fast"}}')
    assert web.object("cm", "settings")["data"] == {"MODE": "fast"}

    operations = (
        '[{"op":"test","path":"/data/MODE","value":"fast"},{"op":"replace","path":"/data/MODE","value":"slow"}]'
    )
    web("patch", "cm", "settings", "--type=json", "-p", operations)
    assert web.object("cm", "settings")["data"] == {"MODE": "slow"}
    refused = web("patch", "cm", "settings", "--type=json", "-p", operations, code=1)
    assert "The request is invalid" in refused.err
    assert web("patch", "cm", "settings", "--type=merge", "-p", "{}").out == "configmap/settings patched (no change)\n"


def test_labels_and_annotations_are_set_kept_and_removed(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "one", "--from-literal=a=b")
    assert kubectl("label", "cm", "one", "tier=front").out == "configmap/one labeled\n"
    refused = kubectl("label", "cm", "one", "tier=back", code=1)
    assert "'tier' already has a value (front), and --overwrite is false" in refused.err
    assert kubectl("label", "cm", "one", "tier-").out == "configmap/one unlabeled\n"
    assert kubectl("annotate", "cm", "one", "note=two words").out == "configmap/one annotated\n"
    meta = kubectl.object("cm", "one")["metadata"]
    assert "labels" not in meta
    assert meta["annotations"] == {"note": "two words"}


def test_a_second_manager_of_a_field_is_a_conflict_until_it_is_forced(kubectl: Kubectl) -> None:
    first = kubectl("apply", "--server-side", "--field-manager=first", "-f", "-", stdin=changed(replicas=2))
    assert first.out == "deployment.apps/web serverside-applied\n"
    conflict = kubectl("apply", "--server-side", "--field-manager=second", "-f", "-", stdin=changed(replicas=3), code=1)
    assert 'conflict with "first": .spec.replicas' in conflict.err
    assert kubectl.object("deploy", "web")["spec"]["replicas"] == 2
    kubectl(
        "apply", "--server-side", "--field-manager=second", "--force-conflicts", "-f", "-", stdin=changed(replicas=3)
    )
    managed = kubectl("get", "deploy", "web", "-o", "json", "--show-managed-fields").json["metadata"]["managedFields"]
    owners = {m["manager"] for m in managed if "f:replicas" in m["fieldsV1"].get("f:spec", {})}
    assert owners == {"second"}
    assert kubectl.object("deploy", "web")["spec"]["replicas"] == 3


def test_replace_with_an_old_version_is_a_conflict(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "one", "--from-literal=a=1")
    old = kubectl("get", "cm", "one", "-o", "yaml").out
    kubectl("label", "cm", "one", "x=y")
    refused = kubectl("replace", "-f", "-", stdin=old, code=1)
    assert "the object has been modified; please apply your changes to the latest version" in refused.err


def test_imperative_creates_work(web: Kubectl) -> None:
    assert web("create", "secret", "generic", "key", "--from-literal=k=v").out == "secret/key created\n"
    assert web.object("secret", "key")["data"] == {"k": "dg=="}
    assert web("expose", "deploy", "web", "--name=web2", "--port=81").out == "service/web2 exposed\n"
    assert web("create", "ingress", "web", "--rule=shop.example.com/=web:80").out.endswith("created\n")
    assert web("create", "serviceaccount", "robot").out == "serviceaccount/robot created\n"
    assert web("create", "token", "robot").out.strip()
    assert "created" in web("create", "cronjob", "tick", "--image=busybox", "--schedule=*/5 * * * *").out
    assert "autoscaled" in web("autoscale", "deploy", "web", "--min=2", "--max=4", "--cpu-percent=80").out
    assert web.object("hpa", "web")["spec"]["maxReplicas"] == 4
    again = web("create", "serviceaccount", "robot", code=1)
    assert 'serviceaccounts "robot" already exists' in again.err


def test_a_job_runs_to_its_end_and_wait_sees_it(kubectl: Kubectl) -> None:
    kubectl("create", "job", "once", "--image=busybox", "--", "sh", "-c", "echo hello")
    waited = kubectl("wait", "job/once", "--for=condition=Complete", "--timeout=60s")
    assert waited.out == "job.batch/once condition met\n"
    assert kubectl.object("job", "once")["status"]["succeeded"] == 1
    never = kubectl("wait", "job/once", "--for=condition=Failed", "--timeout=1s", code=1)
    assert "timed out waiting for the condition" in never.err


def test_a_quota_refuses_a_pod_also_dry_but_not_the_scaling_of_its_deployment(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=QUOTA)
    kubectl("apply", "-f", "-", stdin=POD.replace("NAME", "first"))
    assert eventually(lambda: kubectl.object("quota", "small").get("status", {}).get("used") == {"pods": "1"})
    for extra in ((), ("--dry-run=server",)):
        refused = kubectl("create", "-f", "-", *extra, stdin=POD.replace("NAME", "second"), code=1)
        assert "exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1" in refused.err
    kubectl("apply", "-f", "web.yaml")
    assert "scaled" in kubectl("scale", "deploy", "web", "--replicas=9", "--dry-run=server").out


def test_foreground_deletion_takes_everything_along(web: Kubectl) -> None:
    deleted = web("delete", "deploy", "web", "--cascade=foreground", "--timeout=60s")
    assert deleted.out.startswith('deployment.apps "web" deleted')
    assert "No resources found" in web("get", "rs", "-l", "app=web").err
    assert eventually(lambda: "No resources found" in web("get", "pods", "-l", "app=web").err)


def test_orphaning_deletion_leaves_the_pods_running(web: Kubectl) -> None:
    pods = set(web("get", "pods", "-o", "name").lines)
    web("delete", "deploy", "web", "--cascade=orphan")
    (replicas,) = web("get", "rs", "-l", "app=web", "-o", "json").json["items"]
    assert "ownerReferences" not in replicas["metadata"]
    assert set(web("get", "pods", "-o", "name").lines) == pods
    # Taken back by the same Deployment, created anew.
    web("apply", "-f", "web.yaml")
    assert eventually(lambda: "ownerReferences" in web("get", "rs", "-o", "json").json["items"][0]["metadata"])
    assert set(web("get", "pods", "-o", "name").lines) == pods


def test_a_namespace_goes_with_all_that_is_in_it(web: Kubectl) -> None:
    name = f"{web.namespace}-gone"
    web("create", "namespace", name)
    web("create", "configmap", "x", "--from-literal=a=b", "--namespace", name)
    deleted = web("delete", "namespace", name, "--timeout=60s")
    assert f'namespace "{name}" deleted' in deleted.out
    assert "NotFound" in web("get", "configmap", "x", "-n", name, code=1).err
