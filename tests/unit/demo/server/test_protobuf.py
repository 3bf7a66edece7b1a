"""Protobuf bodies, as kubectl 1.32 sent them."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.demo.server.errors import ApiError
from infra.local.demo.server.protobuf import MEDIA_TYPE, decode
from tests.unit.demo.server.builders import MAPS, Cluster, read

CONFIG_MAP = "azhzAAoPCgJ2MRIJQ29uZmlnTWFwEiAKFgoGaG9va2VkEgAaACIAKgAyADgAQgASBgoBYRIBMRoAIgA="
NAMESPACE = "azhzAAoPCgJ2MRIJTmFtZXNwYWNlEhwKFAoEZGVtbxIAGgAiACoAMgA4AEIAEgAaAgoAGgAiAA=="
REVIEW = (
    "azhzAAoyChdhdXRob3JpemF0aW9uLms4cy5pby92MRIXU2VsZlN1YmplY3RBY2Nlc3NSZXZpZXcSRgoQCgASABoAIgAqADIAOABCABIoCiYKBGRl"
    "bW8SBXBhdGNoGgRhcHBzIgAqC2RlcGxveW1lbnRzMgA6ABoICAASABoAIAAaACIA"
)


@pytest.mark.parametrize(
    ("body", "result"),
    [
        (CONFIG_MAP, {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "hooked"}, "data": {"a": "1"}}),
        (NAMESPACE, {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "demo"}, "spec": {}}),
        (
            REVIEW,
            {
                "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {},
                "spec": {"resourceAttributes": {
                    "namespace": "demo", "verb": "patch", "group": "apps", "resource": "deployments"}},
            },
        ),
    ],
)  # fmt: skip
def test_a_recorded_body_is_read_as_the_object_it_is(body: str, result: dict[str, Any]) -> None:
    assert decode(base64.b64decode(body)) == result


def test_a_create_with_a_protobuf_body_is_answered_in_json() -> None:
    answer = Cluster().send("POST", MAPS, base64.b64decode(CONFIG_MAP), content_type=MEDIA_TYPE)
    assert (answer.status, read(answer)["data"]) == (201, {"a": "1"})


@given(st.binary(max_size=80))
def test_no_body_whatever_breaks_the_reader(body: bytes) -> None:
    assert _answer_to(b"k8s\x00" + body) in (None, 400, 415)


@given(st.integers(0, 50), st.integers(0, 255))
def test_a_damaged_body_is_refused_or_read_and_never_an_internal_error(place: int, value: int) -> None:
    body = bytearray(base64.b64decode(REVIEW))
    body[4 + place] = value
    assert _answer_to(bytes(body)) in (None, 400, 415)


def _answer_to(body: bytes) -> int | None:
    """The code it is refused with; None when it was read."""
    try:
        decode(body)
    except ApiError as error:
        return error.code
    return None
