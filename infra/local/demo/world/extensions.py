"""Custom resources: vulnerability reports as Trivy Operator writes them, and a release recorded with a removed API."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterable
from datetime import datetime

from infra.local.demo.server.clock import timestamp
from infra.local.demo.server.store import Object
from infra.local.demo.world.manifests import App, obj

_KNOWN = (
    ("CVE-2025-6965", "CRITICAL", "libsqlite3-0", "3.40.1-2", "3.50.2", 9.8, "SQLite: integer truncation"),
    ("CVE-2025-15467", "CRITICAL", "libssl3", "3.0.15-1", "3.0.19", 9.8, "openssl: stack overflow in CMS parsing"),
    ("CVE-2025-47907", "HIGH", "stdlib", "v1.24.4", "1.24.6", 7.0, "database/sql: wrong results on cancelled query"),
    ("CVE-2025-58050", "HIGH", "libpcre2-8-0", "10.42-1", "10.46", 7.5, "pcre2: heap read past the end"),
    ("CVE-2024-10041", "MEDIUM", "libpam0g", "1.5.2-6", "", 4.7, "pam: information leak"),
    (
        "CVE-2025-4802",
        "HIGH",
        "libc6",
        "2.36-9",
        "2.36-9+deb12u11",
        7.8,
        "glibc: static setuid binaries load libraries",
    ),
    ("CVE-2023-45853", "CRITICAL", "zlib1g", "1:1.2.13", "", 9.8, "zlib: integer overflow in minizip"),
    ("CVE-2025-22871", "MEDIUM", "stdlib", "v1.23.4", "1.23.8", 6.5, "net/http: request smuggling"),
)


def definitions() -> list[Object]:
    """The CRD of the reports, short but with the fields that matter."""
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"report": free}}}
    column = {"name": "Critical", "type": "integer", "jsonPath": ".report.summary.criticalCount"}
    version = {
        "name": "v1alpha1",
        "served": True,
        "storage": True,
        "schema": schema,
        "additionalPrinterColumns": [column],
    }
    names = {
        "kind": "VulnerabilityReport",
        "listKind": "VulnerabilityReportList",
        "plural": "vulnerabilityreports",
        "singular": "vulnerabilityreport",
        "shortNames": ["vuln", "vulns"],
    }
    spec = {"group": "aquasecurity.github.io", "scope": "Namespaced", "names": names, "versions": [version]}
    return [
        obj(
            "CustomResourceDefinition",
            "vulnerabilityreports.aquasecurity.github.io",
            api="apiextensions.k8s.io/v1",
            spec=spec,
        )
    ]


def report(app: App, replica_set: str, at: datetime) -> Object:
    """What the scanner found in an application's image; the same image gives the same findings."""
    digest = hashlib.sha256(app.full_image.encode()).digest()
    found = [entry for index, entry in enumerate(_KNOWN) if digest[index] % 3 == 0]
    entries = [
        {
            "vulnerabilityID": cve,
            "severity": severity,
            "resource": package,
            "installedVersion": have,
            "fixedVersion": fixed,
            "score": score,
            "title": title,
            "primaryLink": f"https://avd.aquasec.com/nvd/{cve.lower()}",
            "links": [],
            "target": "",
        }
        for cve, severity, package, have, fixed, score, title in found
    ]
    counts = {name: sum(1 for one in found if one[1] == name) for name in ("CRITICAL", "HIGH", "MEDIUM", "LOW")}
    summary = {f"{name.lower()}Count": count for name, count in counts.items()} | {"unknownCount": 0, "noneCount": 0}
    host, _, repository = app.image.partition("/")
    body = {
        "artifact": {"repository": repository, "tag": app.tag},
        "registry": {"server": host},
        "os": {"family": "debian", "name": "12.11"},
        "scanner": {"name": "Trivy", "vendor": "Aqua Security", "version": "0.67.2"},
        "summary": summary,
        "updateTimestamp": timestamp(at),
        "vulnerabilities": entries,
    }
    kind = {"Deployment": "ReplicaSet"}.get(app.kind, app.kind)
    name = replica_set or app.name
    labels = {
        "trivy-operator.container.name": app.name,
        "trivy-operator.resource.kind": kind,
        "trivy-operator.resource.name": name,
        "trivy-operator.resource.namespace": app.namespace,
    }
    report_name = f"{kind.lower()}-{name}-{app.name}"
    return obj(
        "VulnerabilityReport",
        report_name,
        app.namespace,
        api="aquasecurity.github.io/v1alpha1",
        labels=labels,
        report=body,
    )


def releases(apps: Iterable[App]) -> list[Object]:
    """Helm releases; one still carries a FlowSchema of an API version that is not served any more."""
    old = (
        "---\napiVersion: flowcontrol.apiserver.k8s.io/v1beta3\nkind: FlowSchema\nmetadata:\n  name: metrics-scrapers\n"
        "spec:\n  matchingPrecedence: 1000\n  priorityLevelConfiguration:\n    name: workload-low\n"
    )
    charts = [
        ("observability", "metrics-store", "victoria-metrics-single", "0.25.3", old),
        ("edge", "router", "ingress-nginx", "4.14.0", ""),
    ]
    made = []
    for namespace, name, chart, version, manifest in charts:
        body = {
            "name": name,
            "namespace": namespace,
            "version": 3,
            "info": {"status": "deployed"},
            "chart": {"metadata": {"name": chart, "version": version}},
            "manifest": manifest,
        }
        packed = base64.b64encode(gzip.compress(json.dumps(body, sort_keys=True).encode(), mtime=0)).decode()
        labels = {"owner": "helm", "name": name, "status": "deployed", "version": "3"}
        made.append(
            obj(
                "Secret",
                f"sh.helm.release.v1.{name}.v3",
                namespace,
                type="helm.sh/release.v1",
                labels=labels,
                stringData={"release": packed},
            )
        )
    return made


def flow_schemas() -> list[Object]:
    """The same FlowSchema in the cluster, last applied with the old version."""
    applied = {
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1beta3",
        "kind": "FlowSchema",
        "metadata": {"name": "metrics-scrapers"},
        "spec": {"matchingPrecedence": 1000, "priorityLevelConfiguration": {"name": "workload-low"}},
    }
    notes = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(applied, separators=(",", ":"))}
    spec = {"matchingPrecedence": 1000, "priorityLevelConfiguration": {"name": "workload-low"}}
    return [obj("FlowSchema", "metrics-scrapers", api="flowcontrol.apiserver.k8s.io/v1", annotations=notes, spec=spec)]
