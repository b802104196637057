"""``/``: what a person sees who types the address into a browser."""

from __future__ import annotations

from html import escape
from typing import Any

from litestar import Request, Response, get

from hornburg import __version__
from hornburg.archive.seen import is_narrowed
from hornburg.errors import UnknownResourceError
from hornburg.index.base import Statistics
from hornburg.rest.permission import access_of
from hornburg.rest.requests import archive_of
from hornburg.security.principals import Permission

__all__ = ["home"]

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name} - Hornburg</title>
<style>
  body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }}
  dl {{ display: grid; grid-template-columns: max-content auto; gap: 0 1.5rem }}
  dd {{ margin: 0; font-variant-numeric: tabular-nums }}
</style>
<h1>Hornburg {version}</h1>
<p>This DICOM server is called <em>{name}</em>.</p>
<dl>{counts}</dl>
<p>It has no web interface yet. Programs talk to its <a href="openapi.json">REST API</a>, which is
that of Orthanc; the README has a five-minute tour.</p>
</html>
"""

#: Nothing but the style of this page: no script, no other origin, no frame round it.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


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
    page = _PAGE.format(name=escape(archive.settings.name), version=__version__, counts=counts)
    headers = {"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"}
    return Response(page.encode(), media_type="text/html", headers=headers)
