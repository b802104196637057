"""Every route states the permission that it needs, and every role has what it should, no more."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from tests.rest.conftest import Serve, serving

from hornburg.dicom.levels import Level
from hornburg.rest.app import ROUTES
from hornburg.rest.permission import authorize, permission_of
from hornburg.security.principals import Permission
from hornburg.settings.rules import BUILT_IN_ROLES
from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory("MR")

#: What each route needs. "{level}" is any of the four, "{above}" all but instances, "{below}" all
#: but patients. Whoever changes a line here changes what roles may do.
TABLE = """
GET / anyone
GET /account anyone
DELETE /account/sessions anyone
GET /account/tokens anyone
POST /account/tokens anyone
DELETE /account/tokens/{identifier} anyone
DELETE /changes control
GET /changes view
DELETE /exports control
GET /exports view
POST /instances upload
GET /instances/{public_id}/content download
GET /instances/{public_id}/content/{path} download
POST /instances/{public_id}/export scripts
GET /instances/{public_id}/file download
GET /instances/{public_id}/header view
GET /instances/{public_id}/simplified-tags view
GET /instances/{public_id}/tags view
GET /jobs anyone
DELETE /jobs/{job_id} anyone
GET /jobs/{job_id} anyone
POST /jobs/{job_id}/cancel anyone
POST /jobs/{job_id}/pause anyone
POST /jobs/{job_id}/resubmit anyone
POST /jobs/{job_id}/resume anyone
DELETE /jobs/{job_id}/{key} anyone
GET /jobs/{job_id}/{key} anyone
GET /login anyone
POST /login anyone
GET /login/openid anyone
GET /login/openid/callback anyone
POST /logout anyone
GET /modalities query-remote
DELETE /modalities/{name} settings
GET /modalities/{name} query-remote
PUT /modalities/{name} settings
GET /modalities/{name}/configuration settings
POST /modalities/{name}/echo query-remote
POST /modalities/{name}/find query-remote
POST /modalities/{name}/find-instance query-remote
POST /modalities/{name}/find-patient query-remote
POST /modalities/{name}/find-series query-remote
POST /modalities/{name}/find-study query-remote
POST /modalities/{name}/find-worklist query-remote
POST /modalities/{name}/get query-remote
POST /modalities/{name}/move query-remote
POST /modalities/{name}/query query-remote
POST /modalities/{name}/storage-commitment send
POST /modalities/{name}/store send
POST /modalities/{name}/store-straight send
GET /openapi.json anyone
GET /patients/{public_id}/protected view
PUT /patients/{public_id}/protected edit
GET /peers send
DELETE /peers/{name} settings
GET /peers/{name} send
PUT /peers/{name} settings
GET /peers/{name}/configuration settings
POST /peers/{name}/store send
POST /peers/{name}/store-straight send
GET /peers/{name}/system query-remote
GET /plugins anyone
GET /plugins/explorer.js anyone
GET /plugins/{name} anyone
GET /queries query-remote
DELETE /queries/{query_id} query-remote
GET /queries/{query_id} query-remote
GET /queries/{query_id}/answers query-remote
GET /queries/{query_id}/answers/{number} query-remote
GET /queries/{query_id}/answers/{number}/content query-remote
POST /queries/{query_id}/answers/{number}/query-instances query-remote
POST /queries/{query_id}/answers/{number}/query-series query-remote
POST /queries/{query_id}/answers/{number}/query-studies query-remote
POST /queries/{query_id}/answers/{number}/retrieve query-remote
GET /queries/{query_id}/level query-remote
GET /queries/{query_id}/modality query-remote
GET /queries/{query_id}/query query-remote
POST /queries/{query_id}/retrieve query-remote
GET /statistics view
GET /storage-commitment/{transaction_uid} send
POST /storage-commitment/{transaction_uid}/remove delete
GET /studies/{public_id}/module-patient view
GET /system anyone
GET /tools anyone
GET /tools/accepted-sop-classes settings
GET /tools/accepted-transfer-syntaxes settings
PUT /tools/accepted-transfer-syntaxes settings
GET /tools/audit-trail audit
POST /tools/bulk-content view
POST /tools/bulk-delete delete
POST /tools/count-resources view
GET /tools/default-encoding settings
PUT /tools/default-encoding settings
GET /tools/dicom-conformance anyone
POST /tools/dicom-echo settings
POST /tools/execute-script scripts
POST /tools/find view
GET /tools/generate-uid anyone
GET /tools/labels view
GET /tools/log-level settings
PUT /tools/log-level settings
GET /tools/log-level-dicom settings
PUT /tools/log-level-dicom settings
GET /tools/log-level-generic settings
PUT /tools/log-level-generic settings
GET /tools/log-level-http settings
PUT /tools/log-level-http settings
GET /tools/log-level-jobs settings
PUT /tools/log-level-jobs settings
GET /tools/log-level-lua settings
PUT /tools/log-level-lua settings
GET /tools/log-level-plugins settings
PUT /tools/log-level-plugins settings
GET /tools/log-level-sqlite settings
PUT /tools/log-level-sqlite settings
POST /tools/lookup view
GET /tools/metrics metrics
PUT /tools/metrics settings
GET /tools/metrics-prometheus metrics
GET /tools/now anyone
GET /tools/now-local anyone
POST /tools/reset control
GET /tools/security-audit audit
POST /tools/shutdown control
GET /tools/unknown-sop-class-accepted settings
PUT /tools/unknown-sop-class-accepted settings
GET /worklists worklists
POST /worklists/create worklists
DELETE /worklists/{worklist_id} worklists
GET /worklists/{worklist_id} worklists
PUT /worklists/{worklist_id} worklists
GET /{above}/{public_id}/instances view
GET /{above}/{public_id}/instances-tags view
GET /{above}/{public_id}/series view
GET /{above}/{public_id}/shared-tags view
GET /{above}/{public_id}/studies view
GET /{below}/{public_id}/patient view
GET /{below}/{public_id}/series view
GET /{below}/{public_id}/study view
GET /{level} view
DELETE /{level}/{public_id} delete
GET /{level}/{public_id} view
GET /{level}/{public_id}/attachments view
DELETE /{level}/{public_id}/attachments/{name} edit
GET /{level}/{public_id}/attachments/{name} view
PUT /{level}/{public_id}/attachments/{name} edit
POST /{level}/{public_id}/attachments/{name}/compress edit
GET /{level}/{public_id}/attachments/{name}/compressed-data download
GET /{level}/{public_id}/attachments/{name}/compressed-md5 view
GET /{level}/{public_id}/attachments/{name}/compressed-size view
GET /{level}/{public_id}/attachments/{name}/data download
GET /{level}/{public_id}/attachments/{name}/info view
GET /{level}/{public_id}/attachments/{name}/is-compressed view
GET /{level}/{public_id}/attachments/{name}/md5 view
GET /{level}/{public_id}/attachments/{name}/size view
POST /{level}/{public_id}/attachments/{name}/uncompress edit
GET /{level}/{public_id}/attachments/{name}/uuid view
POST /{level}/{public_id}/attachments/{name}/verify-md5 edit
GET /{level}/{public_id}/labels view
DELETE /{level}/{public_id}/labels/{label} edit
GET /{level}/{public_id}/labels/{label} view
PUT /{level}/{public_id}/labels/{label} edit
GET /{level}/{public_id}/metadata view
DELETE /{level}/{public_id}/metadata/{name} edit
GET /{level}/{public_id}/metadata/{name} view
PUT /{level}/{public_id}/metadata/{name} edit
GET /{level}/{public_id}/module view
GET /{level}/{public_id}/statistics view
"""

#: Open to those who have not said who they are: there they do.
DOORS = frozenset(
    {"GET /login/openid", "GET /login/openid/callback", "GET /login", "POST /login", "POST /logout"}
)

ROLES = (*BUILT_IN_ROLES, "stranger")
PASSWORD = "a long enough word of "


def handlers() -> Iterator[HTTPRouteHandler]:
    for handler in ROUTES:
        assert isinstance(handler, HTTPRouteHandler)
        yield handler


def shapes(handler: HTTPRouteHandler) -> set[str]:
    """The paths of a handler, those that differ in the level alone as one."""
    levels = {level.plural for level in Level}
    here = {path.split("/")[1] for path in handler.paths} & levels
    word = "{below}" if "instances" in here else "{above}"
    word = "{level}" if here == levels else word
    found = set()
    for path in handler.paths:
        parts = path.split("/")
        if len(here) > 1 and parts[1] in here:
            parts[1] = word
        found.add(re.sub(r":\w+}", "}", "/".join(parts)))
    return found


def table() -> dict[str, str]:
    rows = [line.rsplit(" ", 1) for line in TABLE.strip().splitlines()]
    return dict(rows)


def test_every_route_states_a_permission() -> None:
    silent = [
        (sorted(handler.http_methods), sorted(handler.paths))
        for handler in handlers()
        if not isinstance(permission_of(handler), Permission)
    ]
    assert not silent


def test_each_states_the_one_of_the_table() -> None:
    stated: dict[str, str] = {}
    for handler in handlers():
        permission = permission_of(handler)
        assert permission is not None
        for method in handler.http_methods:
            for shape in shapes(handler):
                assert stated.setdefault(f"{method} {shape}", permission.value) == permission.value
    assert stated == table()


async def test_each_is_asked_for_it(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Handlers of the framework can have a "before_request" of their own, which would take the
    place of ours, and answers from a cache come before it."""
    made: list[Litestar] = []

    class Watched(Litestar):
        def __init__(self, *arguments: Any, **more: Any) -> None:
            super().__init__(*arguments, **more)
            made.append(self)

    monkeypatch.setattr("hornburg.rest.app.Litestar", Watched)
    await serve()
    (app,) = made
    seen = 0
    for route in app.routes:
        assert isinstance(route, HTTPRoute), "a route without a request"
        for handler, _ in route.route_handler_map.values():
            assert handler.resolve_before_request() is authorize, route.path
            assert not handler.cache
            seen += 1
    assert seen > 300


FILLED = {
    "public_id": "-".join(["0" * 8] * 5),
    "name": "none",
    "label": "none",
    "number": "0",
    "path": "0010-0010",
}


def requests_of(handler: HTTPRouteHandler) -> Iterator[tuple[str, str]]:
    """One request for each method of a handler, with parameters of nothing that is there."""
    path = sorted(handler.paths)[0]
    filled = re.sub(r"{(\w+):\w+}", lambda found: FILLED.get(found[1], "none"), path)
    for method in sorted(handler.http_methods):
        yield method, filled


@pytest.fixture
async def roles(tmp_path: Path) -> AsyncIterator[Any]:
    """A server with a user for each role; "stranger" has a password and no rule."""
    users = {role: PASSWORD + role for role in ROLES}
    async with serving(
        tmp_path / "roles",
        AuthenticationEnabled=True,
        RegisteredUsers=users,
        AccessRules=[{"Users": [role], "Role": role} for role in BUILT_IN_ROLES],
        Worklists={"Enable": True, "SaveInOrthancDatabase": True},
    ) as served:
        yield served


def refused(response: httpx2.Response) -> bool:
    return response.status_code == 403 and "needs the permission" in response.text


async def test_each_role_on_each_route(roles: Any) -> None:
    """Not what the answer is: whether it is refused for want of a permission."""
    wrong = []
    for handler in handlers():
        permission = permission_of(handler)
        assert permission is not None
        if permission is Permission.CONTROL and "/tools/shutdown" in handler.paths:
            continue  # tried below, for an answer ends the server
        for method, path in requests_of(handler):
            for role in ROLES:
                granted = BUILT_IN_ROLES.get(role, ())
                may = permission is Permission.ANYONE or permission.value in granted
                response = await roles.client.request(method, path, auth=(role, PASSWORD + role))
                if refused(response) is may or response.status_code == 401:
                    wrong.append((role, method, path, response.status_code, response.text[:200]))
    assert not wrong


async def test_nobody_comes_in_without_a_name(roles: Any) -> None:
    wrong = []
    for handler in ROUTES:
        assert isinstance(handler, HTTPRouteHandler)
        for method, path in requests_of(handler):
            response = await roles.client.request(method, path)
            if response.status_code != 401 and f"{method} {path}" not in DOORS:
                wrong.append((method, path, response.status_code))
    assert not wrong


async def test_the_server_is_stopped_by_those_alone_who_may(roles: Any) -> None:
    for role in ("reader", "uploader", "editor", "stranger"):
        for path in ("/tools/shutdown", "/tools/reset"):
            assert refused(await roles.client.post(path, auth=(role, PASSWORD + role)))


#: Unsafe methods that need nothing: searches, one's own things, and signing in and out.
HARMLESS = frozenset(
    {
        "POST /tools/find",
        "POST /tools/count-resources",
        "POST /tools/lookup",
        "POST /tools/bulk-content",
    }
)


def test_a_reader_changes_nothing() -> None:
    for route, permission in table().items():
        method = route.split(" ")[0]
        if method == "GET" or permission == "anyone" or route in HARMLESS:
            continue
        assert permission not in BUILT_IN_ROLES["reader"], route


def test_what_anyone_may_change_is_their_own() -> None:
    anyone = {
        route
        for route, permission in table().items()
        if permission == "anyone" and not route.startswith("GET")
    }
    assert anyone == {
        "POST /login",
        "POST /logout",
        "DELETE /account/sessions",
        "POST /account/tokens",
        "DELETE /account/tokens/{identifier}",
        "DELETE /jobs/{job_id}",
        "DELETE /jobs/{job_id}/{key}",
        "POST /jobs/{job_id}/cancel",
        "POST /jobs/{job_id}/pause",
        "POST /jobs/{job_id}/resubmit",
        "POST /jobs/{job_id}/resume",
    }


def test_an_uploader_uploads_and_that_is_all() -> None:
    allowed = {route for route, word in table().items() if word in BUILT_IN_ROLES["uploader"]}
    assert allowed == {"POST /instances"}


async def test_an_uploader_sees_not_even_what_it_brought(roles: Any) -> None:
    auth = ("uploader", PASSWORD + "uploader")
    response = await roles.client.post("/instances", content=MAKE.instance(), auth=auth)
    assert response.status_code == 200
    found = response.json()
    for path in (found["Path"], f"/studies/{found['ParentStudy']}", "/statistics", "/changes"):
        assert refused(await roles.client.get(path, auth=auth))
    home = await roles.client.get("/", auth=auth)
    assert "<dt>" not in home.text
    home = await roles.client.get("/", auth=("reader", PASSWORD + "reader"))
    assert "<dt>" in home.text or home.status_code == 404


async def test_who_may_send_sends_to_who_is_known(serve: Serve) -> None:
    served = await serve(
        AuthenticationEnabled=True,
        RegisteredUsers={"alice": PASSWORD},
        AccessRules=[{"Users": ["alice"], "Role": "editor"}],
        DicomModalities={"pacs": ["PACS", "127.0.0.1", 1]},
    )
    client, auth = served.client, ("alice", PASSWORD)
    stored = (await client.post("/instances", content=MAKE.instance(), auth=auth)).json()
    for more in ({"Host": "127.0.0.1"}, {"Port": 1}):
        body = {"Resources": [stored["ID"]], **more}
        assert refused(await client.post("/modalities/pacs/store", json=body, auth=auth))
    assert refused(await client.get("/modalities?expand", auth=auth))
    assert (await client.get("/modalities", auth=auth)).json() == ["pacs"]


# -- the example of the manual ------------------------------------------------------------------

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "permissions.md"


def example() -> str:
    found = re.search(r"```json\n(.*?)```", MANUAL.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


async def test_the_example_of_the_page_in_six_lines(tmp_path: Path) -> None:
    """ "admin" has full access on the localhost only, "user" has read-only access."""
    text = example()
    assert len(text.strip().splitlines()) == 6
    options = json.loads(text)
    users = options["RegisteredUsers"]
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(serving(tmp_path / "archive", **options))
        for address in ("127.0.0.1", "192.0.2.7"):
            transport = httpx2.ASGITransport(
                app=served.client._transport.app,  # type: ignore[attr-defined]
                client=(address, 40000),
            )
            client = await stack.enter_async_context(
                httpx2.AsyncClient(transport=transport, base_url="http://localhost")
            )
            admin, user = ("admin", users["admin"]), ("user", users["user"])
            for auth in (admin, user):
                assert (await client.get("/patients", auth=auth)).status_code == 200
            for name, auth in (("admin", admin), ("user", user)):
                may = name == "admin" and address == "127.0.0.1"
                response = await client.post("/instances", content=MAKE.instance(), auth=auth)
                assert response.status_code == (200 if may else 403), (name, address)
                response = await client.put("/tools/default-encoding", content="Utf8", auth=auth)
                assert response.status_code == (200 if may else 403), (name, address)
            assert (await client.get("/patients")).status_code == 401


def test_the_manual_has_every_permission() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|(.*?)\|(.*?)\|(.*?)\|(.*?)\|", MANUAL.read_text(), re.M)
    told = {row[0]: [cell.strip() == "x" for cell in row[1:]] for row in rows}
    assert told == {
        permission.value: [
            permission.value in BUILT_IN_ROLES[role]
            for role in ("reader", "uploader", "editor", "admin")
        ]
        for permission in Permission
        if permission is not Permission.ANYONE
    }
