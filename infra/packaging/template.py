"""Chalice's template with our resources, one role for each function, and its layers.

Chalice gives all functions one role whose statements name `*`. Here each function has a role that says what
that function does and to what, a log group with an end of retention, and only the layers that it imports.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from infra.packaging.functions import Function, PackagingProblem

Template = dict[str, Any]

SHARED_ROLE = "DefaultRole"
FUNCTION_TYPE = "AWS::Serverless::Function"
LOG_RETENTION_DAYS = 30


def merged_resources(files: Iterable[Path]) -> Template:
    """Our own fragments as one template. Raises PackagingProblem when two define the same name."""
    merged: Template = {}
    for file in files:
        fragment = yaml.safe_load(file.read_text())
        for section, entries in fragment.items():
            if not isinstance(entries, dict):
                continue
            known = merged.setdefault(section, {})
            twice = known.keys() & entries.keys()
            if twice:
                raise PackagingProblem(f"{file.name} defines {', '.join(sorted(twice))} a second time.")
            known.update(entries)
    return merged


def functions_of(template: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The Lambda functions of a template by logical id."""
    return {name: entry for name, entry in template["Resources"].items() if entry["Type"] == FUNCTION_TYPE}


def finish(
    template: Mapping[str, Any], functions: Mapping[str, Function], layers: Mapping[str, str], runtime: str
) -> Template:
    """The template that is deployed. `layers` gives the path of each layer's zip, relative to the template.

    Raises PackagingProblem unless template and infra/functions.yaml have the same functions.
    """
    finished: Template = copy.deepcopy(dict(template))
    resources = finished["Resources"]
    present = functions_of(finished)
    if present.keys() != functions.keys():
        different = ", ".join(sorted(present.keys() ^ functions.keys()))
        raise PackagingProblem(f"infra/functions.yaml and app.py do not have the same functions: {different}.")
    resources.pop(SHARED_ROLE, None)
    for name, function in functions.items():
        _give(resources[name]["Properties"], function)
        resources[f"{name}Role"] = _role(function)
        resources[f"{name}Logs"] = _log_group()
    for layer in sorted({layer for function in functions.values() for layer in function.layers}):
        resources[layer_id(layer)] = _layer(layer, layers[layer], runtime)
    _point_at_our_queues(resources)
    return finished


def layer_id(layer: str) -> str:
    """The logical id of a layer."""
    return f"{layer.capitalize()}Layer"


def _give(properties: dict[str, Any], function: Function) -> None:
    properties["Role"] = {"Fn::GetAtt": [f"{function.name}Role", "Arn"]}
    properties["LoggingConfig"] = {"LogFormat": "JSON", "LogGroup": {"Ref": f"{function.name}Logs"}}
    # Lambda lays layers over each other in this order.
    properties["Layers"] = [{"Ref": layer_id(layer)} for layer in function.layers]
    if function.dead_letters:
        target = {"Fn::GetAtt": [function.dead_letters, "Arn"]}
        properties["DeadLetterQueue"] = {"Type": "SQS", "TargetArn": target}
    if function.partial_batches:
        for event in properties["Events"].values():
            event["Properties"]["FunctionResponseTypes"] = ["ReportBatchItemFailures"]


def _role(function: Function) -> dict[str, Any]:
    logs = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": {"Fn::GetAtt": [f"{function.name}Logs", "Arn"]},
    }
    statements = [logs, *function.statements]
    if function.dead_letters:
        queue = {"Fn::GetAtt": [function.dead_letters, "Arn"]}
        statements.append({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue})
    assume = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "Description": f"What {function.name} may do",
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [assume]},
            "Policies": [
                {
                    "PolicyName": "grants",
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
                }
            ],
        },
    }


def _log_group() -> dict[str, Any]:
    return {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": LOG_RETENTION_DAYS}}


def _layer(name: str, archive: str, runtime: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Serverless::LayerVersion",
        "Properties": {
            "LayerName": {"Fn::Sub": f"${{AWS::StackName}}-{name}"},
            "ContentUri": archive,
            "CompatibleRuntimes": [runtime],
            "CompatibleArchitectures": ["x86_64"],
            "RetentionPolicy": "Delete",
        },
    }


def _point_at_our_queues(resources: dict[str, Any]) -> None:
    """Chalice writes a queue's name into its ARN; a reference makes CloudFormation create the queue first."""
    by_name = {
        entry["Properties"].get("QueueName"): name
        for name, entry in resources.items()
        if entry["Type"] == "AWS::SQS::Queue"
    }
    for function, entry in list(resources.items()):
        if entry["Type"] != FUNCTION_TYPE:
            continue
        for event in entry["Properties"].get("Events", {}).values():
            if event["Type"] != "SQS":
                continue
            queue = event["Properties"]["Queue"]["Fn::Sub"].rpartition(":")[2]
            if queue not in by_name:
                raise PackagingProblem(f"{function} reads queue {queue}, which no file of infra/resources/ creates.")
            event["Properties"]["Queue"] = {"Fn::GetAtt": [by_name[queue], "Arn"]}
