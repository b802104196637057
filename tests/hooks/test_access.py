"""The policy and plug-ins: their routes need the permission that they state, for everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.hooks.serving import hooked

ROUTES = """
def routes(self):
    yield Route("GET", "/mine", Permission.VIEW, self.show)
    yield Route("GET", "/mine/open", Permission.ANYONE, self.show)
async def show(self, request):
    return await self.server.call("DELETE", "/studies/nothing")
"""

RULES = [
    {"Users": ["all"], "Permissions": ["view"]},
    {"Users": ["part"], "Permissions": ["view"], "Patients": ["P1"]},
    {"Users": ["none"], "Permissions": ["upload"]},
]


@pytest.mark.parametrize(
    ("user", "path", "status"),
    [
        # 404 is what the call inside gets, which may delete though no user may.
        ("all", "/mine", 404),
        ("part", "/mine", 403),
        ("none", "/mine", 403),
        ("none", "/mine/open", 404),
        ("", "/mine/open", 401),
    ],
)
async def test_who_may_ask(tmp_path: Path, user: str, path: str, status: int) -> None:
    options: dict[str, Any] = {
        "AuthenticationEnabled": True,
        "RegisteredUsers": {"all": "a word", "part": "a word", "none": "a word"},
        "AccessRules": RULES,
    }
    async with hooked(tmp_path, ROUTES, **options) as at:
        credentials = (user, "a word") if user else None
        answer = await at.client.get(path, auth=credentials)
        assert answer.status_code == status


async def test_a_filter_sees_who_has_shown_who_they_are_alone(tmp_path: Path) -> None:
    """Orthanc 1.12 gives a filter the name of the Basic header unverified when nobody has to log
    in."""
    source = "def filter_http(self, request):\n    return request.username == 'admin'"
    async with hooked(tmp_path, source) as at:
        answer = await at.client.get("/system", auth=("admin", "whatever"))
        assert answer.status_code == 403
