"""Bodies of routes of peers, for the OpenAPI description."""

from __future__ import annotations

from dataclasses import dataclass

from litestar.openapi.spec import Operation

from hornburg.rest.body_schemas import JOB, RESOURCES, body, number, object_, switch, text

__all__ = ["PeerOperation", "PeerStoreOperation"]

_PEER = {
    "Url": text("Root of its REST API, such as http://10.0.0.5:8042/"),
    "Username": text("User name"),
    "Password": text("Password"),
    "HttpHeaders": object_("Headers of all requests to it"),
    "CertificateFile": text("PEM file of the certificate that we show"),
    "CertificateKeyFile": text("PEM file of its key"),
    "CertificateKeyPassword": text("Passphrase of the key"),
    "Timeout": number("Seconds to wait for it; 0 is HttpTimeout"),
}


@dataclass
class PeerOperation(Operation):
    """A peer."""

    def __post_init__(self) -> None:
        self.request_body = body(_PEER, "Url")


@dataclass
class PeerStoreOperation(Operation):
    """Resources to a peer."""

    def __post_init__(self) -> None:
        members = {
            "Resources": RESOURCES,
            "Compress": switch("Send each instance as gzip"),
            "Transcode": text("UID of the transfer syntax to send instances in"),
            **JOB,
        }
        self.request_body = body(members, "Resources", plain="Identifier of one resource")
