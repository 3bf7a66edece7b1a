"""EKS access against botocore's Stubber, and tokens against an own verifier of the presigned URL."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import boto3
import pytest
from botocore.stub import Stubber

from chalicelib.clusters.connection import EksConnection
from chalicelib.clusters.eks import TOKEN_PREFIX, EksAccess
from chalicelib.errors import ClusterError, InvalidRequest
from tests.unit.clusters.kubeconfigs import an_authority, b64

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
CONNECTION = EksConnection(
    role_arn="arn:aws:iam::123456789012:role/kubilitics", external_id="ext-42", region="eu-west-1", cluster="prod",
    tenant="acme/1",
)  # fmt: skip
ROLE_SECRET = "role-secret-key-0123456789"


class Aws:
    """Stubbed clients, with what was asked of them."""

    def __init__(self) -> None:
        self.now = START
        self.made: list[tuple[str, dict[str, str]]] = []
        self.responses: list[tuple[str, str, Any, Any]] = []

    def client(self, service: str, region: str, credentials: dict[str, str]) -> Any:
        self.made.append((service, credentials))
        client = boto3.client(
            service, region_name=region, aws_access_key_id=credentials.get("AccessKeyId", "OURKEY"),
            aws_secret_access_key=credentials.get("SecretAccessKey", "our-secret"),
            aws_session_token=credentials.get("SessionToken"),
        )  # fmt: skip
        stub = Stubber(client)
        for name, operation, expected, answer in self.responses:
            if name == service and (operation == "assume_role") == (not credentials):
                if isinstance(answer, str):
                    stub.add_client_error(operation, answer, expected_params=expected)
                else:
                    stub.add_response(operation, answer, expected)
        stub.activate()
        return client

    def lets_assume(self) -> Aws:
        expected = {
            "RoleArn": CONNECTION.role_arn, "RoleSessionName": "kubilitics-acme-1", "ExternalId": "ext-42",
            "DurationSeconds": 3600,
        }  # fmt: skip
        credentials = {
            "AccessKeyId": "ASIAROLEKEY0123456", "SecretAccessKey": ROLE_SECRET, "SessionToken": "session-token",
            "Expiration": START + timedelta(hours=1),
        }  # fmt: skip
        self.responses.append(("sts", "assume_role", expected, {"Credentials": credentials}))
        return self

    def describes(self, answer: Any) -> Aws:
        self.responses.append(("eks", "describe_cluster", {"name": "prod"}, answer))
        return self

    def access(self) -> EksAccess:
        return EksAccess(CONNECTION, client=self.client, clock=lambda: self.now)


CLUSTER = {
    "endpoint": "https://ABC.gr7.eu-west-1.eks.amazonaws.com", "status": "ACTIVE",
    "certificateAuthority": {"data": b64(an_authority().certificate)},
}  # fmt: skip


def presigned_url(headers: dict[str, str]) -> str:
    scheme, _, token = headers["Authorization"].partition(" ")
    assert scheme == "Bearer"
    assert token.startswith(TOKEN_PREFIX)
    encoded = token.removeprefix(TOKEN_PREFIX)
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()


def signature_of(url: str, headers: dict[str, str], secret: str) -> str:
    """SigV4 for a presigned GET, computed from the specification and not by botocore."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    query.pop("X-Amz-Signature")
    signed = query["X-Amz-SignedHeaders"].split(";")
    values = {"host": parts.netloc} | {k.lower(): v for k, v in headers.items()}
    canonical = "\n".join(
        [
            "GET",
            parts.path or "/",
            "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in sorted(query.items())),
            *(f"{name}:{values[name]}" for name in signed),
            "",
            ";".join(signed),
            hashlib.sha256(b"").hexdigest(),
        ]
    )
    scope = query["X-Amz-Credential"].split("/", 1)[1]
    to_sign = "\n".join(
        ["AWS4-HMAC-SHA256", query["X-Amz-Date"], scope, hashlib.sha256(canonical.encode()).hexdigest()]
    )
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


def test_the_cluster_is_described_with_the_assumed_role_and_its_external_id():
    aws = Aws().lets_assume().describes({"cluster": CLUSTER})
    connection = aws.access().describe()
    assert connection.server == "https://ABC.gr7.eu-west-1.eks.amazonaws.com"
    assert connection.ca == an_authority().certificate.decode()
    assert aws.made[0] == ("sts", {})
    assert aws.made[1][1]["AccessKeyId"] == "ASIAROLEKEY0123456"


def test_the_token_is_a_presigned_identity_request_whose_signature_covers_the_cluster_name():
    url = presigned_url(Aws().lets_assume().access().headers())
    query = dict(parse_qsl(urlsplit(url).query))
    assert urlsplit(url).netloc == "sts.eu-west-1.amazonaws.com"
    assert query["Action"] == "GetCallerIdentity"
    assert set(query["X-Amz-SignedHeaders"].split(";")) == {"host", "x-k8s-aws-id"}
    assert int(query["X-Amz-Expires"]) <= 900
    assert query["X-Amz-Security-Token"] == "session-token"
    assert query["X-Amz-Signature"] == signature_of(url, {"x-k8s-aws-id": "prod"}, ROLE_SECRET)


def test_the_token_does_not_verify_for_another_cluster():
    url = presigned_url(Aws().lets_assume().access().headers())
    query = dict(parse_qsl(urlsplit(url).query))
    assert query["X-Amz-Signature"] != signature_of(url, {"x-k8s-aws-id": "other"}, ROLE_SECRET)


def test_a_token_is_kept_for_13_minutes_and_replaced_before_minute_14():
    aws = Aws().lets_assume()
    access = aws.access()
    access.headers()
    made = len(aws.made)
    aws.now = START + timedelta(minutes=12, seconds=59)
    access.headers()
    assert len(aws.made) == made
    aws.now = START + timedelta(minutes=13)
    access.headers()
    assert [service for service, _ in aws.made[made:]] == ["sts"]


def test_the_role_is_assumed_again_before_its_session_ends():
    aws = Aws().lets_assume()
    access = aws.access()
    access.headers()
    aws.now = START + timedelta(minutes=56)
    access.headers()
    assert [credentials for _, credentials in aws.made].count({}) == 2


def test_renewing_after_a_401_makes_a_new_session_and_token():
    aws = Aws().lets_assume()
    access = aws.access()
    access.headers()
    assert access.renew()
    assert [credentials for _, credentials in aws.made].count({}) == 2


REFUSALS = [
    (Aws().describes({"cluster": CLUSTER}), "sts", "assume_role", "AccessDenied", "eks_role_refused", "trust policy"),
    (Aws().lets_assume(), "eks", "describe_cluster", "AccessDeniedException", "eks_forbidden", "eks:DescribeCluster"),
    (Aws().lets_assume(), "eks", "describe_cluster", "ResourceNotFoundException", "eks_not_found", "list-clusters"),
]


@pytest.mark.parametrize(("aws", "service", "operation", "aws_code", "code", "remedy"), REFUSALS)
def test_what_aws_refuses_names_what_to_grant(aws, service, operation, aws_code, code, remedy):
    aws.responses.append((service, operation, None, aws_code))
    with pytest.raises(ClusterError) as caught:
        aws.access().describe()
    assert caught.value.code == code
    assert remedy in caught.value.remedy


def test_a_cluster_that_is_still_being_created_says_so():
    aws = Aws().lets_assume().describes({"cluster": {"status": "CREATING"}})
    with pytest.raises(ClusterError, match="CREATING") as caught:
        aws.access().describe()
    assert caught.value.code == "eks_not_ready"


def test_a_cluster_name_that_eks_does_not_allow_is_refused_before_aws_is_asked():
    with pytest.raises(InvalidRequest):
        EksAccess(EksConnection(role_arn="r", external_id="e", region="eu-west-1", cluster="a b\n"))
