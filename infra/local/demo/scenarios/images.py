"""Images that cannot be had."""

from __future__ import annotations

from infra.local.demo.controllers.programs import Program
from infra.local.demo.scenarios.changes import Outside, Publish, set_image
from infra.local.demo.scenarios.model import Answer, Fault, register
from infra.local.demo.world.manifests import REGISTRY

MIRROR = "mirror-eu.harborline.example"

register(
    Fault(
        "image-tag-typo", "A release with a mistyped image tag", "images",
        (set_image("booking", "seat-map", f"{REGISTRY}/booking/seat-map:2.3.O"),),
        Answer("Deployment", "booking", "seat-map", "image_not_found"),
        ("a new pod waits in ImagePullBackOff", "the rollout makes no progress", "the old pods keep serving"),
        loudest="Pod of seat-map", within_30s=("seat-map:2.3.O",), at_start=True,
    ),
    Fault(
        "private-image", "An image of a private repository, without a pull secret", "images",
        (set_image("fleet", "crew-roster", f"{REGISTRY}/vault/crew-roster:1.8.0"),),
        Answer("Deployment", "fleet", "crew-roster", "image_pull_auth"),
        ("a new pod waits in ImagePullBackOff", "the registry answers 401", "the rollout stands still"),
        loudest="Pod of crew-roster", within_30s=("crew-roster", "registry"),
    ),
    Fault(
        "registry-unreachable", "A registry whose name does not resolve", "images",
        (
            Outside("dead_registries", MIRROR, f"dial tcp: lookup {MIRROR} on 169.254.169.253:53: no such host"),
            set_image("tracking", "notifier", f"{MIRROR}/tracking/notifier:4.5.0"),
        ),
        Answer("Deployment", "tracking", "notifier", "registry_dns_or_network"),
        ("the new pod cannot pull", "the error names DNS, not the tag", "old pods run on"),
        loudest="Pod of notifier", within_30s=("notifier", "mirror-eu.harborline.example"),
    ),
    Fault(
        "wrong-architecture", "An image built for arm64 only", "images",
        (
            Publish(f"{REGISTRY}/analytics/report-builder:1.4.0", Program("report-builder", listens=(8080,))),
            Outside("single_arch", f"{REGISTRY}/analytics/report-builder:1.4.0", "arm64"),
            set_image("analytics", "report-builder", f"{REGISTRY}/analytics/report-builder:1.4.0"),
        ),
        Answer("Deployment", "analytics", "report-builder", "image_arch_mismatch"),
        ("ImagePullBackOff", "no match for platform in manifest", "the rollout stands still"),
        loudest="Pod of report-builder", within_30s=("report-builder:1.4.0", "platform"),
    ),
    Fault(
        "invalid-image-name", "An image reference that cannot be parsed", "images",
        (set_image("sandbox", "demo-api", f"{REGISTRY}/sandbox/Demo-API:main_413"),),
        Answer("Deployment", "sandbox", "demo-api", "invalid_image_name"),
        ("InvalidImageName", "the rollout stands still"),
        loudest="Pod of demo-api", within_30s=("Demo-API:main_413",),
    ),
)  # fmt: skip
