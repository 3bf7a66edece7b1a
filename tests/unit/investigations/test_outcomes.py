"""What a session concludes: causes, none, and why it cannot tell."""

from __future__ import annotations

import pytest

from chalicelib.errors import ClusterError, InvalidRequest, NotFound
from chalicelib.investigations.office import NewInvestigation
from chalicelib.state.snapshot import Gap, Snapshot
from chalicelib.store.records import ResourceName
from tests.unit.investigations.offices import ADA, a_world, step_by_step
from tests.unit.rootcause.builders import NOW, Cluster, a_cluster
from tests.unit.tools.recorded_views import TENANT, a_view, view_of


def sick() -> Cluster:
    cluster = a_cluster()
    cluster.deployment("shop/cart", replicas=2).crashing(exit_code=1, log="KeyError: 'CART_TTL'")
    cluster.deployment("billing/mail", envFrom=[{"configMapRef": {"name": "mail-config"}}]).waiting(
        "CreateContainerConfigError", 'configmap "mail-config" not found'
    )
    return cluster


def test_one_cause_is_said_in_one_sentence_with_evidence_remedy_and_signature() -> None:
    world = a_world(sick())
    session = world.investigate("why is cart failing?")

    assert (session.outcome, session.causes, session.resolution) == ("problems", 1, "open")
    assert session.cause is not None
    assert session.cause.resource == ResourceName(kind="Deployment", namespace="shop", name="cart")
    assert session.target == session.cause.resource
    assert session.signature is not None
    first = world.conclusion(session).hypotheses[0]
    assert first.status == "supported"
    assert first.supporting
    assert first.remedy


def test_several_independent_faults_are_counted_and_listed() -> None:
    world = a_world(sick())
    session = world.investigate("what is wrong?")

    assert (session.outcome, session.causes) == ("several_independent_faults", 2)
    named = {h.resource.name for h in world.conclusion(session).hypotheses if h.status == "supported"}
    assert named == {"cart", "mail"}


def test_a_namespace_narrows_it() -> None:
    world = a_world(sick())
    session = world.investigate("what is wrong?", namespace="billing")

    assert session.outcome == "problems"
    assert session.cause is not None
    assert session.cause.resource.name == "mail"


@pytest.mark.parametrize("target", ["cart", "deployment/cart", "deploy shop/cart", "shop/deployment/cart", "shop/cart"])
def test_a_target_is_named_as_people_name_it(target: str) -> None:
    session = a_world(sick()).investigate("why?", target=target)

    assert session.target == ResourceName(kind="Deployment", namespace="shop", name="cart")
    assert session.outcome == "problems"


def test_of_objects_with_one_name_those_that_are_unwell_are_meant() -> None:
    cluster = sick()
    cluster.deployment("staging/cart")
    session = a_world(cluster).investigate("why is cart failing?")

    assert session.target == ResourceName(kind="Deployment", namespace="shop", name="cart")


def test_a_healthy_cluster_has_no_fault_and_the_target_was_looked_at() -> None:
    world = a_world(a_cluster())
    session = world.investigate("why is web slow?")

    assert (session.outcome, session.cause, session.resolution) == ("no_fault", None, "")
    assert "No fault was found" in session.message
    assert [s for s in world.steps(session) if s.kind == "test"]
    assert world.conclusion(session).hypotheses == ()


def test_no_fault_here_says_that_there_are_some_elsewhere() -> None:
    session = a_world(sick()).investigate("what is wrong with web?")

    assert session.outcome == "no_fault"
    assert "Elsewhere in the cluster there are 2 problems" in session.message


@pytest.mark.parametrize("target", ["deployment/shop/crat", "crat", {"kind": "Deployment", "name": "crat"}])
def test_a_target_that_does_not_exist_is_said_with_the_nearest_names(target: object) -> None:
    world = a_world(sick())
    wanted = ResourceName(namespace="shop", **target) if isinstance(target, dict) else target
    session = world.investigate("why?", target=wanted)

    assert session.outcome == "object_not_found"
    assert "cart" in session.message
    assert "cart" in [r.name for r in world.conclusion(session).nearest]


def test_a_namespace_that_does_not_exist_is_said() -> None:
    session = a_world(sick()).investigate("what is wrong?", namespace="shopp")

    assert session.outcome == "object_not_found"
    assert "shop" in session.message


def test_a_word_that_names_nothing_is_said_and_the_cluster_is_looked_at() -> None:
    session = a_world(sick()).investigate("why is the frobnicator broken?")

    assert "Nothing here is called 'frobnicator'" in session.message
    assert session.outcome == "several_independent_faults"


def test_a_namespace_that_may_not_be_read_is_no_healthy_one() -> None:
    snapshot = sick().snapshot()
    hidden = tuple(p for p in snapshot.of("Pod") if p.metadata.namespace != "secretive")
    gap = Gap(kind="Pod", reason="forbidden", message="pods may not be listed", namespace="secretive")
    view = a_view(snapshot.replace(objects={**snapshot.objects, "Pod": hidden}, gaps=(gap,)), "test")
    world = a_world(test=view)
    session = world.investigate("what is wrong?", target=ResourceName(kind="Pod", namespace="secretive", name="x"))

    assert session.outcome == "insufficient_permission"
    assert "connection check" in session.message


def test_an_empty_recording_is_no_healthy_cluster() -> None:
    world = a_world(test=a_view(Snapshot("cl_test", NOW, {}, recorded=True), "test"))
    session = world.investigate("what is wrong?")

    assert session.outcome == "not_examined"
    assert "Pod objects were not read" in session.message
    assert "Record the cluster with them" in session.message


def test_a_cluster_that_does_not_answer_is_not_examined_and_the_failed_step_is_visible() -> None:
    world = a_world(sick())
    world.views.down.add("test")
    session = world.investigate("what is wrong?")

    steps = world.steps(session)
    assert session.outcome == "not_examined"
    assert "does not answer" in session.message
    assert (steps[0].kind, steps[0].failed) == ("reading", True)
    assert steps[0].error is not None
    assert steps[0].error["code"] == ClusterError.code
    assert session.status == "concluded"


def test_an_unknown_cluster_or_template_or_an_empty_target_is_refused_at_once() -> None:
    world = a_world(sick())
    for wanted, code in (
        (NewInvestigation(cluster="nope", question="?"), "unknown_cluster"),
        (NewInvestigation(cluster="cl_test", question="?", template="nope"), "unknown_template"),
    ):
        with pytest.raises(NotFound) as refused:
            world.desk.start(ADA, wanted)
        assert refused.value.code == code
        assert refused.value.remedy
    with pytest.raises(InvalidRequest):
        world.desk.start(
            ADA,
            NewInvestigation(cluster="cl_test", question="?", target=ResourceName(kind="Pod", namespace="", name="")),
        )
    assert world.store.investigations.active(TENANT) == []


def test_a_user_who_was_removed_ends_the_session() -> None:
    world = a_world(sick())
    session = world.start()
    world.users.clear()

    assert world.run(session) == "settled"
    ended = world.session(session)
    assert (ended.status, ended.outcome) == ("concluded", "not_examined")
    assert "removed" in ended.message


def test_a_template_narrows_what_is_told_and_counts_the_rest() -> None:
    cluster = sick()
    cluster.add(
        "PersistentVolumeClaim", "shop/data", {"spec": {"storageClassName": "gone"}, "status": {"phase": "Pending"}}
    )
    cluster.deployment("shop/store").having(
        volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]
    ).pending("0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.")
    world = a_world(cluster)
    session = world.investigate("what is wrong?", template="storage")

    found = world.conclusion(session)
    assert session.template == "storage"
    assert [h.mode for h in found.hypotheses if h.status == "supported"] == ["pvc_storageclass_missing"]
    assert found.outside == 2


def test_logs_that_are_read_on_the_way_decide_what_the_reading_alone_could_not() -> None:
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart").crashing(exit_code=1, log="KeyError: 'CART_TTL'")
    texts = dict(cluster.logs)
    cluster.without_logs()
    world = a_world(cluster)
    unread = world.views.readings["test"][0].diagnosis.problems[0].probability
    world.logs.texts = texts

    session = world.investigate("why is cart failing?")

    assert cart.ref
    assert session.cause is not None
    assert session.cause.probability > unread
    assert any(s.result.get("logs") for s in world.steps(session))


def test_a_hypothesis_that_further_reading_does_not_support_is_refuted_and_says_so() -> None:
    cluster = a_cluster()
    cluster.deployment("shop/cart").crashing(exit_code=1, log="KeyError: 'CART_TTL'")
    texts = dict(cluster.logs)
    cluster.without_logs()
    world = a_world(cluster)
    world.logs.texts = texts
    session = world.investigate("why is cart failing?")

    refuted = [h for h in world.conclusion(session).hypotheses if h.status == "refuted"]
    assert refuted
    assert all(h.why and h.probability == 0 for h in refuted)
    assert all(h.contradicting for h in refuted)


def test_the_judged_reading_stays_the_same_whatever_is_read_meanwhile() -> None:
    world = a_world(sick())
    session = world.start("why is cart failing?")
    world.run(session, step_by_step(4))
    world.read_again(a_cluster(), minutes=1)
    assert world.run(session) == "settled"

    assert world.session(session).outcome == "problems"
    assert world.session(session).snapshot.as_of == NOW


def test_a_reading_that_is_gone_when_the_session_goes_on_is_said() -> None:
    world = a_world(sick())
    session = world.start()
    world.run(session, step_by_step(1))
    world.views.readings["test"] = [a_view(a_cluster().snapshot().replace(taken_at=NOW.replace(year=2027)), "test")]
    assert world.run(session) == "settled"

    assert world.session(session).outcome == "not_examined"
    assert "no longer kept" in world.session(session).message


@pytest.mark.parametrize("name", ["incidents", "healthy", "scale"])
def test_recorded_clusters_are_investigated_as_their_diagnosis_says(name: str) -> None:
    view = view_of(name)
    world = a_world(**{name: view})
    session = world.desk.start(ADA, NewInvestigation(cluster=f"cl_{name}", question="what is wrong?"))
    assert world.run(session) == "settled"

    assert world.session(session).outcome == view.diagnosis.outcome
    assert not [s for s in world.steps(session) if s.failed and s.error and s.error["code"] == "internal_error"]
