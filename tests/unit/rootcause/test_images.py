"""Image pulls: what registries and runtimes say, in the words of several of them."""

from __future__ import annotations

import pytest

from chalicelib.state.meta import Ref
from tests.unit.rootcause.builders import a_cluster, only, sure

IMAGE = "registry.local/cart:1.0"
CART = Ref("Deployment", "shop", "cart")

NOT_FOUND = {
    "containerd": (
        f'rpc error: code = NotFound desc = failed to pull and unpack image "{IMAGE}": '
        f'failed to resolve reference "{IMAGE}": {IMAGE}: not found'
    ),
    "docker": (
        "rpc error: code = Unknown desc = Error response from daemon: manifest for "
        f"{IMAGE} not found: manifest unknown: manifest unknown"
    ),
    "CRI-O": (
        "rpc error: code = Unknown desc = reading manifest 1.0 in "
        "registry.local/cart: manifest unknown: manifest unknown"
    ),
    "ECR": (
        f'failed to resolve reference "{IMAGE}": name unknown: The repository with name '
        "'cart' does not exist in the registry with id '123456789012'"
    ),
    "Harbor": f'failed to resolve reference "{IMAGE}": unknown: artifact cart:1.0 not found',
    "digest": (
        f'failed to pull and unpack image "{IMAGE}": failed to copy: httpReadSeeker: failed open: content at '
        "https://registry.local/v2/cart/manifests/sha256:0 not found: not found"
    ),
}
REFUSED = {
    "containerd token": (
        f'failed to resolve reference "{IMAGE}": failed to authorize: failed to fetch oauth token: unexpected '
        "status from GET request to https://registry.local/token: 401 Unauthorized"
    ),
    "containerd head": (
        f'failed to resolve reference "{IMAGE}": unexpected status from HEAD request to '
        "https://registry.local/v2/cart/manifests/1.0: 403 Forbidden"
    ),
    "docker": (
        "Error response from daemon: pull access denied for cart, repository does not exist or may require "
        "'docker login': denied: requested access to the resource is denied"
    ),
    "ECR": "Error response from daemon: Head https://registry.local/v2/cart/manifests/1.0: no basic auth credentials",
    "CRI-O": (
        "initializing source docker://registry.local/cart:1.0: reading manifest 1.0 in "
        "registry.local/cart: unauthorized: authentication required"
    ),
    "GCR": (
        f'failed to resolve reference "{IMAGE}": failed to authorize: failed to fetch '
        "anonymous token: unexpected status: 403 Forbidden"
    ),
}
UNREACHABLE = {
    "name": (
        f'failed to resolve reference "{IMAGE}": failed to do request: Head "https://registry.local/v2/cart/'
        'manifests/1.0": dial tcp: lookup registry.local on 10.0.0.2:53: no such host'
    ),
    "time-out": 'failed to do request: Head "https://registry.local/v2/": dial tcp 10.9.9.9:443: i/o timeout',
    "token server": (
        'failed to authorize: failed to fetch anonymous token: Get "https://'
        'auth.local/token": dial tcp: lookup auth.local: no such host'
    ),
    "docker": (
        "Error response from daemon: Get https://registry.local/v2/: net/http: request canceled while waiting "
        "for connection (Client.Timeout exceeded while awaiting headers)"
    ),
    "certificate": (
        'failed to do request: Head "https://registry.local/v2/": tls: failed to verify '
        "certificate: x509: certificate signed by unknown authority"
    ),
    "throttled": (
        "failed to copy: httpReadSeeker: failed open: unexpected status code 429 Too Many "
        "Requests - toomanyrequests: You have reached your pull rate limit"
    ),
    "CRI-O": (
        'pinging container registry registry.local: Get "https://registry.local/v2/'
        '": dial tcp 10.9.9.9:443: connect: no route to host'
    ),
}


def pulled(text: str, *, new_kubelet: bool):
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart")
    back_off = f'Back-off pulling image "{IMAGE}"'
    cart.waiting("ImagePullBackOff", f"{back_off}: ErrImagePull: {text}" if new_kubelet else back_off)
    if not new_kubelet:
        cart.reported("Failed", f'Failed to pull image "{IMAGE}": {text}')
    return cluster


@pytest.mark.parametrize("new_kubelet", [True, False], ids=["in the waiting message", "in the event only"])
@pytest.mark.parametrize(
    ("mode", "text"),
    [
        *((("image_not_found"), t) for t in NOT_FOUND.values()),
        *((("image_pull_auth"), t) for t in REFUSED.values()),
        *((("registry_dns_or_network"), t) for t in UNREACHABLE.values()),
    ],
)
def test_the_registrys_answer_decides(mode, text, new_kubelet):
    problem = only(pulled(text, new_kubelet=new_kubelet).diagnosis())
    assert (problem.resource, problem.mode) == (CART, mode)
    assert problem.evidence


def test_without_event_and_message_only_the_symptom_is_told():
    cluster = a_cluster()
    cluster.deployment("shop/cart").waiting("ImagePullBackOff", f'Back-off pulling image "{IMAGE}"')
    (problem,) = cluster.diagnosis().problems
    assert problem.resource == CART
    assert problem.probability < 0.5
    assert any("event" in m for m in problem.missing)


def test_an_absent_pull_secret_decides_when_the_answer_is_gone():
    cluster = a_cluster()
    cluster.deployment("shop/cart").having(imagePullSecrets=[{"name": "regcred"}]).waiting(
        "ImagePullBackOff", f'Back-off pulling image "{IMAGE}"'
    )
    problem = only(cluster.diagnosis())
    assert problem.mode == "image_pull_auth"
    assert any(e.type == "absence" for e in problem.evidence)


def test_a_tag_that_looks_like_a_status_code_misleads_nobody():
    cluster = a_cluster()
    image = "registry.local/cart:401"
    cluster.deployment("shop/cart", image=image).waiting(
        "ErrImagePull", f'failed to resolve reference "{image}": {image}: not found'
    )
    assert only(cluster.diagnosis()).mode == "image_not_found"


def test_a_running_pod_with_an_old_failed_pull_is_well():
    cluster = a_cluster()
    cluster.deployment("shop/cart").reported("Failed", f'Failed to pull image "{IMAGE}": {NOT_FOUND["containerd"]}')
    assert cluster.diagnosis().outcome == "no_fault"


def test_only_the_new_revision_fails_and_the_remedy_names_the_old_image():
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart").changed(image="registry.local/cart:2.O")
    cart.waiting(
        "ImagePullBackOff", 'Back-off pulling image "registry.local/cart:2.O": registry.local/cart:2.O: not found'
    )
    problem = only(cluster.diagnosis())
    assert problem.mode == "image_not_found"
    assert "registry.local/cart:1.0" in problem.remedy.text


@pytest.mark.parametrize(
    ("reason", "mode"), [("InvalidImageName", "invalid_image_name"), ("ErrImageNeverPull", "invalid_image_name")]
)
def test_references_the_kubelet_refuses_are_named(reason, mode):
    cluster = a_cluster()
    cluster.deployment("shop/cart").waiting(
        reason, 'Failed to apply default image tag "Cart:1": couldn\'t parse image reference'
    )
    assert sure(cluster.diagnosis()) == [(CART, mode)]
