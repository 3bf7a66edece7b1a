"""Label and field selectors as kubectl writes them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import InvalidRequest
from chalicelib.state.kinds.pod import Pod
from chalicelib.tools.selectors import field_filter, label_selector
from tests.unit.tools.objects import a_pod

LABELS = {"app": "web", "tier": "front", "app.kubernetes.io/name": "shop"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app=db", False),
        ("app!=db", True),
        ("missing!=x", True),
        ("app", True),
        ("!app", False),
        ("! missing", True),
        ("app in (web, db)", True),
        ("app notin (web,db)", False),
        ("missing notin (a)", True),
        ("app=web,tier=front", True),
        ("app=web,tier=back", False),
        ("app.kubernetes.io/name=shop", True),
        ("app in (web,db),tier", True),
        ("empty=", False),
    ],
)
def test_a_label_selector_selects_as_kubernetes_does(text: str, holds: bool) -> None:
    assert all(requirement.holds(LABELS) for requirement in label_selector(text)) is holds


@pytest.mark.parametrize("text", ["app~web", "app in web", "=web", "a b", "app in (a", "(", "app=a b"])
def test_what_is_no_label_selector_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        label_selector(text)
    assert caught.value.code == "invalid_selector"
    assert "app=web" in caught.value.remedy


@given(st.text(max_size=60))
def test_any_text_is_a_selector_or_a_clear_refusal(text: str) -> None:
    with suppress(InvalidRequest):
        assert all(requirement.key for requirement in label_selector(text))


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("status.phase=Running", True),
        ("status.phase!=Running", False),
        ("spec.nodeName=node-a", True),
        ("metadata.name=p,metadata.namespace=shop", True),
        ("spec.hostNetwork=false", True),
        ("status.podIP=", True),
    ],
)
def test_a_field_selector_compares_fields_by_their_api_names(text: str, holds: bool) -> None:
    assert field_filter(Pod, text)(a_pod("p", "web")) is holds


@pytest.mark.parametrize("text", ["status.nope=1", "phase", "status.phase.deeper=1", "spec.node_name=a"])
def test_an_unknown_field_is_refused_with_the_fields_there(text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        field_filter(Pod, text)
    assert caught.value.code == "invalid_selector"
