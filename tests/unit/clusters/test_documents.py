from __future__ import annotations

import json

import pytest

from chalicelib.clusters.documents import json_bodies, yaml_documents


def yaml_of(text: str) -> list:
    return list(yaml_documents(text.encode()))


def test_yaml_values_are_what_kubectl_means_by_them():
    text = (
        "a: 1\nb: '1'\nc: 1.5\nd: true\ne: yes\nf: 2026-11-10T09:17:31Z\ng: ~\nh: 0644\ni: 1e3\nj: 0x1f\nk: -7\nl: .5\n"
    )
    assert yaml_of(text) == [
        {"a": 1, "b": "1", "c": 1.5, "d": True, "e": "yes", "f": "2026-11-10T09:17:31Z", "g": None, "h": 420,
         "i": 1000.0, "j": "0x1f", "k": -7, "l": 0.5}
    ]  # fmt: skip


def test_several_documents_are_several_bodies():
    assert [json.loads(b) for b in json_bodies(b"kind: A\n---\nkind: B\n---\n")] == [{"kind": "A"}, {"kind": "B"}]


def test_json_is_passed_on_unparsed():
    assert list(json_bodies(b' {"kind": "A"}\n')) == [b' {"kind": "A"}\n']


def test_output_redirected_by_a_windows_shell_is_read():
    for data in ('{"a":1}'.encode("utf-16"), b"\xef\xbb\xbf" + b'{"a":1}'):
        assert [json.loads(b) for b in json_bodies(data)] == [{"a": 1}]


def test_an_empty_text_holds_nothing():
    assert list(json_bodies(b" \n")) == []


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [1]\nb: *x\n",
        "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n",
        "<<: *defaults\n",
        "a: !!python/object/apply:os.system [id]\n",
        "a: !!python/name:os.system\n",
        "a: !ruby/object {}\n",
        "? [1, 2]\n: x\n",
        "a: [",
        "a: 'x",
        "\t- x",
    ],
)
def test_what_could_expand_or_run_is_refused_and_so_is_what_is_no_yaml(text):
    with pytest.raises(ValueError, match=r".+"):
        yaml_of(text)


@pytest.mark.parametrize(
    "text", ["[" * 5000, "{a: " * 5000, "- " * 5000 + "x", "\n".join(" " * n + "a:" for n in range(300))]
)
def test_deep_nesting_is_refused_without_exhausting_the_stack(text):
    with pytest.raises(ValueError, match=r"nested|parsed|YAML"):
        yaml_of(text)


def test_text_that_is_not_utf8_is_refused():
    with pytest.raises(ValueError, match="UTF-8"):
        list(yaml_documents(b"a: \xff\xfe\xfa"))
