"""Nothing but a request signed with this installation's key gets anything out of the embedded AWS."""

from __future__ import annotations

import datetime
import http.client
import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from infra.local.embedded_aws.serve import CLEAN_MARKER
from tests.functional.local.conftest import EmbeddedAws, embedded_aws

SECRET = "the-kubeconfig-of-production"
GET_SECRET = {"x-amz-target": "secretsmanager.GetSecretValue", "content-type": "application/x-amz-json-1.1"}
BODY = json.dumps({"SecretId": "cluster/one"}).encode()


@pytest.fixture(scope="module")
def secret(aws: EmbeddedAws) -> EmbeddedAws:
    aws.client("secretsmanager").create_secret(Name="cluster/one", SecretString=SECRET)
    aws.client("s3").create_bucket(Bucket="uploads")
    aws.client("s3").put_object(Bucket="uploads", Key="kubeconfig", Body=SECRET.encode())
    return aws


def send(
    aws: EmbeddedAws, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", aws.port, timeout=10)
    try:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def signed(aws: EmbeddedAws, key_id: str | None = None, key: str | None = None, **extra: str) -> dict[str, str]:
    real_id, real_key = aws.options.layout.access_key()
    request = AWSRequest("POST", aws.url + "/", data=BODY, headers=GET_SECRET | extra)
    SigV4Auth(Credentials(key_id or real_id, key or real_key), "secretsmanager", "us-east-1").add_auth(request)
    return dict(request.headers)


def test_a_signed_request_reads_the_secret(secret: EmbeddedAws) -> None:
    status, _, text = send(secret, "POST", "/", signed(secret), BODY)
    assert (status, SECRET in text) == (200, True)


def test_a_request_without_a_signature_reads_nothing(secret: EmbeddedAws) -> None:
    status, _, text = send(secret, "POST", "/", GET_SECRET, BODY)
    assert status == 403
    assert SECRET not in text


@pytest.mark.parametrize("key_id", [None, "test", "000000000000", "123456789012"])
def test_a_signature_with_another_key_reads_nothing(secret: EmbeddedAws, key_id: str | None) -> None:
    status, _, text = send(secret, "POST", "/", signed(secret, key_id, "guessed"), BODY)
    assert status == 403
    assert SECRET not in text


@pytest.mark.parametrize("key_id", ["test", "000000000000"])
def test_ministacks_own_root_names_are_refused_even_with_the_right_secret(secret: EmbeddedAws, key_id: str) -> None:
    real_key = secret.options.layout.access_key()[1]
    status, _, text = send(secret, "POST", "/", signed(secret, key_id, real_key), BODY)
    assert status == 403
    assert SECRET not in text


def test_a_changed_body_breaks_the_signature(secret: EmbeddedAws) -> None:
    body = BODY.replace(b"one", b"two")
    status, _, text = send(secret, "POST", "/", signed(secret), body)
    assert status in (400, 403)
    assert SECRET not in text


def test_an_old_signature_is_refused(secret: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    import botocore.auth

    hour_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda **_: hour_ago.replace(tzinfo=None))
    status, _, text = send(secret, "POST", "/", signed(secret), BODY)
    assert status in (400, 403)
    assert SECRET not in text


def test_a_foreign_origin_reads_nothing_even_with_a_signature(secret: EmbeddedAws) -> None:
    headers = signed(secret) | {"Origin": "https://evil.example"}
    status, answered, text = send(secret, "POST", "/", headers, BODY)
    assert status == 403
    assert SECRET not in text
    assert "access-control-allow-origin" not in answered


def test_a_foreign_origin_gets_no_preflight(secret: EmbeddedAws) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    status, answered, _ = send(secret, "OPTIONS", "/", headers)
    assert status == 403
    assert "access-control-allow-origin" not in answered


def test_a_rebound_host_name_reads_nothing(secret: EmbeddedAws) -> None:
    status, _, text = send(secret, "POST", "/", signed(secret) | {"Host": f"evil.example:{secret.port}"}, BODY)
    assert status == 403
    assert SECRET not in text


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/_ministack/reset"), ("GET", "/_ministack/sqs/messages"), ("GET", "/_ministack/ses/messages")],
)
def test_the_emulators_own_pages_are_closed_even_to_the_key(secret: EmbeddedAws, method: str, path: str) -> None:
    assert send(secret, method, path, signed(secret))[0] == 403
    assert send(secret, method, path, {})[0] == 403


def test_an_object_is_not_public(secret: EmbeddedAws) -> None:
    status, _, text = send(secret, "GET", "/uploads/kubeconfig", {})
    assert status == 403
    assert SECRET not in text


@pytest.fixture
def upload_url(secret: EmbeddedAws) -> str:
    params = {"Bucket": "uploads", "Key": "recorded.tar.gz"}
    client = secret.client("s3", config=Config(signature_version="s3v4"))
    url: str = client.generate_presigned_url("put_object", Params=params, ExpiresIn=300)
    return url.removeprefix(secret.url)


def test_a_presigned_url_takes_an_upload_from_our_own_page(secret: EmbeddedAws, upload_url: str) -> None:
    origin = secret.options.url
    asks = {"Origin": origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
    status, answered, _ = send(secret, "OPTIONS", upload_url, asks)
    assert status == 204
    assert answered["access-control-allow-origin"] == origin
    assert answered["access-control-allow-headers"] == "content-type"

    status, answered, text = send(secret, "PUT", upload_url, {"Origin": origin}, b"archive")
    assert status == 200, text
    assert answered["access-control-allow-origin"] == origin
    stored = secret.client("s3").get_object(Bucket="uploads", Key="recorded.tar.gz")["Body"].read()
    assert stored == b"archive"


def test_a_presigned_url_takes_an_upload_without_an_origin(secret: EmbeddedAws, upload_url: str) -> None:
    assert send(secret, "PUT", upload_url, {}, b"from curl")[0] == 200


def test_a_presigned_url_is_refused_from_a_foreign_page(secret: EmbeddedAws, upload_url: str) -> None:
    assert send(secret, "PUT", upload_url, {"Origin": "https://evil.example"}, b"x")[0] == 403


def test_a_presigned_url_is_good_for_its_object_only(secret: EmbeddedAws, upload_url: str) -> None:
    other = upload_url.replace("recorded.tar.gz", "kubeconfig")
    status, _, text = send(secret, "GET", other, {})
    assert status == 403
    assert SECRET not in text


def test_a_websocket_is_not_opened(secret: EmbeddedAws) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    assert send(secret, "GET", "/mqtt", upgrade)[0] == 403


def test_secrets_on_disk_are_for_the_owner_only(secret: EmbeddedAws) -> None:
    home = secret.options.layout.home
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    for name in ("token", "aws-access-key-id", "aws-secret-access-key"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600


def test_a_clean_stop_keeps_everything_and_a_killed_one_is_noticed(tmp_path: Path) -> None:
    one = embedded_aws(tmp_path / ".local")
    one.start()
    _fill(one)
    assert one.child.stop()
    assert (one.options.layout.aws / CLEAN_MARKER).exists()

    one.start()
    assert one.client("secretsmanager").get_secret_value(SecretId="kept")["SecretString"] == SECRET
    assert one.client("s3").get_object(Bucket="kept", Key="k")["Body"].read() == b"object"
    assert one.client("sqs").list_queues()["QueueUrls"][0].endswith("/kept.fifo")
    assert not (one.options.layout.aws / CLEAN_MARKER).exists()

    assert one.child.process is not None
    one.child.process.kill()
    one.child.process.wait()
    assert not (one.options.layout.aws / CLEAN_MARKER).exists()


def test_a_state_that_could_not_be_written_is_not_called_clean(tmp_path: Path) -> None:
    one = embedded_aws(tmp_path / ".local")
    one.start()
    _fill(one)
    state = one.options.layout.aws_state
    state.rmdir()
    state.write_text("in the way, as a full disk would be")
    assert one.child.stop()
    assert not (one.options.layout.aws / CLEAN_MARKER).exists()


def _fill(one: EmbeddedAws) -> None:
    one.client("secretsmanager").create_secret(Name="kept", SecretString=SECRET)
    one.client("s3").create_bucket(Bucket="kept")
    one.client("s3").put_object(Bucket="kept", Key="k", Body=b"object")
    one.client("sqs").create_queue(QueueName="kept.fifo", Attributes={"FifoQueue": "true"})


def test_wrong_keys_are_refused_by_every_service_in_use(secret: EmbeddedAws) -> None:
    wrong: dict[str, Any] = {"aws_secret_access_key": "guessed"}
    calls = [
        lambda: secret.client("dynamodb", **wrong).list_tables(),
        lambda: secret.client("sqs", **wrong).list_queues(),
        lambda: secret.client("s3", **wrong).get_object(Bucket="uploads", Key="kubeconfig"),
        lambda: secret.client("kms", **wrong).list_keys(),
        lambda: secret.client("sts", **wrong).get_caller_identity(),
    ]
    for call in calls:
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)
