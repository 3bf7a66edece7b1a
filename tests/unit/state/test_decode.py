import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.state.decode import decode_object, decode_page, without_nulls
from chalicelib.state.kinds import KINDS


def page(*items, **metadata):
    return json.dumps({"kind": "List", "metadata": metadata, "items": list(items)}).encode()


def test_a_page_gives_items_token_and_how_many_are_left():
    body = page({"metadata": {"name": "a"}}, **{"continue": "tok", "resourceVersion": "7", "remainingItemCount": 3})
    found = decode_page(body, KINDS["Pod"])
    assert [p.metadata.name for p in found.items] == ["a"]
    assert (found.continue_token, found.resource_version, found.remaining) == ("tok", "7", 3)


@pytest.mark.parametrize("body", [b'{"items": null}', b"{}", b'{"items": [], "metadata": null}'])
def test_a_list_without_items_is_an_empty_page(body):
    assert decode_page(body, KINDS["Pod"]).items == []


def test_nulls_where_the_api_documents_lists_are_empty_lists():
    body = page({"metadata": {"name": "a", "labels": None}, "spec": {"containers": None}, "status": None})
    pod = decode_page(body, KINDS["Pod"]).items[0]
    assert pod.metadata.labels == {}
    assert pod.spec.containers == []


def test_an_item_of_the_wrong_shape_is_named_and_the_rest_is_kept():
    bad = {"metadata": {"name": "bad", "namespace": "shop"}, "spec": {"containers": "none"}}
    found = decode_page(page({"metadata": {"name": "good"}}, bad), KINDS["Pod"])
    assert [p.metadata.name for p in found.items] == ["good"]
    assert len(found.rejected) == 1
    assert found.rejected[0].startswith("shop/bad: ")


@pytest.mark.parametrize("body", [b"", b"not json", b"[1,2]", b'"text"', b"{", b'{"items": 3}'])
def test_what_is_no_list_is_an_error_and_never_an_empty_success(body):
    with pytest.raises(ValueError, match="not"):
        decode_page(body, KINDS["Pod"])


def test_secret_values_never_reach_a_struct():
    secret = {
        "metadata": {"name": "db", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "hunter2"}},
        "type": "Opaque", "data": {"password": "aHVudGVyMg=="}, "stringData": {"user": "hunter2"},
    }  # fmt: skip
    found = decode_page(page(secret), KINDS["Secret"]).items[0]
    assert found.keys == ["password", "user"]
    assert "hunter2" not in repr(found)
    assert "aHVudGVyMg" not in repr(found)


def test_an_object_of_an_unknown_kind_keeps_metadata_phase_and_conditions():
    status = {"phase": "Ready", "conditions": [{"type": "Ready", "status": "True"}]}
    plain = {"metadata": {"name": "t"}, "status": status}
    found = decode_object(plain, None)
    assert (found.status.phase, found.status.conditions[0].true) == ("Ready", True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.sampled_from([e.kind for e in KINDS]))
def test_any_json_is_decoded_or_refused_with_a_reason(value, kind):
    refused = ""
    try:
        decoded = decode_object(value, KINDS[kind])
    except ValueError as error:
        decoded, refused = None, str(error)
    assert isinstance(decoded, KINDS[kind].struct) or refused


@given(JSON)
def test_no_null_member_is_left(value):
    def holds_null(v):
        if isinstance(v, dict):
            return any(x is None or holds_null(x) for x in v.values())
        return isinstance(v, list) and any(x is None or holds_null(x) for x in v)

    assert not holds_null(without_nulls(value))
