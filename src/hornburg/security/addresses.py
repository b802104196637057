"""Addresses of the network, compared as numbers and not as texts."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from hornburg.settings import Settings

__all__ = ["Address", "dicom_addresses", "parse_address", "same_address"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@lru_cache(maxsize=1024)
def parse_address(text: str) -> Address | None:
    """The address in a text, or ``None`` when it is none.

    An IPv4 address that came through an IPv6 socket (``::ffff:192.0.2.1``, RFC 4291 2.5.5.2) is
    the IPv4 address.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def same_address(known: Address, seen: Address) -> bool:
    """Whether ``seen`` is the address that was written down as ``known``.

    A link-local address is seen with the interface that it came through (``fe80::1%eth0``); one
    that was written down without it is meant for every interface.
    """
    if known == seen:
        return True
    if isinstance(known, ipaddress.IPv6Address) and known.scope_id is None:
        return known.packed == seen.packed
    return False


def dicom_addresses(settings: Settings) -> tuple[str, ...]:
    """Where the DICOM server listens: ``DicomBindAddresses``; without it everywhere, but on the
    loopback alone as long as nothing at all is configured."""
    return settings.dicom_binds()
