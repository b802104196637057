"""``/tools/security-audit``: how safe this server is set up, for administrators."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get

from hornburg.rest.answers import json_answer
from hornburg.rest.requests import archive_of
from hornburg.security.audit import audit
from hornburg.security.principals import Permission

__all__ = ["ROUTES"]


@get(
    "/tools/security-audit",
    summary="How safe is this server set up?",
    permission=Permission.AUDIT,
)
async def security_audit(request: Request[Any, Any, Any]) -> Response[bytes]:
    """What ``hornburg audit`` prints: each line of the checklist with its grade, why it matters,
    and the line of the configuration that helps."""
    archive = archive_of(request)
    report = await archive.work(audit, archive.settings)
    return json_answer(report.to_json())


ROUTES = (security_audit,)
