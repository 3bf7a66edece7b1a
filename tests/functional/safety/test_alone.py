"""Playbooks, schedules and autonomy: many changes for one yes, and changes without one, inside signed bounds."""

from __future__ import annotations

import msgspec
import pytest
import yaml

from chalicelib.errors import Conflict, Forbidden, InvalidRequest
from chalicelib.safety.autonomy import Autonomy, Bounds, Scope
from chalicelib.safety.autopilot import Autopilot, Wish
from chalicelib.safety.policies import Window
from chalicelib.safety.schedules import Schedules
from tests.functional.safety.stage import TENANT, Stage, a_deployment

CRON = {
    "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"},
    "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {"spec": {
        "restartPolicy": "Never", "containers": [{"name": "a", "image": "registry.example.com/job:1"}]}}}}},
}  # fmt: skip
BOUNDS = Bounds(clusters=("cl-1",), namespaces=("shop",), kinds=("Deployment",), worst_level="medium", most_replicas=5)


class Office:
    """The safety engine with its playbooks, schedules and autopilot."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.stage.namespace("shop", env="dev")
        self.stage.namespace("live", env="production")
        self.stage.apply(a_deployment("web", 3))
        self.stage.apply(a_deployment("api", 2))
        self.stage.apply(a_deployment("till", 2), namespace="live")
        self.stage.apply(yaml.safe_dump(CRON))
        self.stage.refresh()
        self.runs = self.stage.runs
        self.schedules = Schedules(self.stage.safety, self.runs, self.stage.store)
        self.autopilot = Autopilot(self.stage.safety, self.stage.store)
        self.admin = self.stage.person()

    def run(self, playbook: str, **arguments: str):  # type: ignore[no-untyped-def]
        return self.runs.create(self.admin, self.stage.record, playbook, arguments)

    def approve(self, run):  # type: ignore[no-untyped-def]
        need = run.requirement
        return self.runs.approve(self.admin, run.id, need.method, need.phrase)

    def work(self, run):  # type: ignore[no-untyped-def]
        """Until the run is at its end."""
        for change in self.runs.get(self.admin, run.id).changes:
            self.stage.work(self.stage.safety.get(self.admin, change))
        return self.runs.get(self.admin, run.id)

    def replicas(self, name: str, namespace: str = "shop") -> int:
        return int(self.stage.get("Deployment", name, namespace)["spec"]["replicas"])

    def level(self, number: int, *scopes: Scope) -> None:
        held = self.stage.safety.autonomy(TENANT)
        autonomy = msgspec.structs.replace(held, level_of_tenant=number, scopes=scopes)
        self.stage.safety.keep_autonomy(TENANT, "admin", autonomy)


@pytest.fixture
def office() -> Office:
    return Office()


# Playbooks


def test_a_namespace_is_shut_down_and_woken_up_as_it_was(office: Office) -> None:
    down = office.work(office.approve(office.run("shut-down-namespace", namespace="shop")))
    assert down.status == "succeeded"
    assert (office.replicas("web"), office.replicas("api")) == (0, 0)
    assert office.stage.get("CronJob", "nightly")["spec"]["suspend"] is True
    up = office.work(office.approve(office.run("wake-namespace", namespace="shop")))
    assert up.status == "succeeded"
    assert (office.replicas("web"), office.replicas("api")) == (3, 2)
    assert office.stage.get("CronJob", "nightly")["spec"]["suspend"] is False
    assert "annotations" not in office.stage.get("CronJob", "nightly")["metadata"]


def test_production_is_not_shut_down(office: Office) -> None:
    run = office.run("shut-down-namespace", namespace="live")
    assert run.status == "refused"
    assert office.stage.written() == []


def test_later_steps_are_previewed_on_what_the_earlier_ones_leave(office: Office) -> None:
    run = office.run("cycle-node", node="n1")
    steps = [office.stage.safety.get(office.admin, change) for change in run.changes]
    assert [step.action for step in steps] == ["cordon", "drain", "cordon"]
    assert [change.before for change in steps[2].preview.diffs[0].changes] == [True]
    done = office.work(office.approve(run))
    assert done.status == "succeeded"
    assert "unschedulable" not in office.stage.get("Node", "n1", "")["spec"]


def test_a_step_that_fails_stops_the_run(office: Office) -> None:
    run = office.approve(office.run("shut-down-namespace", namespace="shop"))
    office.stage.api.patch("Deployment", "shop", "api", {"spec": {"replicas": 5}}, manager="kubectl")
    done = office.work(run)
    assert done.status == "failed"
    assert len(office.stage.written()) < len(run.changes)


def test_a_step_is_not_approved_by_itself(office: Office) -> None:
    run = office.run("shut-down-namespace", namespace="shop")
    change = office.stage.safety.get(office.admin, run.changes[0])
    with pytest.raises(Conflict) as refused:
        office.stage.approve(change)
    assert refused.value.code == "part_of_playbook"


@pytest.mark.parametrize(
    ("playbook", "arguments"), [("shut-down-namespace", {}), ("drain-node", {"node": "n1", "extra": "x"})]
)
def test_wrong_parameters_are_named(office: Office, playbook: str, arguments: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        office.run(playbook, **arguments)
    assert refused.value.details["valid"]


# Schedules


def test_a_schedule_sleeps_and_wakes_in_its_own_hours(office: Office) -> None:
    awake = Window(days=("mon", "tue", "wed", "thu", "fri"), start="08:00", end="11:00", timezone="Europe/Berlin")
    proposed = office.schedules.propose(office.admin, office.stage.record, "dev nights", ["shop"], awake, ["api"])
    assert office.schedules.tick(TENANT, office.stage.now) == []  # not signed
    office.schedules.approve(office.admin, proposed.id, "dev nights")
    assert office.schedules.tick(TENANT, office.stage.now) == []  # 10:00 in Berlin, and awake
    office.stage.run_for(3600)
    (run,) = office.schedules.tick(TENANT, office.stage.now)
    office.work(office.runs.get(office.admin, run))
    assert (office.replicas("web"), office.replicas("api")) == (0, 2)
    assert office.schedules.tick(TENANT, office.stage.now) == []  # once
    office.stage.run_for(22 * 3600)
    (run,) = office.schedules.tick(TENANT, office.stage.now)
    office.work(office.runs.get(office.admin, run))
    assert office.replicas("web") == 3


def test_a_schedule_that_was_edited_does_nothing_and_says_why(office: Office) -> None:
    window = Window(days=("sun",), start="01:00", end="02:00")
    proposed = office.schedules.propose(office.admin, office.stage.record, "nights", ["shop"], window)
    signed = office.schedules.approve(office.admin, proposed.id, "nights")
    office.schedules._keep(TENANT, "mallory", msgspec.structs.replace(signed, namespaces=("live",)))
    assert office.schedules.tick(TENANT, office.stage.now) == []
    assert "after it was signed" in office.schedules.get(office.admin, signed.id).last_error


# Autonomy


def wish(replicas: int = 4, name: str = "web", namespace: str = "shop") -> Wish:
    arguments = {"kind": "Deployment", "namespace": namespace, "name": name, "replicas": replicas}
    return Wish(rule="hpa_maxed_or_target_missing", action="scale", arguments=arguments, why="it is at its limit")


def sign(office: Office, bounds: Bounds = BOUNDS, budget: int = 2):  # type: ignore[no-untyped-def]
    return office.autopilot.sign(
        office.admin, "hpa_maxed_or_target_missing", "scale", bounds, daily_budget=budget, days=30, window=None,
        phrase="hpa_maxed_or_target_missing scale",
    )  # fmt: skip


def consider(office: Office, *wishes: Wish) -> list[str]:
    done = office.autopilot.consider(TENANT, office.stage.record, wishes)
    for change in done:
        office.stage.work(change)
    return [change.summary for change in done]


def test_nothing_is_done_alone_without_level_and_standing_approval(office: Office) -> None:
    assert consider(office, wish()) == []
    office.level(4)
    assert consider(office, wish()) == []
    sign(office)
    office.level(3)
    assert consider(office, wish()) == []
    assert office.stage.written() == []


def test_inside_its_bounds_it_acts_and_tells(office: Office) -> None:
    sign(office)
    office.level(4)
    assert len(consider(office, wish())) == 1
    assert office.replicas("web") == 4
    titles = [one.body["title"] for one in office.stage.store.documents.list(TENANT, "notice")]
    assert titles == ["Done alone: Scale Deployment shop/web from 3 to 4 replicas"]


@pytest.mark.parametrize(
    "outside",
    [
        wish(9),
        wish(name="till", namespace="live"),
        wish(0),
        Wish(rule="other", action="scale", arguments=wish().arguments),
    ],
    ids=["more replicas", "production", "not safe", "another rule"],
)
def test_outside_its_bounds_it_does_not_act(office: Office, outside: Wish) -> None:
    sign(office)
    office.level(4)
    assert consider(office, outside) == []
    assert office.stage.written() == []


def test_a_daily_budget_is_kept(office: Office) -> None:
    sign(office, budget=1)
    office.level(5)
    assert len(consider(office, wish())) == 1
    office.stage.run_for(3700)
    assert consider(office, wish(2, "api"), wish(3, "api")) == []


def test_a_standing_approval_that_was_edited_is_worth_nothing(office: Office) -> None:
    signed = sign(office)
    document = office.stage.store.documents.get(TENANT, "standing", signed.id)
    body = {**document.body, "daily_budget": 1000}
    office.stage.store.documents.put(TENANT, msgspec.structs.replace(document, body=body))
    office.level(4)
    assert consider(office, wish()) == []


def test_two_undos_stop_it_until_a_person_says_otherwise(office: Office) -> None:
    sign(office, budget=9)
    office.level(4)
    for target in (4, 5):
        done = office.autopilot.consider(TENANT, office.stage.record, [wish(target)])
        office.stage.work(done[0])
        office.stage.work(office.stage.approve(office.stage.safety.undo(office.admin, done[0].id)))
    assert [breaker.cluster for breaker in office.stage.safety.autonomy(TENANT).breakers] == ["cl-1"]
    assert consider(office, wish(2, "api")) == []
    assert consider(office, wish(3, "api")) == []


@pytest.mark.parametrize(
    "bounds",
    [Bounds(), msgspec.structs.replace(BOUNDS, namespaces=()),
     msgspec.structs.replace(BOUNDS, namespaces=("*",), clusters=("*",))],
)  # fmt: skip
def test_bounds_have_to_be_named(office: Office, bounds: Bounds) -> None:
    with pytest.raises(InvalidRequest) as refused:
        sign(office, bounds)
    assert refused.value.code == "unbounded"


def test_levels_one_and_two_let_nothing_through(office: Office) -> None:
    change = office.stage.ask("scale", namespace="shop", name="web", replicas=4)
    office.level(3, Scope(cluster="cl-1", namespace="shop", level=2))
    with pytest.raises(Forbidden) as refused:
        office.stage.approve(change)
    assert refused.value.code == "autonomy_recommend_only"
    office.level(1)
    with pytest.raises(Forbidden) as refused:
        office.stage.ask("scale", namespace="live", name="till", replicas=4)
    assert refused.value.code == "autonomy_observe_only"


def test_the_most_specific_level_holds() -> None:
    scopes = (Scope(cluster="a", level=2), Scope(cluster="a", namespace="dev", level=5))
    autonomy = Autonomy(level_of_tenant=4, scopes=scopes)
    assert [autonomy.level("a", [s]) for s in ("dev", "live")] == [5, 2]
    assert autonomy.level("b", ["live"]) == 4
    assert autonomy.level("a", ["dev", "live"]) == 2
