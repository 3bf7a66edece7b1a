"""Which kinds of objects an action is offered for."""

from chalicelib.safety.actions import actions, find_action
from chalicelib.state.kinds import KINDS


def test_an_action_says_which_kinds_it_is_for() -> None:
    assert find_action("scale").kinds == ("Deployment", "StatefulSet", "ReplicaSet")
    assert find_action("rollback").kinds == ("Deployment",)
    assert find_action("drain").kinds == ("Node",)
    assert find_action("patch").kinds == ("*",)
    assert find_action("apply").kinds == ()


def test_every_kind_that_an_action_names_exists() -> None:
    known = {entry.kind for entry in KINDS}
    for action in actions():
        assert {kind for kind in action.kinds if kind != "*"} <= known, action.name


def test_an_action_that_takes_one_object_names_its_kinds() -> None:
    for action in actions():
        assert bool(action.kinds) == ("name" in action.arguments.model_fields), action.name
