"""What images do when they run: a declared behaviour per repository and tag, and a plain server for all others.

A fault is never written into a status. It follows from a program that meets its pod: a variable it needs and does not
get, more memory than the limit, a port nobody listens on, a server that does not answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from infra.local.demo.server.store import Object

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """A server that a program talks to. The address is taken from an environment variable if the pod sets it."""

    address: str
    variable: str = ""
    at_start: bool = False
    """The program ends with an error when the server cannot be reached at start."""
    gates_ready: bool = False
    """The readiness check answers 503 while the server cannot be reached."""
    password: str = ""
    """The variable whose value is the password, if the server asks for one."""
    what: str = ""
    """What the log calls it."""

    def target(self, env: dict[str, str]) -> tuple[str, int]:
        text = env.get(self.variable, "") or self.address
        text = text.rpartition("@")[2].partition("://")[2] or text.rpartition("@")[2] or text
        text = text.partition("/")[0]
        host, _, port = text.partition(":")
        return host, int(port or (443 if "https" in env.get(self.variable, self.address) else 80))


@dataclass(frozen=True, slots=True)
class Program:
    """What one image does."""

    name: str = "app"
    version: str = ""
    listens: tuple[int, ...] | None = None
    """TCP ports it accepts connections on; None: whatever the container declares."""
    tls: frozenset[int] = frozenset()
    starts_s: float = 0.8
    """Seconds until it listens."""
    runs_s: float | None = None
    """A task that ends by itself after so long; None: a server."""
    exit_code: int = 0
    memory_mib: float = 60.0
    grows_s: float = 20.0
    """Seconds until it uses the memory above."""
    leaks_mib_per_hour: float = 0.0
    cpu: float = 0.05
    needs_env: tuple[str, ...] = ()
    needs_files: tuple[str, ...] = ()
    """Paths below a mounted volume; a missing one ends the program."""
    flags: frozenset[str] | None = None
    """Command line flags it knows; None: any."""
    commands: frozenset[str] | None = None
    """Executables in the image; None: any."""
    root: bool = False
    """The image runs as user 0."""
    calls: tuple[Call, ...] = ()
    may: tuple[tuple[str, str, str], ...] = ()
    """(verb, group, resource) it uses the Kubernetes API for at start."""
    not_found: frozenset[str] = frozenset()
    """HTTP paths it answers 404 to; all others are served."""
    stuck_ready: str = ""
    """Why its readiness check says 503 for ever; empty: it gets ready."""
    crash: tuple[str, ...] = ()
    """Lines it prints before it ends with exit code 1 right after the start."""
    crash_after_s: float = 1.5
    boot: tuple[str, ...] = ()
    """Further lines it prints while it starts."""
    serves: tuple[str, ...] = ("/",)
    """Request paths that its access log shows."""
    writes_to: tuple[str, ...] = ()
    """Directories it creates files in at start; a read-only root file system refuses what is no volume."""
    size_mb: int = 80
    style: str = "go"
    disk_full_after_s: float | None = None


def split_image(image: str) -> tuple[str, str]:
    """Repository and tag (or digest) of an image."""
    if "@" in image:
        repository, _, digest = image.partition("@")
        return repository, digest
    head, _, last = image.rpartition("/")
    name, _, tag = last.partition(":")
    return (f"{head}/{name}" if head else name), tag or "latest"


@dataclass
class Programs:
    """The registry of declared behaviours; a tag's own entry goes before its repository's."""

    by_repository: dict[str, Program] = field(default_factory=dict)
    by_image: dict[str, Program] = field(default_factory=dict)
    _known: dict[tuple[str, ...], Program] = field(default_factory=dict)

    def declare(self, repository: str, program: Program) -> None:
        self.by_repository[repository] = program
        self._known.clear()

    def declare_tag(self, image: str, program: Program) -> None:
        self.by_image[image] = program
        self._known.clear()

    def of(self, container: Object) -> Program:
        """The program of a container, with what its command line says about plain tools such as sleep."""
        image = container.get("image") or ""
        key = (image, *map(str, container.get("command") or ()), "|", *map(str, container.get("args") or ()))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._find(image, container)
        return found

    def _find(self, image: str, container: Object) -> Program:
        repository, tag = split_image(image)
        found = self.by_image.get(image) or self.by_repository.get(repository)
        if found is not None:
            return replace(found, version=found.version or tag)
        name = repository.rpartition("/")[2]
        return _from_command(replace(_PLAIN, name=name, version=tag), container)


_PLAIN = Program()
_TASKS = ("busybox", "perl", "alpine", "bash", "bitnami/kubectl", "curl")
_SLEEP, _EXIT = re.compile(r"\bsleep\s+(\d+|infinity)"), re.compile(r"\bexit\s+(\d+)|\bfalse\b")


def _from_command(program: Program, container: Object) -> Program:
    words: Sequence[str] = [*(container.get("command") or ()), *(container.get("args") or ())]
    line = " ".join(str(word) for word in words)
    if not line:
        return replace(program, runs_s=1.0) if program.name in _TASKS else program
    sleeps, ends = _SLEEP.search(line), _EXIT.search(line)
    if sleeps and sleeps[1] != "infinity" and "while" not in line:
        program = replace(program, runs_s=float(sleeps[1]))
    elif sleeps:
        return program
    if ends:
        code = int(ends[1]) if ends[1] else 1
        return replace(program, runs_s=program.runs_s or 1.0, exit_code=code)
    if program.name in _TASKS and program.runs_s is None and "while" not in line and "tail" not in line:
        return replace(program, runs_s=3.0)
    return program
