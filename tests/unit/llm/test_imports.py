"""No SDK is loaded before a provider of its kind is called."""

from __future__ import annotations

from tests.unit.test_imports import in_clean_interpreter

_IMPORT_ALL = """
import importlib, json, pkgutil, sys
import chalicelib.llm, chalicelib.llm.providers
for found in pkgutil.iter_modules(chalicelib.llm.__path__, "chalicelib.llm."):
    if found.name != "chalicelib.llm.wire":
        importlib.import_module(found.name)
before = {name for name in ("anthropic", "openai", "httpx2") if name in sys.modules}
from chalicelib.llm.ports import Connection
loaded = {}
for kind, package in (("ollama", "httpx2"), ("openai", "openai"), ("anthropic", "anthropic")):
    chalicelib.llm.providers.provider_of(Connection(kind, "x"))
    loaded[kind] = [name for name in ("anthropic", "openai", "httpx2") if name in sys.modules]
print(json.dumps({"before": sorted(before), "loaded": loaded}))
"""


def test_an_sdk_is_loaded_when_its_provider_is_called_and_only_that_one() -> None:
    assert in_clean_interpreter(_IMPORT_ALL) == {
        "before": [],
        "loaded": {
            "ollama": ["httpx2"],
            "openai": ["openai", "httpx2"],
            "anthropic": ["anthropic", "openai", "httpx2"],
        },
    }
