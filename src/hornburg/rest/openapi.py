"""``/openapi.json``: what the routes take and give, made from the handlers themselves."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.openapi.config import OpenAPIConfig
from litestar.types import ControllerRouterHandler

from hornburg import __version__
from hornburg.rest.answers import raw_json
from hornburg.rest.requests import archive_of
from hornburg.security.principals import Permission

__all__ = ["describe_routes", "openapi"]

_VERBS = ("get", "put", "post", "delete")

#: Statuses that handlers give by themselves.
_OUR_ERRORS = {
    "description": "Not done; the body says why",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}
_ERROR_SCHEMA = {
    "type": "object",
    "description": "An error, as Orthanc describes it",
    "required": ["HttpError", "HttpStatus", "Message", "Method", "OrthancError", "OrthancStatus"],
    "properties": {
        "Details": {"type": "string"},
        "HttpError": {"type": "string"},
        "HttpStatus": {"type": "integer"},
        "Message": {"type": "string"},
        "Method": {"type": "string"},
        "OrthancError": {"type": "string"},
        "OrthancStatus": {"type": "integer"},
        "Uri": {"type": "string"},
    },
}


def describe_routes(routes: Iterable[ControllerRouterHandler]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of some handlers."""
    described = Litestar(
        route_handlers=list(routes),
        openapi_config=OpenAPIConfig(
            title="Hornburg",
            version=__version__,
            description="The REST API of Hornburg, compatible with Orthanc's.",
        ),
        logging_config=None,
    )
    document: dict[str, Any] = described.openapi_schema.to_schema()
    for path in document["paths"].values():
        for verb in _VERBS:
            if verb in path:
                _complete(path[verb])
    document.setdefault("components", {}).setdefault("schemas", {})["Error"] = _ERROR_SCHEMA
    return document


def _complete(operation: dict[str, Any]) -> None:
    """What holds for every route: bytes are described by their type alone, errors look the same."""
    kept = {}
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            for content in response.get("content", {}).values():
                content.pop("schema", None)
            kept[status] = response
    kept["default"] = _OUR_ERRORS
    operation["responses"] = kept


@lru_cache(maxsize=1)
def _encoded(routes: tuple[ControllerRouterHandler, ...]) -> bytes:
    return msgspec.json.encode(describe_routes(routes))


@get(
    "/openapi.json",
    permission=Permission.ANYONE,
    summary="This description",
    include_in_schema=False,
)
async def openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The OpenAPI document of all routes."""
    routes = request.app.state.routes
    return raw_json(await archive_of(request).work(_encoded, routes))
