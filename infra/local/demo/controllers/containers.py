"""One container as its kubelet knows it, and what its program will do once started."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from infra.local.demo.controllers.programs import MIB, Program
from infra.local.demo.server import rbac
from infra.local.demo.server.access import User
from infra.local.demo.server.clock import timestamp
from infra.local.demo.server.quantities import parse
from infra.local.demo.server.sources import LogLine
from infra.local.demo.server.store import Object

if TYPE_CHECKING:
    from infra.local.demo.controllers.plane import ControlPlane

KILLED_BY_KERNEL, STOPPED = 137, 143


@dataclass
class Plan:
    """How a run of a program goes: when it listens, what it prints, and whether and how it ends."""

    lines: list[str] = field(default_factory=list)
    listens_after_s: float = 0.0
    ends_after_s: float | None = None
    exit_code: int = 0
    reason: str = "Completed"
    message: str = ""
    start_error: str = ""

    def boot_lines(self, start: datetime) -> list[LogLine]:
        """The lines a program prints at start, spread over the time it takes."""
        span = self.ends_after_s if self.ends_after_s is not None else self.listens_after_s
        step = max(span - 0.2, 0.05) / max(len(self.lines), 1)
        return [LogLine(start + timedelta(seconds=index * step), text) for index, text in enumerate(self.lines)]


@dataclass
class ContainerRecord:
    """State of one container over its restarts."""

    name: str
    state: str = "waiting"
    reason: str = "ContainerCreating"
    message: str = ""
    plan: Plan = field(default_factory=Plan)
    started_at: datetime | None = None
    finished_at: datetime | None = None
    restarts: int = 0
    starts: int = 0
    last: Object | None = None
    ready: bool = False
    passed_startup: bool = False
    backoff_s: float = 0.0
    pull_backoff_s: float = 0.0
    until: datetime | None = None
    """When a pull is done, or a back-off is over."""
    told_at: datetime | None = None
    pulled: bool = False
    failures: dict[str, int] = field(default_factory=dict)
    next_probe: dict[str, datetime] = field(default_factory=dict)
    probe_ok: dict[str, bool] = field(default_factory=dict)
    lines: list[LogLine] | None = None
    previous: list[LogLine] | None = None
    uid: str = ""

    @property
    def id(self) -> str:
        return "containerd://" + hashlib.sha256(f"{self.uid}/{self.name}/{self.starts}".encode()).hexdigest()

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def completed(self) -> bool:
        return self.state == "terminated" and self.plan.exit_code == 0

    def ends_at(self) -> datetime | None:
        if not self.running or self.plan.ends_after_s is None or self.started_at is None:
            return None
        return self.started_at + timedelta(seconds=self.plan.ends_after_s)

    def listens_at(self) -> datetime:
        assert self.started_at is not None
        return self.started_at + timedelta(seconds=self.plan.listens_after_s)

    def terminated(self) -> Object:
        """The terminated state as the status shows it."""
        assert self.finished_at is not None
        state: Object = {"exitCode": self.plan.exit_code, "reason": self.plan.reason}
        if self.plan.message:
            state["message"] = self.plan.message
        state["startedAt"] = timestamp(self.started_at) if self.started_at else None
        return state | {"finishedAt": timestamp(self.finished_at), "containerID": self.id}


@dataclass
class PodRecord:
    """What a kubelet remembers of one pod."""

    uid: str
    started_at: datetime
    stage: str = "setup"
    ip: str = ""
    tries: int = 0
    stopping_since: datetime | None = None
    containers: dict[str, ContainerRecord] = field(default_factory=dict)


def planned(plane: ControlPlane, pod: Object, container: Object, env: dict[str, str]) -> Plan:
    """What starting this container now leads to. The first thing that goes wrong decides."""
    program = plane.programs.of(container)
    for step in (_command, _arguments, _variables, _files, _writes, _permissions, _servers, _crash):
        plan = step(plane, program, pod, container, env)
        if plan is not None:
            return plan
    return _normal(program, container)


def _boot(program: Program) -> list[str]:
    return [f'level=info msg="{program.name} starting" version={program.version}', *program.boot]


def _ends(program: Program, lines: list[str], code: int = 1, after_s: float = 1.5) -> Plan:
    return Plan([*_boot(program), *lines], after_s + 1, after_s, code, "Error")


def _command(plane: ControlPlane, program: Program, pod: Object, container: Object, env: dict[str, str]) -> Plan | None:
    words = container.get("command") or ()
    if program.commands is None or not words or words[0] in program.commands:
        return None
    text = (
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
        f'unable to start container process: error during container init: exec: "{words[0]}": '
        "executable file not found "
        "in $PATH"
    )
    if "/" in words[0]:
        text = text.replace("executable file not found in $PATH", "no such file or directory").replace("exec:", "exec:")
        text = text.replace(f'"{words[0]}": no such', f'"{words[0]}": stat {words[0]}: no such')
    return Plan([], 0, 0, 128, "StartError", text, start_error=f"Error: {text}")


def _arguments(
    plane: ControlPlane, program: Program, pod: Object, container: Object, env: dict[str, str]
) -> Plan | None:
    for word in container.get("args") or ():
        flag = str(word).partition("=")[0]
        if program.flags is not None and flag.startswith("-") and flag not in program.flags:
            known = "\n".join(f"      {one}" for one in sorted(program.flags))
            lines = [
                f"Error: unknown flag: {flag}",
                "Usage:",
                f"  {program.name} [flags]",
                "Flags:",
                *known.split("\n"),
            ]
            return Plan(lines, 1, 0.3, 2, "Error")
    return None


def _variables(
    plane: ControlPlane, program: Program, pod: Object, container: Object, env: dict[str, str]
) -> Plan | None:
    missing = next((name for name in program.needs_env if not env.get(name)), None)
    if missing is None:
        return None
    if program.style == "python":
        lines = [
            'level=info msg="loading configuration" source=env',
            "Traceback (most recent call last):",
            '  File "/srv/main.py", line 37, in <module>',
            f'    config.load(required=os.environ["{missing}"])',
            '  File "<frozen os>", line 714, in __getitem__',
            f"KeyError: '{missing}'",
        ]
    elif program.style == "node":
        lines = [
            "/srv/config.js:18",
            f"    throw new Error('Missing required environment variable {missing}');",
            "    ^",
            "",
            f"Error: Missing required environment variable {missing}",
            "    at load (/srv/config.js:18:11)",
            "    at Object.<anonymous> (/srv/index.js:4:1)",
            "Node.js v24.9.0",
        ]
    else:
        lines = [f'level=fatal msg="invalid configuration" err="required environment variable {missing} is not set"']
    return _ends(program, lines)


def _files(plane: ControlPlane, program: Program, pod: Object, container: Object, env: dict[str, str]) -> Plan | None:
    for path in program.needs_files:
        if not any(
            path.startswith(mount["mountPath"].rstrip("/") + "/") for mount in container.get("volumeMounts") or ()
        ):
            return _ends(program, [f'level=fatal msg="cannot read file" err="open {path}: no such file or directory"'])
    return None


def _writes(plane: ControlPlane, program: Program, pod: Object, container: Object, env: dict[str, str]) -> Plan | None:
    security = container.get("securityContext") or {}
    mounts = [mount["mountPath"].rstrip("/") for mount in container.get("volumeMounts") or ()]
    for path in program.writes_to:
        mounted = any(path == mount or path.startswith(mount + "/") for mount in mounts)
        if mounted or not security.get("readOnlyRootFilesystem"):
            continue
        return _ends(
            program,
            [f'level=fatal msg="cannot create work directory" err="mkdir {path}/tmp: read-only file system"'],
        )
    return None


def _permissions(
    plane: ControlPlane, program: Program, pod: Object, container: Object, env: dict[str, str]
) -> Plan | None:
    namespace = pod["metadata"]["namespace"]
    account = pod["spec"].get("serviceAccountName", "default")
    user = User.service_account(namespace, account)
    for verb, group, resource in program.may:
        asked = rbac.Attributes(verb, group, resource, namespace=namespace)
        if rbac.authorize(plane.api, user, asked).allowed:
            continue
        said = (
            f'{resource}{"." + group if group else ""} is forbidden: User "{user.name}" cannot '
            f'{verb} resource "{resource}" '
            f'in API group "{group}" in the namespace "{namespace}"'
        )
        return _ends(
            program,
            [
                f'level=error msg="list failed" err="{said}"'.replace(f'"{user.name}"', f'\\"{user.name}\\"'),
                'level=fatal msg="cannot start without access to the API"',
            ],
            after_s=4,
        )
    return None


def _servers(plane: ControlPlane, program: Program, pod: Object, container: Object, env: dict[str, str]) -> Plan | None:
    from infra.local.demo.controllers.network import Network

    for call in program.calls:
        if not call.at_start:
            continue
        host, port = call.target(env)
        reached = Network(plane).connect(pod, host, port)
        what = call.what or host
        if not reached.ok:
            lines = [
                f'level=warn msg="cannot connect to {what}, retrying" attempt={n} err="{reached.error}"'
                for n in (1, 2, 3)
            ]
            lines.append(f'level=fatal msg="giving up on {what}" err="{reached.error}"')
            return _ends(program, lines, after_s=9)
        if call.password and (said := _refused_password(plane, pod, host, call, env)):
            return _ends(program, [f'level=fatal msg="cannot connect to {what}" err="{said}"'], after_s=3)
    return None


def _refused_password(plane: ControlPlane, pod: Object, host: str, call: object, env: dict[str, str]) -> str:
    from infra.local.demo.controllers.programs import Call

    assert isinstance(call, Call)
    parts = host.split(".")
    namespace = parts[1] if len(parts) > 1 else pod["metadata"]["namespace"]
    real = plane.environment.passwords.get((namespace, parts[0]))
    if real is None or env.get(call.password) == real:
        return ""
    user = env.get(call.password.replace("PASSWORD", "USER"), "app")
    return f'pq: password authentication failed for user \\"{user}\\" (SQLSTATE 28P01)'


def _crash(plane: ControlPlane, program: Program, pod: Object, container: Object, env: dict[str, str]) -> Plan | None:
    return _ends(program, list(program.crash), after_s=program.crash_after_s) if program.crash else None


def _normal(program: Program, container: Object) -> Plan:
    limit = parse(((container.get("resources") or {}).get("limits") or {}).get("memory", 0)) or 0
    lines = _boot(program)
    lines.append('level=info msg="loading configuration" source=env')
    if program.runs_s is not None:
        done = (
            'level=info msg="done"' if not program.exit_code else f'level=error msg="failed" code={program.exit_code}'
        )
        reason = "Completed" if not program.exit_code else "Error"
        return Plan([*lines, done], program.runs_s + 1, program.runs_s, program.exit_code, reason)
    ports = program.listens
    if ports is None:
        ports = tuple(one["containerPort"] for one in container.get("ports") or ())
    for port in ports:
        lines.append(f'level=info msg="listening" addr=:{port}')
    plan = Plan(lines, program.starts_s)
    if limit and program.memory_mib * MIB > limit:
        share = float(limit) / (program.memory_mib * MIB)
        shown = [
            f'level=info msg="loading data" pct={n} rss_mb={int(program.memory_mib * n / 100)}'
            for n in range(10, int(share * 100), 20)
        ]
        plan.lines = [*_boot(program), *shown]
        plan.ends_after_s, plan.exit_code, plan.reason = (
            program.grows_s * share,
            KILLED_BY_KERNEL,
            "OOMKilled",
        )
    elif limit and program.leaks_mib_per_hour:
        hours = (float(limit) / MIB - program.memory_mib) / program.leaks_mib_per_hour
        plan.ends_after_s, plan.exit_code, plan.reason = hours * 3600, KILLED_BY_KERNEL, "OOMKilled"
    return plan
