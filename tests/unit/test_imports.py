"""What each handler loads before it answers its first event.

A handler's string (`module.function`) decides which module Lambda imports at a cold start. Each is imported in an
interpreter of its own; the CPU seconds are printed (`pytest -s`), and the number of modules, which no other load
on the machine can change, is what fails.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

FORBIDDEN = {
    "aiohttp", "anthropic", "boto3", "google.generativeai", "httpx", "kubernetes", "litellm", "moto", "numpy", "openai",
    "pandas", "patsy", "pip", "pytest", "requests", "scipy", "statsmodels", "torch",
}  # fmt: skip
"""Too dear at a cold start, or not there at all: the adapter that needs one imports it when it is first used."""

HANDLERS = (
    "app.app",
    "app.ws_connect",
    "app.ws_disconnect",
    "app.ws_message",
    "chalicelib.api.work.on_audit",
    "chalicelib.api.work.on_work",
    "jobs.anchor.handler",
    "jobs.collect.handler",
    "jobs.sweep.handler",
)
"""What Chalice writes into the template for each function."""

MODULES_AT_MOST = 480

_LIST_HANDLERS = """
import json, app
found = {"app.app"}
found |= {f"app.{handler.handler_function.__name__}" for handler in app.app.websocket_handlers.values()}
found |= {source.handler_string for source in app.app.event_sources}
found |= {function.handler_string for function in app.app.pure_lambda_functions}
found |= {authorizer.handler_string for authorizer in app.app.builtin_auth_handlers}
print(json.dumps(sorted(found)))
"""

_IMPORT_HANDLER = """
import importlib, json, sys, time
module, _, function = sys.argv[1].rpartition(".")
before, began = set(sys.modules), time.process_time()
handler = getattr(importlib.import_module(module), function)
spent = time.process_time() - began
print(json.dumps({"callable": callable(handler), "cpu_s": spent, "modules": sorted(set(sys.modules) - before)}))
"""


def in_clean_interpreter(program: str, *arguments: str) -> object:
    """What `program` prints as JSON, run as Lambda would: without this process's modules, settings or credentials."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module", params=HANDLERS)
def imported(request: pytest.FixtureRequest) -> dict:
    return {"handler": request.param, **in_clean_interpreter(_IMPORT_HANDLER, request.param)}


def test_the_handlers_measured_here_are_those_of_the_app():
    assert in_clean_interpreter(_LIST_HANDLERS) == sorted(HANDLERS)


def test_a_handler_string_names_something_that_lambda_can_call(imported: dict):
    assert imported["callable"]


def test_a_cold_start_loads_no_heavy_package(imported: dict):
    loaded = FORBIDDEN & set(imported["modules"])
    assert not loaded, f"{imported['handler']} loads {sorted(loaded)}"


def test_a_cold_start_loads_a_bounded_number_of_modules(imported: dict):
    count = len(imported["modules"])
    print(f"\n{imported['handler']}: {count} modules, {imported['cpu_s']:.3f} CPU-s")
    assert count <= MODULES_AT_MOST, f"{imported['handler']} loads {count} modules"
