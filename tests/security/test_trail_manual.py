"""``docs/audit-trail.md`` says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

from hornburg.security.principals import Permission
from hornburg.security.trail.events import ACTIONS, SHARED
from hornburg.settings.trail import _MEMBERS as MEMBERS
from hornburg.settings.trail import _SYSLOG as SYSLOG
from hornburg.settings.trail import read_trail

MANUAL = (Path(__file__).parents[2] / "docs" / "audit-trail.md").read_text()


def first_cells(title: str) -> list[str]:
    """The words in code of the first column of a table."""
    rows = MANUAL.partition(f"| {title} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [word for row in rows for word in re.findall("`([^`]*)`", row.split("|")[1])]


def test_every_member_is_there():
    assert first_cells("member") == [*MEMBERS, *(f"Syslog.{name}" for name in SYSLOG)]


def test_the_example_can_be_used():
    (example,) = re.findall(r"```json\n(\{\n  \"AuditTrail.*?)```", MANUAL, re.DOTALL)
    settings = read_trail(json.loads(example)["AuditTrail"])
    assert settings.required
    assert settings.syslog is not None


def test_every_action_is_there():
    actions = first_cells("action")
    stated = {one.value for one in Permission} - {"anyone", "metrics"}
    assert stated <= set(actions)
    assert SHARED - {"anyone"} <= set(actions)
    assert set(actions) == set(ACTIONS) - {"anyone", "metrics"}
    assert len(actions) == len(set(actions))
