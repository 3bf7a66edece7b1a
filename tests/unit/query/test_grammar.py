"""Questions become the conditions that people mean by them."""

from __future__ import annotations

import pytest

from chalicelib.state.query import Query, parse
from tests.unit.query.rows import a_row, a_vocabulary, ago

VOCABULARY = a_vocabulary()


def chips(text: str, kind: str | None = None) -> list[str]:
    """`field op value` of each chip."""
    return [f"{c.field} {c.op} {c.value}" for c in parse(text, VOCABULARY, kind).chips]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("failing pods in shop", ["status = failing", "namespace = shop"]),
        ("pods with more than 5 restarts", ["restarts > 5"]),
        ("at least one restart", ["restarts >= 1"]),
        ("restarts > 5", ["restarts > 5"]),
        ("cpu > 500m", ["cpu > 500m"]),
        ("memory above 1Gi", ["memory > 1Gi"]),
        ("using over 1 GB of RAM", ["memory > 1 GB"]),
        ("pending pods older than 10m", ["status = Pending", "age > 10 min"]),
        ("pods more than 2 hours old", ["age > 2 h"]),
        ("pods newer than 2 days", ["age < 2 d"]),
        ("not running", ["status != Running"]),
        ("non-running pods", ["status != Running"]),
        ("pods that aren't running", ["status != Running"]),
        ("pending or crashlooping", ["status in Pending, CrashLoopBackOff"]),
        ("deployments not ready in shop", ["status = not ready", "namespace = shop"]),
        ("except kube-system", ["namespace != kube-system"]),
        ("pods not in kube-system and shop", ["namespace not in kube-system, shop"]),
        ("in shop and payments", ["namespace in shop, payments"]),
        ("shop or payments", ["namespace in shop, payments"]),
        ("shop, payments and staging", ["namespace in shop, payments, staging"]),
        ("the shop namespace", ["namespace = shop"]),
        ("get po -n shop", ["namespace = shop"]),
        (":po payments", ["namespace = payments"]),
        ("label app=checkout", ["label app = checkout"]),
        ("app=checkout,tier!=web", ["label app = checkout", "label tier != web"]),
        ("app in (cart, checkout)", ["label app in cart, checkout"]),
        ("without label tier", ["label tier has no tier"]),
        ("status=Running", ["status = Running"]),
        ("node=ip-10-0-2-58", ["node = ip-10-0-2-58.ec2.internal"]),
        ("pods on node ip-10-0-2-58", ["node = ip-10-0-2-58.ec2.internal"]),
        ("pods of checkout", ["workload = checkout"]),
        ("pods of deployment shop/checkout", ["namespace = shop", "workload = checkout"]),
        ("owned by catalog", ["workload = catalog"]),
        ("name contains cart", ["name contains cart"]),
        ("names starting with pay", ["name starts with pay"]),
        ("cart-*", ["name matches cart-*"]),
        ('"redis"', ["name contains redis"]),
        ("images from registry.example.com", ["images contains registry.example.com"]),
        ("pods with image nginx:1.27", ["images contains nginx:1.27"]),
        ("services without endpoints", ["endpoints = 0"]),
        ("pods without restarts", ["restarts = 0"]),
        ("pods with restarts", ["restarts > 0"]),
        ("unused configmaps", ["used_by = 0"]),
        ("not bound claims", ["status = unbound"]),
        ("claims bigger than 50Gi", ["size > 50Gi"]),
        ("LoadBalancer services", ["type = LoadBalancer"]),
        ("most restarts", ["sort = -restarts"]),
        ("top 10 pods by memory", ["limit = 10", "sort = -memory"]),
        ("oldest pods", ["sort = created_at"]),
        ("the 3 pods using the most memory", ["limit = 3", "sort = -memory"]),
        ("pods sorted by restarts ascending", ["sort = restarts"]),
        ("count pods per node", ["group = node"]),
        ("pods by label app", ["group = label app"]),
        ("restarted today", ["last_restart >= restarted today"]),
        ("restarted more than 3 times", ["restarts > 3"]),
        ("events in the last 10 minutes", ["last >= in the last 10 minutes"]),
        ("memory over 80%", ["usage memory > 80%"]),
        ("CreateContainerConfigError", ["status = config error"]),
        ("health below 50", ["health < 50"]),
        ("all pods", []),
    ],
)
def test_words_become_the_conditions_they_mean(text: str, expected: list[str]) -> None:
    assert chips(text) == expected
    assert parse(text, VOCABULARY).unparsed == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("failing pods", "Pod"),
        ("deploys in shop", "Deployment"),
        ("persistent volume claims", "PersistentVolumeClaim"),
        ("stateful sets", "StatefulSet"),
        ("svc", "Service"),
        ("network policies", "NetworkPolicy"),
        ("hpas", "HorizontalPodAutoscaler"),
        ("cluster role bindings", "ClusterRoleBinding"),
        ("which nodes have the most pods", "Node"),
        ("pods on node ip-10-0-2-58", "Pod"),
        ("pods by node", "Pod"),
        ("pods in the shop namespace", "Pod"),
        ("namespaces", "Namespace"),
        ("config maps", "ConfigMap"),
    ],
)
def test_kinds_are_found_by_every_name_they_have(text: str, kind: str) -> None:
    assert parse(text, VOCABULARY).kind == kind


def test_every_kind_is_found_by_its_plural_and_short_names() -> None:
    from chalicelib.state.kinds import KINDS

    for entry in KINDS:
        assert parse(entry.plural, VOCABULARY).kind == entry.kind
        for short in set(entry.short_names) - {"limits", "no"}:
            assert parse(f"{short} in shop", VOCABULARY).kind == entry.kind


def test_a_status_alone_suggests_the_kind_that_has_it() -> None:
    assert parse("crashlooping", VOCABULARY).suggested_kind == "Pod"
    assert parse("cordoned", VOCABULARY).suggested_kind == "Node"


@pytest.mark.parametrize(
    ("word", "namespace"),
    [("prod", "production-eu"), ("stage", "staging"), ("stg", "staging"), ("stagin", "staging"), ("paym", "payments")],
)
def test_a_near_namespace_is_taken_and_said(word: str, namespace: str) -> None:
    chip = parse(f"failing pods in {word}", VOCABULARY).chips[1]
    assert (chip.field, chip.value) == ("namespace", namespace)
    assert word in chip.note
    assert namespace in chip.note


def test_a_namespace_that_does_not_exist_is_not_guessed() -> None:
    query = parse("failing pods in frankfurt", VOCABULARY)
    assert query.unparsed == ("in frankfurt",)
    assert [a.text for a in query.ambiguous] == ["frankfurt"]


def test_a_name_that_could_be_two_namespaces_is_a_question_back() -> None:
    query = parse("pods in team-x1", a_vocabulary(namespaces=("team-a1", "team-b1"), objects={}))
    assert query.ambiguous[0].candidates == ["team-a1", "team-b1"]
    assert not query.namespaces


def test_an_environment_is_found_by_label_when_no_namespace_has_it() -> None:
    vocabulary = a_vocabulary(namespaces=("shop",), label_values={"production": ("env",)})
    assert [(c.field, c.value) for c in parse("failing pods in prod", vocabulary).chips][1] == (
        "label env",
        "production",
    )


def test_what_is_not_understood_is_named() -> None:
    assert parse("pods that sing beautifully", VOCABULARY).unparsed == ("sing", "beautifully")
    services = parse("services without limits", VOCABULARY)
    assert services.unparsed == ("without limits",)
    assert "not among the columns" in services.notes[0]


def test_what_a_kind_has_can_be_missing() -> None:
    assert [(c.field, c.op) for c in parse("pods without limits", VOCABULARY).chips] == [("memory_limit", "has no")]


def test_a_span_that_a_list_cannot_honour_is_said() -> None:
    query = parse("high memory last hour", VOCABULARY)
    assert query.span is not None
    assert query.span.seconds == 3600
    assert any("last hour" in note for note in query.notes)


def test_another_kind_than_the_list_shows_is_said() -> None:
    query = parse("failing deployments", VOCABULARY, "Pod")
    assert "not deployments" in query.notes[0]
    assert query.unparsed == ("deployments",)


def test_the_note_says_how_high_is_understood() -> None:
    assert "80%" in parse("high memory", VOCABULARY).chips[0].note


def rows_of(text: str, *rows: dict[str, object]) -> list[str]:
    return [row["name"] for row in parse(text, VOCABULARY).apply(list(rows))]


def test_failing_means_a_bad_level_or_a_diagnosed_problem() -> None:
    rows = [a_row("well"), a_row("bad", level="crit", word="Error"), a_row("sick", problem={"mode": "missing_secret"}),
            a_row("young", level="progress", word="ContainerCreating")]  # fmt: skip
    assert rows_of("failing", *rows) == ["bad", "sick"]
    assert rows_of("healthy", *rows) == ["well"]


def test_ready_is_judged_by_the_counts_and_not_by_what_has_ended() -> None:
    rows = [
        a_row("ready"),
        a_row("half", ready="1/2", level="warn", word="NotReady"),
        a_row("done", ready="0/1", word="Completed"),
    ]
    assert rows_of("not ready", *rows) == ["half"]


def test_out_of_memory_is_seen_in_the_last_end_of_a_container() -> None:
    rows = [
        a_row("oom", word="CrashLoopBackOff", level="crit", last_reason="OOMKilled"),
        a_row("other", word="CrashLoopBackOff", level="crit"),
    ]
    assert rows_of("OOMKilled", *rows) == ["oom"]


def test_a_missing_value_satisfies_no_comparison_and_ranks_last() -> None:
    rows = [a_row("none", memory=None), a_row("small", memory=1.0), a_row("large", memory=9e9)]
    assert rows_of("memory above 1Gi", *rows) == ["large"]
    assert rows_of("memory below 1Gi", *rows) == ["small"]
    assert rows_of("by memory", *rows) == ["large", "small", "none"]
    assert rows_of("by memory ascending", *rows) == ["small", "large", "none"]


def test_time_counts_from_the_moment_of_the_cluster() -> None:
    rows = [a_row("now", last_restart=ago(minutes=5)), a_row("then", last_restart=ago(hours=5)), a_row("never")]
    assert rows_of("restarted in the last 30 minutes", *rows) == ["now"]
    assert rows_of("restarted today", *rows) == ["now", "then"]
    assert rows_of("pods older than 2 days", *rows) == ["now", "then", "never"]


def test_time_without_a_moment_is_refused_rather_than_guessed() -> None:
    query = parse("older than 2 days", a_vocabulary(now=None))
    with pytest.raises(ValueError, match="moment"):
        query.apply([a_row()])


def test_a_workload_is_not_confused_with_a_longer_name() -> None:
    rows = [a_row("cart-85c4c786bc-b8vxk", owner="ReplicaSet/cart-85c4c786bc"),
            a_row("redis-cart-0", owner="StatefulSet/redis-cart"),
            a_row("cart-api-85c4c786bc-b8vxk", owner="ReplicaSet/cart-api-85c4c786bc")]  # fmt: skip
    assert rows_of("pods of cart", *rows) == ["cart-85c4c786bc-b8vxk"]


def test_groups_count_and_name_the_worst() -> None:
    query = parse("count pods per namespace", VOCABULARY)
    groups = query.groups([a_row("a"), a_row("b", level="crit", word="Error"), a_row("c", namespace="payments")])
    assert groups == [{"key": "shop", "count": 2, "worst": "crit"}, {"key": "payments", "count": 1, "worst": "ok"}]


def test_a_chip_taken_out_takes_out_its_words_only() -> None:
    query = parse("failing pods in shop older than 1h", VOCABULARY)
    assert query.without(query.chips[1]) == "failing pods older than 1h"


def test_an_empty_question_is_an_empty_query() -> None:
    assert parse("", VOCABULARY).empty
    assert parse("show me all the pods", VOCABULARY).empty
    assert isinstance(parse("", VOCABULARY), Query)


def test_a_negated_node_is_not_read_as_the_node() -> None:
    assert chips("pods not on ip-10-0-2-58") == ["node != ip-10-0-2-58.ec2.internal"]
