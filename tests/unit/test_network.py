from __future__ import annotations

import pytest

from chalicelib.clusters.connect import connect
from chalicelib.clusters.connection import StaticConnection
from chalicelib.errors import ClusterError, InvalidRequest
from chalicelib.network import pinned_addresses, refusal

FORBIDDEN = [
    "127.0.0.1", "127.8.8.8", "::1", "0.0.0.0", "::", "169.254.169.254", "169.254.1.1", "fe80::1", "fe80::1%eth0",
    "fd00:ec2::254", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "100.100.100.200", "fc00::1", "224.0.0.1",
    "ff02::1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1",
]  # fmt: skip


@pytest.mark.parametrize("address", FORBIDDEN)
def test_hosted_mode_refuses_everything_that_is_not_a_global_address(address):
    assert refusal(address, hosted=True)


@pytest.mark.parametrize("address", ["8.8.8.8", "3.120.1.1", "2600:1f14::1", "64:ff9b::808:808"])
def test_hosted_mode_takes_global_addresses(address):
    assert refusal(address, hosted=True) == ""


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.1", "192.168.49.2"])
def test_a_laptop_takes_clusters_on_itself_and_in_its_network(address):
    assert refusal(address, hosted=False) == ""


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fd00:ec2::254", "169.254.10.1", "fe80::1", "::ffff:169.254.169.254"]
)
def test_metadata_and_link_local_addresses_are_refused_everywhere(address):
    assert refusal(address, hosted=False)
    assert refusal(address, hosted=True, allow_private=True)


def test_private_addresses_are_taken_in_hosted_mode_only_where_the_operator_says_so():
    assert refusal("10.0.0.1", hosted=True, allow_private=True) == ""
    assert refusal("127.0.0.1", hosted=True, allow_private=True)


def test_a_name_with_one_forbidden_address_among_good_ones_is_refused():
    with pytest.raises(InvalidRequest) as caught:
        pinned_addresses("api.example.com", 443, hosted=True, resolve=lambda h, p: ["8.8.8.8", "169.254.169.254"])
    assert caught.value.details["address"] == "169.254.169.254"


def test_a_name_is_resolved_once_so_that_rebinding_it_changes_nothing():
    answers = [["8.8.8.8"], ["127.0.0.1"]]
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    cluster = connect(StaticConnection(server="https://api.example.com", token="t"), hosted=True, resolve=resolve)
    assert [pool.host for pool in cluster.server._pools] == ["8.8.8.8"]
    assert asked == ["api.example.com"]


def test_a_name_that_does_not_resolve_is_a_cluster_error_with_its_own_code():
    def resolve(host: str, port: int) -> list[str]:
        raise OSError("Name or service not known")

    with pytest.raises(ClusterError) as caught:
        pinned_addresses("nope.example.com", 443, hosted=True, resolve=resolve)
    assert caught.value.code == "cluster_dns"


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "017700000001", "127.1", "0"])
def test_other_spellings_of_loopback_are_resolved_before_they_are_judged(host):
    with pytest.raises((InvalidRequest, ClusterError)):
        pinned_addresses(host, 443, hosted=True)
