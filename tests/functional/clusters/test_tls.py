"""TLS against real servers on loopback."""

from __future__ import annotations

import json

import pytest

from chalicelib.clusters.connect import connect, new_connection
from chalicelib.clusters.connection import StaticConnection, decode_connection
from chalicelib.clusters.transport import tls_context
from chalicelib.errors import ClusterError, InvalidRequest
from chalicelib.network import pinned_addresses
from tests.functional.clusters.conftest import NOW
from tests.unit.clusters.kubeconfigs import a_certificate, an_authority

CA = an_authority().certificate.decode()


def read(running, **changes):
    connection = StaticConnection(**{"server": running.url, "ca": CA, "token": "t"} | changes)
    return connect(connection, hosted=False).snapshot(kinds=["Node"], now=NOW)


def refused(running, **changes) -> ClusterError:
    with pytest.raises(ClusterError) as caught:
        read(running, **changes)
    return caught.value


def test_a_server_with_a_certificate_of_the_given_ca_is_read(tls_server):
    assert len(read(tls_server("127.0.0.1")).of("Node")) == 20


def test_a_certificate_of_another_authority_is_refused(tls_server):
    error = refused(tls_server("127.0.0.1"), ca=an_authority("someone else").certificate.decode())
    assert error.code == "tls_untrusted"
    assert "certificate-authority-data" in error.remedy


def test_without_a_ca_the_public_authorities_count(tls_server):
    assert refused(tls_server("127.0.0.1"), ca="").code == "tls_untrusted"


def test_a_certificate_for_another_host_is_refused(tls_server):
    assert refused(tls_server("api.example.com")).code == "tls_host_mismatch"


def test_tls_server_name_is_what_the_certificate_must_name(tls_server):
    server = tls_server("api.example.com")
    assert len(read(server, server_name="api.example.com").of("Node")) == 20
    assert refused(server, server_name="other.example.com").code == "tls_host_mismatch"


def test_an_expired_certificate_is_refused(tls_server):
    assert refused(tls_server("127.0.0.1", expired=True)).code == "tls_expired"


def test_a_server_without_tls_is_a_tls_error(server):
    assert refused(server, server=server.url.replace("http", "https")).code == "tls_failed"


def test_a_client_certificate_is_shown_and_its_absence_is_a_tls_error(tls_server):
    server = tls_server("127.0.0.1", client_ca=an_authority().certificate)
    pem = a_certificate("reader")
    with_certificate = {"client_certificate": pem.certificate.decode(), "client_key": pem.key.decode(), "token": ""}
    assert len(read(server, **with_certificate).of("Node")) == 20
    assert refused(server).code in ("tls_failed", "cluster_connection_lost")


def test_a_client_key_leaves_no_file_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    pem = a_certificate("reader")
    tls_context(
        StaticConnection(
            server="https://x", client_certificate=pem.certificate.decode(), client_key=pem.key.decode()
        )
    )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_dialled_at_its_pinned_address_and_verified_by_its_name(tls_server):
    server = tls_server("api.example.com")
    asked = []

    def resolve(host, port):
        asked.append(host)
        return ["127.0.0.1"]

    url = f"https://api.example.com:{server.server_address[1]}"
    cluster = connect(StaticConnection(server=url, ca=CA, token="t"), hosted=False, resolve=resolve)
    cluster.snapshot(kinds=["Node"], now=NOW)
    cluster.snapshot(kinds=["Node"], now=NOW)
    assert asked == ["api.example.com"]
    assert server.requests[0].headers["Host"] == url.removeprefix("https://")


def test_an_address_that_does_not_answer_is_passed_over_for_the_next(tls_server):
    server = tls_server("api.example.com")
    url = f"https://api.example.com:{server.server_address[1]}"
    connection = StaticConnection(server=url, ca=CA, token="t")
    cluster = connect(connection, hosted=False, resolve=lambda h, p: ["127.0.0.2", "127.0.0.1"])
    assert len(cluster.snapshot(kinds=["Node"], now=NOW).of("Node")) == 20


def test_hosted_mode_refuses_a_name_of_our_own_network(tls_server):
    with pytest.raises(InvalidRequest) as caught:
        pinned_addresses("localhost", 443, hosted=True)
    assert caught.value.code == "address_refused"


def test_a_kubeconfig_goes_all_the_way_from_text_to_objects(tls_server):
    server = tls_server("127.0.0.1")
    text = server.kubeconfig(token="t", ca=an_authority().certificate)
    stored = new_connection({"type": "kubeconfig", "kubeconfig": text}, hosted=False)
    cluster = connect(decode_connection(stored.secrets["connection"]), hosted=False)
    assert len(cluster.snapshot(kinds=["Node"], now=NOW).of("Node")) == 20


def test_the_kubernetes_client_is_held_to_the_same_certificate(tls_server):
    from kubernetes import client

    server = tls_server("127.0.0.1")
    good = connect(StaticConnection(server=server.url, ca=CA, token="t"), hosted=False)
    assert len(client.CoreV1Api(good.server.api_client()).list_node().items) == 20
    bad = connect(StaticConnection(server=server.url, ca=an_authority("x").certificate.decode()), hosted=False)
    with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
        client.CoreV1Api(bad.server.api_client()).list_node()


def test_a_kubeconfig_of_the_operator_may_run_its_plugin(tls_server, tmp_path):
    from chalicelib.clusters.local_kubeconfig import local_contexts

    server = tls_server("127.0.0.1")
    config = json.loads(server.kubeconfig(ca=an_authority().certificate))
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "t"}}
    plugin = tmp_path / "plugin.sh"
    plugin.write_text(f"#!/bin/sh\necho '{json.dumps(credential)}'\n")
    plugin.chmod(0o700)
    run = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "interactiveMode": "Never"}
    config["users"][0]["user"] = {"exec": run}
    path = tmp_path / "config"
    path.write_text(json.dumps(config))
    (connection,) = local_contexts(path)
    cluster = connect(connection, hosted=False)
    assert len(cluster.snapshot(kinds=["Node"], now=NOW).of("Node")) == 20
    assert server.requests[-1].headers["Authorization"] == "Bearer t"
    with pytest.raises(Exception, match="hosted"):
        connect(connection, hosted=True)
