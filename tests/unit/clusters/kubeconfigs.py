"""Builders of kubeconfigs."""

from __future__ import annotations

import base64
import datetime
import functools
import ipaddress
import json
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TOKEN = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"


class Pem(NamedTuple):
    certificate: bytes
    key: bytes

    def save(self, folder: Path, name: str) -> tuple[Path, Path]:
        (folder / f"{name}.crt").write_bytes(self.certificate)
        (folder / f"{name}.key").write_bytes(self.key)
        return folder / f"{name}.crt", folder / f"{name}.key"


def an_authority(name: str = "test CA") -> Pem:
    """A self-signed authority; the same for the same name."""
    return _authority(name)


@functools.cache
def _authority(name: str) -> Pem:
    key = ec.generate_private_key(ec.SECP256R1())
    return Pem(_certificate(name, key, name, key, ca=True), _pem_of(key))


@functools.cache
def a_certificate(*hosts: str, authority: str = "test CA", expired: bool = False) -> Pem:
    """A certificate for these names and addresses, signed by an authority."""
    ca = serialization.load_pem_private_key(an_authority(authority).key, None)
    key = ec.generate_private_key(ec.SECP256R1())
    return Pem(_certificate(hosts[0], key, authority, ca, hosts=hosts, expired=expired), _pem_of(key))


def _certificate(
    name: str,
    key: Any,
    issuer: str,
    issuer_key: Any,
    *,
    ca: bool = False,
    hosts: tuple[str, ...] = (),
    expired: bool = False,
) -> bytes:
    now = datetime.datetime.now(datetime.UTC)
    end = now - datetime.timedelta(days=1) if expired else now + datetime.timedelta(days=30)
    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=10))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _pem_of(key: Any) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )  # fmt: skip


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def a_kubeconfig(
    *,
    cluster: dict[str, Any] | None = None,
    user: dict[str, Any] | None = None,
    context: dict[str, Any] | None = None,
    **top: Any,
) -> str:
    """A kubeconfig with one context `prod`; arguments are laid over its parts."""
    ca = {"certificate-authority-data": b64(an_authority().certificate)}
    return json.dumps(
        {
            "apiVersion": "v1", "kind": "Config", "current-context": "prod",
            "clusters": [{"name": "c", "cluster": {"server": "https://api.example.com:6443"} | ca | (cluster or {})}],
            "users": [{"name": "u", "user": {"token": TOKEN} if user is None else user}],
            "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"} | (context or {})}],
        } | top
    )  # fmt: skip
