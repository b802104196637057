"""The schema of DICOM audit messages (PS3.15 section A.5.1), as a table, and what holds a message
against it.

The standard has it as Relax NG Compact; here each element has its attributes, its children in
their order, and how often they come.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

__all__ = ["check"]

_TOKEN = r".+"
_DATE_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"


@dataclass(frozen=True)
class Rule:
    """``needed`` and ``allowed`` attributes with their patterns; ``children`` in their order as
    (name, least, most); ``text`` the pattern of the content."""

    needed: dict[str, str] = field(default_factory=dict)
    allowed: dict[str, str] = field(default_factory=dict)
    children: tuple[tuple[str, int, int], ...] = ()
    text: str = ""


_MANY = 10_000

_CODE = Rule(
    needed={"csd-code": _TOKEN, "codeSystemName": _TOKEN, "originalText": _TOKEN},
    allowed={"displayName": _TOKEN},
)

RULES = {
    "AuditMessage": Rule(
        children=(
            ("EventIdentification", 1, 1),
            ("ActiveParticipant", 1, _MANY),
            ("AuditSourceIdentification", 1, 1),
            ("ParticipantObjectIdentification", 0, _MANY),
        )
    ),
    "EventIdentification": Rule(
        needed={"EventDateTime": _DATE_TIME, "EventOutcomeIndicator": "0|4|8|12"},
        allowed={"EventActionCode": "C|R|U|D|E"},
        children=(
            ("EventID", 1, 1),
            ("EventTypeCode", 0, _MANY),
            ("EventOutcomeDescription", 0, 1),
        ),
    ),
    "EventID": _CODE,
    "EventTypeCode": _CODE,
    "EventOutcomeDescription": Rule(text=".+"),
    "ActiveParticipant": Rule(
        needed={"UserID": ".+", "UserIsRequestor": "true|false"},
        allowed={
            "AlternativeUserID": ".+",
            "UserName": ".+",
            "NetworkAccessPointID": _TOKEN,
            "NetworkAccessPointTypeCode": "[1-5]",
        },
        children=(("RoleIDCode", 0, _MANY), ("MediaIdentifier", 0, 1)),
    ),
    "RoleIDCode": _CODE,
    "AuditSourceIdentification": Rule(
        needed={"AuditSourceID": _TOKEN},
        allowed={"AuditEnterpriseSiteID": _TOKEN},
        children=(("AuditSourceTypeCode", 0, _MANY),),
    ),
    "ParticipantObjectIdentification": Rule(
        needed={"ParticipantObjectID": _TOKEN},
        allowed={
            "ParticipantObjectTypeCode": "[1-4]",
            "ParticipantObjectTypeCodeRole": "[1-9]|1[0-9]|2[0-6]",
            "ParticipantObjectDataLifeCycle": "[1-9]|1[0-5]",
            "ParticipantObjectSensitivity": _TOKEN,
        },
        children=(
            ("ParticipantObjectIDTypeCode", 1, 1),
            ("ParticipantObjectName", 0, 1),
            ("ParticipantObjectQuery", 0, 1),
            ("ParticipantObjectDetail", 0, _MANY),
            ("ParticipantObjectDescription", 0, _MANY),
            ("SOPClass", 0, _MANY),
        ),
    ),
    "ParticipantObjectIDTypeCode": _CODE,
    "ParticipantObjectQuery": Rule(text=r"[A-Za-z0-9+/]*={0,2}"),
    "SOPClass": Rule(
        needed={"NumberOfInstances": r"\d+"},
        allowed={"UID": r"[0-9.]+"},
        children=(("Instance", 0, _MANY),),
    ),
}


def check(element: Element) -> None:
    """Hold an element and all in it against the schema.

    Raises:
        AssertionError: it is not valid.
    """
    rule = RULES.get(element.tag)
    assert rule is not None, f"{element.tag} is not in the schema"
    assert set(rule.needed) <= set(element.attrib), (element.tag, element.attrib)
    known = rule.needed | rule.allowed
    for name, value in element.attrib.items():
        assert name in known, (element.tag, name)
        assert re.fullmatch(known[name], value), (element.tag, name, value)
    if not rule.text:
        assert not (element.text or "").strip(), (element.tag, element.text)
    else:
        assert re.fullmatch(rule.text, element.text or ""), (element.tag, element.text)
    at = 0
    children = list(element)
    for name, least, most in rule.children:
        count = 0
        while at < len(children) and children[at].tag == name:
            check(children[at])
            count, at = count + 1, at + 1
        assert least <= count <= most, (element.tag, name, count)
    assert at == len(children), (element.tag, children[at].tag)
