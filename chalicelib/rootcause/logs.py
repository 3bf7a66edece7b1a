"""Reading container logs: bounded, multi-line aware, and only ever as data.

Everything here works on the last part of a log, on lines cut to a fixed length, with patterns that cannot backtrack
far. Text from a log is quoted in findings, never followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

TAIL_CHARACTERS = 64_000
TAIL_LINES = 400
LINE_CHARACTERS = 1_000
QUOTE_CHARACTERS = 220

_CONTROL = re.compile(r"\x1b\[[0-9;]{0,20}[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_MARKER = re.compile(r"==== (START|END) logs for container (\S{1,253}) of pod ")
_ERROR = re.compile(
    r"error|fatal|panic|exception|traceback|critical|severe|fail|cannot|could ?n[o']t|unable|refused|denied|abort|"
    r"killed|segmentation|invalid|missing|not found|unexpected",
    re.I,
)
_HARMLESS = re.compile(
    r"level\W{1,3}(?:info|debug|trace)\b|\"(?:level|severity|"
    r"lvl)\": ?\"(?:info|debug|trace)\"|\b(?:INFO|DEBUG|TRACE)\b",
    re.I,
)
_STAMP = re.compile(r"^\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d[.,\d]{0,12}(?:Z|[+-]\d\d:?\d\d)?\]?\s{0,4}")


@dataclass(frozen=True, slots=True)
class Line:
    """One log line with its number from 1 in the text that was read."""

    number: int
    text: str


def quoted(text: str, limit: int = QUOTE_CHARACTERS) -> str:
    """Foreign text on one line, without control characters, cut to a length."""
    flat = " ".join(_CONTROL.sub(" ", text[: limit * 4]).split())
    return flat if len(flat) <= limit else flat[: limit - 3] + "..."


def tail(text: str, container: str = "") -> list[Line]:
    """The last lines of a log; kubectl's START/END markers are dropped, and other containers' parts with them."""
    start = max(0, len(text) - TAIL_CHARACTERS)
    number = text.count("\n", 0, start) + 1
    raw = text[start:].split("\n")
    found: list[Line] = []
    mine = True
    for offset, line in enumerate(raw):
        marker = _MARKER.match(line) if line.startswith("====") else None
        if marker:
            mine = not container or marker.group(1) == "END" or marker.group(2) == container
            continue
        if mine and line.strip():
            found.append(Line(number + offset, _CONTROL.sub("", line[:LINE_CHARACTERS])))
    return found[-TAIL_LINES:]


def errors(lines: list[Line]) -> list[Line]:
    """Lines that report an error, and not a routine message that merely holds such a word."""
    return [line for line in lines if _ERROR.search(line.text) and not _HARMLESS.search(line.text)]


def is_harmless(line: Line) -> bool:
    """Whether a line says of itself that it is information or less."""
    return _HARMLESS.search(line.text) is not None


_EXCEPTION = re.compile(
    r"^(?:[\w.$]{1,150}\.)?[A-Z]\w{0,80}(?:Error|Exception|Exit|Interrupt|Warning|Fault)\b(?:: .{0,500})?"
)
_HEADS = (
    re.compile(r"^Caused by: .{1,500}"),
    re.compile(r"Exception in thread .{1,500}"),
    re.compile(r"\bterminate called (?:after|without) .{0,500}|\blibc\+\+abi: .{1,500}|^\s{0,4}what\(\): .{1,500}"),
    re.compile(r"\bAssertion .{1,300} failed"),
    re.compile(r"\bpanic: .{1,500}"),
    re.compile(r"\bfatal error: .{1,500}"),
    re.compile(r"thread '[^']{0,80}' panicked at .{0,500}"),
    re.compile(r"\b(?:Uncaught|Unhandled)\w{0,20} .{0,500}"),
    re.compile(r"APPLICATION FAILED TO START"),
    re.compile(r"\b(?:Segmentation fault|core dumped|Aborted|SIGSEGV)\b"),
    re.compile(
        r"\blevel\W{1,3}(?:fatal|panic|critical)\b.{0,500}|\"(?:level|"
        r"severity)\": ?\"(?:fatal|panic|critical)\".{0,500}",
        re.I,
    ),
    re.compile(r"\b(?:FATAL|CRITICAL|PANIC|F\d{4} \d\d:\d\d)\b.{0,500}"),
)
_TRACE = re.compile(
    r"^Traceback \(most recent call last\)|^\s{2,8}at [\w.$<(/]|^goroutine \d+ \[|^\s{2,4}File \"|stack backtrace:"
)


def failure(lines: list[Line]) -> Line | None:
    """The line that says why a program ended: the last exception, panic or fatal message; None when there is none."""
    found: Line | None = None
    for line in lines:
        bare = _STAMP.sub("", line.text).strip()
        if _EXCEPTION.match(bare) or any(head.search(bare) for head in _HEADS):
            found = Line(line.number, bare)
    return found


def has_trace(lines: list[Line]) -> bool:
    """Whether a stack trace of Python, Java, Node, Go or Rust is in the log."""
    return any(_TRACE.search(_STAMP.sub("", line.text)) for line in lines)


# Missing environment variables

_VARIABLE = re.compile(
    r"\b[A-Z][A-Z0-9]{0,40}(?:_[A-Z0-9]{1,40}){1,8}\b|(?<=['\"`$ ])[A-Z][A-Z0-9]{2,40}(?=['\"`:,. ]|$)"
)
_NOT_A_VARIABLE = re.compile(
    r"^(?:ERR_|E_|HTTP_|SQL_|TLS_|SSL_ERROR)|(?:_ERROR|_EXCEPTION|_FAILED|_FOUND|_REFUSED|_TIMEOUT)$|"
    r"^(?:ERROR|FATAL|WARN|WARNING|INFO|DEBUG|PANIC|CRITICAL|SEVERE|ENV|KEY|NULL|NONE|TRUE|FALSE|HTTP|HTTPS|GET|POST|PUT|URL|TCP|UDP|API|JSON|YAML|XML|UTC|"
    r"ENOENT|EACCES|ENOTFOUND|ECONNREFUSED|APPLICATION|START|MUST|NOT|REQUIRED|MISSING)$"
)
_ABSENT = re.compile(
    r"not set|unset|missing|required|undefined|not defined|not found|"
    r"not provided|not specified|not configured|not present|"
    r"must be (?:set|provided|specified|defined|configured|supplied)|must (?:specify|"
    r"set|provide|define)|need to (?:specify|set|provide)|"
    r"is (?:empty|blank|null|nil|None)|cannot be (?:empty|blank|null)|"
    r"unbound variable|could not resolve|no value|absent|NotPresent|"
    r"KeyError|Declare it as|null or not set|Set the |isn't set|wasn't set|"
    r"has not been set|does not exist|not allowed to be empty",
    re.I,
)
_ENVIRONMENT = re.compile(
    r"environ|\benv\b|env\.|envvar|getenv|placeholder|KeyError|"
    r"unbound variable|parameter|config|required key|key not found|"
    r"NotPresent|is required|must be set|variable|setting|property|array key|"
    r"Undefined index|you must specify|is not set|not set",
    re.I,
)
_FIELD_REQUIRED = re.compile(r"^\s{0,4}field required", re.I)
_FIELD = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{1,60}$")
_LISTED = re.compile(r"^\s{0,8}[-*]?\s{0,4}([A-Z][A-Z0-9_]{2,60})\b")


@dataclass(frozen=True, slots=True)
class MissingVariable:
    name: str
    line: Line
    explicit: bool
    """Whether the message speaks of the environment, not only of some missing key."""


def missing_variables(lines: list[Line]) -> list[MissingVariable]:
    """Environment variables that a program says it lacks, newest message first. The caller checks the pod's spec."""
    found: list[MissingVariable] = []
    reads_environment = any("environ" in line.text or "getenv" in line.text for line in lines[-60:])
    for index in range(len(lines) - 1, -1, -1):
        line = lines[index]
        following = lines[index + 1].text if index + 1 < len(lines) else ""
        if _FIELD.match(line.text.strip()) and _FIELD_REQUIRED.match(following):
            found.append(MissingVariable(line.text.strip().upper(), line, True))
            continue
        if not _ABSENT.search(line.text) or not _ENVIRONMENT.search(line.text) or _HARMLESS.search(line.text):
            continue
        explicit = "KeyError" not in line.text or "key not found" in line.text or reads_environment
        names = [n for n in _VARIABLE.findall(line.text) if not _NOT_A_VARIABLE.search(n)]
        if not names and re.search(r"environ|\benv", line.text, re.I):
            names = _listed_below(lines, index)
        found.extend(MissingVariable(name, line, explicit) for name in names)
    return found


def _listed_below(lines: list[Line], index: int) -> list[str]:
    """Names listed under a heading such as `Missing environment variables:`."""
    names: list[str] = []
    for line in lines[index + 1 : index + 9]:
        item = _LISTED.match(line.text)
        if not item:
            break
        if not _NOT_A_VARIABLE.search(item.group(1)):
            names.append(item.group(1))
    return names


# Calls that fail

_HOST = r"([A-Za-z0-9][A-Za-z0-9._-]{0,252})"
_LOOKUPS = (
    re.compile(
        rf"lookup {_HOST}(?: on \S{{1,60}})?: (?:no such host|server misbehaving|i/o timeout|.{{0,40}}no such host)"
    ),
    re.compile(rf"getaddrinfo (?:ENOTFOUND|EAI_AGAIN) {_HOST}"),
    re.compile(rf"UnknownHostException: {_HOST}"),
    re.compile(rf"[Ff]ailed to resolve '{_HOST}'"),
    re.compile(rf"[Cc]ould ?n[o']t resolve (?:host|hostname|proxy)(?: name)?:? [\"']?{_HOST}"),
    re.compile(rf"could not translate host name \"{_HOST}\""),
    re.compile(rf"(?:[Uu]nknown|[Uu]nresolvable|[Bb]ad) (?:MySQL server )?host[: ]+[\"']?{_HOST}"),
    re.compile(rf"host='{_HOST}'.{{0,300}}(?:Name or service not known|name resolution|nodename nor servname)"),
    re.compile(
        rf"(?<!address )(?<!failure in )\b{_HOST}:? (?:Name or service not known|Name does not resolve|NXDOMAIN|"
        r"Temporary failure in name resolution)"
    ),
    re.compile(rf"(?:nslookup|ping|wget|curl): .{{0,30}}(?:can't resolve|bad address|unable to resolve) '?{_HOST}"),
    re.compile(rf"getaddrinfo for {_HOST} failed"),
    re.compile(rf"getaddrinfo {_HOST}: "),
    re.compile(rf"(?:not known|no such host|not resolve\w*|lookup \w+)[^(\n]{{0,60}}\({_HOST}\)"),
    re.compile(
        rf"(?:No such host is known|Name or service not known|Resource temporarily unavailable)\.? \({_HOST}:\d"
    ),
    re.compile(rf"Couldn't resolve server {_HOST}"),
    re.compile(rf"[Ff]ailed to resolve '{_HOST}:\d"),
    re.compile(rf"\({_HOST}:\d{{2,5}}\): non-existing domain"),
    re.compile(rf"server can't find {_HOST}: (?:NXDOMAIN|SERVFAIL)"),
    re.compile(rf"DNS resolution failed for (?:service: )?(?:dns:/{{0,3}})?{_HOST}"),
    re.compile(rf"host not found in upstream \"{_HOST}"),
)
_CALL = re.compile(
    r"refused|time(?:d )?out|DeadlineExceeded|link failure|host|resol|lookup|getaddrinfo|not known|deadline|"
    r"unreachable|route to|nxdomain|"
    r"non-existing|could not be established|can't find|bad address",
    re.I,
)
_REFUSED = re.compile(
    r"connection refused|ECONNREFUSED|actively refused|Errno 111|Connect call failed|Failed to connect to|"
    r"Connection to \S{1,253} refused|server on '[^']{1,253}' \(111|could not be established",
    re.I,
)
_TIMED_OUT = re.compile(
    r"i/o timeout|ETIMEDOUT|timed out|timeout exceeded|deadline exceeded|"
    r"no route to host|EHOSTUNREACH|network is unreachable|DeadlineExceeded|link failure",
    re.I,
)
_TARGETS = (
    re.compile(rf"\b[a-z][a-z0-9+]{{1,20}}://(?:[^@/\s\"']{{1,200}}@)?{_HOST}(?::(\d{{1,5}}))?"),
    re.compile(rf"host='{_HOST}', port=(\d{{1,5}})"),
    re.compile(rf"dial tcp:? {_HOST}:(\d{{1,5}})"),
    re.compile(rf"\b{_HOST}/[\d.]{{7,15}}:(\d{{1,5}})\b"),
    re.compile(rf"connect(?:ion)? to (?:server at )?\"?{_HOST}\"?(?: \([\d.]{{7,15}}\))?,? port (\d{{1,5}})"),
    re.compile(rf"on host \"{_HOST}\".{{0,80}}? port (\d{{1,5}})"),
    re.compile(rf"(?:ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH) {_HOST}:(\d{{1,5}})"),
    re.compile(rf"(?:to|at|from|host|address|server)[ =:/]{{1,3}}[\"'\[(]{{0,2}}{_HOST}[:/](\d{{2,5}})\b"),
    re.compile(rf"\b{_HOST}:(\d{{2,5}})\b"),
    re.compile(rf"(?:timed out: |server on )'{_HOST}'()"),
)


@dataclass(frozen=True, slots=True)
class FailedCall:
    """A call that a log says failed: the host as written, the port (0 unknown) and how it failed."""

    host: str
    port: int
    how: str
    line: Line


_ADDRESS = re.compile(rf"\b[a-z][a-z0-9+]{{1,20}}://(?:[^@/\s\"']{{1,200}}@)?{_HOST}(?::(\d{{1,5}}))?")
_FULL_NAME = re.compile(
    r"\b([a-z0-9][a-z0-9-]{0,62}\.[a-z0-9-]{1,63}\.svc(?:\.[a-z0-9.-]{1,200})?)(?::(\d{1,5}))?", re.I
)
_NAME_FAILS = re.compile(
    r"name resolution|name or service not known|nodename nor servname|EAI_AGAIN|ENOTFOUND|no such host|"
    r"server misbehaving|could not resolve|can't resolve|NXDOMAIN|name does not resolve|unknown host|SERVFAIL",
    re.I,
)
NEAR_LINES = 3
"""A message of several lines names its host within so many lines of what it says."""


def failed_calls(lines: list[Line]) -> list[FailedCall]:
    """Calls that failed for want of a name, a listener or an answer; one line may name a host and its address.

    Where the line that says so names no host, those around it are asked, because chained errors are printed in lines.
    """
    found: list[FailedCall] = []
    for index, line in enumerate(lines):
        text = line.text
        if not _CALL.search(text):
            continue
        host = next((m.group(1) for p in _LOOKUPS if (m := p.search(text))), None)
        if host:
            found.append(FailedCall(host.strip("."), 0, "unresolved", line))
            continue
        unresolved = bool(_NAME_FAILS.search(text))
        refused, late = _REFUSED.search(text), _TIMED_OUT.search(text)
        how = "unresolved" if unresolved else "refused" if refused else "timeout" if late else ""
        if how and not _HARMLESS.search(text):
            targets = [] if unresolved else list(_targets(text))
            found.extend(FailedCall(h, p, how, line) for h, p in targets or _named_near(lines, index))
    return found


def _named_near(lines: list[Line], index: int) -> list[tuple[str, int]]:
    """The address that the lines of the same message name, the nearest first."""
    near = sorted(range(max(0, index - NEAR_LINES), min(len(lines), index + 2)), key=lambda i: (abs(i - index), i))
    for place in near:
        match = _ADDRESS.search(lines[place].text) or _FULL_NAME.search(lines[place].text)
        if match:
            return [(match.group(1).strip("."), int(match.group(2) or 0))]
    return []


def connection_failures(lines: list[Line]) -> list[Line]:
    """Lines that say that a connection was refused or not answered, whether they tell which or not."""
    return [x for x in lines if (_REFUSED.search(x.text) or _TIMED_OUT.search(x.text)) and not _HARMLESS.search(x.text)]


def name_failures(lines: list[Line]) -> list[Line]:
    """Lines that say that a name could not be resolved, whether they tell the name or not."""
    return [line for line in lines if _NAME_FAILS.search(line.text) and not _HARMLESS.search(line.text)]


_SCHEMES = frozenset(("ipv4", "ipv6", "tcp", "dns", "unix", "line"))
_NO_HOST = re.compile(r"\d{4}-\d\d-\d\dT|0x[0-9a-f]+$")


def hosts(text: str) -> list[tuple[str, int]]:
    """(host, port) pairs that a line names, port 0 when it names none."""
    return list(_targets(text))


def _targets(text: str) -> Iterator[tuple[str, int]]:
    seen: set[str] = set()
    for pattern in _TARGETS:
        for host, port in pattern.findall(text)[:4]:
            bare = host.strip(".")
            if bare not in seen and bare not in _SCHEMES and not bare.isdigit() and not _NO_HOST.match(bare):
                seen.add(bare)
                yield bare, int(port or 0)


_LISTENING = re.compile(
    r"(?:listen|started|serving|running|bound|server|ready)\w{0,6}\b.{0,80}?(?::|port[ =:s()\"a-z]{0,12}|://[\w.\[\]*-]{1,60}:)(\d{2,5})\b",
    re.I,
)


def listening_ports(lines: list[Line]) -> dict[int, Line]:
    """Ports that the program says it listens on, with the line that says so."""
    found: dict[int, Line] = {}
    for line in lines:
        if "listen" not in line.text.lower() and "port" not in line.text.lower() and "serv" not in line.text.lower():
            continue
        if _REFUSED.search(line.text):
            continue
        for port in _LISTENING.findall(_STAMP.sub("", line.text))[:3]:
            if 0 < int(port) < 65536:
                found.setdefault(int(port), line)
    return found


_FORBIDDEN = re.compile(
    r"is forbidden: User \\?\"system:serviceaccount:([a-z0-9-]{1,63}):([a-z0-9.-]{1,253})\\?\" cannot "
    r"([a-z*]{1,30}) resource \\?\"([a-z0-9./*-]{1,120})\\?\" in API group \\?\"([a-z0-9.*-]{0,120})\\?\""
    r"(?: (?:in the namespace \\?\"([a-z0-9-]{1,63})\\?\"|at the cluster scope))?"
)


@dataclass(frozen=True, slots=True)
class Forbidden:
    """A request that the API server refused to a ServiceAccount. `namespace` is empty at the cluster scope."""

    account_namespace: str
    account: str
    verb: str
    resource: str
    group: str
    namespace: str
    line: Line


def forbidden(lines: list[Line]) -> list[Forbidden]:
    """Refusals by RBAC, one per distinct permission, newest line of each."""
    found: dict[tuple[str, ...], Forbidden] = {}
    for line in lines:
        if "forbidden" in line.text:
            for match in _FORBIDDEN.finditer(line.text):
                account_namespace, account, verb, resource, group, namespace = (g or "" for g in match.groups())
                key = (account_namespace, account, verb, resource, group, namespace)
                found[key] = Forbidden(*key, line)
    return [found[key] for key in sorted(found)]
