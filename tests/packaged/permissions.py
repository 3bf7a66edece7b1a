"""Whether a function's role allows what the function asks of AWS.

moto answers everybody everything. So that a missing grant is noticed, each function signs with a key id of its own,
and every request is put beside the statements of that function's role.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

ACCOUNT, REGION = "123456789012", "us-east-1"
_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
_S3_ACTIONS = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"}


@dataclass(frozen=True, order=True)
class Need:
    """A permission that a request needs."""

    action: str
    resource: str


@dataclass(frozen=True)
class Asked:
    """A request to AWS, as far as it tells what is asked for."""

    method: str
    path: str
    target: str
    tagging: bool
    body: bytes


@dataclass
class Recorder:
    """WSGI middleware in front of moto: what each access key asked for."""

    application: Callable[..., Any]
    asked: dict[str, list[Asked]] = field(default_factory=dict)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        signed = re.search(r"Credential=([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
        if signed:
            target, tagging = environ.get("HTTP_X_AMZ_TARGET", ""), "HTTP_X_AMZ_TAGGING" in environ
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])) if target else b""
            if target:
                environ["wsgi.input"] = io.BytesIO(body)
            request = Asked(environ["REQUEST_METHOD"], environ["PATH_INFO"], target, tagging, body)
            self.asked.setdefault(signed[1], []).append(request)
        return self.application(environ, start_response)


def needs_of(request: Asked) -> Iterator[Need]:
    """The permissions of one request. Raises ValueError for a service that this module does not know."""
    service, _, operation = request.target.partition(".")
    if service.startswith("DynamoDB"):
        yield from _dynamodb(operation, json.loads(request.body))
    elif service == "AmazonSQS":
        told = json.loads(request.body)
        name = told.get("QueueName") or told["QueueUrl"].rpartition("/")[2]
        yield Need(f"sqs:{operation}", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
    elif service == "secretsmanager":
        told = json.loads(request.body)
        name = told.get("SecretId") or told.get("Name")
        resource = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-AbCdEf" if name else "*"
        yield Need(f"secretsmanager:{operation}", resource)
    elif service:
        raise ValueError(f"a request to {request.target}")
    else:
        yield from _s3(request)


def _dynamodb(operation: str, asked: dict[str, Any]) -> Iterator[Need]:
    if operation == "TransactWriteItems":
        for item in asked["TransactItems"]:
            for kind, write in item.items():
                yield Need(f"dynamodb:{_TRANSACTION[kind]}", _table(write["TableName"]))
    elif "RequestItems" in asked:
        yield from (Need(f"dynamodb:{operation}", _table(name)) for name in asked["RequestItems"])
    else:
        index = f"/index/{asked['IndexName']}" if "IndexName" in asked else ""
        yield Need(f"dynamodb:{operation}", _table(asked["TableName"]) + index)


def _table(name: str) -> str:
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"


def _s3(request: Asked) -> Iterator[Need]:
    bucket, _, key = request.path.lstrip("/").partition("/")
    if key:
        yield Need(f"s3:{_S3_ACTIONS[request.method]}", f"arn:aws:s3:::{bucket}/{key}")
    elif request.method == "GET":
        yield Need("s3:ListBucket", f"arn:aws:s3:::{bucket}")
    else:
        yield Need("s3:DeleteObject", f"arn:aws:s3:::{bucket}/any")
    if request.tagging:
        yield Need("s3:PutObjectTagging", f"arn:aws:s3:::{bucket}/{key}")


def refused(asked: Iterable[Asked], function: str, template: dict[str, Any]) -> list[Need]:
    """What a function asked for and no statement of its role allows."""
    needs = {need for request in asked for need in needs_of(request)}
    policy = template["Resources"][f"{function}Role"]["Properties"]["Policies"][0]["PolicyDocument"]
    return sorted(
        need for need in needs if not any(_allows(statement, need, template) for statement in policy["Statement"])
    )


def _allows(statement: dict[str, Any], need: Need, template: dict[str, Any]) -> bool:
    resources = (_resolved(resource, template) for resource in _listed(statement["Resource"]))
    return need.action in _listed(statement["Action"]) and any(fnmatchcase(need.resource, r) for r in resources)


def _resolved(reference: Any, template: dict[str, Any]) -> str:
    """What CloudFormation makes of a resource in a policy, with the default names of the store."""
    if isinstance(reference, str):
        return reference
    if "Fn::GetAtt" in reference:
        return _arn(template["Resources"][reference["Fn::GetAtt"][0]])
    if "Ref" in reference:
        return str(template["Parameters"][reference["Ref"]]["Default"])
    names = {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "WebsocketAPI": "w1x2y3z4a5"}

    def value(matched: re.Match[str]) -> str:
        name, _, attribute = matched[1].partition(".")
        return _arn(template["Resources"][name]) if attribute == "Arn" else names[matched[1]]

    return re.sub(r"\$\{([^}]+)\}", value, reference["Fn::Sub"])


def _arn(resource: dict[str, Any]) -> str:
    properties = resource.get("Properties", {})
    match resource["Type"]:
        case "AWS::DynamoDB::Table":
            return _table(properties["TableName"])
        case "AWS::SQS::Queue":
            return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{properties.get('QueueName', 'generated')}"
        case "AWS::S3::Bucket":
            # `kubilitics-data-ACCOUNT-REGION` in a deployment; here by the names that settings have of their own.
            name = properties["BucketName"]["Fn::Sub"].partition("-${")[0]
            return f"arn:aws:s3:::{name}"
        case _:
            return "arn:aws:logs:generated"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
