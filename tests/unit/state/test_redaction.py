from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.state.redaction import MASK, redacted, redacted_all

SECRET = "s3cr3tV4lue99XyZ0"
CORPUS = [
    f"DB_PASSWORD={SECRET}",
    f'"db_password": "{SECRET}"',
    f"password: {SECRET}",
    f"--password={SECRET} --user=shop",
    f"pwd='{SECRET}'",
    f"api_key={SECRET}",
    f"x-api-key: {SECRET}",
    f"client_secret => {SECRET}",
    f"aws_secret_access_key = {SECRET}",
    f"AWS_SECRET_ACCESS_KEY={SECRET}/abc+def",
    f"postgres://shop:{SECRET}@db:5432/shop",
    f"amqp://{'user'}:{SECRET}@rabbit/",
    f"redis://:{SECRET}@cache:6379/0",
    f"Authorization: Bearer {SECRET}",
    f"authorization: Basic {SECRET}==",
    f"{{'Authorization': 'Bearer {SECRET}'}}",
    f"Cookie: session={SECRET}; other=1",
    f"Bearer {SECRET}{SECRET}",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + SECRET,
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_" + SECRET * 3,
    "github_pat_" + SECRET * 3,
    "glpat-" + SECRET * 2,
    "xoxb-12345678901-" + SECRET,
    "https://hooks.slack.com/services/T000/B000/" + SECRET,
    "sk-ant-" + SECRET * 3,
    "sk_live_" + SECRET,
    "AIza" + SECRET * 3,
    "k8s-aws-v1." + SECRET * 3,
    f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
    f"-----BEGIN PRIVATE KEY-----\n{SECRET}",
    "kbl_acme_" + (SECRET * 3)[:43],
    "kbs_acme_" + (SECRET * 3)[:43],
]
PLAIN = [
    "back-off 5m0s restarting failed container=cart pod=cart-7d9f-x2x_shop(3f2a9bce)",
    "GET /healthz 200 3ms request_id=3f2a9bce71d0",
    "dial tcp 10.0.3.4:5432: connect: connection refused",
    "KeyError: 'CART_TTL'",
    'secret "gateway-mtls-2027" not found',
    "couldn't find key password in Secret monitoring/grafana-admin",
    'failed calling webhook "images.policy.example.com": no endpoints',
    "password authentication failed for user shop",
    "automountServiceAccountToken is false",
    "image registry.example.com/shop/cart@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "passwordless=true",
]


@pytest.mark.parametrize("text", CORPUS)
def test_a_credential_is_masked(text: str) -> None:
    shown = redacted(f"2026-03-04 12:00:00 ERROR start: {text} end")

    assert SECRET not in shown
    assert MASK in shown


@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_line_stays_as_it_is(text: str) -> None:
    assert redacted(text) == text


@given(st.text(max_size=300))
def test_masking_again_changes_nothing_more(text: str) -> None:
    assert redacted(redacted(text)) == redacted(text)


def test_texts_are_masked_wherever_they_are_in_a_value() -> None:
    value = {
        "a": [f"password={SECRET}", 3, None],
        "t": ({"x": f"pwd={SECRET}"},),
        "password": {"deep": f"token: x Bearer {SECRET}{SECRET}"},
    }

    assert SECRET not in repr(redacted_all(value))
    assert redacted_all(value)["a"][1:] == [3, None]
