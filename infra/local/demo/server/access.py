"""Who is asking: users with their groups, found by bearer token."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

MASTERS = "system:masters"
AUTHENTICATED = "system:authenticated"


@dataclass(frozen=True, slots=True)
class User:
    """A name with groups; `uid` and `extra` only show in SelfSubjectReview."""

    name: str
    groups: tuple[str, ...] = (AUTHENTICATED,)
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = field(default=())

    @property
    def is_master(self) -> bool:
        return MASTERS in self.groups

    @classmethod
    def service_account(cls, namespace: str, name: str) -> User:
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
        return cls(f"system:serviceaccount:{namespace}:{name}", groups)


CONTROLLERS = User("system:kube-controller-manager", (MASTERS, AUTHENTICATED))


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf and how a write is made."""

    user: User = CONTROLLERS
    manager: str = "kube-controller-manager"
    dry_run: bool = False
    field_validation: Literal["Strict", "Warn", "Ignore"] = "Ignore"
    force: bool = False


class Tokens:
    """The static token file of this server."""

    def __init__(self) -> None:
        self._users: dict[str, User] = {}

    def add(self, token: str, name: str, groups: Iterable[str] = (), uid: str = "") -> User:
        user = User(name, (*groups, AUTHENTICATED), uid)
        self._users[token] = user
        return user

    def user(self, token: str) -> User | None:
        return self._users.get(token)

    def users(self) -> list[User]:
        return list(self._users.values())
