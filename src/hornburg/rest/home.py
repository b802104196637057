"""``/``: what a person sees who types the address into a browser."""

from __future__ import annotations

from html import escape
from typing import Any

from litestar import Request, Response, get

from hornburg import __version__
from hornburg.archive.seen import is_narrowed
from hornburg.errors import UnknownResourceError
from hornburg.index.base import Statistics
from hornburg.rest.pages import logout_form, page
from hornburg.rest.permission import access_of
from hornburg.rest.requests import archive_of
from hornburg.security.principals import Permission

__all__ = ["home"]

_BODY = """<h1>Hornburg {version}</h1>
<p>This DICOM server is called <em>{name}</em>.</p>
<dl>{counts}</dl>
<p>It has no web interface yet. Programs talk to its <a href="openapi.json">REST API</a>, which is
that of Orthanc; the README has a five-minute tour.</p>
{account}"""


def _counts(totals: Statistics) -> str:
    return "".join(
        f"<dt>{word}</dt><dd>{number:,}</dd>"
        for word, number in (
            ("patients", totals.patients),
            ("studies", totals.studies),
            ("series", totals.series),
            ("instances", totals.instances),
        )
    )


@get("/", permission=Permission.ANYONE, media_type="text/html", include_in_schema=False)
async def home(request: Request[Any, Any, Any]) -> Response[bytes]:
    """A page without patient data; 404 when ``OrthancExplorerEnabled`` is off."""
    archive = archive_of(request)
    if not archive.settings.orthanc_explorer_enabled:
        raise UnknownResourceError("The web interface is switched off (OrthancExplorerEnabled)")
    counts = ""
    if access_of(request.scope).may(Permission.VIEW):
        seen = archive_of(request, Permission.VIEW)
        run = seen.index.read if is_narrowed(seen) else seen.index.look
        counts = _counts(await run(lambda reader: reader.statistics()))
    name = archive.settings.name
    body = _BODY.format(
        name=escape(name), version=__version__, counts=counts, account=_account(request)
    )
    return page(f"{name} - Hornburg", body, forms=True)


def _account(request: Request[Any, Any, Any]) -> str:
    """Who is logged in, when somebody is; a session can be ended here, a password can't."""
    principal = access_of(request.scope).principal
    if not principal.name:
        return ""
    session = request.scope["state"].get("session")
    if session is not None:
        return logout_form(principal.name, session.token())
    return f"<p>You are <em>{escape(principal.name)}</em>.</p>"
