"""Bodies of routes of peers, for the OpenAPI description."""

from __future__ import annotations

from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema

__all__ = ["PeerOperation", "PeerStoreOperation"]


def _one(kind: OpenAPIType, description: str) -> Schema:
    return Schema(type=kind, description=description)


def _text(description: str) -> Schema:
    return _one(OpenAPIType.STRING, description)


def _switch(description: str) -> Schema:
    return _one(OpenAPIType.BOOLEAN, description)


def _number(description: str) -> Schema:
    return _one(OpenAPIType.INTEGER, description)


_PEER = {
    "Url": _text("Root of its REST API, such as http://10.0.0.5:8042/"),
    "Username": _text("User name"),
    "Password": _text("Password"),
    "HttpHeaders": _one(OpenAPIType.OBJECT, "Headers of all requests to it"),
    "CertificateFile": _text("PEM file of the certificate that we show"),
    "CertificateKeyFile": _text("PEM file of its key"),
    "CertificateKeyPassword": _text("Passphrase of the key"),
    "Timeout": _number("Seconds to wait for it; 0 is HttpTimeout"),
}


@dataclass
class PeerOperation(Operation):
    """A peer."""

    def __post_init__(self) -> None:
        schema = Schema(type=OpenAPIType.OBJECT, properties=dict(_PEER), required=["Url"])
        self.request_body = RequestBody(
            content={"application/json": OpenAPIMediaType(schema=schema)}, required=True
        )


@dataclass
class PeerStoreOperation(Operation):
    """Resources to a peer."""

    def __post_init__(self) -> None:
        identifiers = Schema(
            type=OpenAPIType.ARRAY,
            items=_text("Identifier"),
            description="Identifiers of resources of any level",
        )
        members: dict[str, Schema] = {
            "Resources": identifiers,
            "Compress": _switch("Send each instance as gzip"),
            "Transcode": _text("UID of the transfer syntax to send instances in"),
            "Synchronous": _switch("Wait for the end of the job (true)"),
            "Asynchronous": _switch("Answer at once where the job can be found"),
            "Priority": _number("Of the job, 0 when not given"),
            "Permissive": _switch("Go on when a part of the job fails"),
            "UserData": _one(OpenAPIType.OBJECT, "Travels with the job"),
        }
        schema = Schema(type=OpenAPIType.OBJECT, properties=dict(members), required=["Resources"])
        content = {
            "application/json": OpenAPIMediaType(schema=schema),
            "text/plain": OpenAPIMediaType(schema=_text("Identifier of one resource")),
        }
        self.request_body = RequestBody(content=content, required=True)
