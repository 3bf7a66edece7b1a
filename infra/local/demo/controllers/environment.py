"""What is outside the API and yet decides what happens: machines, registries, and services elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class External:
    """A host outside the cluster: reachable, refusing, silent, or with no DNS name."""

    state: str = "up"
    since: datetime | None = None


@dataclass
class Environment:
    """Changed by scenarios; everything is well in a new one."""

    stopped_kubelets: dict[str, datetime] = field(default_factory=dict)
    """Machines that are dead or cut off, by node name, with the time it happened."""
    broken_runtimes: dict[str, datetime] = field(default_factory=dict)
    full_disks: dict[str, datetime] = field(default_factory=dict)
    sandbox_errors: dict[str, str] = field(default_factory=dict)
    """What the network plug-in answers on a node when a pod is to get its network."""
    dead_registries: dict[str, str] = field(default_factory=dict)
    """Registry host -> the error every pull from it ends with."""
    private: set[str] = field(default_factory=set)
    """Image repositories (or their first path parts) that need a pull secret."""
    tags: dict[str, frozenset[str]] = field(default_factory=dict)
    """Known tags by repository; a repository that is not listed has every tag."""
    single_arch: dict[str, str] = field(default_factory=dict)
    """Image (with tag) -> the one architecture it is built for."""
    externals: dict[str, External] = field(default_factory=dict)
    passwords: dict[tuple[str, str], str] = field(default_factory=dict)
    """The password a server really takes, by (namespace, service), where it differs from its Secret."""
    changed_at: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """When the set of ready endpoints of a Service last became empty or non-empty."""

    def registry_error(self, image: str) -> str:
        """Why no image can be pulled from this image's registry; empty when it answers."""
        return self.dead_registries.get(image.partition("/")[0], "")

    def needs_secret(self, repository: str) -> bool:
        return any(repository == entry or repository.startswith(entry + "/") for entry in self.private)

    def has_tag(self, repository: str, tag: str) -> bool:
        known = self.tags.get(repository)
        return known is None or tag in known
