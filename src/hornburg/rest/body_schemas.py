"""Pieces of which the bodies of routes are described in OpenAPI."""

from __future__ import annotations

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, RequestBody, Schema

__all__ = ["JOB", "RESOURCES", "body", "list_of", "number", "object_", "switch", "text"]


def _one(kind: OpenAPIType, description: str) -> Schema:
    return Schema(type=kind, description=description)


def text(description: str) -> Schema:
    """A string."""
    return _one(OpenAPIType.STRING, description)


def number(description: str) -> Schema:
    """An integer."""
    return _one(OpenAPIType.INTEGER, description)


def switch(description: str) -> Schema:
    """True or false."""
    return _one(OpenAPIType.BOOLEAN, description)


def object_(description: str) -> Schema:
    """An object of any members."""
    return _one(OpenAPIType.OBJECT, description)


def list_of(kind: OpenAPIType, description: str) -> Schema:
    """An array."""
    return Schema(type=OpenAPIType.ARRAY, items=Schema(type=kind), description=description)


def body(
    members: dict[str, Schema], *required: str, plain: str = "", optional: bool = False
) -> RequestBody:
    """A JSON object.

    Args:
        members: by name; those in ``required`` have to be there.
        plain: what a plain text in its place means.
        optional: the body may be missing.
    """
    schema = Schema(type=OpenAPIType.OBJECT, properties=dict(members), required=list(required))
    content = {"application/json": OpenAPIMediaType(schema=schema)}
    if plain:
        content["text/plain"] = OpenAPIMediaType(schema=text(plain))
    return RequestBody(content=content, required=not optional)


JOB = {
    "Synchronous": switch("Wait for the end of the job (true)"),
    "Asynchronous": switch("Answer at once where the job can be found"),
    "Priority": number("Of the job, 0 when not given"),
    "Permissive": switch("Go on when a part of the job fails"),
    "UserData": object_("Travels with the job"),
}
"""Members of a request that starts a job."""

RESOURCES = list_of(OpenAPIType.STRING, "Identifiers of resources of any level")
