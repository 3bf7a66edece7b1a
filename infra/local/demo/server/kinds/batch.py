"""Jobs and CronJobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.local.demo.server.errors import FieldError, invalid_value, not_supported, required
from infra.local.demo.server.kinds.pod_spec import default_template, template_findings, validate_spec
from infra.local.demo.server.kinds.workloads import immutable, not_negative
from infra.local.demo.server.store import Object
from infra.local.demo.server.strategies import Strategy, strategy

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api

_RESTART = ("Never", "OnFailure")


@strategy("Job")
class JobStrategy(Strategy):
    generation = True

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        if "completions" not in spec and "parallelism" not in spec:
            spec["completions"] = 1
        spec.setdefault("parallelism", 1)
        spec.setdefault("backoffLimit", 6)
        spec.setdefault("completionMode", "NonIndexed")
        spec.setdefault("suspend", False)
        spec.setdefault("manualSelector", False)
        replacement = "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed"
        spec.setdefault("podReplacementPolicy", replacement)
        default_template(spec.setdefault("template", {}))
        template_labels = spec["template"]["metadata"].get("labels")
        if template_labels and not obj.get("metadata", {}).get("labels"):
            obj.setdefault("metadata", {})["labels"] = dict(template_labels)

    def prepare_create(self, api: Api, obj: Object) -> None:
        obj["status"] = {}
        spec, meta = obj["spec"], obj["metadata"]
        if spec["manualSelector"]:
            return
        uid, name = meta["uid"], meta.get("name", "")
        added = {
            "batch.kubernetes.io/controller-uid": uid,
            "batch.kubernetes.io/job-name": name,
            "controller-uid": uid,
            "job-name": name,
        }
        template = spec["template"]["metadata"]
        template["labels"] = {**(template.get("labels") or {}), **added}
        meta["labels"] = {**(meta.get("labels") or {}), **added}
        spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}

    def validate(self, api: Api, obj: Object) -> list[FieldError]:
        spec = obj["spec"]
        found = not_negative(spec, ("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds"))
        return found + template_findings(spec["template"], spec.get("selector"), "spec.template", _RESTART)

    def validate_update(self, api: Api, obj: Object, old: Object) -> list[FieldError]:
        found: list[FieldError] = []
        for name in ("completions", "selector", "template", "completionMode"):
            found += immutable(f"spec.{name}", obj["spec"].get(name), old["spec"].get(name))
        return found


_FIELDS = (
    ("minute", 0, 59), ("hour", 0, 23), ("day-of-month", 1, 31), ("month", 1, 12), ("day-of-week", 0, 6),
)  # fmt: skip
_NAMES = {
    name: str(index + 1)
    for index, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
}
_DAYS = {name: str(index) for index, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}


def schedule_error(schedule: str) -> str:
    """What robfig/cron says against a schedule; empty when it is fine."""
    if schedule.startswith("@"):
        known = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
        if schedule in known or schedule.startswith("@every "):
            return ""
        return f"unrecognized descriptor: {schedule}"
    fields = schedule.split()
    if len(fields) != 5:
        return f"expected exactly 5 fields, found {len(fields)}: [{schedule}]"
    for (_, low, high), field in zip(_FIELDS, fields, strict=True):
        for part in field.split(","):
            if problem := _range_error(part.lower(), low, high):
                return problem
    return ""


def _range_error(part: str, low: int, high: int) -> str:
    span, _, step = part.partition("/")
    first, _, last = span.partition("-")
    if first not in ("*", "?"):
        bounds = []
        for text in (first, last or first):
            number = _NAMES.get(text, _DAYS.get(text, text))
            if not number.isdigit():
                return f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax'
            bounds.append(int(number))
        start, end = bounds
        if step and not last:
            end = high
        if start < low:
            return f"beginning of range ({start}) below minimum ({low}): {part}"
        if end > high:
            return f"end of range ({end}) above maximum ({high}): {part}"
        if start > end:
            return f"beginning of range ({start}) beyond end of range ({end}): {part}"
    if step and (not step.isdigit() or int(step) == 0):
        return f"step of range should be a positive number: {part}"
    return ""


@strategy("CronJob")
class CronJobStrategy(Strategy):
    generation = True

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("concurrencyPolicy", "Allow")
        spec.setdefault("suspend", False)
        spec.setdefault("successfulJobsHistoryLimit", 3)
        spec.setdefault("failedJobsHistoryLimit", 1)
        job = spec.setdefault("jobTemplate", {})
        job.setdefault("metadata", {})
        default_template(job.setdefault("spec", {}).setdefault("template", {}))

    def prepare_create(self, api: Api, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, api: Api, obj: Object) -> list[FieldError]:
        spec = obj["spec"]
        found: list[FieldError] = []
        schedule = spec.get("schedule", "")
        if not schedule:
            found.append(required("spec.schedule"))
        elif problem := schedule_error(schedule):
            found.append(invalid_value("spec.schedule", schedule, problem))
        policies = ("Allow", "Forbid", "Replace")
        if spec["concurrencyPolicy"] not in policies:
            found.append(not_supported("spec.concurrencyPolicy", spec["concurrencyPolicy"], policies))
        template = spec["jobTemplate"]["spec"]["template"]
        found += validate_spec(template["spec"], "spec.jobTemplate.spec.template.spec")
        if template["spec"]["restartPolicy"] not in _RESTART:
            where = "spec.jobTemplate.spec.template.spec.restartPolicy"
            found.append(not_supported(where, template["spec"]["restartPolicy"], ("OnFailure", "Never")))
        name = obj["metadata"].get("name", "")
        if len(name) > 52:
            found.append(invalid_value("metadata.name", name, "must be no more than 52 characters"))
        return found
