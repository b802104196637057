"""What stands before every route: each states a permission, and who asks must have it.

A handler says ``permission=Permission.X`` in its decorator. ``Permission.ANYONE`` is for everybody
who came in. What a permission is narrowed to is not judged here: handlers reach the archive
through :func:`hornburg.rest.requests.archive_of`, which shows them no more than that.
"""

from __future__ import annotations

import logging
from typing import Any, cast

from litestar import Request
from litestar.handlers import BaseRouteHandler

from hornburg.errors import ForbiddenError
from hornburg.security.policy import Access
from hornburg.security.principals import Permission
from hornburg.security.trail import Trail

__all__ = ["access_of", "authorize", "permission_of", "require"]

log = logging.getLogger("hornburg.rest")

#: What is served also while a required audit trail can't be written.
_WITHOUT_PATIENTS = frozenset(
    {
        Permission.ANYONE,
        Permission.AUDIT,
        Permission.CONTROL,
        Permission.METRICS,
        Permission.SETTINGS,
    }
)


async def authorize(request: Request[Any, Any, Any]) -> None:
    """Refuse who lacks the permission that the route states.

    Runs before each handler, and before its arguments are looked at. It is no guard of the
    framework because that copies the handler each time, a tenth of a short request.

    Raises:
        ForbiddenError: so it is, or the route states none.
        TrailBrokenError: a required audit trail can't be written.
    """
    permission = permission_of(request.route_handler)
    if permission is None:
        if request.scope["method"] == "OPTIONS":
            return  # the framework's own answer, which names the methods of a path
        log.error("%s states no permission, so nobody may ask it", request.scope["path"])
        raise ForbiddenError("This route is closed")
    require(request.scope, permission, request.app.state.archive.trail)


def require(scope: Any, permission: Permission, trail: Trail) -> None:
    """Refuse who lacks a permission, and whatever the audit trail could not tell of.

    Raises:
        ForbiddenError: who asks lacks it.
        TrailBrokenError: a required audit trail can't be written.
    """
    if permission is not Permission.ANYONE:
        access_of(scope).scope(permission)
    if permission not in _WITHOUT_PATIENTS:
        trail.check()


def permission_of(handler: BaseRouteHandler) -> Permission | None:
    """What a route states."""
    return cast("Permission | None", handler.opt.get("permission"))


def access_of(scope: Any) -> Access:
    """What the one who asks may do; the door has found it out.

    Raises:
        ForbiddenError: it has not, so nobody knows who asks.
    """
    access = (scope.get("state") or {}).get("access")
    if access is None:
        log.error("%s was reached without the door", scope.get("path"))
        raise ForbiddenError("Nobody knows who asks")
    return cast("Access", access)
