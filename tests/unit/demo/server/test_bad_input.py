"""Requests that make no sense get the Status a real server gives."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.demo.server.bodies import LIMIT_BYTES
from tests.unit.demo.server.builders import DEPLOYMENTS, MAPS, PODS, Cluster, a_deployment, a_pod, read

MERGE, X = {"content_type": "application/merge-patch+json"}, DEPLOYMENTS + "/x"
PROTOBUF = {"content_type": "application/vnd.kubernetes.protobuf"}


@pytest.mark.parametrize(
    ("method", "target", "body", "headers", "code", "reason", "part"),
    [
        ("POST", MAPS, b'{"metadata":', {}, 400, "BadRequest", "unexpected end of JSON input"),
        ("POST", MAPS, b"[]", {}, 400, "BadRequest", "cannot unmarshal array"),
        ("POST", MAPS, b"x", {"content_type": "text/plain"}, 415, "UnsupportedMediaType", "accepted media types"),
        ("POST", MAPS, b"k8s\x00\xff\xff", PROTOBUF, 400, "BadRequest", ""),
        ("POST", MAPS, b"a: [", {"content_type": "application/yaml"}, 400, "BadRequest", "YAML"),
        ("POST", MAPS, b"x" * (LIMIT_BYTES + 1), {}, 413, "RequestEntityTooLarge", "limit is 3145728"),
        ("GET", "/api/v1/namespaces/shop/gadgets", None, {}, 404, "NotFound", "could not find the requested resource"),
        ("GET", PODS + "/a/nothing", None, {}, 404, "NotFound", "could not find the requested resource"),
        ("PUT", PODS, {}, {}, 405, "MethodNotAllowed", "does not allow this method"),
        ("POST", "/api/v1/pods", {}, {}, 405, "MethodNotAllowed", "does not allow this method"),
        ("DELETE", "/api/v1/namespaces", None, {}, 405, "MethodNotAllowed", "does not allow this method"),
        ("BREW", PODS + "/a", None, {}, 405, "MethodNotAllowed", "does not allow this method"),
        ("GET", PODS, None, {"accept": "application/xml"}, 406, "NotAcceptable", "406: Not Acceptable"),
        ("GET", PODS + "?fieldSelector=spec.containers%3Dx", None, {}, 400, "BadRequest", "field label not supported"),
        ("GET", PODS + "?labelSelector=%3D%3D", None, {}, 400, "BadRequest", "unable to parse requirement"),
        ("GET", PODS + "?continue=xxx", None, {}, 400, "BadRequest", "invalid continue token"),
        ("GET", PODS + "?limit=many", None, {}, 400, "BadRequest", "invalid syntax"),
        ("POST", MAPS + "?dryRun=Maybe", {"metadata": {"name": "a"}}, {}, 422, "Invalid", 'supported values: "All"'),
        ("POST", MAPS + "?fieldValidation=Sure", {"metadata": {"name": "a"}}, {}, 422, "Invalid", "fieldValidation"),
        ("POST", MAPS, {"kind": "Secret"}, {}, 400, "BadRequest", "cannot be handled as a ConfigMap"),
        ("POST", MAPS, {"metadata": {"name": "a", "namespace": "other"}}, {}, 400, "BadRequest", "does not match"),
        ("POST", MAPS, {"metadata": {}}, {}, 422, "Invalid", "name or generateName is required"),
        ("PATCH", X, {}, {"content_type": "application/json"}, 415, "UnsupportedMediaType", "strategic"),
        ("PATCH", X, {}, MERGE, 404, "NotFound", '"x" not found'),
        ("PATCH", X, b"{", MERGE, 400, "BadRequest", "decoding patch"),
    ],
)  # fmt: skip
def test_a_bad_request_is_refused_with_a_status(
    method: str, target: str, body: Any, headers: dict[str, str], code: int, reason: str, part: str
) -> None:
    answer = Cluster().send(method, target, body, **headers)
    status = read(answer)
    assert (answer.status, status["kind"], status.get("reason"), status["code"]) == (code, "Status", reason, code)
    assert part in status["message"]


def test_an_unknown_group_is_plain_text_404() -> None:
    answer = Cluster().send("GET", "/apis/nothing.example.com/v1/things")
    assert (answer.status, answer.body) == (404, b"404 page not found\n")


def test_without_a_token_nothing_is_told() -> None:
    for target in ("/api/v1/pods", "/version", "/nothing"):
        assert Cluster().send("GET", target, user="").status == 401


def test_a_wrong_type_is_refused_even_without_validation() -> None:
    body = a_deployment()
    body["spec"]["replicas"] = "three"
    status = read(Cluster().send("POST", DEPLOYMENTS + "?fieldValidation=Ignore", body))
    assert status["code"] == 400
    assert (
        "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
        in status["message"]
    )


def test_strict_validation_tells_unknown_and_duplicate_fields() -> None:
    body = b'{"metadata": {"name": "a"}, "data": {"x": "1", "x": "2"}, "extra": 1}'
    status = read(Cluster().send("POST", MAPS + "?fieldValidation=Strict", body))
    assert status["message"].endswith('strict decoding error: duplicate field "data.x", unknown field "extra"')


def test_by_default_unknown_fields_are_dropped_with_a_warning() -> None:
    answer = Cluster().send("POST", MAPS, {"metadata": {"name": "a"}, "extra": 1})
    assert (answer.status, answer.headers["warning"]) == (201, '299 - "unknown field \\"extra\\""')
    assert "extra" not in read(answer)


def test_every_problem_of_an_object_is_told_at_once() -> None:
    body = a_pod()
    body["spec"]["containers"] = [{"name": "A!", "image": ""}]
    causes = read(Cluster().send("POST", PODS, body))["details"]["causes"]
    assert [cause["field"] for cause in causes] == ["spec.containers[0].name", "spec.containers[0].image"]
