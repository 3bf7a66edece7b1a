import pytest

from chalicelib.state.diff import diff
from chalicelib.state.evidence import object_evidence
from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Gap, LogKey, decode_snapshot, encode_snapshot
from tests.unit.state.worlds import NOW, deployment, pod, service, snapshot_of, world_of


def test_the_product_lists_37_kinds():
    assert len([entry for entry in KINDS if entry.listed]) == 37


@pytest.mark.parametrize("name", ["Pod", "pods", "po", "POD", "deployments.apps", "deploy", "pvc", "netpol"])
def test_a_kind_is_found_by_any_of_its_names(name):
    assert name in KINDS
    assert KINDS[name].plural


def test_paths_follow_the_api():
    assert KINDS["Pod"].path("shop", "a") == "/api/v1/namespaces/shop/pods/a"
    assert KINDS["Deployment"].api_path == "/apis/apps/v1/deployments"
    assert KINDS["Node"].path("ignored", "n1") == "/api/v1/nodes/n1"


def test_a_snapshot_survives_storage_byte_for_byte():
    snapshot = snapshot_of(pod("a"), deployment("a"), gaps=(Gap(kind="Secret", reason="forbidden"),)).replace(
        logs={LogKey("shop", "a", "app", True): "boom"}, recorded=True
    )
    data = encode_snapshot(snapshot)
    again = decode_snapshot(data)
    assert again.of("Pod") == snapshot.of("Pod")
    assert again.log("shop", "a", "app", previous=True) == "boom"
    assert (again.taken_at, again.gaps, again.recorded) == (NOW, snapshot.gaps, True)
    assert encode_snapshot(again) == data


@pytest.mark.parametrize("data", [b"", b"junk", b"\x28\xb5\x2f\xfd\x00"])
def test_bytes_that_are_no_snapshot_are_refused(data):
    with pytest.raises(ValueError, match="not a stored snapshot"):
        decode_snapshot(data)


def test_absence_proves_something_only_where_the_read_succeeded():
    partial = Gap(kind="Pod", reason="timeout", namespace="dev")
    snapshot = snapshot_of(pod("a"), gaps=(partial,))
    assert not snapshot.was_read("Secret")
    assert snapshot.was_read("Pod", "shop")
    assert not snapshot.was_read("Pod", "dev")


def test_the_difference_names_the_field_and_not_the_noise():
    before, after = deployment("cart", 1), deployment("cart", 3)
    after["metadata"]["resourceVersion"] = "2"
    changes = diff(snapshot_of(before, pod("old")), snapshot_of(after, pod("new")))
    assert [(c.what, str(c.ref)) for c in changes] == [
        ("changed", "Deployment shop/cart"), ("added", "Pod shop/new"), ("removed", "Pod shop/old"),
    ]  # fmt: skip
    assert [(f.pointer, f.before, f.after) for f in changes[0].fields] == [("/spec/replicas", 1, 3)]


def test_a_kind_that_one_side_could_not_read_is_not_reported_as_removed():
    assert diff(snapshot_of(pod("a")), snapshot_of(deployment("x"))) == ()
    gap = Gap(kind="Pod", reason="partial")
    assert diff(snapshot_of(pod("a")), snapshot_of(also_read=("Pod",), gaps=(gap,))) == ()


def test_evidence_ids_are_equal_for_equal_facts_and_different_otherwise():
    obj = snapshot_of(pod("a")).of("Pod")[0]
    ref = Ref("Pod", "shop", "a")
    one, same = (object_evidence("c", ref, obj, "/status/phase", "Running", "it runs") for _ in range(2))
    assert one.id == same.id
    assert one.id.startswith("ev_")
    assert len(one.id) == 29
    others = [
        object_evidence("other", ref, obj, "/status/phase", "Running", "it runs"),
        object_evidence("c", ref, obj, "/status/phase", "Failed", "it runs"),
        object_evidence("c", ref, obj, "/status/reason", "Running", "it runs"),
    ]
    assert len({one.id, *(o.id for o in others)}) == 4


def state(**state):
    return {"phase": "Running", "containerStatuses": [{"name": "app", "state": state}]}


@pytest.mark.parametrize(
    ("status", "level", "word"),
    [
        (state(waiting={"reason": "CrashLoopBackOff"}), "crit", "CrashLoopBackOff"),
        (state(waiting={"reason": "ContainerCreating"}), "progress", "ContainerCreating"),
        (state(terminated={"exitCode": 137, "reason": "OOMKilled"}), "crit", "OOMKilled"),
        ({"phase": "Succeeded"}, "ok", "Completed"),
        ({"phase": "Failed", "reason": "Evicted"}, "warn", "Evicted"),
        ({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}, "warn", "NotReady"),
        ({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False"}]}, "warn", "Pending"),
        ({}, "unknown", "Unknown"),
    ],
)  # fmt: skip
def test_a_pod_shows_the_word_that_kubectl_shows(status, level, word):
    world = world_of(pod("a", status=status))
    found = world.status("Pod", world.snapshot.of("Pod")[0])
    assert (found.level, found.word) == (level, word)


def test_a_service_whose_endpoints_could_not_be_read_is_unknown_and_not_broken():
    world = world_of(service("cart", {"app": "cart"}), pod("a", labels={"app": "cart"}))
    assert world.status("Service", world.snapshot.of("Service")[0]).level == "unknown"


def test_every_column_of_every_kind_has_a_value_for_an_empty_object():
    for entry in KINDS:
        manifest = {"kind": entry.kind, "metadata": {"name": "x", "namespace": "shop" if entry.namespaced else ""}}
        world = world_of(manifest)
        obj = world.snapshot.of(entry.kind)[0]
        assert world.status(entry.kind, obj).word
        for column in entry.columns:
            value = column.value(obj, world)
            assert value is None or isinstance(value, str | int | float | list) or hasattr(value, "isoformat"), column
