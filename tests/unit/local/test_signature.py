"""What counts as a request signed with our key, against botocore's own signer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from infra.local.signature import SignatureCheck, Signed

KEY = ("AKIAOURS", "our-secret")
OURS = SignatureCheck(*KEY)
SIGNERS = {"s3": S3SigV4Auth}


def now() -> datetime:
    return datetime.now(UTC)


def as_received(request: AWSRequest) -> Signed:
    parts = urlsplit(str(request.url))
    headers = {name.lower(): str(value) for name, value in request.headers.items()} | {"host": parts.netloc}
    return Signed(str(request.method), parts.path or "/", parts.query, headers)


def signed(
    service: str = "dynamodb",
    path: str = "/",
    body: bytes = b"{}",
    key: tuple[str, str] = KEY,
    method: str = "POST",
) -> Signed:
    request = AWSRequest(method, f"http://127.0.0.1:4566{path}", data=body, headers={"x-amz-target": "T.Op"})
    SIGNERS.get(service, SigV4Auth)(Credentials(*key), service, "us-east-1").add_auth(request)
    return as_received(request)


def presigned(expires: int = 300, key: tuple[str, str] = KEY) -> Signed:
    request = AWSRequest("PUT", "http://127.0.0.1:4566/bucket/tenant/a%20b.tar")
    S3SigV4QueryAuth(Credentials(*key), "s3", "us-east-1", expires=expires).add_auth(request)
    return as_received(request)


@pytest.mark.parametrize(
    ("service", "path"),
    [("dynamodb", "/"), ("sqs", "/000000000000/work.fifo"), ("s3", "/bucket/a%20b/c%2Bd?list-type=2&prefix=x%2Fy")],
)
def test_botocores_signature_is_accepted(service: str, path: str) -> None:
    assert OURS.accepts(signed(service, path), b"{}", now())


def test_an_endpoint_with_an_encoded_path_is_accepted() -> None:
    assert OURS.accepts(signed("execute-api", "/%40connections/abc%3D"), b"{}", now())


@pytest.mark.parametrize("key", [("AKIAOURS", "guess"), ("AKIAOTHER", "our-secret")])
def test_another_key_is_refused(key: tuple[str, str]) -> None:
    assert not OURS.accepts(signed(key=key), b"{}", now())
    assert not OURS.accepts_presigned(presigned(key=key), now())


def test_another_body_path_method_or_query_is_refused() -> None:
    request = signed()
    assert not OURS.accepts(request, b"[]", now())
    assert not OURS.accepts(replace(request, path="/other"), b"{}", now())
    assert not OURS.accepts(replace(request, method="PUT"), b"{}", now())
    assert not OURS.accepts(replace(request, query="Action=DeleteEverything"), b"{}", now())


def test_a_signed_header_that_changed_is_refused() -> None:
    request = signed()
    assert not OURS.accepts(replace(request, headers={**request.headers, "x-amz-target": "T.Delete"}), b"{}", now())


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_signature_is_good_for_fifteen_minutes_around_its_time(minutes: int) -> None:
    assert not OURS.accepts(signed(), b"{}", now() + timedelta(minutes=minutes))


def test_an_announced_body_hash_must_be_the_bodys() -> None:
    request = signed("s3", "/bucket/key", body=b"content")
    assert OURS.accepts(request, b"content", now())
    assert not OURS.accepts(request, b"changed", now())


def test_a_presigned_url_is_accepted_until_it_expires() -> None:
    request = presigned(expires=60)
    assert OURS.accepts_presigned(request, now())
    assert not OURS.accepts_presigned(request, now() + timedelta(seconds=62))


@pytest.mark.parametrize("change", [("Expires=300", "Expires=3000"), ("a%20b", "other"), ("tenant", "another")])
def test_a_changed_presigned_url_is_refused(change: tuple[str, str]) -> None:
    request = presigned()
    changed = replace(request, query=request.query.replace(*change), path=request.path.replace(*change))
    assert changed != request
    assert not OURS.accepts_presigned(changed, now())


def test_a_presigned_url_for_longer_than_seven_days_is_refused() -> None:
    assert not OURS.accepts_presigned(presigned(expires=8 * 86400), now())


@given(st.text(max_size=200), st.text(max_size=40), st.text(max_size=200))
def test_arbitrary_headers_and_queries_are_refused_without_an_error(auth: str, stamp: str, query: str) -> None:
    request = Signed("GET", "/", query, {"authorization": auth, "x-amz-date": stamp, "host": "127.0.0.1:1"})
    assert not OURS.accepts(request, b"", now())
    assert not OURS.accepts_presigned(request, now())
