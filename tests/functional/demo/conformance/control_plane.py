"""The controllers and the kubelet that work behind the API server during a replay."""

from __future__ import annotations

from infra.local.demo.server.api import Api


class Controllers:
    """Nothing runs yet."""

    paused = False

    def __init__(self, api: Api) -> None:
        self.api = api

    def settle(self) -> None:
        self.api.work_off()

    def after_request(self) -> None:
        self.api.work_off()


def start(api: Api) -> Controllers:
    return Controllers(api)
