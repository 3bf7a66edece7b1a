from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.state.graph import Graph, PodIndex
from chalicelib.state.kinds import Edge
from chalicelib.state.meta import LabelSelector, MatchExpression, Ref
from tests.unit.state.worlds import deployment, pod, replica_set, service, world_of


def refs(edges, end="target"):
    return {getattr(edge, end) for edge in edges}


def test_a_pod_belongs_to_the_workload_at_the_top_of_its_owners():
    world = world_of(deployment("cart"), replica_set("cart-1", "cart"), pod("cart-1-a", owner=("ReplicaSet", "cart-1")))
    owner = world.graph.owner_of(Ref("Pod", "shop", "cart-1-a"))
    assert owner == Ref("Deployment", "shop", "cart")
    assert world.graph.owned_by(owner, "Pod") == [Ref("Pod", "shop", "cart-1-a")]


def test_a_service_selects_pods_of_its_own_namespace_only():
    other = pod("b", labels={"app": "cart"})
    other["metadata"]["namespace"] = "dev"
    world = world_of(service("cart", {"app": "cart"}), pod("a", labels={"app": "cart", "x": "y"}), other)
    assert refs(world.graph.out(Ref("Service", "shop", "cart"), "selects")) == {Ref("Pod", "shop", "a")}


def test_a_service_without_selector_selects_nothing_and_an_empty_policy_selector_everything():
    policy = {"kind": "NetworkPolicy", "metadata": {"name": "deny", "namespace": "shop"}, "spec": {"podSelector": {}}}
    world = world_of(service("external", {}), policy, pod("a"), pod("b"))
    assert world.graph.out(Ref("Service", "shop", "external"), "selects") == []
    assert len(world.graph.out(Ref("NetworkPolicy", "shop", "deny"), "isolates")) == 2


def test_names_in_a_pod_become_edges_even_when_nothing_has_that_name():
    spec = {
        "nodeName": "n1",
        "serviceAccountName": "runner",
        "volumes": [
            {"name": "c", "configMap": {"name": "settings"}},
            {"name": "d", "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "p", "projected": {"sources": [{"secret": {"name": "keys"}}]}},
        ],
        "containers": [
            {"name": "app", "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}],
             "envFrom": [{"configMapRef": {"name": "bulk"}}]}
        ],
    }  # fmt: skip
    world = world_of(pod("a", spec=spec))
    out = {(e.relation, e.target.kind, e.target.name, e.detail) for e in world.graph.out(Ref("Pod", "shop", "a"))}
    assert out == {
        ("scheduled_on", "Node", "n1", ""), ("runs_as", "ServiceAccount", "runner", ""),
        ("mounts", "ConfigMap", "settings", ""), ("mounts", "PersistentVolumeClaim", "data", ""),
        ("mounts", "Secret", "keys", ""), ("reads_env", "Secret", "db", "password"),
        ("reads_env", "ConfigMap", "bulk", ""),
    }  # fmt: skip


def test_a_cycle_of_owners_ends_the_climb():
    edges = [Edge(Ref("A", "", "a"), Ref("B", "", "b"), "owns"), Edge(Ref("B", "", "b"), Ref("A", "", "a"), "owns")]
    graph = Graph(edges, PodIndex([]))
    assert graph.owner_of(Ref("A", "", "a")) == Ref("B", "", "b")
    assert graph.owned_by(Ref("A", "", "a")) == [Ref("B", "", "b")]


LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz"), max_size=3)
EXPRESSIONS = st.builds(
    lambda k, o, v: MatchExpression(key=k, operator=o, values=v),
    st.sampled_from("abc"), st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]),
    st.lists(st.sampled_from("xyz"), min_size=1, max_size=2),
)  # fmt: skip


@given(st.lists(LABELS, max_size=12), LABELS, st.lists(EXPRESSIONS, max_size=2))
@settings(max_examples=200)
def test_the_index_finds_exactly_the_pods_that_the_selector_matches(pods, labels, expressions):
    selector = LabelSelector(match_labels=labels, match_expressions=expressions)
    named = [(Ref("Pod", "ns", str(i)), p) for i, p in enumerate(pods)]
    assert PodIndex(named).matching("ns", selector) == [ref for ref, p in named if selector.matches(p)]
