"""The store in AWS. `AWS_ENDPOINT_URL` alone points it at embedded services; there is no other difference."""

from __future__ import annotations

from chalicelib.settings import Settings
from chalicelib.store.aws.anchors import LockedAnchors
from chalicelib.store.aws.clients import Clients
from chalicelib.store.aws.dynamo import dynamo_tables
from chalicelib.store.aws.objects import S3Objects
from chalicelib.store.aws.queue import SqsQueue
from chalicelib.store.aws.resources import create_resources
from chalicelib.store.aws.secrets import ManagedSecrets
from chalicelib.store.facade import Store, assemble, submit_over

__all__ = ["aws_store", "create_resources"]


def aws_store(settings: Settings) -> Store:
    """The store over DynamoDB, S3, SQS and Secrets Manager. Clients are made at their first use and kept."""
    clients = Clients()
    audit_queue = SqsQueue(clients, settings.audit_queue)
    return assemble(
        tables=dynamo_tables(settings.table_prefix, clients.region),
        objects=S3Objects(clients, settings.bucket),
        anchors=LockedAnchors(clients, settings.anchor_bucket),
        secrets=ManagedSecrets(clients, settings.table_prefix),
        queue=SqsQueue(clients, settings.queue),
        audit_queue=audit_queue,
        submit=submit_over(audit_queue),
    )
