"""Tables, bucket and queues made directly, for the embedded services and for tests.

A deployment makes the same ones by CloudFormation (`infra/resources.json`), with encryption, point-in-time
recovery, alarms and retention on top; a test keeps the two in agreement.
"""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.settings import Settings
from chalicelib.store.aws.clients import Clients, error_code, translated
from chalicelib.store.aws.dynamo import INDEX
from chalicelib.store.aws.objects import TEMPORARY_TAG
from chalicelib.store.facade import TABLE_GROUPS
from chalicelib.store.memory_queue import MAX_RECEIVES, VISIBILITY_S

INDEXED_GROUPS = ("core",)
"""Only these have the second order; an index costs a second write for every item in it."""

EXPIRING_GROUPS = ("core", "cache", "connections")
"""Audit events never expire."""

TEMPORARY_DAYS = 120
"""Longer than any item lives that points at a temporary object."""

ANCHOR_YEARS = 7
ANCHOR_LOCK = {
    "ObjectLockEnabled": "Enabled",
    "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": ANCHOR_YEARS}},
}

_MADE_ALREADY = {
    "ResourceInUseException",
    "BucketAlreadyOwnedByYou",
    "BucketAlreadyExists",
    "QueueAlreadyExists",
    "QueueNameExists",
}


def create_resources(settings: Settings) -> list[str]:
    """Make what is missing and leave what exists alone. Returns the names of what it made."""
    clients = Clients()
    made: list[str] = []
    with translated("set-up"):
        present = set(clients.get("dynamodb").list_tables()["TableNames"])
        for group in TABLE_GROUPS:
            name = f"{settings.table_prefix}-{group}"
            indexed, expiring = group in INDEXED_GROUPS, group in EXPIRING_GROUPS
            if name not in present and _create_table(clients, name, indexed=indexed, expiring=expiring):
                made.append(name)
        if _create_bucket(clients, settings):
            made.append(settings.bucket)
        if _create_anchor_bucket(clients, settings.anchor_bucket):
            made.append(settings.anchor_bucket)
        for queue in (settings.queue, settings.audit_queue):
            made += _create_queue(clients, queue)
    return made


def table_schema(indexed: bool) -> dict[str, Any]:
    """Keys, attributes and index of a table, as DynamoDB's API and CloudFormation take them."""
    names = ("pk", "sk", "ipk", "isk") if indexed else ("pk", "sk")
    schema: dict[str, Any] = {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in names],
        "KeySchema": _key("pk", "sk"),
        "BillingMode": "PAY_PER_REQUEST",
    }
    if indexed:
        schema["GlobalSecondaryIndexes"] = [
            {"IndexName": INDEX, "KeySchema": _key("ipk", "isk"), "Projection": {"ProjectionType": "ALL"}}
        ]
    return schema


def _key(partition: str, sort: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]


def _create_table(clients: Clients, name: str, *, indexed: bool, expiring: bool) -> bool:
    dynamo = clients.get("dynamodb")
    if not _made(dynamo.create_table, TableName=name, **table_schema(indexed)):
        return False
    dynamo.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    if expiring:
        ttl = {"Enabled": True, "AttributeName": "exp"}
        dynamo.update_time_to_live(TableName=name, TimeToLiveSpecification=ttl)
    return True


def _made_bucket(s3: Any, name: str, **arguments: Any) -> bool:
    if any(bucket["Name"] == name for bucket in s3.list_buckets()["Buckets"]):
        return False
    region = s3.meta.region_name
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    return _made(s3.create_bucket, Bucket=name, **where, **arguments)


def _create_anchor_bucket(clients: Clients, name: str) -> bool:
    s3 = clients.get("s3")
    if not _made_bucket(s3, name, ObjectLockEnabledForBucket=True):
        return False
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=ANCHOR_LOCK)
    return True


def _create_bucket(clients: Clients, settings: Settings) -> bool:
    s3 = clients.get("s3")
    if not _made_bucket(s3, settings.bucket):
        return False
    key, value = TEMPORARY_TAG
    rule = {
        "ID": "temporary",
        "Status": "Enabled",
        "Filter": {"Tag": {"Key": key, "Value": value}},
        "Expiration": {"Days": TEMPORARY_DAYS},
    }
    s3.put_bucket_lifecycle_configuration(Bucket=settings.bucket, LifecycleConfiguration={"Rules": [rule]})
    # Browsers upload recorded clusters straight to the bucket.
    cors = {
        "AllowedOrigins": [settings.public_origin],
        "AllowedMethods": ["PUT", "GET"],
        "AllowedHeaders": ["*"],
        "MaxAgeSeconds": 3600,
    }
    s3.put_bucket_cors(Bucket=settings.bucket, CORSConfiguration={"CORSRules": [cors]})
    return True


def _create_queue(clients: Clients, name: str) -> list[str]:
    sqs = clients.get("sqs")
    dead = f"{name.removesuffix('.fifo')}-dead.fifo"
    made = [dead] if _made_queue(sqs, dead, {"MessageRetentionPeriod": str(14 * 86400)}) else []
    dead_url = sqs.get_queue_url(QueueName=dead)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVES})
    if _made_queue(sqs, name, {"VisibilityTimeout": str(VISIBILITY_S), "RedrivePolicy": redrive}):
        made.append(name)
    return made


def _made_queue(sqs: Any, name: str, attributes: dict[str, str]) -> bool:
    if sqs.list_queues(QueueNamePrefix=name).get("QueueUrls"):
        return False
    return _made(sqs.create_queue, QueueName=name, Attributes={"FifoQueue": "true", **attributes})


def _made(create: Any, **arguments: Any) -> bool:
    """Create something; False when another process has made it meanwhile."""
    try:
        create(**arguments)
    except ClientError as error:
        if error_code(error) in _MADE_ALREADY:
            return False
        raise
    return True
