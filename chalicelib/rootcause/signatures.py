"""What software says when it fails, as data: a pattern of a log line, the failure mode it names, and on which side.

Wordings of databases, caches, brokers, runtimes and proxies are kept here and nowhere else; a detector is made for each
in `crashes` (the last words of a container that ends) and in `dependencies` (a running container that complains now).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from chalicelib.rootcause.case import GOOD, LIKELY, STRONG

Side = Literal["caller", "server"]
SQL = frozenset((1433, 1521, 3306, 5432, 5433, 6432, 26257, 33060))
DATABASES = SQL | {9042, 27017, 27018, 8086, 9200, 7687, 5984, 28015}
CACHES = frozenset((6379, 6380, 26379, 11211))
BROKERS = frozenset((5672, 5671, 9092, 9093, 9094, 4222, 6650, 61616, 1883, 2181))


@dataclass(frozen=True, slots=True)
class Signature:
    """A pattern in log lines that names a mode, and how people say it.

    `side` is who is at fault: the workload that logs it, or the server it talks to, which is found by its `ports`.
    """

    mode: str
    pattern: re.Pattern[str]
    strength: float
    says: str
    side: Side = "caller"
    ports: frozenset[int] = frozenset()


def _any(*wordings: str) -> re.Pattern[str]:
    return re.compile("|".join(wordings), re.I)


SIGNATURES = (
    Signature(
        "certificate_expired",
        _any(
            r"certificate (?:has )?expired",
            r"expired certificate",
            r"CERT_HAS_EXPIRED",
            r"CertificateExpiredException",
            r"NotAfter: ",
            r"certificate is not (?:any ?more|longer) valid",
            r"ERR_CERT_DATE_INVALID",
            r"sslv3 alert certificate expired",
            r"alert number 45\b",
            r"certificate has expired or is not yet valid",
        ),
        STRONG,
        "a certificate has expired",
    ),
    Signature(
        "ephemeral_storage_or_disk_full",
        _any(
            r"no space left on device",
            r"ENOSPC",
            r"disk (?:is )?full",
            r"disk quota exceeded",
            r"No usable temporary directory",
            r"not enough (?:free )?(?:disk )?space",
            r"insufficient (?:disk )?space",
            r"flood.stage disk watermark",
            r"disk usage exceeded",
            r"out of disk space",
            r"free disk space is (?:below|insufficient|too low)",
        ),
        STRONG,
        "the disk is full",
    ),
    Signature(
        "fd_conntrack_ephemeral_port_exhaustion",
        _any(
            r"too many open files",
            r"\bE[MN]FILE\b",
            r"EADDRNOTAVAIL",
            r"Cannot assign requested address",
            r"conntrack:? table full",
            r"worker_connections are not enough",
            r"unable to create (?:new )?native thread",
            r"no buffer space available",
            r"inotify (?:instances|watches)",
            r"fork: (?:retry: )?Resource temporarily unavailable",
        ),
        GOOD,
        "it runs out of file descriptors, ports or threads",
    ),
    Signature(
        "sidecar_port_conflict",
        _any(
            r"address already in use",
            r"EADDRINUSE",
            r"bind: address in use",
            r"port \d{1,5} is already (?:in use|allocated|taken)",
            r"Only one usage of each socket address",
            r"port \d{1,5} was already in use",
        ),
        STRONG,
        "the port it wants is already in use",
    ),
    Signature(
        "db_bad_credentials",
        _any(
            r"password authentication failed",
            r"Access denied for user",
            r"authentication failed for user",
            r"Login failed for user",
            r"SASL authentication failed",
            r"SCRAM(?:-SHA-\d{1,3})? (?:authentication|failure)",
            r"no pg_hba\.conf entry",
            r"role \"[^\"]{1,80}\" does not exist",
            r"ORA-01017",
            r"invalid username/password",
            r"Provided username .{0,80} and/or password are incorrect",
            r"SaslAuthenticationException",
            r"ACCESS_REFUSED",
            r"unable to authenticate user",
            r"AuthenticationFailed\b",
            r"MongoServerError: Authentication failed",
            r"bad auth ?: ?authentication failed",
            r"The client is unauthorized due to authentication failure",
            r"SQLSTATE\[?(?:28P01|28000)",
            r"\(1045\b",
            r"ERROR 1045",
        ),
        STRONG,
        "the database refuses its credentials",
        ports=DATABASES | BROKERS,
    ),
    Signature(
        "cache_auth_or_memory",
        _any(
            r"\bNOAUTH\b",
            r"\bWRONGPASS\b",
            r"invalid username-password pair",
            r"AUTH failed",
            r"called without any password configured",
            r"no password is set",
            r"ERR invalid password",
            r"\bNOPERM\b",
        ),
        STRONG,
        "the cache refuses its credentials",
        ports=CACHES,
    ),
    Signature(
        "cache_auth_or_memory",
        _any(r"OOM command not allowed", r"SERVER_ERROR out of memory", r"used memory > 'maxmemory'"),
        STRONG,
        "the cache has no memory left",
        side="server",
        ports=CACHES,
    ),
    Signature(
        "db_connections_exhausted",
        _any(
            r"too many (?:client )?connections",
            r"remaining connection slots are reserved",
            r"too many clients",
            r"max_user_connections",
            r"QueuePool limit of size",
            r"Connection is not available, request timed out",
            r"connection pool (?:is )?(?:exhausted|full|timed out)",
            r"pool is probably full",
            r"no more connections allowed",
            r"query_wait_timeout",
            r"PoolExhausted",
            r"PoolTimeout",
            r"Unable to acquire JDBC Connection",
            r"MongoWaitQueueFull",
            r"checking out a connection from (?:the )?connection pool",
            r"(?:timed out|timeout).{0,60}(?:acquir|obtain|check(?:ing)? ?out|fetch)\w{0,5}.{0,40}connection",
            r"max number of clients reached",
            r"maximum (?:number of )?(?:client )?connections? (?:reached|exceeded)",
            r"connection limit exceeded",
            r"timeout exceeded when trying to connect",
            r"53300",
        ),
        STRONG,
        "the database has no connection left",
        side="server",
        ports=DATABASES | CACHES,
    ),
    Signature(
        "db_read_only",
        _any(
            r"read.only transaction",
            r"--(?:super-)?read-only option",
            r"super_read_only",
            r"READONLY You can't write",
            r"against a read.only replica",
            r"NotWritablePrimary",
            r"not (?:primary|master)\b",
            r"readonly database",
            r"read.only database",
            r"ORA-16000",
            r"is (?:in )?read.only(?: mode)?\b",
            r"index read-only / allow delete",
            r"table '[^']{1,80}' is read only",
            r"cannot execute (?:INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|TRUNCATE|COPY|SELECT FOR UPDATE)",
        ),
        STRONG,
        "the database takes no writes",
        side="server",
        ports=DATABASES | CACHES,
    ),
    Signature(
        "db_slow_query_or_missing_index",
        _any(
            r"canceling statement due to (?:statement|lock) timeout",
            r"Lock wait timeout exceeded",
            r"deadlock (?:detected|found)",
            r"still waiting for \w{1,30}Lock",
            r"could not (?:obtain|acquire) lock on",
            r"maximum statement execution time exceeded",
            r"MaxTimeMSExpired",
            r"operation exceeded time limit",
            r"slow query",
            r"Query_time: ",
            r"duration: \d{4,}(?:\.\d+)? ms",
            r"database is locked",
            r"snapshot isolation transaction aborted",
            r"could not serialize access",
            r"COLLSCAN",
            r"lock timeout",
            r"query (?:timed out|execution was interrupted)",
            r"QueryTimeoutException",
        ),
        GOOD,
        "queries wait for locks or take too long",
        side="server",
        ports=DATABASES,
    ),
    Signature(
        "queue_lag_or_poison_message",
        _any(
            r"RecordDeserializationException",
            r"Error deserializing (?:key/value|message|VALUE|KEY)",
            r"seek past the record",
            r"max\.poll\.interval\.ms",
            r"CommitFailedException",
            r"dead.?letter",
            r"poison",
            r"redeliver",
            r"delivery acknowledgement on channel \d{1,9} timed out",
            r"consumer lag",
            r"\blag(?:ging)?[ =:]{1,2}\d{4,}",
            r"(?:backlog|queue (?:depth|size|length))[ =:]{1,2}\d{4,}",
            r"message .{0,60}(?:failed|rejected).{0,60}requeu",
            r"(?:retry|retrying) (?:the )?same offset",
            r"exceeded max(?:imum)? (?:delivery|receive) (?:attempts|count)",
        ),
        GOOD,
        "it does not get through its queue",
        ports=BROKERS,
    ),
    Signature(
        "broker_partition",
        _any(
            r"running_partitioned_network",
            r"partial(?:_| )partition",
            r"net_tick_timeout",
            r"Shrinking ISR",
            r"NOT_ENOUGH_REPLICAS",
            r"NotEnoughReplicas",
            r"under.?(?:min.?isr|replicated)",
            r"LEADER_NOT_AVAILABLE",
            r"no metadata leader",
            r"split.?brain",
            r"(?:lost|no) quorum",
            r"quorum (?:is )?lost",
            r"network partition",
            r"CLUSTERDOWN",
            r"master_not_discovered",
            r"etcdserver: no leader",
        ),
        GOOD,
        "the members of its broker have lost each other",
        side="server",
        ports=BROKERS | {6379, 9200},
    ),
    Signature(
        "storage_io_errors",
        _any(
            r"Input/output error",
            r"\bEIO\b",
            r"Buffer I/O error",
            r"blk_update_request: I/O error",
            r"\bI/O error\b",
            r"could not fsync",
            r"fsync.{0,60}(?:fail|error)",
            r"EXT4-fs error",
            r"XFS.{0,40}(?:error|shutdown)",
            r"[Ss]tale (?:NFS )?file handle",
            r"\bESTALE\b",
            r"nfs: server .{1,80} not responding",
            r"invalid page in block",
            r"wal: sync duration",
            r"slow fdatasync",
        ),
        GOOD,
        "its storage fails to read or write",
    ),
    Signature(
        "clock_drift",
        _any(
            r"clock (?:skew|drift|offset)",
            r"clock difference",
            r"used before issued",
            r"token (?:is )?not (?:yet )?valid(?: yet)?",
            r"issued in the future",
            r"RequestTimeTooSkewed",
            r"time skew",
            r"certificate is not yet valid",
            r"not yet valid: current time",
            r"clocks? (?:is|are) not synchroni[sz]ed",
            r"in the future \(?by",
            r"local time .{0,80}(?:ahead|behind)",
        ),
        GOOD,
        "its clock and that of its peers disagree",
    ),
    Signature(
        "mesh_mtls_or_authz_denies",
        _any(
            r"RBAC: access denied",
            r"Secret is not supplied by SDS",
            r"TLS_error.{0,120}CERTIFICATE_VERIFY_FAILED",
            r"TLS error: \d{6,}",
            r"filter_chain_not_found",
            r"\brbac_access_denied",
            r"peer (?:did not|didn't) (?:present|return) a certificate",
            r"unauthorized (?:connection|request) on (?:server|route)",
            r"client is not authorized to (?:access|connect)",
            r"WRONG_VERSION_NUMBER",
        ),
        GOOD,
        "the mesh denies its calls",
    ),
    Signature(
        "retry_storm",
        _any(
            r"retr(?:y|ies) (?:budget|storm|limit|attempts?) (?:exceeded|exhausted|overflow)",
            r"upstream_rq_(?:pending|retry)_overflow",
            r"reset reason: overflow",
            r"circuit.?breaker.{0,60}(?:open|overflow|tripped)",
            r"CallNotPermittedException",
            r"load shed",
            r"too many requests",
            r"\brate limit(?:ed| exceeded)",
            r"RESOURCE_EXHAUSTED",
            r"server overloaded",
            r"RejectedExecutionException",
        ),
        LIKELY,
        "its calls are turned away because there are too many of them",
    ),
    Signature(
        "volume_permission_denied",
        _any(
            r"(?:permission denied|EACCES|Read-only file system|EROFS)[^\n]{0,200}/[\w./-]",
            r"/[\w./-]{2,200}['\"]?[:,]? {0,3}(?:\(?Permission denied|\[?Errno 13|Read-only file system)",
            r"mkdir[^\n]{1,200}permission denied",
            r"AccessDeniedException: /",
        ),
        GOOD,
        "it may not write to a path",
    ),
    Signature(
        "script_or_args_error",
        _any(
            r"syntax error",
            r"SyntaxError",
            r"unknown (?:flag|option|command|shorthand)",
            r"unrecognized (?:option|arguments?)",
            r"flag provided but not defined",
            r"invalid option",
            r"unexpected token",
            r"bad option",
            r"Unrecognized VM option",
            r"unexpected argument",
            r"no such option",
            r"parse error",
        ),
        STRONG,
        "its script or arguments are wrong",
    ),
)
"""In the order in which they are looked for."""

ONLY_AT_START = frozenset(("script_or_args_error", "sidecar_port_conflict"))
"""Modes that end a program when it starts; a running one that says so speaks of something else."""
