"""From the yes to the end: exactly what was approved, once, on the state that was approved, and on record."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chalicelib.errors import Conflict, Forbidden, InvalidRequest
from chalicelib.safety.approvals import VALID_FOR
from chalicelib.safety.model import Change
from chalicelib.safety.policies import Policies, Policy, Window
from chalicelib.safety.service import change_of, record_of
from chalicelib.store.records import Document
from tests.functional.safety.stage import TENANT, Stage, a_deployment


@pytest.fixture
def stage() -> Stage:
    found = Stage()
    found.namespace("shop", env="dev")
    found.apply(a_deployment("web", 3))
    found.refresh()
    found.server.audit.clear()
    return found


def replicas(stage: Stage, name: str = "web") -> int:
    return int(stage.get("Deployment", name)["spec"]["replicas"])


def edited(stage: Stage, change: Change, **parts: Any) -> Change:
    """The change as somebody with access to the table would leave it."""
    found = stage.store.changes.get(TENANT, change.id)
    forged = msgspec.structs.replace(change_of(found), **parts)
    return change_of(stage.store.changes.update(TENANT, record_of(forged)))


# The straight way


def test_a_change_is_written_only_after_the_yes_and_then_exactly_once(stage: Stage) -> None:
    change = stage.ask("scale", namespace="shop", name="web", replicas=4)
    stage.work(change)
    assert stage.written() == []
    done = stage.work(stage.approve(change))
    stage.executor.run(TENANT, done.id, stage.now)
    assert (done.status, replicas(stage)) == ("succeeded", 4)
    assert stage.written() == ["patch deployments shop/web"]


def test_our_audit_log_says_what_the_servers_audit_list_says(stage: Stage) -> None:
    for action, more in (("scale", {"replicas": 5}), ("restart", {}), ("resize", {"cpu_request": "120m"})):
        stage.do(action, namespace="shop", name="web", **more)
    stage.do("cordon", name="n1")
    events = stage.store.audit.list(TENANT, limit=500).items
    ours = [
        one["what"].split()
        for event in reversed(events)
        if event.action == "change.executed"
        for one in event.detail["operations"]
    ]
    kinds = {"Deployment": "deployments", "Node": "nodes"}
    assert [
        f"{verb} {kinds[kind]} {'/' if kind == 'Node' else ''}{name}" for verb, kind, name in ours
    ] == stage.written()
    assert stage.store.audit.verify(TENANT).ok


def test_the_intent_is_in_the_chain_before_anything_is_written(stage: Stage) -> None:
    change = stage.ask("scale", namespace="shop", name="web", replicas=4)
    seen: list[bool] = []
    stage.live.before_write = lambda method, path: seen.append(stage.store.audit.has(TENANT, f"au_{change.id}_intent"))
    stage.work(stage.approve(change))
    assert seen == [True]


def test_nothing_is_written_while_the_intent_cannot_be_kept(stage: Stage) -> None:
    change = stage.approve(stage.ask("scale", namespace="shop", name="web", replicas=4))
    stage.store.audit._submit = lambda tenant, event: None  # handed over, and not in the chain yet
    for _ in range(5):
        assert stage.executor.run(TENANT, change.id, stage.now) > 0
    assert stage.written() == []


# Approvals


def test_an_object_that_changed_after_the_preview_is_left_alone(stage: Stage) -> None:
    change = stage.approve(stage.ask("scale", namespace="shop", name="web", replicas=4))
    stage.api.patch("Deployment", "shop", "web", {"metadata": {"labels": {"by": "somebody"}}}, manager="kubectl")
    done = stage.work(change)
    assert (done.status, done.note) == ("failed", "target_changed")
    assert stage.written() == []


def test_an_object_that_was_made_anew_is_another_object(stage: Stage) -> None:
    change = stage.approve(stage.ask("scale", namespace="shop", name="web", replicas=4))
    stage.api.delete("Deployment", "shop", "web")
    stage.run_for(30)
    stage.apply(a_deployment("web", 3).split("---")[0])
    assert stage.work(change).note == "target_changed"
    assert stage.written() == []


def test_a_write_between_the_last_look_and_ours_wins(stage: Stage) -> None:
    change = stage.approve(stage.ask("scale", namespace="shop", name="web", replicas=4))

    def somebody_is_faster(method: str, path: str) -> None:
        stage.api.patch("Deployment", "shop", "web", {"spec": {"replicas": 2}}, manager="kubectl")

    stage.live.before_write = somebody_is_faster
    done = stage.work(change)
    assert (done.status, done.note) == ("failed", "operation_refused")
    assert replicas(stage) == 2
    assert stage.written() == []


def test_a_status_that_moved_is_no_change(stage: Stage) -> None:
    change = stage.approve(stage.ask("scale", namespace="shop", name="web", replicas=4))
    pod = stage.api.list("Pod", "shop")[0]["metadata"]["name"]
    stage.api.delete("Pod", "shop", pod)
    stage.run_for(30)
    assert stage.work(change).status == "succeeded"


def test_an_edited_patch_is_not_executed(stage: Stage) -> None:
    change = stage.approve(stage.ask("scale", namespace="shop", name="web", replicas=4))
    operation = msgspec.structs.replace(change.operations[0], body={"spec": {"replicas": 0}})
    edited(stage, change, operations=(operation,))
    assert stage.work(change).note == "change_edited"
    assert stage.written() == []


def test_an_edited_patch_with_a_digest_that_fits_has_no_valid_approval(stage: Stage) -> None:
    from chalicelib.safety.canonical import digest

    change = stage.approve(stage.ask("scale", namespace="shop", name="web", replicas=4))
    operations = (msgspec.structs.replace(change.operations[0], body={"spec": {"replicas": 0}}),)
    fits = digest(TENANT, change.cluster, change.id, operations, change.targets)
    edited(stage, change, operations=operations, digest=fits)
    assert stage.work(change).note == "approval_forged"
    assert stage.written() == []


def test_an_approval_of_another_change_is_worth_nothing(stage: Stage) -> None:
    first = stage.approve(stage.ask("scale", namespace="shop", name="web", replicas=4))
    second = stage.ask("scale", namespace="shop", name="web", replicas=5)
    edited(stage, second, approvals=first.approvals, status="approved")
    stage.executor.run(TENANT, second.id, stage.now)
    assert stage.safety.get(stage.person(), second.id).note == "approval_forged"
    assert stage.written() == []


def test_a_status_set_by_hand_is_no_approval(stage: Stage) -> None:
    change = stage.ask("scale", namespace="shop", name="web", replicas=4)
    edited(stage, change, status="approved")
    stage.executor.run(TENANT, change.id, stage.now)
    assert stage.safety.get(stage.person(), change.id).note == "approval_missing"
    assert stage.written() == []


def test_an_approval_that_waited_too_long_has_expired(stage: Stage) -> None:
    change = stage.approve(stage.ask("scale", namespace="shop", name="web", replicas=4))
    stage.run_for(VALID_FOR.total_seconds() + 1)
    assert stage.work(change).note == "approval_expired"
    assert stage.written() == []


def test_a_request_that_nobody_decided_expires(stage: Stage) -> None:
    change = stage.ask("scale", namespace="shop", name="web", replicas=4)
    stage.run_for(timedelta(hours=25).total_seconds())
    with pytest.raises(Conflict) as refused:
        stage.approve(change)
    assert refused.value.code == "change_expired"


@pytest.mark.parametrize(
    ("role", "allowed"), [("viewer", False), ("auditor", False), ("operator", True), ("admin", True)]
)
def test_only_operators_and_administrators_approve(stage: Stage, role: Any, allowed: bool) -> None:
    change = stage.ask("scale", namespace="shop", name="web", replicas=4)
    if allowed:
        assert stage.approve(change, by=stage.person(role)).status == "approved"
        return
    with pytest.raises(Forbidden):
        stage.approve(change, by=stage.person(role))
    with pytest.raises(Forbidden):
        stage.ask("scale", by=stage.person(role), namespace="shop", name="web", replicas=5)


def test_what_has_to_be_typed_needs_an_administrator_and_the_exact_words(stage: Stage) -> None:
    change = stage.ask("scale", namespace="shop", name="web", replicas=0)
    requirement = change.decision.requirement
    assert (requirement.method, requirement.phrase) == ("typed", "shop/web")
    with pytest.raises(Forbidden):
        stage.safety.approve(stage.person("operator"), change.id, "typed", "shop/web")
    for method, phrase, code in (("simple", "", "approval_too_weak"), ("typed", "shop/wep", "phrase_mismatch")):
        with pytest.raises(InvalidRequest) as refused:
            stage.safety.approve(stage.person(), change.id, method, phrase)  # type: ignore[arg-type]
        assert refused.value.code == code
    assert stage.safety.approve(stage.person(), change.id, "typed", "shop/web").status == "approved"


def test_a_second_person_is_another_person(stage: Stage) -> None:
    keep_policies(stage, Policy(id="four-eyes", name="four eyes", second_person=True))
    ana, ben = stage.person("admin", "ana"), stage.person("operator", "ben")
    change = stage.ask("scale", by=ana, namespace="shop", name="web", replicas=4)
    assert stage.approve(change, by=ana).status == "pending"
    with pytest.raises(Conflict):
        stage.approve(change, by=ana)
    assert stage.work(stage.approve(change, by=ben)).status == "succeeded"


def test_a_decision_is_made_once(stage: Stage) -> None:
    change = stage.ask("scale", namespace="shop", name="web", replicas=4)
    stage.safety.reject(stage.person(), change.id, "not today")
    for decide in (stage.approve, lambda c: stage.safety.cancel(stage.person(), c.id)):
        with pytest.raises(Conflict):
            decide(change)
    assert stage.work(change).status == "rejected"


# Policies in between


def keep_policies(stage: Stage, *policies: Policy) -> None:
    body = msgspec.to_builtins(Policies(policies=policies))
    body.pop("revision")
    held = stage.store.documents.find(TENANT, "policies", "all")
    document = Document(
        kind="policies", id="all", updated_at=stage.now, updated_by="admin", body=body,
        revision=held.revision if held else 0,
    )  # fmt: skip
    stage.store.documents.put(TENANT, document)


def test_a_policy_that_came_after_the_approval_holds(stage: Stage) -> None:
    change = stage.approve(stage.ask("scale", namespace="shop", name="web", replicas=4))
    keep_policies(stage, Policy(id="freeze", name="freeze", deny=True))
    assert stage.work(change).note == "no_longer_allowed"
    assert stage.written() == []


def test_outside_its_hours_a_policy_refuses(stage: Stage) -> None:
    night = Window(days=("mon",), start="22:00", end="06:00", timezone="Europe/Berlin")
    keep_policies(stage, Policy(id="night", name="nights only", window=night))
    change = stage.ask("scale", namespace="shop", name="web", replicas=4)
    assert [one.rule for one in change.decision.violations] == ["policy:night"]


# Crashes


class Killed(BaseException):
    """The process is gone at this point."""


@pytest.mark.parametrize("point", range(1, 12))
def test_a_worker_that_dies_anywhere_neither_loses_nor_repeats_a_write(stage: Stage, point: int) -> None:
    change = stage.approve(stage.ask("restart", namespace="shop", name="web"))
    steps = iter(range(1, 10_000))
    real_update, real_write = stage.store.changes.update, stage.live.after_write

    def dies(*_: Any) -> None:
        if next(steps) == point:
            raise Killed

    def update(*arguments: Any) -> Any:
        dies()
        kept = real_update(*arguments)
        dies()
        return kept

    object.__setattr__(stage.store.changes, "update", update)
    stage.live.before_write = stage.live.after_write = dies
    for _ in range(3):
        try:
            stage.executor.run(TENANT, change.id, stage.now)
        except Killed:
            continue
    object.__setattr__(stage.store.changes, "update", real_update)
    stage.live.before_write = stage.live.after_write = real_write
    done = stage.work(change)
    assert done.status == "succeeded"
    assert stage.written() == ["patch deployments shop/web"]
    assert stage.store.audit.verify(TENANT).ok


def test_two_changes_of_one_object_do_not_run_at_the_same_time(stage: Stage) -> None:
    first = stage.approve(stage.ask("scale", namespace="shop", name="web", replicas=4))
    second = stage.approve(stage.ask("scale", namespace="shop", name="web", replicas=5))
    lease = stage.store.leases.acquire(TENANT, "change#cl-1#Deployment shop/web", "another", 900, stage.now)
    assert lease is not None
    assert stage.executor.run(TENANT, first.id, stage.now) > 0
    assert stage.written() == []
    stage.store.leases.release(TENANT, lease)
    ended = [stage.safety.get(stage.person(), stage.work(one).id) for one in (first, second)]
    assert sorted(one.note or one.status for one in ended) == ["succeeded", "target_changed"]
    assert len(stage.written()) == 1


# What does not work is taken back


def test_a_rollout_that_fails_is_taken_back_by_itself_and_people_are_told(stage: Stage) -> None:
    image = {"name": "app", "image": "registry.example.com/gone:9"}
    stage.plane.environment.tags["registry.example.com/gone"] = frozenset({"1"})
    body = {"spec": {"template": {"spec": {"containers": [image]}}}}
    done = stage.do("patch", kind="Deployment", namespace="shop", name="web", type="strategic", patch=body)
    assert done.status == "failed"
    assert done.undone_by
    (container,) = stage.get("Deployment", "web")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example.com/web:1.0"
    titles = [one.body["title"] for one in stage.store.documents.list(TENANT, "notice")]
    assert any("did not work" in title for title in titles)
