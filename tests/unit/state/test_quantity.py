import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.state.quantity import format_bytes, format_cores, parse_quantity, quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("250m", 0.25), ("1.5", 1.5), ("1", 1), ("100n", 1e-7), ("3u", 3e-6), ("1k", 1000), ("2M", 2e6),
        ("1Ki", 1024), ("128974848", 128974848), ("129e6", 129e6), ("129M", 129e6), ("123Mi", 123 * 2**20),
        ("1E", 1e18), ("1E3", 1000), ("1Ei", 2.0**60), ("+.5", 0.5), ("-2", -2), (2, 2.0), (" 1Gi ", 2.0**30),
    ],
)  # fmt: skip
def test_a_quantity_means_what_the_api_documents(text, value):
    assert parse_quantity(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "Mi", "1.2.3", "1KB", "0x10", "1 Gi", "e3", "1e", "١m", "1e9999", "--1"])
def test_text_that_the_api_would_refuse_is_refused(text):
    with pytest.raises(ValueError, match="not a Kubernetes quantity"):
        parse_quantity(text)


def test_sums_take_the_absent_and_the_unreadable_as_nothing():
    assert quantity(None) == 0
    assert quantity("many") == 0


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_a_value_error(text):
    with contextlib.suppress(ValueError):
        assert isinstance(parse_quantity(text), float)


@given(st.integers(min_value=0, max_value=10**6))
def test_millicores_survive_a_round_trip(milli):
    assert parse_quantity(f"{milli}m") == pytest.approx(milli / 1000)


def test_numbers_are_written_the_way_people_write_them():
    assert [format_cores(c) for c in (0.25, 1, 1.5, 0)] == ["250m", "1", "1.5", "0"]
    assert [format_bytes(b) for b in (0, 512, 1536, 2**30, 1.5 * 2**30)] == ["0", "512", "1.5Ki", "1Gi", "1.5Gi"]
