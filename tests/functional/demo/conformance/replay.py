"""Sending the recorded requests to the demo cluster's API server, in order, and judging the answers."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import yaml

from infra.local.demo.controllers.clock import WorldClock
from infra.local.demo.server import protobuf
from infra.local.demo.server.api import Api
from infra.local.demo.server.server import Server
from infra.local.demo.server.watching import Watch
from infra.local.demo.server.wire import HttpRequest, HttpResponse
from tests.functional.demo.conformance import compare, control_plane, start_state
from tests.functional.demo.conformance.masks import Masks, has_mask
from tests.functional.demo.conformance.recording import Exchange, commands, exchanges, preconditions

_AGENT = {"raw": "Python/3.11", "kubectl": "kubectl/v1.32.4", "python": "OpenAPI-Generator/37.0.2/python"}
_CONTINUE = re.compile(r"<continue:\d+>")


@dataclass
class Result:
    """What came of one exchange."""

    exchange: Exchange
    status: int
    differences: list[str] = field(default_factory=list)

    @property
    def matches(self) -> bool:
        return not self.differences


@dataclass
class Followed:
    """A watch whose recording is not complete yet."""

    watch: Watch
    result: Result
    recorded: list[Any]
    frames: list[Any] = field(default_factory=list)

    def judge(self, masks: Masks) -> None:
        self.frames += [json.loads(frame) for frame in self.watch.drain()]
        compare.learn(masks, self.recorded, self.frames)
        self.result.differences = compare.stream_differences(masks, self.recorded, self.frames)


class Replay:
    """One run over all exchanges. `rename` changes names consistently in everything sent and expected."""

    def __init__(self, rename: Callable[[Any], Any] = lambda value: value) -> None:
        self.rename = rename
        self.clock = WorldClock(control_plane.START)
        self.api = Api(seed=7, clock=self.clock)
        self.server = Server(self.api)
        self.masks = Masks()
        self.api.metrics = start_state.Metrics()
        self._tags: dict[str, str] = {}
        self._last_token = ""
        self._open: list[Followed] = []
        self._last: tuple[str, str, str, Any] = ("", "", "", None)
        start_state.prepare(self.api, rename)
        self.control = control_plane.Controllers(self.api, self.clock)
        self.control.play(30)

    def run(self) -> list[Result]:
        results, step = [], ""
        for exchange in exchanges():
            if exchange.step != step:
                step = exchange.step
                self._pass_time(step)
                self._before(step)
            results.append(self._one(exchange))
            self._follow_watches()
        self._end_watches()
        return results

    def _pass_time(self, step: str) -> None:
        """As the recorder: wait until the Deployment is available, and as long as a precondition says."""
        self.control.play(0.5)
        for _ in range(60):
            deployment = self.api.find("Deployment", self.rename("demo"), self.rename("web"))
            conditions = ((deployment or {}).get("status") or {}).get("conditions") or []
            if deployment is None or any((one["type"], one["status"]) == ("Available", "True") for one in conditions):
                break
            self.control.play(1)
        if step == "221":
            self._until_complete("once")
        if "seconds later" in preconditions().get(step, "") or "ready pods" in preconditions().get(step, ""):
            self.control.play(15)

    def _until_complete(self, job: str) -> None:
        for _ in range(60):
            found = self.api.get("Job", self.rename("demo"), self.rename(job))
            if any(one["type"] == "Complete" for one in (found.get("status") or {}).get("conditions") or ()):
                return
            self.control.play(1)

    # -- what the recorder did between steps --------------------------------------------------------------------

    def _before(self, step: str) -> None:
        if step == "046":
            for number in range(1, 6):
                self._config_map(f"page-{number}", {"a": str(number)}, "kubectl-create")

    def _config_map(self, name: str, data: dict[str, str], manager: str) -> None:
        namespace = self.rename("demo")
        body = {"metadata": {"name": self.rename(name)}, "data": data}
        self.api.create("ConfigMap", body, namespace=namespace, manager=manager)

    def _while_watching(self, step: str) -> None:
        if step == "057":
            name, namespace = self.rename("page-1"), self.rename("demo")
            labels = {"metadata": {"labels": self.rename({"w": "1"})}}
            self.api.patch("ConfigMap", namespace, name, labels, manager="kubectl-label")
            self._config_map("watched", {"a": "1"}, "kubectl-create")
            self.api.delete("ConfigMap", namespace, self.rename("watched"))

    # -- one exchange -------------------------------------------------------------------------------------------

    def _one(self, exchange: Exchange) -> Result:
        if (exchange.step, exchange.method, exchange.path, exchange.query) == self._last:
            self.control.play(3)  # the client asks again for the same: it waits for something
        self._last = (exchange.step, exchange.method, exchange.path, exchange.query)
        answer = self.server.serve(self._request(exchange))
        if isinstance(answer, Watch):
            return self._watched(exchange, answer)
        if tag := answer.headers.get("etag"):
            self._tags[exchange.path] = tag
        result = Result(exchange, answer.status)
        if answer.status != exchange.status:
            result.differences.append(f"status {exchange.status} / {answer.status}: {answer.body[:300]!r}")
            return result
        if exchange.omitted or exchange.answer is None:
            return result
        recorded, actual = self.rename(exchange.answer), _body(answer)
        compare.learn(self.masks, recorded, actual)
        if isinstance(actual, dict):
            self._last_token = (actual.get("metadata") or {}).get("continue") or self._last_token
        is_log, resource = exchange.path.endswith("/log"), exchange.path.rpartition("/")[2]
        found = compare.differences(self.masks, recorded, actual, text_matters=not is_log, resource=resource)
        result.differences += found
        return result

    def _watched(self, exchange: Exchange, watch: Watch) -> Result:
        self._while_watching(exchange.step)
        if exchange.answer is None:
            self._until_deleted(watch)
        else:
            self.control.play(20)
        if exchange.step == "057":
            watch.bookmark()
        result = Result(exchange, 200)
        if exchange.answer is None:
            watch.close()
            return result
        followed = Followed(watch, result, self.rename(exchange.answer))
        followed.judge(self.masks)
        if result.matches:
            watch.close()
        else:
            self._open.append(followed)
        return result

    def _until_deleted(self, watch: Watch) -> None:
        """`kubectl wait` and `kubectl delete` stop watching when the object is gone."""
        for _ in range(120):
            if any(json.loads(frame)["type"] == "DELETED" for frame in watch.drain()):
                return
            self.control.play(0.5)

    def _end_watches(self) -> None:
        for followed in self._open:
            followed.watch.close()

    def _follow_watches(self) -> None:
        """kubectl leaves its watches open: what comes to one in later steps is in its recording too."""
        for followed in list(self._open):
            followed.judge(self.masks)
            if followed.result.matches:
                followed.watch.close()
                self._open.remove(followed)

    def _request(self, exchange: Exchange) -> HttpRequest:
        headers = {"user-agent": _AGENT[exchange.client], **exchange.headers}
        if exchange.user != "anonymous":
            headers["authorization"] = f"Bearer {start_state.token(exchange.user)}"
        if exchange.status == 304:
            headers["if-none-match"] = self._tags.get(exchange.path, "")
        if match := re.search(r"--as=(\S+)", commands().get(exchange.step, "")):
            headers["impersonate-user"] = self.rename(match.group(1))
        path = self._found(self.masks.filled(self.rename(exchange.path)))
        query = self.masks.filled(self.rename(exchange.query))
        if _CONTINUE.search(str(query.get("continue", ""))):
            query["continue"] = self._made_up_token(exchange)
        pairs = [(key, one) for key, value in query.items() for one in (value if isinstance(value, list) else [value])]
        target = quote(path) + (
            "?" + "&".join(f"{quote(key)}={quote(str(value))}" for key, value in pairs) if pairs else ""
        )
        return HttpRequest.of(exchange.method, target, headers, self._body(exchange, headers))

    def _found(self, path: str) -> str:
        """A path whose object was never shown before: any object that fits its masks will do."""
        parts = path.strip("/").split("/")
        if not has_mask(path) or len(parts) < 6:
            return path
        for stored in self.api.store.list(("", parts[4]), parts[3]):
            name = stored.object["metadata"]["name"]
            if name not in self.masks.known.values() and self.masks.matches(parts[5], name):
                break
        return self.masks.filled(path)

    def _made_up_token(self, exchange: Exchange) -> str:
        """Tokens the recorder made by hand: nonsense, or a real one with a revision of long ago."""
        if exchange.status == 400:
            return "xxx"
        raw = base64.urlsafe_b64decode(self._last_token + "=" * (-len(self._last_token) % 4))
        start = f"{self.rename('demo')}/{self.rename('page-0')}\0"
        token = json.loads(raw) | {"rv": 1, "start": start}
        return base64.urlsafe_b64encode(json.dumps(token).encode()).decode().rstrip("=")

    def _body(self, exchange: Exchange, headers: dict[str, str]) -> bytes:
        body = exchange.body
        if body is None:
            return b""
        if isinstance(body, dict) and "protobuf_base64" in body:
            headers["content-type"] = "application/json"
            body = self._with_real_owners(protobuf.decode(base64.b64decode(body["protobuf_base64"])))
        filled = self._timed(self.masks.filled(self.rename(body)))
        self._real_revisions(exchange, filled)
        if isinstance(filled, str):
            return filled.encode()
        if "apply-patch" in headers.get("content-type", ""):
            return yaml.safe_dump(filled).encode()
        return json.dumps(filled).encode()

    def _timed(self, value: Any) -> Any:
        """Times were masked without a number; any time will do."""
        if isinstance(value, dict):
            return {key: self._timed(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._timed(item) for item in value]
        return self.api.now() if value == "<time>" else value

    def _real_revisions(self, exchange: Exchange, operations: Any) -> None:
        """JSON patches hold an unmasked resourceVersion: the one kubectl had just read."""
        for operation in operations if isinstance(operations, list) else ():
            if operation.get("path") == "/metadata/resourceVersion":
                group, plural, namespace, name = _target(self.masks.filled(self.rename(exchange.path)))
                stored = self.api.store.get((group, plural), namespace, name)
                operation["value"] = stored.object["metadata"]["resourceVersion"] if stored else operation["value"]

    def _with_real_owners(self, body: dict[str, Any]) -> dict[str, Any]:
        """Protobuf bodies could not be masked: the uid of an owner is looked up by its name."""
        for reference in (body.get("metadata") or {}).get("ownerReferences") or ():
            found = self.api.list(reference["kind"], fields=f"metadata.name={self.rename(reference['name'])}")
            if found:
                reference["uid"] = found[0]["metadata"]["uid"]
        return body


def _target(path: str) -> tuple[str, str, str, str]:
    parts = path.strip("/").split("/")
    return parts[1], parts[5], parts[4], parts[6]


def _body(answer: HttpResponse) -> Any:
    text = answer.body.decode()
    if "json" not in answer.content_type and not text.startswith("{"):
        return text
    return json.loads(text)
