"""Where connections may go: names are resolved once, every address is judged, and the judged one is dialled."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence

from chalicelib.errors import ClusterError, InvalidRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Sequence[str]]

_METADATA = frozenset(
    ipaddress.ip_address(a)
    for a in ("169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23", "100.100.100.200")
)
"""Instance and task metadata of AWS, Azure, GCP, OCI, Alibaba: credentials for whoever can reach them."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def system_resolver(host: str, port: int) -> Sequence[str]:
    """All addresses of a host, in the order in which the system would try them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


def pinned_addresses(
    host: str, port: int, *, hosted: bool, allow_private: bool = False, resolve: Resolver = system_resolver
) -> tuple[str, ...]:
    """The addresses to dial for a host, resolved now and not again.

    One forbidden address refuses the host: a name that points to a public and to a forbidden address is an attack
    (DNS rebinding). Raises InvalidRequest (`address_refused`) or ClusterError (`cluster_dns`).
    """
    try:
        found = resolve(host, port)
    except (OSError, UnicodeError) as error:
        raise _unresolved(host) from error
    if not found:
        raise _unresolved(host)
    for text in found:
        why = refusal(text, hosted=hosted, allow_private=allow_private)
        if why:
            raise InvalidRequest(
                f"The server {host!r} is refused: {text} is {why}.",
                code="address_refused",
                remedy="Give the public address of the API server. A server that only your own network reaches needs "
                "Kubilitics to run inside that network."
                if hosted
                else "Give the address of the API server itself.",
                details={"host": host, "address": text, "reason": why},
            )
    return tuple(found)


def _unresolved(host: str) -> ClusterError:
    return ClusterError(
        f"The name {host!r} cannot be resolved.",
        code="cluster_dns",
        remedy="Check the spelling of the server, and that its name is public or known to this network.",
        details={"host": host},
    )


def refusal(address: str, *, hosted: bool, allow_private: bool = False) -> str:
    """Why an address may not be dialled; empty when it may.

    Metadata and link-local addresses are never an API server. In hosted mode neither is anything that is not global:
    it would be our own network that is reached.
    """
    ip = _effective(ipaddress.ip_address(address.split("%", 1)[0]))
    if ip in _METADATA:
        return "a metadata address"
    if ip.is_link_local:
        return "a link-local address"
    if ip.is_multicast or ip.is_unspecified:
        return "no address of a server"
    if not hosted:
        return ""
    if ip.is_loopback:
        return "a loopback address"
    if ip.is_private and allow_private and not ip.is_reserved:
        return ""
    return "" if ip.is_global and not ip.is_reserved else "a private address"


def _effective(ip: Address) -> Address:
    """The IPv4 address inside an IPv6 one that stands for it (mapped, NAT64, 6to4, Teredo)."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip.ipv4_mapped:
        return ip.ipv4_mapped
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if ip.sixtofour:
        return ip.sixtofour
    if ip.teredo:
        return ip.teredo[1]
    return ip
