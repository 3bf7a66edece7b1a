"""The layers' folders, before anything is built from them."""

from __future__ import annotations

import re

import pytest

from chalicelayer.layers import LIMIT_BYTES, ROOT, RUNTIME, all_layers, normalised, pins, platforms, read_layer

LAYERS = all_layers()


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_a_lock_has_the_versions_that_the_tests_run_with(layer):
    pinned, locked = pins(ROOT / "requirements.txt"), pins(layer.lock)
    assert {name: locked[name] for name in layer.requirements} == {name: pinned[name] for name in layer.requirements}


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_every_locked_distribution_has_the_hash_of_its_wheel(layer):
    entries = re.split(r"\n(?=\S)", layer.lock.read_text().split("run it again.\n")[1].strip())
    assert len(entries) == len(pins(layer.lock))
    assert [entry for entry in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}", entry)] == []


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_a_layer_repeats_nothing_of_the_layers_beside_it(layer):
    beside = {name for other in layer.beside for name in pins(read_layer(other).lock)}
    assert not pins(layer.lock).keys() & beside


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_what_a_layer_takes_from_the_runtime_is_there(layer):
    assert {normalised(name) for name in layer.in_runtime} <= set(RUNTIME)


def test_every_run_time_requirement_is_pinned():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#") and "==" not in line] == []


def test_the_heaviest_function_that_may_forecast_fits():
    budgets = {layer.name: layer.budget_bytes for layer in LAYERS}
    code = 5_000_000
    assert budgets["stats"] + budgets["core"] + code <= LIMIT_BYTES


def test_a_worker_with_clusters_and_models_fits():
    budgets = {layer.name: layer.budget_bytes for layer in LAYERS}
    assert budgets["core"] + budgets["kube"] + budgets["llm"] <= LIMIT_BYTES


def test_wheels_for_amazon_linux_2_need_no_newer_libc_than_it_has():
    assert "manylinux_2_26_x86_64" in platforms("3.11")
    assert "manylinux_2_27_x86_64" not in platforms("3.11")
    assert "manylinux_2_34_x86_64" in platforms("3.13")
