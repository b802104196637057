"""``/tools/security-audit``."""

from __future__ import annotations

from tests.rest.conftest import Serve

from hornburg.security.audit import CHECKS


async def test_the_report_of_the_running_server(serve: Serve) -> None:
    served = await serve(SyncStorageArea=False)
    answer = await served.client.get("/tools/security-audit")
    assert answer.status_code == 200
    checks = {check["Name"]: check for check in answer.json()["Checks"]}
    assert set(checks) == {check.name for check in CHECKS}
    assert checks["archive-durable"]["Grade"] == "warn"
    assert checks["archive-durable"]["Fix"] == '"SyncStorageArea": true'
