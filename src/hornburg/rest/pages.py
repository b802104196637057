"""The few pages that a browser shows: plain HTML, no script, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from litestar import Response

__all__ = ["logout_form", "own_path", "page"]

_STYLE = """
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }
  dl { display: grid; grid-template-columns: max-content auto; gap: 0 1.5rem }
  dd { margin: 0; font-variant-numeric: tabular-nums }
  label { display: block; margin: 0 0 1rem }
  input, button { font: inherit; padding: 0.25rem 0.5rem }
  label input { display: block; width: 20rem; max-width: 100% }
  .wrong { color: #a00 }
"""

_FRAME = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
{body}
</html>
"""

#: Nothing but the style of these pages: no script, no other origin, no frame round them.
_POLICY = (
    "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action {forms}; "
    "frame-ancestors 'none'"
).replace("{style}", base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode())


def page(title: str, body: str, *, status: int = 200, forms: bool = False) -> Response[bytes]:
    """A page.

    Args:
        title: a text.
        body: HTML; whoever makes it has escaped what comes from outside.
        forms: whether it may have forms, which go to this server alone.
    """
    html = _FRAME.format(title=escape(title), style=_STYLE, body=body)
    policy = _POLICY.replace("{forms}", "'self'" if forms else "'none'")
    return Response(
        html.encode(),
        status_code=status,
        media_type="text/html",
        # Without a referrer, browsers send "Origin: null" with our own forms (WHATWG Fetch, 3.2):
        # a page of ours could not be told from others.
        headers={"Content-Security-Policy": policy, "Referrer-Policy": "same-origin"},
    )


def logout_form(user: str, token: str) -> str:
    """Who is logged in, and a button that ends the session."""
    return (
        f'<form method="post" action="/logout"><p>You are logged in as <em>{escape(user)}</em>. '
        f'<input type="hidden" name="token" value="{escape(token)}">'
        "<button>Log out</button></p></form>"
    )


def own_path(path: str | None) -> str:
    """A path of this server, whatever was asked for: never another host, never a script."""
    if path is None or not path.startswith("/") or path.startswith(("//", "/\\")):
        return "/"
    if len(path) > 1024 or not path.isascii() or not path.isprintable() or "\\" in path:
        return "/"
    return path
