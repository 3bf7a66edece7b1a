"""The horizontal pod autoscaler, for CPU and memory of the resource metrics API."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

from infra.local.demo.controllers.plane import Controller, Key
from infra.local.demo.controllers.status import is_active, is_ready, set_condition, write_status
from infra.local.demo.server.errors import ApiError
from infra.local.demo.server.quantities import parse
from infra.local.demo.server.store import Change, Object

_PERIOD_S, _TOLERANCE, _DOWN_WINDOW_S = 15.0, 0.1, 300.0


class NoMetrics(Exception):
    """Why a metric has no value, in the words of the real controller."""


class Autoscaling(Controller):
    name = "horizontal-pod-autoscaler"
    kinds = ("HorizontalPodAutoscaler",)

    def __init__(self, plane: object) -> None:
        super().__init__(plane)  # type: ignore[arg-type]
        self._recent: dict[Key, list[tuple[float, int]]] = {}
        self.period_s = _PERIOD_S

    def concerned(self, change: Change) -> Iterable[Key]:
        before = change.before.object["spec"] if change.before else None
        return (
            () if before == change.object["spec"] and change.type == "MODIFIED" else ((change.namespace, change.name),)
        )

    def reconcile(self, key: Key) -> None:
        found = self.api.find("HorizontalPodAutoscaler", *key)
        if found is None:
            return
        self.wake(key, self.period_s)
        target = found["spec"]["scaleTargetRef"]
        status = dict(found.get("status") or {})
        conditions = [one for one in status.get("conditions") or []]
        try:
            scaled = self.api.get(target["kind"], key[0], target["name"])
        except ApiError as error:
            self._no_target(found, status, conditions, error.message)
            return
        current = scaled["spec"].get("replicas", 1)
        status["currentReplicas"] = (scaled.get("status") or {}).get("replicas", 0)
        able = ("SucceededGetScale", "the HPA controller was able to get the target's current scale")
        if current == 0:
            conditions = self._say(conditions, "AbleToScale", "True", *able)
            text = "scaling is disabled since the replica count of the target is zero"
            conditions = self._say(conditions, "ScalingActive", "False", "ScalingDisabled", text)
            write_status(self.api, found, {**status, "conditions": conditions, "desiredReplicas": 0})
            return
        try:
            ratio, shown, what = self._ratio(found, scaled)
        except NoMetrics as error:
            self._no_metrics(found, status, conditions, str(error))
            return
        self._decide(key, found, scaled, status, conditions, (current, ratio, shown, what))

    def _decide(
        self,
        key: Key,
        found: Object,
        scaled: Object,
        status: Object,
        conditions: list[Object],
        seen: tuple[int, float, list[Object], str],
    ) -> None:
        current, ratio, shown, what = seen
        low, high = found["spec"].get("minReplicas", 1), found["spec"]["maxReplicas"]
        asked = ceil(current * ratio) if abs(ratio - 1) > _TOLERANCE else current
        asked = self._calm(key, asked, current)
        wanted = min(max(asked, low), high)
        conditions = self._say(
            conditions, "AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size"
        )
        text = f"the HPA was able to successfully calculate a replica count from {what}"
        conditions = self._say(conditions, "ScalingActive", "True", "ValidMetricFound", text)
        limited = {
            True: (
                "True",
                "TooManyReplicas",
                "the desired replica count is more than the maximum replica count",
            )
        }
        limited[False] = ("False", "DesiredWithinRange", "the desired count is within the acceptable range")
        if asked < low:
            conditions = self._say(
                conditions,
                "ScalingLimited",
                "True",
                "TooFewReplicas",
                "the desired replica count is less than the minimum replica count",
            )
        else:
            conditions = self._say(conditions, "ScalingLimited", *limited[asked > high])
        if wanted != current:
            way = "above" if wanted > current else "below"
            reason = f"{what} above target" if way == "above" else "All metrics below target"
            kind = found["spec"]["scaleTargetRef"]["kind"]
            self.api.patch(
                kind,
                key[0],
                scaled["metadata"]["name"],
                {"spec": {"replicas": wanted}},
                subresource="scale",
                manager="kube-controller-manager",
            )
            self.event(found, "Normal", "SuccessfulRescale", f"New size: {wanted}; reason: {reason}")
            status["lastScaleTime"] = self.api.now()
            text = f"the HPA controller was able to update the target scale to {wanted}"
            conditions = self._say(conditions, "AbleToScale", "True", "SucceededRescale", text)
        status |= {"conditions": conditions, "currentMetrics": shown, "desiredReplicas": wanted}
        write_status(self.api, self.api.get("HorizontalPodAutoscaler", *key), status)

    def _calm(self, key: Key, asked: int, current: int) -> int:
        """Scale down only to the highest size asked for within the stabilization window."""
        now = self.now().timestamp()
        recent = [entry for entry in self._recent.get(key, ()) if now - entry[0] < _DOWN_WINDOW_S]
        self._recent[key] = [*recent, (now, asked)]
        return asked if asked >= current else min(current, max(size for _, size in self._recent[key]))

    def _ratio(self, found: Object, scaled: Object) -> tuple[float, list[Object], str]:
        best: tuple[float, str] | None = None
        shown = []
        for metric in found["spec"]["metrics"]:
            if metric["type"] != "Resource":
                raise NoMetrics("unable to get external metric: no metrics returned from external metrics API")
            name, target = metric["resource"]["name"], metric["resource"]["target"]
            used, requested = self._usage(found, scaled, name)
            percent = int(used * 100 / requested) if requested else 0
            pods = max(1, (scaled.get("status") or {}).get("readyReplicas", 1))
            average = f"{int(used * 1000 / pods)}m" if name == "cpu" else str(int(used / pods))
            shown.append(
                {
                    "type": "Resource",
                    "resource": {
                        "name": name,
                        "current": {"averageUtilization": percent, "averageValue": average},
                    },
                }
            )
            ratio = percent / target.get("averageUtilization", 80)
            what = f"{name} resource utilization (percentage of request)"
            if best is None or ratio > best[0]:
                best = (ratio, what)
        assert best is not None
        return best[0], shown, best[1]

    def _usage(self, found: Object, scaled: Object, name: str) -> tuple[float, float]:
        namespace = found["metadata"]["namespace"]
        pods = [pod for pod in self.api.list("Pod", namespace, labels=scaled["spec"]["selector"]) if is_active(pod)]
        used = requested = 0.0
        measured = False
        for pod in pods:
            values = self.api.metrics.pod(pod) if self.api.metrics else None
            if not values:
                continue
            measured = True
            if not is_ready(pod):
                continue
            for container in pod["spec"]["containers"]:
                request = ((container.get("resources") or {}).get("requests") or {}).get(name)
                if request is None:
                    raise NoMetrics(
                        f"missing request for {name} in container {container['name']} of Pod {pod['metadata']['name']}"
                    )
                requested += float(parse(request) or 0)
                usage = values.get(container["name"])
                used += (usage.cpu if name == "cpu" else float(usage.memory)) if usage else 0.0
        if not measured:
            raise NoMetrics(f"unable to get metrics for resource {name}: no metrics returned from resource metrics API")
        if not requested:
            raise NoMetrics("did not receive metrics for targeted pods (pods might be unready)")
        return used, requested

    # -- what goes wrong ----------------------------------------------------------------------------------------------

    def _no_target(self, found: Object, status: Object, conditions: list[Object], why: str) -> None:
        text = f"the HPA controller was unable to get the target's current scale: {why}"
        conditions = self._say(conditions, "AbleToScale", "False", "FailedGetScale", text)
        self.event(found, "Warning", "FailedGetScale", why)
        write_status(self.api, found, {**status, "conditions": conditions, "currentMetrics": None})

    def _no_metrics(self, found: Object, status: Object, conditions: list[Object], why: str) -> None:
        name = found["spec"]["metrics"][0].get("resource", {}).get("name", "cpu")
        failed = f"failed to get {name} utilization: {why}"
        conditions = self._say(
            conditions,
            "AbleToScale",
            "True",
            "SucceededGetScale",
            "the HPA controller was able to get the target's current scale",
        )
        text = f"the HPA was unable to compute the replica count: {failed}"
        conditions = self._say(conditions, "ScalingActive", "False", "FailedGetResourceMetric", text)
        self.event(found, "Warning", "FailedGetResourceMetric", failed)
        combined = (
            f"invalid metrics (1 invalid out of 1), first error is: failed to get {name} resource "
            f"metric value: {failed}"
        )
        self.event(found, "Warning", "FailedComputeMetricsReplicas", combined)
        status |= {"conditions": conditions, "currentMetrics": [{"type": ""}]}
        write_status(self.api, found, status)

    def _say(self, conditions: list[Object], kind: str, word: str, reason: str, text: str) -> list[Object]:
        return set_condition(
            conditions, {"type": kind, "status": word, "reason": reason, "message": text}, self.api.now()
        )
