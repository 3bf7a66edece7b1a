"""Chalice's template becomes ours: roles, layers, queues; and what cannot be packaged is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chalicelayer.layers import LIMIT_BYTES, ROOT
from infra.packaging.functions import Function, PackagingProblem, read_functions
from infra.packaging.lint import lint
from infra.packaging.sizes import table, weigh
from infra.packaging.template import finish, merged_resources

FRAGMENTS = sorted((ROOT / "infra" / "resources").glob("*.yaml"))
QUEUE = {"Fn::Sub": "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:work.fifo"}


def a_template(**functions: dict) -> dict:
    """What Chalice gives: functions that share one role, and our queue merged in."""
    resources = {"DefaultRole": {"Type": "AWS::IAM::Role", "Properties": {}}}
    resources["WorkQueue"] = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "work.fifo"}}
    for name, properties in functions.items():
        role = {"Fn::GetAtt": ["DefaultRole", "Arn"]}
        resources[name] = {"Type": "AWS::Serverless::Function", "Properties": {"Role": role, **properties}}
    return {"Resources": resources}


def a_function(name: str, **options) -> Function:
    return Function(name=name, layers=options.pop("layers", ("core",)), statements=options.pop("may", ()), **options)


def finished(template: dict, *functions: Function) -> dict:
    named = {function.name: function for function in functions}
    return finish(template, named, {"core": "./core.zip", "kube": "./kube.zip"}, "python3.11")["Resources"]


def test_each_function_has_a_role_of_its_own_and_the_shared_one_is_gone():
    made = finished(a_template(Api={}, Work={}), a_function("Api"), a_function("Work"))
    assert "DefaultRole" not in made
    assert made["Api"]["Properties"]["Role"] == {"Fn::GetAtt": ["ApiRole", "Arn"]}
    assert made["Work"]["Properties"]["Role"] == {"Fn::GetAtt": ["WorkRole", "Arn"]}


def test_a_role_allows_the_functions_own_log_group_and_what_it_was_granted():
    grant = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["WorkQueue", "Arn"]}}
    made = finished(a_template(Api={}), a_function("Api", may=(grant,)))
    logs, granted = made["ApiRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    assert logs["Resource"] == {"Fn::GetAtt": ["ApiLogs", "Arn"]}
    assert granted == grant


def test_only_layers_that_a_function_uses_are_attached_and_created():
    made = finished(a_template(Api={}), a_function("Api", layers=("core",)))
    assert made["Api"]["Properties"]["Layers"] == [{"Ref": "CoreLayer"}]
    assert made["CoreLayer"]["Properties"]["ContentUri"] == "./core.zip"
    assert "KubeLayer" not in made


def test_a_consumer_waits_for_its_queue_and_gives_failed_messages_back():
    event = {"Type": "SQS", "Properties": {"Queue": QUEUE}}
    made = finished(a_template(Work={"Events": {"Source": event}}), a_function("Work", partial_batches=True))
    properties = made["Work"]["Properties"]["Events"]["Source"]["Properties"]
    assert properties["Queue"] == {"Fn::GetAtt": ["WorkQueue", "Arn"]}
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_scheduled_function_keeps_events_that_failed_every_retry():
    made = finished(a_template(Job={}), a_function("Job", dead_letters="WorkQueue"))
    target = {"Fn::GetAtt": ["WorkQueue", "Arn"]}
    assert made["Job"]["Properties"]["DeadLetterQueue"] == {"Type": "SQS", "TargetArn": target}
    assert made["JobRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][-1]["Resource"] == target


def test_a_handler_without_an_entry_is_not_packaged():
    with pytest.raises(PackagingProblem, match="NewHandler"):
        finished(a_template(Api={}, NewHandler={}), a_function("Api"))


def test_a_consumer_of_a_queue_that_nobody_creates_is_not_packaged():
    elsewhere = {"Fn::Sub": QUEUE["Fn::Sub"].replace("work.fifo", "other.fifo")}
    event = {"Type": "SQS", "Properties": {"Queue": elsewhere}}
    with pytest.raises(PackagingProblem, match=r"other\.fifo"):
        finished(a_template(Work={"Events": {"Source": event}}), a_function("Work"))


def test_two_fragments_may_not_define_the_same_name(tmp_path: Path):
    for name in ("one.yaml", "two.yaml"):
        (tmp_path / name).write_text("Resources: {Table: {Type: 'AWS::DynamoDB::Table'}}")
    with pytest.raises(PackagingProblem, match=r"two\.yaml defines Table"):
        merged_resources(sorted(tmp_path.glob("*.yaml")))


def test_no_grant_reaches_everything():
    # Only listing secrets has no resource to name, in AWS's own service authorization reference.
    for function in read_functions().values():
        everything = [s["Action"] for s in function.statements if s["Resource"] == "*"]
        assert everything in ([], ["secretsmanager:ListSecrets"])
        assert not [s for s in function.statements if "*" in str(s["Action"])]


def test_nobody_may_change_or_delete_an_audit_event():
    audit = {"Fn::GetAtt": ["AuditTable", "Arn"]}
    writers = {
        function.name: action
        for function in read_functions().values()
        for statement in function.statements
        if statement["Resource"] == audit
        for action in statement["Action"]
        if action.split(":")[1] in {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"}
    }
    assert writers == {"OnAudit": "dynamodb:PutItem"}


def test_what_the_grants_and_the_environment_name_is_created():
    template = merged_resources(FRAGMENTS)
    known = template["Resources"].keys() | template["Parameters"].keys() | {"WebsocketAPI"}
    grants = [function.statements for function in read_functions().values()]
    named = set(references([grants, template]))
    assert {name for name in named if not name.startswith("AWS::")} <= known


def references(value: object):
    """Logical ids in CloudFormation's Ref, Fn::GetAtt and Fn::Sub."""
    if isinstance(value, dict):
        if set(value) == {"Ref"}:
            yield value["Ref"]
        elif set(value) == {"Fn::GetAtt"}:
            yield value["Fn::GetAtt"][0]
        elif set(value) == {"Fn::Sub"}:
            yield from (part.split("}")[0].split(".")[0] for part in value["Fn::Sub"].split("${")[1:])
        else:
            yield from (name for inner in value.values() for name in references(inner))
    elif isinstance(value, list | tuple):
        yield from (name for inner in value for name in references(inner))


def test_a_queue_hides_a_message_for_as_long_as_its_consumer_may_run():
    # Lambda refuses an event source mapping whose queue is visible again before the function must end.
    config = json.loads((ROOT / ".chalice" / "config.json").read_text())["stages"]["production"]["lambda_functions"]
    queues = merged_resources(FRAGMENTS)["Resources"]
    for consumer, queue in (("on_work", "WorkQueue"), ("on_audit", "AuditQueue")):
        assert queues[queue]["Properties"]["VisibilityTimeout"] >= config[consumer]["lambda_timeout"]


def test_a_function_over_the_limit_does_not_fit():
    weights = weigh({"Api": a_function("Api")}, 1_000, {"core": LIMIT_BYTES})
    assert not weights[0].fits
    assert weigh({"Api": a_function("Api")}, 1_000, {"core": LIMIT_BYTES - 1_000})[0].fits
    assert "262,145,000" in table(weights)


def test_cfn_lint_finds_a_property_that_does_not_exist(tmp_path: Path):
    template = tmp_path / "template.json"
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"Colour": "blue"}}
    template.write_text(json.dumps({"Resources": {"Bucket": bucket}}))
    assert [finding.rule for finding in lint(template) if finding.fails] == ["E3002"]
