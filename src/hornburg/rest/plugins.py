"""``/plugins``: which plug-ins there are."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import PathParameter

from hornburg.errors import UnknownResourceError
from hornburg.hooks.manager import Hooks
from hornburg.rest.answers import json_answer
from hornburg.rest.requests import archive_of
from hornburg.security.principals import Permission

__all__ = ["ROUTES"]

Asked = Request[Any, Any, Any]
PluginName = Annotated[str, PathParameter(description="Name of the plug-in")]

_TAGS = ["System"]
_EXPLORER = "explorer.js"


@get("/plugins", permission=Permission.ANYONE, summary="List plug-ins", tags=_TAGS)
async def plugins(request: Asked) -> Response[bytes]:
    """The names of all plug-ins; the first is Orthanc's name for what they add to its pages."""
    return json_answer([_EXPLORER, *(guest.name for guest in _hooks(request).guests)])


@get(
    f"/plugins/{_EXPLORER}",
    permission=Permission.ANYONE,
    media_type="application/javascript",
    summary="What plug-ins add to the pages of Orthanc",
    tags=_TAGS,
)
async def explorer(request: Asked) -> Response[bytes]:
    """Nothing: plug-ins have pages of their own."""
    return Response(b"", media_type="application/javascript")


@get("/plugins/{name:str}", permission=Permission.ANYONE, summary="Get a plug-in", tags=_TAGS)
async def plugin(request: Asked, name: PluginName) -> Response[bytes]:
    """What a plug-in says of itself."""
    for guest in _hooks(request).guests:
        if guest.name == name:
            return json_answer(
                {
                    "Description": str(guest.plugin.description),
                    "ExtendsOrthancExplorer": False,
                    "ID": guest.name,
                    "Version": str(guest.plugin.version),
                }
            )
    raise UnknownResourceError(f"There is no plug-in {name[:64]!r}")


def _hooks(request: Asked) -> Hooks:
    return archive_of(request).hooks


ROUTES = (plugins, explorer, plugin)
