"""Our own HTTP requests: peers, proxies, certificates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from hornburg.settings.outgoing import read_file_or_none, read_peer_hosts, read_proxy
from hornburg.settings.peers import read_peers, read_pkcs11
from hornburg.settings.rows import Row
from hornburg.settings.sections import freeze
from hornburg.settings.values import Peer, Pkcs11

__all__ = ["RemoteOptions"]


@dataclass(frozen=True, kw_only=True)
class RemoteOptions:
    """Requests that this server makes."""

    orthanc_peers: Annotated[
        Mapping[str, Peer],
        Row(
            "OrthancPeers",
            "Servers with the same REST API, by name.",
            read=read_peers,
            allowed='an object { "name": [URL] } or { "name": [URL, user name, password] }',
            secret=True,
        ),
    ] = field(default_factory=lambda: freeze({}))
    orthanc_peers_in_database: Annotated[
        bool,
        Row(
            "OrthancPeersInDatabase",
            "Whether peers are kept in the index, not in the configuration.",
        ),
    ] = False
    http_proxy: Annotated[
        str,
        Row(
            "HttpProxy",
            "Proxy for our own requests, as host:port or user:password@host:port.",
            read=read_proxy,
            allowed="host:port or user:password@host:port",
            secret=True,
        ),
    ] = field(default="", repr=False)
    http_timeout: Annotated[
        int,
        Row(
            "HttpTimeout",
            "How long our own requests wait for an answer; 0 means for ever.",
            unit="seconds",
            least=0,
            most=86400,
        ),
    ] = 60
    http_verbose: Annotated[
        bool,
        Row("HttpVerbose", "Whether our own requests are logged in detail."),
    ] = False
    https_verify_peers: Annotated[
        bool,
        Row(
            "HttpsVerifyPeers",
            "Whether the certificates of servers that we ask are checked.",
        ),
    ] = True
    https_ca_certificates: Annotated[
        Path | None,
        Row(
            "HttpsCACertificates",
            "PEM file of authorities that we trust; empty means the system's.",
            read=read_file_or_none,
            allowed="the path of a file, or an empty text",
            none="",
        ),
    ] = None
    allowed_peer_hosts: Annotated[
        tuple[str, ...],
        Row(
            "AllowedPeerHosts",
            "Where peers that the REST API adds may be: host names, *.example.org, addresses, "
            "networks; empty sets no limit but on link-local addresses, which have to be listed.",
            read=read_peer_hosts,
            allowed="a list of host names, *.example.org, IP addresses, and networks",
            ours=True,
        ),
    ] = ()
    pkcs11: Annotated[
        Pkcs11 | None,
        Row(
            "Pkcs11",
            "Hardware key for our own HTTPS requests.",
            read=read_pkcs11,
            allowed="an object with Module, Pin, Verbose",
            supported=False,
            secret=True,
        ),
    ] = None
