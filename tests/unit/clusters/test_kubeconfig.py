from __future__ import annotations

import json

import pytest

from chalicelib.clusters.connect import new_connection
from chalicelib.clusters.connection import decode_connection
from chalicelib.clusters.kubeconfig import checked_ca, checked_server, checked_token, contexts_of, read_kubeconfig
from chalicelib.errors import InvalidRequest, KubiliticsError, NotFound, TooLarge
from tests.unit.clusters.kubeconfigs import TOKEN, a_certificate, a_kubeconfig, an_authority, b64


def refused(text: str, **options) -> KubiliticsError:
    with pytest.raises(KubiliticsError) as caught:
        read_kubeconfig(text, **options)
    assert caught.value.remedy != KubiliticsError.default_remedy
    return caught.value


def test_inline_token_and_ca_are_taken():
    connection = read_kubeconfig(a_kubeconfig(context={"namespace": "shop"}))
    assert connection.server == "https://api.example.com:6443"
    assert connection.token == TOKEN
    assert connection.ca == an_authority().certificate.decode()
    assert connection.namespace == "shop"


def test_an_inline_client_certificate_with_its_key_is_taken():
    pem = a_certificate("admin")
    user = {"client-certificate-data": b64(pem.certificate), "client-key-data": b64(pem.key)}
    connection = read_kubeconfig(a_kubeconfig(user=user))
    assert (connection.client_certificate, connection.client_key) == (pem.certificate.decode(), pem.key.decode())


def test_a_kubeconfig_in_yaml_is_the_same_as_in_json():
    text = f"""
apiVersion: v1
kind: Config
preferences: {{}}
clusters:
- cluster:
    certificate-authority-data: {b64(an_authority().certificate)}
    server: https://api.example.com:6443
  name: c
contexts:
- context: {{cluster: c, user: u}}
  name: prod
current-context: prod
users:
- name: u
  user:
    token: {TOKEN}
"""
    assert read_kubeconfig(text) == read_kubeconfig(a_kubeconfig())


PLUGINS = [
    ("aws", "Connect it as an EKS cluster by role"),
    ("/usr/local/bin/aws-iam-authenticator", "Connect it as an EKS cluster by role"),
    ("gke-gcloud-auth-plugin", "service account"),
    ("C:\\tools\\kubelogin.exe", "kubelogin runs on your machine only"),
    ("evil.sh", "service account"),
]


@pytest.mark.parametrize(("command", "remedy"), PLUGINS)
def test_an_exec_plugin_is_refused_with_a_remedy_that_fits_it(command, remedy):
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": command, "args": ["x"]}}
    error = refused(a_kubeconfig(user=user))
    assert error.code == "kubeconfig_exec"
    assert remedy in error.remedy


@pytest.mark.parametrize("plugin", [{}, "sh", None, ["sh"]])
def test_an_exec_plugin_of_any_shape_is_refused_even_beside_a_token(plugin):
    user = {"exec": plugin, "token": TOKEN}
    if plugin is None:
        assert read_kubeconfig(a_kubeconfig(user=user)).token == TOKEN
    else:
        assert refused(a_kubeconfig(user=user)).code == "kubeconfig_exec"


def test_an_auth_provider_is_refused():
    error = refused(a_kubeconfig(user={"auth-provider": {"name": "gcp", "config": {"cmd-path": "/bin/sh"}}}))
    assert error.code == "kubeconfig_auth_provider"
    assert "service account" in error.remedy


@pytest.mark.parametrize("field", ["client-certificate", "client-key", "tokenFile"])
def test_a_file_named_by_the_user_entry_is_refused_and_never_opened(field):
    error = refused(a_kubeconfig(user={"token": TOKEN, field: "/etc/shadow"}))
    assert error.code == "kubeconfig_file_path"
    assert "--flatten" in error.remedy


CLUSTER_REFUSALS = [
    ({"certificate-authority": "/etc/shadow"}, "kubeconfig_file_path"),
    ({"insecure-skip-tls-verify": True}, "kubeconfig_insecure"),
    ({"proxy-url": "http://10.0.0.1:3128"}, "kubeconfig_proxy"),
    ({"tls-server-name": "a b"}, "kubeconfig_invalid"),
    ({"certificate-authority-data": "%%%"}, "kubeconfig_invalid"),
    ({"certificate-authority-data": b64(b"hello")}, "kubeconfig_invalid"),
    ({"server": ["https://x"]}, "kubeconfig_invalid"),
    ({"server": "http://api.example.com"}, "server_invalid"),
    ({"server": "https://user:pw@api.example.com"}, "server_invalid"),
    ({"server": "https://api.example.com/?x=1"}, "server_invalid"),
    ({"server": "https://api.example.com/../../x"}, "server_invalid"),
    ({"server": "file:///etc/passwd"}, "server_invalid"),
    ({"server": "https://a b"}, "server_invalid"),
    ({"server": "https://api.example.com:99999"}, "server_invalid"),
    ({"server": "https://api.example.com\r\nX: y"}, "server_invalid"),
    ({"server": ""}, "server_invalid"),
]


@pytest.mark.parametrize(("cluster", "code"), CLUSTER_REFUSALS)
def test_what_a_cluster_entry_must_not_hold_is_refused(cluster, code):
    assert refused(a_kubeconfig(cluster=cluster)).code == code


USER_REFUSALS = [
    ({"token": TOKEN, "as": "admin"}, "kubeconfig_impersonation"),
    ({"token": TOKEN, "as-groups": ["system:masters"]}, "kubeconfig_impersonation"),
    ({"token": TOKEN, "as-user-extra": {"a": ["b"]}}, "kubeconfig_impersonation"),
    ({"username": "admin", "password": "x"}, "kubeconfig_password"),
    ({}, "kubeconfig_no_credentials"),
    ({"client-certificate-data": b64(b"-----BEGIN CERTIFICATE-----\n")}, "kubeconfig_incomplete"),
    ({"token": "a\r\nX-Evil: 1"}, "token_invalid"),
    ({"token": 5}, "kubeconfig_invalid"),
]


@pytest.mark.parametrize(("user", "code"), USER_REFUSALS)
def test_what_a_user_entry_must_not_hold_is_refused(user, code):
    assert refused(a_kubeconfig(user=user)).code == code


def test_entries_that_the_context_does_not_use_are_not_looked_at():
    text = json.loads(a_kubeconfig())
    text["users"].append({"name": "other", "user": {"exec": {"command": "aws"}}})
    assert read_kubeconfig(json.dumps(text)).token == TOKEN


def several(current: str | None) -> str:
    contexts = [{"name": n, "context": {"cluster": "c", "user": "u"}} for n in ("dev", "prod")]
    return a_kubeconfig(contexts=contexts, **{"current-context": current})


def test_of_several_contexts_the_named_one_is_taken_else_the_current_one():
    assert read_kubeconfig(several("dev")).server
    assert read_kubeconfig(several(None), context="prod").server
    assert contexts_of(several(None)) == ["dev", "prod"]


def test_several_contexts_and_no_current_one_list_the_choices():
    error = refused(several(None))
    assert error.code == "kubeconfig_context_needed"
    assert error.details["contexts"] == ["dev", "prod"]


def test_a_context_that_does_not_exist_names_those_that_do():
    error = refused(several("dev"), context="staging")
    assert isinstance(error, NotFound)
    assert error.details["valid"] == ["dev", "prod"]


@pytest.mark.parametrize(
    "text",
    [
        "", "hello", "[]", "{}", "clusters: 5", "kind: Pod\nclusters: []", "a: b\n---\nc: d", "a: &x 1\nb: *x",
        "clusters: !!python/object/apply:os.system [id]", "\x00", "\ud800", "{" * 10_000,
        "clusters: []\ncontexts: [{name: x, context: {cluster: nope, user: nope}}]",
    ],
)  # fmt: skip
def test_what_is_no_kubeconfig_is_refused_with_the_command_that_makes_one(text):
    error = refused(text)
    assert isinstance(error, InvalidRequest)
    assert "kubectl config view" in error.remedy


def test_a_kubeconfig_of_more_than_a_megabyte_is_refused_unparsed():
    assert isinstance(refused("a" * 1_100_000), TooLarge)


def test_plain_http_is_taken_for_this_machine_only_and_only_where_that_is_allowed():
    local = a_kubeconfig(cluster={"server": "http://127.0.0.1:8001"})
    assert read_kubeconfig(local, plain_http=True).server == "http://127.0.0.1:8001"
    assert refused(local).code == "server_invalid"
    assert refused(a_kubeconfig(cluster={"server": "http://10.0.0.1"}), plain_http=True).code == "server_invalid"


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("https://API.example.com/", "https://api.example.com"),
        (" https://1.2.3.4:6443 ", "https://1.2.3.4:6443"),
        ("https://[2001:db8::1]:6443", "https://[2001:db8::1]:6443"),
        ("https://rancher.example.com/k8s/clusters/c-abc", "https://rancher.example.com/k8s/clusters/c-abc"),
    ],
)
def test_a_server_is_cleaned(given, clean):
    assert checked_server(given) == clean


def test_a_ca_is_taken_as_pem_or_as_base64_of_it():
    pem = an_authority().certificate
    assert checked_ca(pem.decode()) == checked_ca(b64(pem)) == pem.decode()
    assert checked_ca("") == ""


def test_a_token_is_taken_without_the_line_break_it_was_pasted_with():
    assert checked_token(f" {TOKEN}\n") == TOKEN


# new_connection


def test_the_secret_part_of_a_connection_is_not_among_its_facts():
    new = new_connection({"type": "kubeconfig", "kubeconfig": a_kubeconfig(), "context": None}, hosted=True)
    assert new.server == "https://api.example.com:6443"
    assert TOKEN not in json.dumps([new.server, new.facts])
    assert decode_connection(new.secrets["connection"]) == read_kubeconfig(a_kubeconfig())


def test_a_token_connection_is_checked_like_a_kubeconfig():
    source = {"type": "token", "server": "https://api.example.com", "ca": "", "token": TOKEN}
    assert new_connection(source, hosted=True).server == "https://api.example.com"
    with pytest.raises(InvalidRequest):
        new_connection(source | {"server": "http://api.example.com"}, hosted=True)
    with pytest.raises(InvalidRequest):
        new_connection(source | {"ca": "nonsense"}, hosted=True)


def test_a_key_that_does_not_belong_to_its_certificate_is_refused_at_once():
    user = {
        "client-certificate-data": b64(a_certificate("a").certificate), "client-key-data": b64(a_certificate("b").key),
    }  # fmt: skip
    with pytest.raises(InvalidRequest) as caught:
        new_connection({"type": "kubeconfig", "kubeconfig": a_kubeconfig(user=user)}, hosted=True)
    assert caught.value.code == "certificate_invalid"


def test_an_eks_connection_keeps_its_external_id_with_the_secrets():
    where = {"region": "eu-west-1", "cluster": "prod"}
    source = {"type": "eks", "role_arn": "arn:aws:iam::123456789012:role/k", "external_id": "x-1"} | where
    new = new_connection(source, hosted=True)
    assert "x-1" not in json.dumps(new.facts)
    assert "x-1" in new.secrets["connection"]


def test_an_unknown_source_names_the_valid_ones():
    with pytest.raises(InvalidRequest) as caught:
        new_connection({"type": "ssh"}, hosted=False)
    assert "recorded" in caught.value.details["valid"]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "169.254.169.254", "10.0.0.1", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_a_literal_address_of_our_own_network_is_refused_when_it_is_added(host):
    source = {"type": "token", "server": f"https://{host}:6443", "ca": "", "token": TOKEN}
    with pytest.raises(InvalidRequest) as caught:
        new_connection(source, hosted=True)
    assert caught.value.code == "address_refused"
