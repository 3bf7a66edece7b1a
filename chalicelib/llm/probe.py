"""The test of a provider: what answers, and what its model can do. The profile is kept with the provider."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from chalicelib.errors import KubiliticsError
from chalicelib.llm.capabilities import Capabilities, ProviderKind, capabilities_of
from chalicelib.llm.errors import LlmBadRequest, LlmError
from chalicelib.llm.events import Answer, Usage, collected
from chalicelib.llm.messages import Request, ToolSpec, user
from chalicelib.llm.ports import Provider
from chalicelib.llm.stream import Limits, stream

PROBED: tuple[ProviderKind, ...] = ("compatible", "ollama")
"""Kinds whose models are learned by trying; of the others, data says what they can do."""
PING = ToolSpec("ping", "Checks that tools work.", {"type": "object", "properties": {"word": {"type": "string"}}})
SHAPE = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"], "additionalProperties": False}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried. `message` says what came of it; `took_s` is wall time."""

    name: str
    ok: bool
    message: str
    took_s: float


@dataclass(frozen=True, slots=True)
class Probe:
    """`ok`: the model answers. Without it the profile is the assumed one."""

    ok: bool
    capabilities: Capabilities
    steps: tuple[Step, ...]
    models: tuple[str, ...]
    usage: Usage
    """What the test itself used."""


class Prober:
    """Tries one model of one provider, step by step. `clock` counts seconds."""

    def __init__(self, provider: Provider, kind: ProviderKind, model: str, limits: Limits, clock: Callable[[], float]):
        self._provider = provider
        self._kind = kind
        self._model = model
        self._limits = limits
        self._clock = clock
        self._steps: list[Step] = []
        self._usage_so_far = Usage()

    def run(self) -> Probe:
        capabilities = capabilities_of(self._kind, self._model)
        models: list[str] = []

        def list_models() -> str:
            models.extend(self._provider.models(min(10.0, max(0.1, self._limits.remaining_s()))))
            listed = "is" if self._model in models else "is not"
            return f"{len(models)} models; {self._model} {listed} among them."

        self._try("models", list_models)
        if not self._try("chat", lambda: self._chat(capabilities)):
            return Probe(False, capabilities, tuple(self._steps), tuple(models), self._usage_so_far)
        if self._kind in PROBED:
            capabilities = self._learn(capabilities)
        return Probe(True, capabilities, tuple(self._steps), tuple(models), self._usage_so_far)

    def _learn(self, known: Capabilities) -> Capabilities:
        """The profile by trying: what the server takes and the model really uses."""
        usage = self._kind != "compatible" or self._try("usage", lambda: self._usage(known))
        tools = self._try("tools", lambda: self._tools(known))
        schema = self._try("json_schema", lambda: self._schema(known))
        return msgspec.structs.replace(
            known, stream_usage=usage and self._kind == "compatible", tools=tools, json_schema=schema, known=True
        )

    def _try(self, name: str, attempt: Callable[[], str]) -> bool:
        began = self._clock()
        try:
            message, ok = attempt(), True
        except KubiliticsError as error:
            message, ok = error.message, False
        self._steps.append(Step(name, ok, message, round(self._clock() - began, 3)))
        return ok

    def _ask(self, request: Request, capabilities: Capabilities) -> Answer:
        answer = collected(stream(self._provider, request, capabilities, self._limits))
        self._usage_so_far = self._usage_so_far.plus(answer.usage or Usage())
        return answer

    def _chat(self, capabilities: Capabilities) -> str:
        answer = self._ask(Request(self._model, [user("Say: ok")], max_output_tokens=256), capabilities)
        name = answer.origin.model if answer.origin else ""
        return f"{name or self._model} answers."

    def _usage(self, capabilities: Capabilities) -> str:
        request = Request(self._model, [user("Say: ok")], max_output_tokens=64)
        usage = self._ask(request, msgspec.structs.replace(capabilities, stream_usage=True)).usage
        if usage is None or usage.estimated:
            raise LlmError("The server does not say how many tokens it used; they are estimated.")
        return "The server says how many tokens it used."

    def _tools(self, capabilities: Capabilities) -> str:
        request = Request(
            self._model, [user('Call the tool ping with word "ok".')], tools=(PING,), max_output_tokens=256
        )
        calls = self._ask(request, capabilities).tool_calls
        if not any(call.name == PING.name and not call.problem for call in calls):
            raise LlmError("The model does not call tools; they are asked for as JSON.")
        return "The model calls tools."

    def _schema(self, capabilities: Capabilities) -> str:
        request = Request(
            self._model,
            [user("Is water wet? Answer in one short sentence.")],
            output_schema=SHAPE,
            max_output_tokens=64,
        )
        text = self._ask(request, msgspec.structs.replace(capabilities, json_schema=True)).text
        try:
            msgspec.json.decode(text, type=dict[str, bool])
        except msgspec.DecodeError:
            raise LlmBadRequest("Answers are not bound to a JSON Schema.") from None
        return "Answers keep to a JSON Schema."
