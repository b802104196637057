"""Listening sockets, opened before anything else so that a port in use stops the start."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from hornburg.errors import HornburgError

__all__ = ["open_sockets"]


def open_sockets(
    addresses: Sequence[str], port: int, option: str, *, may_lack_ipv6: bool
) -> list[socket.socket]:
    """A socket, bound and not listening yet, for every address.

    Args:
        port: 0 lets the system choose one, the same for all addresses.
        option: the option that names the port, for the error.
        may_lack_ipv6: nobody asked for the IPv6 addresses by name, so that a machine without
            them will do.

    Raises:
        HornburgError: an address or the port can't be used.
    """
    sockets: list[socket.socket] = []
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((address, port))
        except OSError as error:
            if family == socket.AF_INET6 and sockets and may_lack_ipv6:
                continue
            for opened in sockets:
                opened.close()
            raise HornburgError(
                f"Can't listen on {address} port {port} ({option}): {error.strerror}"
            ) from None
        listener.setblocking(False)
        # With port 0 the system chooses, and the other addresses follow.
        port = listener.getsockname()[1]
        sockets.append(listener)
    return sockets
