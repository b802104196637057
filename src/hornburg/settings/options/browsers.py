"""What browsers and proxies may be told: hosts, origins, forwarded addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from hornburg.settings.names import (
    HOSTS_ALLOWED,
    ORIGINS_ALLOWED,
    read_hosts,
    read_origins,
)
from hornburg.settings.rows import Row
from hornburg.settings.transport import PROXIES_ALLOWED, read_networks

__all__ = ["BrowserOptions"]


@dataclass(frozen=True, kw_only=True)
class BrowserOptions:
    """What browsers and proxies may be told: hosts, origins, forwarded addresses."""

    trusted_proxies: Annotated[
        tuple[str, ...],
        Row(
            "TrustedProxies",
            "Addresses and networks of the reverse proxies that may say for whom they ask "
            "(X-Forwarded-For, -Proto, -Host, Forwarded).",
            read=read_networks,
            allowed=PROXIES_ALLOWED,
            ours=True,
        ),
    ] = ()
    allowed_hosts: Annotated[
        tuple[str, ...] | None,
        Row(
            "AllowedHosts",
            "Names by which clients may call this server, besides its addresses and the names of "
            "the loopback; null is any name where everybody has to log in; where nobody has to, "
            "the own name of the machine, and with RemoteAccessAllowed names without a dot.",
            read=read_hosts,
            allowed=HOSTS_ALLOWED,
            ours=True,
        ),
    ] = None
    cors_allowed_origins: Annotated[
        tuple[str, ...],
        Row(
            "CorsAllowedOrigins",
            "Origins of other sites whose pages may use this server as its own pages do, such as "
            "those of a viewer.",
            read=read_origins,
            allowed=ORIGINS_ALLOWED,
            ours=True,
        ),
    ] = ()
