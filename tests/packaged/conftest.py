"""The built package, the AWS that it talks to, and its functions, each started once for the whole run."""

from __future__ import annotations

import copy
import json
import secrets
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from moto.moto_server.threaded_moto_server import MotoRequestHandler
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from chalicelib.accounts.tokens import create_token
from chalicelib.settings import Settings
from chalicelib.state.ids import TenantId
from chalicelib.store import Store, aws_store, create_resources
from chalicelib.store.records import Tenant, User
from infra.package import BUILD, ROOT, make
from infra.packaging.template import functions_of
from tests.packaged.lambda_runtime import LambdaProcess, overlay, runtime_folder
from tests.packaged.permissions import Recorder

EVENTS = Path(__file__).parent / "events"
TENANT = TenantId("acme")
INPUTS = (
    "app.py",
    "chalicelib",
    "jobs",
    "infra/*.yaml",
    "infra/resources",
    "infra/packaging",
    "chalicelayer",
    ".chalice",
)


RUNNING: dict[str, LambdaProcess] = {}
"""The functions that some test has started."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows what the functions have logged."""
    report = yield
    if report.failed:
        report.sections += [(f"log of {name}", process.log[-4000:]) for name, process in RUNNING.items()]
    return report


@pytest.fixture(scope="session")
def package() -> Path:
    """build/package, made when it is missing or older than what goes into it."""
    template = BUILD / "package" / "sam.json"
    if not template.exists() or template.stat().st_mtime < _newest_input():
        assert make().sound
    return template.parent


@pytest.fixture(scope="session")
def template(package: Path) -> dict[str, Any]:
    return json.loads((package / "sam.json").read_text())


class Aws:
    """moto's server, with a note of what each access key asks for."""

    def __init__(self) -> None:
        self.requests = Recorder(DomainDispatcherApplication(create_backend_app))
        self.server = make_server("127.0.0.1", 0, self.requests, threaded=True, request_handler=_Quiet)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def environment(self, key_id: str = "AKIATESTS") -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


class _Quiet(MotoRequestHandler):
    def log(self, type: str, message: str, *arguments: object) -> None:
        pass


@pytest.fixture(scope="session")
def aws() -> Iterator[Aws]:
    """An AWS that this process's boto3 is pointed at as well."""
    made = Aws()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in made.environment().items():
            patch.setenv(name, value)
        yield made
    made.server.shutdown()


@pytest.fixture(scope="session")
def store(aws: Aws) -> Store:
    """Tables, bucket and queues as a deployment has them, with one tenant and its administrator."""
    settings = Settings(mode="aws")
    create_resources(settings)
    made = aws_store(settings)
    made.tenants.ensure(TENANT, Tenant(id=TENANT, name="Acme", plan="team", created_at=datetime.now(UTC)))
    made.users.add(TENANT, User(id="ana", name="Ana", role="admin"))
    return made


@pytest.fixture(scope="session")
def token(store: Store) -> str:
    random_bytes = secrets.token_bytes(32)
    return create_token(store, TENANT, "ana", "admin", name="test", now=datetime.now(UTC), random_bytes=random_bytes)


class Sockets:
    """API Gateway's management API for WebSockets: keeps what is posted to a connection."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        posted = self.posted

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/api"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="session")
def sockets() -> Iterator[Sockets]:
    made = Sockets()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="session")
def function(
    package: Path, template: dict[str, Any], aws: Aws, store: Store, sockets: Sockets,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], LambdaProcess]]:  # fmt: skip
    """A running function by its logical id, with the layers that the template attaches to it and no others."""
    runtime = runtime_folder(tmp_path_factory.mktemp("runtime"))
    layout = json.loads((package / "layout.json").read_text())
    overlays: dict[tuple[str, ...], Path] = {}
    with ExitStack() as stack:

        def start(name: str) -> LambdaProcess:
            if name not in RUNNING:
                attached = tuple(layout[name])
                if attached not in overlays:
                    folders = [package.parent / folder for folder in attached]
                    overlays[attached] = overlay(folders, tmp_path_factory.mktemp("opt"))
                properties = functions_of(template)[name]["Properties"]
                environment = _environment_of(template, sockets.url) | aws.environment(name)
                path = [package / "function", overlays[attached], runtime]
                RUNNING[name] = stack.enter_context(
                    LambdaProcess(properties["Handler"], path, environment, properties["Timeout"])
                )
            return RUNNING[name]

        yield start


@pytest.fixture(scope="session")
def rest(function: Callable[[str], LambdaProcess], token: str) -> Callable[..., dict[str, Any]]:
    """Sends one request as API Gateway would; `body` in the answer is what its JSON decodes to."""

    def send(method: str, resource: str, *, body: Any = None, bearer: str = token, **parameters: Any) -> dict[str, Any]:
        event = an_event("rest")
        path = resource.format_map(parameters.get("path", {}))
        event |= {"resource": resource, "path": path, "httpMethod": method}
        event["pathParameters"] = parameters.get("path")
        event["requestContext"] |= {"resourcePath": resource, "httpMethod": method, "path": f"/api{path}"}
        query = parameters.get("query")
        event["queryStringParameters"] = query
        event["multiValueQueryStringParameters"] = query and {name: [value] for name, value in query.items()}
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
            event["body"] = json.dumps(body)
        event["headers"] |= headers
        event["multiValueHeaders"] |= {name: [value] for name, value in headers.items()}
        answer = function("APIHandler").invoke(event)
        return answer | {"body": json.loads(answer["body"] or "null")}

    return send


def an_event(name: str) -> dict[str, Any]:
    """An event as AWS delivers it."""
    return copy.deepcopy(json.loads((EVENTS / f"{name}.json").read_text()))


def _newest_input() -> float:
    paths = [path for pattern in INPUTS for path in ROOT.glob(pattern)]
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*"))]
    return max(file.stat().st_mtime for file in files if file.is_file() and file.suffix != ".pyc")


def _environment_of(template: dict[str, Any], sockets_url: str) -> dict[str, str]:
    """The template's environment with its references resolved as CloudFormation would here."""
    settings = Settings()
    values = {
        "KUBILITICS_PUBLIC_ORIGIN": "https://kubilitics.example.com",
        "KUBILITICS_BUCKET": settings.bucket,
        "KUBILITICS_ANCHOR_BUCKET": settings.anchor_bucket,
        "KUBILITICS_QUEUE": settings.queue,
        "KUBILITICS_AUDIT_QUEUE": settings.audit_queue,
        "KUBILITICS_WEBSOCKET_ENDPOINT": sockets_url,
    }
    given = template["Globals"]["Function"]["Environment"]["Variables"]
    return {name: values.get(name, value) for name, value in given.items()}
