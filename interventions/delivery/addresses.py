"""Which addresses may be called? Those of the public Internet, and private ones that the operator has named."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network

# All that is given out of IPv6: what lies outside is for translation, for one site, or for later.
_GIVEN_OUT = IPv6Network("2000::/3")
# Inside it and public by the registry, but leading elsewhere: 6to4 and its relays carry an IPv4 address of anybody's
# choice, the last two are for protocols and documents.
_NOT_PUBLIC: tuple[Network, ...] = (
    IPv6Network("2002::/16"),
    IPv6Network("3fff::/20"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("192.0.0.0/24"),
)


def read(text: str) -> Address:
    """The address as it will be called: an IPv4 address in IPv6's clothes is the IPv4 address. Raises ValueError."""
    address = ip_address(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def is_public(address: Address) -> bool:
    if not address.is_global or address.is_multicast or _is_in(address, _NOT_PUBLIC):
        return False
    return isinstance(address, IPv4Address) or address in _GIVEN_OUT


def may_be_called(address: Address, allowed: Sequence[Network], *, plain: bool) -> bool:
    """`plain` is without TLS: then only an address that the operator has named, for there it stays in the house."""
    return _is_in(address, allowed) or (is_public(address) and not plain)


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
