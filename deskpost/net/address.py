"""Which IP addresses are public. Pure: no look-ups, no settings."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Translated to IPv4 by a gateway on the way (RFC 6052): what counts is the address inside.
_NAT64 = IPv6Network("64:ff9b::/96")

# Not public by IANA's registries of special addresses, which Python 3.11 does not know in full.
_SPECIAL: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays, given up by RFC 7526
        "100:0:0:1::/64",  # dummy prefix, RFC 9780
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation, RFC 9637
        "fec0::/10",  # site-local, given up by RFC 3879
        "5f00::/16",  # segment routing, RFC 9602
    )
)


def read(text: str) -> Address:
    """Return the address that `getaddrinfo` wrote as text; an interface's name (%eth0) is left
    out. Raises ValueError."""
    return ip_address(text.partition("%")[0])


def is_private(address: Address) -> bool:
    """Whether the address, or one that it carries inside, is anything but a public host's."""
    return any(not _is_public(face) for face in _faces(address))


def is_allowed(address: Address, networks: Iterable[Network]) -> bool:
    """Whether one may connect to the address: it is public, or lies in one of the networks."""
    known = tuple(networks)
    return all(_is_public(face) or _lies_in(face, known) for face in _faces(address))


def _faces(address: Address) -> tuple[Address, ...]:
    """The addresses at which a packet for this one may arrive in the end."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFF_FFFF),)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return (address, *address.teredo)
    return (address,)


def _is_public(address: Address) -> bool:
    if not address.is_global or address.is_multicast:
        return False
    if address.is_reserved or address.is_unspecified:
        return False
    return not _lies_in(address, _SPECIAL)


def _lies_in(address: Address, networks: Iterable[Network]) -> bool:
    return any(net.version == address.version and address in net for net in networks)
