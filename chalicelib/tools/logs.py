"""Container logs: of one pod, or merged over the pods of a workload.

Text from a container is data. It is shown line by line and never interpreted beyond its level and time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.errors import InvalidRequest, KubiliticsError, NotFound, unknown
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Gap
from chalicelib.tools.detail import locate
from chalicelib.tools.moments import rfc3339, span
from chalicelib.tools.ranking import rank
from chalicelib.tools.rows import Row, gap_json

if TYPE_CHECKING:
    from chalicelib.clusters.source import ClusterSource
    from chalicelib.tools.views import ClusterView

DEFAULT_TAIL = 200
MAX_TAIL = 5000
READ_LINES = 5000
"""Lines read before `grep` and `since` choose among them."""
READ_BYTES = 1024 * 1024
MAX_PODS = 10
"""Pods of a workload whose logs are merged, the worst first."""
LINE_CHARS = 4000
BESIDE_PODS = ("Service", "CronJob")
"""Kinds without a log of their own that stand for pods which have one."""

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,]\d{1,9})?(Z|[+-]\d\d:?\d\d)?")
_WORD = re.compile(
    r"\b(?:(?P<crit>fatal|panic|emerg|emergency|crit|critical|alert)|(?P<error>err|error|severe|exception|traceback)"
    r"|(?P<warn>warn|warning)|(?P<info>info|notice)|(?P<debug>debug|trace))\b",
    re.IGNORECASE,
)
_KLOG = re.compile(r"([IWEF])\d{4} \d\d:\d\d:\d\d")
_KLOG_LEVEL = {"I": "info", "W": "warn", "E": "error", "F": "crit"}
_NUMBERS = re.compile(r"0x[0-9a-fA-F]+|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\d+")
LEVEL_SEARCH_CHARS = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One log line. `n` counts from 1 within what was read of its container."""

    n: int
    text: str
    at: datetime | None
    level: str
    pod: str
    container: str

    def as_row(self, *, merged: bool) -> Row:
        found: Row = {"n": self.n, "text": self.text, "at": rfc3339(self.at), "level": self.level}
        return {**found, "pod": self.pod} if merged else found


@dataclass(slots=True)
class Log:
    """What was read. `total` counts the lines that matched before the tail was taken."""

    lines: list[Line]
    pods: list[str]
    container: str
    containers: list[str]
    previous: bool
    total: int
    truncated: bool
    gaps: list[Gap] = field(default_factory=list)

    @property
    def merged(self) -> bool:
        return len(self.pods) > 1


def read_logs(
    source: ClusterSource | None,
    view: ClusterView,
    ref: Ref,
    *,
    container: str | None = None,
    previous: bool = False,
    tail: int = DEFAULT_TAIL,
    since: str | None = None,
    grep: str | None = None,
) -> Row:
    """The answer of `.../logs`, newest line last."""
    log = collect(
        source, view, ref.kind, ref.namespace, ref.name, container=container or "", previous=previous, tail=tail,
        since=span(since) if since else None, grep=grep or "",
    )  # fmt: skip
    return {
        "lines": [line.as_row(merged=log.merged) for line in log.lines],
        "container": log.container,
        "containers": log.containers,
        "previous": previous,
        "truncated": log.truncated,
        "total_lines": log.total,
        "gaps": [gap_json(g) for g in log.gaps],
    }


def collect(
    source: ClusterSource | None,
    view: ClusterView,
    kind: str,
    namespace: str,
    name: str,
    *,
    container: str = "",
    previous: bool = False,
    tail: int = DEFAULT_TAIL,
    since: timedelta | None = None,
    grep: str = "",
) -> Log:
    """Log lines of a Pod, or merged over the pods of what owns them.

    `grep` keeps lines that contain one of the texts between `|`, ignoring case. Raises NotFound when there is no such
    object, container or log, InvalidRequest for a kind without logs.
    """
    if not 1 <= tail <= MAX_TAIL:
        raise InvalidRequest(f"tail: {tail} is not between 1 and {MAX_TAIL}.", details={"field": "tail"})
    pods, left_out = _pods(view, kind, namespace, name)
    after = view.as_of - since if since is not None else None
    gaps = (
        [Gap(kind="Log", reason="partial", message=f"logs of {left_out} more pods were not read")] if left_out else []
    )
    lines: list[Line] = []
    cut = False
    chosen = ""
    failure: KubiliticsError | None = None
    for pod in pods:
        chosen = container or chosen or default_container(pod)
        which = container or default_container(pod)
        try:
            text = _text(source, view, pod, which, previous, since)
        except KubiliticsError as error:
            failure = failure or error
            gaps.append(Gap(kind="Log", reason="error", message=error.message, namespace=pod.metadata.namespace))
            continue
        read = parse(text, pod.metadata.name, which)
        cut = cut or len(read) >= READ_LINES or len(text) >= READ_BYTES - 4096
        lines += _chosen(read, grep, after)
    if failure is not None and len(gaps) - bool(left_out) == len(pods):
        raise failure
    if len(pods) > 1:
        lines.sort(key=lambda line: (line.at or datetime.min.replace(tzinfo=UTC), line.pod, line.n))
    names = sorted({c.name for p in pods for c in p.spec.all_containers})
    return Log(
        lines=lines[-tail:], pods=[p.metadata.name for p in pods], container=chosen, containers=names,
        previous=previous, total=len(lines), truncated=cut or len(lines) > tail, gaps=gaps,
    )  # fmt: skip


def _pods(view: ClusterView, kind: str, namespace: str, name: str) -> tuple[list[Pod], int]:
    """The pods to read, the worst first, and how many more there are."""
    entry, ref, _ = locate(view, kind, namespace, name)
    world = view.world
    if ref.kind == "Service":
        pods = [p for e in world.graph.out(ref, "selects") if (p := view.snapshot.find(e.target)) is not None]
    else:
        pods = world.pods_of(ref)
    if not pods:
        if not entry.has_logs and ref.kind not in BESIDE_PODS:
            raise InvalidRequest(
                f"kind: a {entry.kind} has no logs.",
                remedy="Name a Pod, a workload that owns pods, or a Service.",
                details={"field": "kind"},
            )
        raise NotFound(
            f"{ref} has no pods, so there is no log to read.",
            code="no_pods",
            remedy=f"Look at the events of {ref}: they say why no pod was made.",
        )
    pods.sort(key=lambda p: (rank(world.status("Pod", p).level), -p.restarts, p.metadata.name))
    return pods[:MAX_PODS], max(0, len(pods) - MAX_PODS)


def default_container(pod: Pod) -> str:
    """The container a person most likely means: one that is failing, else the annotated default, else the first."""
    for status in pod.status.all_statuses:
        state = status.state
        failing = state.waiting and state.waiting.reason not in ("ContainerCreating", "PodInitializing")
        if failing or (state.terminated and state.terminated.exit_code):
            return status.name
    named = pod.metadata.annotations.get("kubectl.kubernetes.io/default-container", "")
    names = [c.name for c in pod.spec.containers]
    return named if named in names else names[0] if names else ""


def _text(
    source: ClusterSource | None, view: ClusterView, pod: Pod, container: str, previous: bool, since: timedelta | None
) -> str:
    """Text from the cluster, else what the snapshot holds of it."""
    namespace, name = pod.metadata.namespace, pod.metadata.name
    names = [c.name for c in pod.spec.all_containers]
    if container not in names:
        raise unknown("container", container, names)
    kept = view.snapshot.log(namespace, name, container, previous)
    if source is None:
        if kept is None:
            raise NotFound(f"No log of container {container} of pod {name} was recorded.", code="log_not_recorded",
                           remedy="Ask for another container or pod, or read the live cluster.")  # fmt: skip
        return kept
    try:
        since_s = max(1, int(since.total_seconds())) if since is not None else None
        return source.logs(
            namespace, name, container, previous=previous, tail=READ_LINES, since_s=since_s, limit_bytes=READ_BYTES
        )
    except KubiliticsError:
        if kept is None:
            raise
        return kept


def parse(text: str, pod: str, container: str) -> list[Line]:
    """Lines with level and time. A continuation (stack trace) has the level of the line it continues."""
    found: list[Line] = []
    level, at = "info", None
    for number, raw in enumerate(text.splitlines(), 1):
        if raw[:1] not in (" ", "\t") or not found:
            level = level_of(raw)
            at = time_of(raw) or at
        found.append(Line(number, raw[:LINE_CHARS], at, level, pod, container))
    return found


def level_of(text: str) -> str:
    """crit, error, warn, info or debug, by klog's letter or the first level word near the start of the line."""
    head = text[:LEVEL_SEARCH_CHARS]
    klog = _KLOG.match(head)
    if klog:
        return _KLOG_LEVEL[klog[1]]
    word = _WORD.search(head)
    return str(word.lastgroup) if word else "info"


def time_of(text: str) -> datetime | None:
    """The time near the start of a line, UTC when it names no zone; None without one."""
    found = _TIME.search(text[:80])
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3] or ''}")
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _chosen(lines: Iterable[Line], grep: str, after: datetime | None) -> list[Line]:
    wanted = [part.lower() for part in grep.split("|") if part]
    return [
        line
        for line in lines
        if (not wanted or any(part in line.text.lower() for part in wanted))
        and (after is None or line.at is None or line.at >= after)
    ]


@dataclass(frozen=True, slots=True)
class Folded:
    """A line, and how many like it (equal but for numbers) directly follow."""

    line: Line
    repeats: int


def fold(lines: Sequence[Line]) -> list[Folded]:
    """Runs of lines that differ only in numbers and ids become one, with a count."""
    found: list[Folded] = []
    last: Any = None
    for line in lines:
        shape = (_NUMBERS.sub("#", line.text), line.pod)
        if shape == last:
            found[-1] = Folded(found[-1].line, found[-1].repeats + 1)
        else:
            found.append(Folded(line, 0))
        last = shape
    return found


def head_and_tail(folded: Sequence[Folded], count: int) -> tuple[list[Folded], int]:
    """The first third and the last two thirds of what fits, and how many are left out between them."""
    if len(folded) <= count:
        return list(folded), 0
    head = count // 3
    return [*folded[:head], *folded[len(folded) - (count - head) :]], len(folded) - count
