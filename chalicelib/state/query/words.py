"""The words the grammar knows, as data: statuses, fields, comparisons, rankings, and words that say nothing."""

from __future__ import annotations

from dataclasses import dataclass


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class StatusTest:
    """One status people ask for. An object passes when any of the given signs is there.

    levels: the level of its status; words: the status word, lower case; inside: text within word, reason or problem;
    problem: a diagnosed problem is enough.
    """

    name: str
    said: tuple[str, ...]
    levels: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    problem: bool = False
    kind: str = ""
    """The kind that is meant when the question names none."""


STATUSES: tuple[StatusTest, ...] = (
    StatusTest(
        "failing",
        (
            "failing", "broken", "unhealthy", "bad", "faulty", "sick", "not ok", "not okay", "not fine", "not good",
            "not healthy", "not working", "with problems", "with a problem", "with issues", "with errors",
            "having problems", "having issues", "having trouble", "in trouble", "problematic", "erroring", "down",
            "misbehaving", "with problem", "in a bad state", "in bad state", "not serving",
            "wrong", "red", "abnormal", "degraded or failing",
        ),
        levels=("warn", "crit"), problem=True,
    ),
    StatusTest("critical", ("critical",), levels=("crit",)),
    StatusTest("healthy", ("healthy", "ok", "okay", "fine", "good", "green", "working"), levels=("ok",)),
    StatusTest("Running", ("running",), words=("running",), kind="Pod"),
    StatusTest("Pending", ("pending", "unscheduled", "waiting", "not scheduled", "stuck pending"), words=("pending",)),
    StatusTest(
        "unschedulable", ("unschedulable", "cannot be scheduled", "can't be scheduled", "not schedulable"),
        words=("unschedulable", "cordoned"), inside=("nodes are available",),
    ),
    StatusTest(
        "CrashLoopBackOff",
        (
            "crashlooping", "crash looping", "crashloop", "crash loop", "crashloopbackoff", "crashing", "crash loops",
            "in crash loop", "in a crash loop", "in crashloopbackoff", "crashed", "clbo", "crash loop back off",
            "keep crashing", "keeps crashing", "keep restarting", "keeps restarting",
        ),
        words=("crashloopbackoff", "init:crashloopbackoff"), kind="Pod",
    ),
    StatusTest(
        "OOMKilled",
        ("oomkilled", "oom killed", "oom", "ooms", "out of memory", "oom kill", "killed for memory", "ooming"),
        words=("oomkilled", "init:oomkilled"), inside=("oomkilled", "oom_killed"), kind="Pod",
    ),
    StatusTest(
        "image pull failing",
        (
            "imagepullbackoff", "image pull back off", "image pull backoff", "errimagepull", "err image pull",
            "image pull errors", "image pull error", "cannot pull", "can't pull", "cannot pull image",
            "can't pull image", "cannot pull their image", "can't pull their image", "image pull failing",
            "failing to pull images", "failing to pull", "image pull failures", "invalidimagename",
        ),
        words=("imagepullbackoff", "errimagepull", "invalidimagename", "init:imagepullbackoff", "init:errimagepull"),
        kind="Pod",
    ),
    StatusTest(
        "config error", ("createcontainerconfigerror", "config error", "config errors", "configuration error"),
        words=("createcontainerconfigerror", "createcontainererror"), kind="Pod",
    ),
    StatusTest("Error",
               ("error", "errored", "failed", "in error", "in error state", "in an error state", "exited with error"),
               words=("error", "failed", "backofflimitexceeded", "deadlineexceeded")),
    StatusTest("Evicted", ("evicted",), words=("evicted",), inside=("evicted",), kind="Pod"),
    StatusTest("Completed", ("completed", "complete", "succeeded", "finished", "successful", "done"),
               words=("completed", "complete", "succeeded")),
    StatusTest("Terminating", ("terminating", "being deleted", "stuck terminating", "deleting", "stuck deleting"),
               words=("terminating",)),
    StatusTest("starting", ("starting", "creating", "containercreating", "container creating", "initializing"),
               words=("containercreating", "podinitializing", "init"), kind="Pod"),
    StatusTest("not ready", ("not ready", "unready", "notready", "unavailable", "not available", "not all ready"),
               levels=("unready",)),
    StatusTest("ready", ("ready", "fully ready", "available"), levels=("ready",)),
    StatusTest("degraded", ("degraded", "partially ready", "partly ready"), words=("degraded",)),
    StatusTest("updating", ("updating", "rolling out", "progressing", "in rollout"), words=("updating",)),
    StatusTest("rollout stuck",
               ("rollout stuck", "stuck", "stuck rollout", "stuck rollouts", "progressdeadlineexceeded",
                "not progressing"),
               words=("progressdeadlineexceeded", "failedcreate", "replicafailure"), inside=("rollout_stuck",)),
    StatusTest("Bound", ("bound",), words=("bound", "waits for a pod")),
    StatusTest("unbound", ("unbound", "not bound", "unclaimed"), words=("pending", "lost", "available", "released"),
               kind="PersistentVolumeClaim"),
    StatusTest("Released", ("released", "orphaned"), words=("released",), kind="PersistentVolume"),
    StatusTest("Suspended", ("suspended", "paused"), words=("suspended",), kind="CronJob"),
    StatusTest("Cordoned", ("cordoned", "scheduling disabled", "drained"), words=("cordoned",), kind="Node"),
    StatusTest("under pressure", ("under pressure", "with pressure", "diskpressure", "disk pressure", "memorypressure",
                                  "memory pressure", "pidpressure"),
               words=("diskpressure", "memorypressure", "pidpressure"), kind="Node"),
    StatusTest("scaled to zero", ("scaled to zero", "scaled down to zero", "scaled down", "with zero replicas"),
               words=("scaled to zero",), kind="Deployment"),
    StatusTest("Exhausted", ("exhausted", "used up", "full", "exceeded"), words=("exhausted", "nearly used"),
               kind="ResourceQuota"),
    StatusTest("blocks drain", ("blocking drain", "blocking drains", "blocks drain", "that block drains"),
               words=("blocks drain",), kind="PodDisruptionBudget"),
    StatusTest("warning", ("warning", "warnings"), levels=("warn",)),
    StatusTest("unknown", ("unknown",), levels=("unknown",)),
)  # fmt: skip

STATUS_BY_NAME = {test.name: test for test in STATUSES}
STATUS_PHRASES = {phrase: test.name for test in STATUSES for phrase in test.said}
LONGEST_STATUS = max(len(phrase.split()) for phrase in STATUS_PHRASES)

OPPOSITES = {"ready": "not ready", "not ready": "ready", "Bound": "unbound", "unbound": "Bound", "healthy": "failing",
             "failing": "healthy"}  # fmt: skip
"""Statuses whose negation has a name of its own."""

NEGATIONS = _words("not isn't aren't isnt arent non never no wasn't weren't don't doesn't dont doesnt cannot n't ain't")

FIELDS: dict[str, tuple[str, ...]] = {
    "restarts": ("restarts", "restart", "restart count", "restarted", "container restarts"),
    "cpu": ("cpu", "cpus", "cpu usage", "cpu use", "cores", "processor", "compute", "cpu consumption"),
    "memory": ("memory", "mem", "ram", "memory usage", "memory use", "memory consumption", "memory used"),
    "cpu_request": ("cpu request", "cpu requests", "requested cpu"),
    "memory_request": ("memory request", "memory requests", "requested memory"),
    "cpu_requested": ("cpu requested", "cpu requests", "requested cpu", "cpu request"),
    "memory_requested": ("memory requested", "memory requests", "requested memory"),
    "created_at": ("age", "creation time", "creation", "created"),
    "health": ("health", "health score", "score"),
    "size": ("size", "storage", "capacity", "disk", "space"),
    "pods": ("pods", "pod count", "number of pods"),
    "replicas": ("replicas", "replica count"),
    "failed": ("failures", "failed pods", "failed"),
    "endpoints": ("endpoints", "endpoint", "ready endpoints", "backends"),
    "fullest": ("usage", "used", "quota usage", "fill"),
    "used_by": ("used by", "users", "uses", "consumers"),
    "count": ("count", "occurrences", "times"),
    "namespace": ("namespace", "namespaces", "ns"),
    "node": ("node", "nodes", "host", "machine"),
    "status": ("status", "state", "phase"),
    "name": ("name", "names"),
    "images": ("image", "images"),
    "owner": ("owner", "workload", "deployment", "controller"),
    "type": ("type", "types"),
    "zone": ("zone", "zones", "az", "availability zone"),
    "version": ("version", "versions", "kubelet version"),
    "class": ("class", "storage class", "storageclass"),
    "reason": ("reason", "reasons"),
    "object": ("object", "objects"),
    "qos": ("qos", "qos class"),
}

COMPARISONS: dict[str, str] = {
    "more than": ">", "greater than": ">", "higher than": ">", "bigger than": ">", "larger than": ">", "over": ">",
    "above": ">", "exceeding": ">", "beyond": ">", "exceeds": ">", ">": ">", "at least": ">=", ">=": ">=",
    "no less than": ">=", "not less than": ">=", "minimum": ">=", "less than": "<", "fewer than": "<",
    "lower than": "<",
    "smaller than": "<", "under": "<", "below": "<", "<": "<", "at most": "<=", "<=": "<=", "no more than": "<=",
    "not more than": "<=", "up to": "<=", "maximum": "<=", "exactly": "=", "equal to": "=", "equals": "=", "=": "=",
    "!=": "!=",
}  # fmt: skip
LONGEST_COMPARISON = max(len(phrase.split()) for phrase in COMPARISONS)

MOST = _words("most highest biggest largest greatest worst max maximum heaviest hungriest")
LEAST = _words("least lowest smallest fewest min minimum lightest")
SUPERLATIVES: dict[str, str] = {
    "oldest": "created_at", "newest": "-created_at", "latest": "-created_at", "youngest": "-created_at",
    "most recent": "-created_at", "busiest": "-cpu", "most loaded": "-cpu", "fullest": "-fullest",
    "biggest": "-size", "largest": "-size", "smallest": "size", "hungriest": "-memory", "unhealthiest": "health",
    "least healthy": "health", "worst": "health",
}  # fmt: skip
"""A ranking that names no field."""

ENUMERATED: dict[str, str] = {
    "loadbalancer": "type", "nodeport": "type", "clusterip": "type", "externalname": "type", "headless": "type",
    "besteffort": "qos", "burstable": "qos", "guaranteed": "qos",
}  # fmt: skip
"""Values that name their own column."""

BECAME: dict[str, str] = {
    "restarted": "last_restart", "restarting": "last_restart", "crashed": "last_restart", "rebooted": "last_restart",
    "created": "created_at", "started": "created_at", "added": "created_at", "launched": "created_at",
    "deployed": "created_at", "new": "created_at", "born": "created_at", "appeared": "created_at",
    "rolled out": "rollout_age", "updated": "rollout_age", "scaled": "last_scale", "seen": "last",
    "happened": "last", "scheduled": "last_schedule", "ran": "last_schedule", "succeeded": "last_success",
}  # fmt: skip
"""Verb -> the time column it speaks of."""

_COUNTING = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
NUMBERS = {word: index for index, word in enumerate(_COUNTING)} | {
    "twenty": 20, "thirty": 30, "fifty": 50, "hundred": 100, "a": 1, "an": 1, "couple": 2, "few": 3,
}  # fmt: skip

FILLERS = _words("""
    a an the all any every each some my our your me us i we you it its they them their there here this these
    those that show list get give display find see view fetch print tell filter search check look want need like
    would could can please pls kindly just only also currently now right present today's which what who whose
    where when is are was were be been being am do does did have has had having with using use of for to from at
    by and or then but as so too still yet ever overall total objects resources items entries ones stuff things
    thing kubectl k8s kubernetes cluster clusters up out i'd i'm let's lets who're what're what's whats -a
    --all-namespaces -o wide anything something everything state status currently about contain consume
    consuming consumes
""")
"""Words that carry no condition of their own."""

IN_WORDS = _words("in inside within from under namespace ns -n --namespace")
EXCEPT_WORDS = (
    "except for", "except in", "except", "excluding", "without those in", "other than", "outside of", "outside",
    "but not in",
    "but not", "not in", "not from", "ignoring", "apart from",
)  # fmt: skip
ALIASES: tuple[frozenset[str], ...] = (
    frozenset({"prod", "production", "prd", "live"}),
    frozenset({"stage", "staging", "stg"}),
    frozenset({"dev", "development", "devel"}),
    frozenset({"test", "testing", "qa"}),
    frozenset({"mon", "monitoring", "observability"}),
    frozenset({"kube", "kube-system", "system"}),
)
"""Names of environments that people use for one another."""
ENVIRONMENT_LABELS = ("env", "environment", "stage", "tier", "app.kubernetes.io/environment")
LIST_WORKLOADS = frozenset({"workload", "workloads", "apps", "applications", "app", "application"})
