from __future__ import annotations

import json
import re

import msgspec
import pytest

from chalicelib.state.decode import decode_page
from chalicelib.state.kinds import KINDS
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.sharing import pod_page
from tests.scale.generate import generate
from tests.unit.clusters.archives import DATA, a_list, a_pod

PODS = [item.body for item in generate(nodes=20, pods=400).lists["pods"]]
PAGE = b'{"metadata":{"continue":"next","remainingItemCount":7},"items":[' + b",".join(PODS) + b"]}"


class Listed(msgspec.Struct):
    items: list[Pod]


def alone(body: bytes) -> list[Pod]:
    """Each Pod decoded for itself, but for the random name of the token volume."""
    named = re.sub(rb'"kube-api-access-[a-z0-9]{5}"', b'"kube-api-access"', body)
    return msgspec.json.decode(named, type=Listed).items


def test_shared_pods_equal_pods_that_were_decoded_alone():
    _, pods = pod_page(PAGE)
    assert pods == alone(PAGE)
    assert msgspec.msgpack.encode(pods) == msgspec.msgpack.encode(alone(PAGE))


def test_pods_of_a_recording_equal_pods_that_were_decoded_alone():
    import tarfile

    with tarfile.open(DATA / "incidents.tar.xz") as archive:
        for name in ("shop", "payments", "kube-system"):
            member = archive.extractfile(f"incidents/{name}/pods.json")
            assert member is not None
            body = member.read()
            assert decode_page(body, KINDS["Pod"]).items == alone(body)


def test_pods_of_one_replicaset_share_their_containers_and_keep_their_own_node():
    _, pods = pod_page(PAGE)
    owned: dict[str, list[Pod]] = {}
    for pod in pods:
        if pod.metadata.controller and pod.metadata.controller.kind == "ReplicaSet":
            owned.setdefault(pod.metadata.controller.name, []).append(pod)
    family = max(owned.values(), key=len)
    assert len({id(pod.spec.containers) for pod in family}) == 1
    assert len({pod.spec.node_name for pod in family}) > 1


def test_the_place_in_the_list_is_kept():
    page = decode_page(PAGE, KINDS["Pod"])
    assert (page.continue_token, page.remaining, len(page.items)) == ("next", 7, len(PODS))


@pytest.mark.parametrize(
    "change",
    [
        {"spec": {"containers": [], "nodeName": 'a"b\\c'}},
        {"spec": {"nodeName": "n1", "affinity": {"x": {"nodeName": "n2"}}}},
        {"spec": {}},
        {"spec": {"nodeName": "é"}},
        {"spec": {"containers": [{"name": "nodeName", "env": [{"name": "a", "value": '"nodeName":"x"'}]}]}},
    ],
)
def test_odd_specs_decode_as_they_would_alone(change):
    body = json.dumps({"items": [a_pod("a", **change), a_pod("b")]}).encode()
    assert pod_page(body)[1] == alone(body)


def test_a_pod_that_does_not_fit_is_reported_and_the_others_are_read():
    page = decode_page(a_list("Pod", a_pod("a"), a_pod("b", spec={"containers": 5}), None, a_pod("c")), KINDS["Pod"])
    assert [p.metadata.name for p in page.items] == ["a", "c"]
    assert "shop/b" in page.rejected[0]
