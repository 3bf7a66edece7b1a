"""The roles that customers are given: enough for every feature, and nothing that reveals or escalates."""

from pathlib import Path

import pytest
import yaml

from chalicelib.clusters.check import FEATURES
from chalicelib.state.decode import decode_object
from chalicelib.state.kinds import KINDS

MANIFEST = Path(__file__).resolve().parents[3] / "infra" / "onboarding" / "reader.yaml"


@pytest.fixture(scope="module")
def role():
    documents = [d for d in yaml.safe_load_all(MANIFEST.read_text()) if d["kind"] == "ClusterRole"]
    return decode_object(documents[0], KINDS["ClusterRole"])


def allowed(role, verb, group, resource):
    return any(rule.allows(verb, group, resource) for rule in role.rules)


@pytest.mark.parametrize("feature", [f for f in FEATURES if not f.optional], ids=lambda f: f.name)
def test_every_feature_has_what_the_connection_check_asks_for(role, feature):
    for right in feature.rights:
        resource = f"{right.resource}/{right.subresource}" if right.subresource else right.resource
        assert allowed(role, right.verb, right.group, resource), str(right)


@pytest.mark.parametrize("kind", [entry for entry in KINDS if not entry.metadata_only], ids=lambda e: e.kind)
def test_every_kind_of_the_registry_can_be_listed(role, kind):
    assert allowed(role, "list", kind.group, kind.plural)


def test_it_changes_nothing_and_does_not_know_secrets(role):
    assert {verb for rule in role.rules for verb in rule.verbs} == {"get", "list"}
    assert not allowed(role, "list", "", "secrets")
    assert not allowed(role, "get", "", "pods/exec")


@pytest.fixture(scope="module")
def operator():
    documents = [d for d in yaml.safe_load_all((MANIFEST.parent / "operator.yaml").read_text())]
    return decode_object(next(d for d in documents if d["kind"] == "ClusterRole"), KINDS["ClusterRole"])


@pytest.mark.parametrize(
    ("verb", "group", "resource"),
    [
        ("patch", "apps", "deployments"), ("patch", "apps", "statefulsets"), ("patch", "apps", "daemonsets"),
        ("patch", "batch", "cronjobs"), ("delete", "batch", "jobs"), ("create", "", "pods/eviction"),
        ("delete", "", "pods"), ("create", "", "pods"), ("patch", "", "nodes"), ("patch", "", "services"),
    ],
)  # fmt: skip
def test_the_operator_may_do_what_the_actions_do(operator, verb, group, resource):
    assert allowed(operator, verb, group, resource)


@pytest.mark.parametrize(
    ("group", "resource"),
    [
        ("", "secrets"), ("", "namespaces"), ("", "serviceaccounts"), ("", "persistentvolumes"), ("", "pods/exec"),
        ("rbac.authorization.k8s.io", "clusterroles"), ("rbac.authorization.k8s.io", "rolebindings"),
        ("apiextensions.k8s.io", "customresourcedefinitions"),
        ("admissionregistration.k8s.io", "validatingwebhookconfigurations"),
    ],
)  # fmt: skip
def test_the_operator_cannot_touch_what_the_rules_forbid(operator, group, resource):
    assert not any(allowed(operator, verb, group, resource) for verb in ("create", "patch", "update", "delete", "get"))
