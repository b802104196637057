"""What rules grant to whom, joined permission by permission; and the words they are written in."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.errors import ForbiddenError
from hornburg.security import policy as module
from hornburg.security.policy import EVERYTHING, FULL, Access, Narrow, Policy
from hornburg.security.principals import NOBODY, Kind, Permission, Principal
from hornburg.settings import Settings, load
from hornburg.settings.errors import SettingsError
from hornburg.settings.rules import BUILT_IN_ROLES, NARROWABLE, PERMISSIONS

ALICE = Principal("alice", Kind.PASSWORD, "192.0.2.1")
GRANTABLE = frozenset(Permission) - {Permission.ANYONE}


@pytest.mark.parametrize(
    ("who", "said"),
    [
        (ALICE, "the permission view, which alice does not have"),
        (replace(ALICE, kind=Kind.TOKEN), "view, which this token of alice does not have"),
        (NOBODY, 'which "nobody" (who shows no name) does not have'),
    ],
)
def test_a_refusal_says_who_lacks_what(who: Principal, said: str) -> None:
    with pytest.raises(ForbiddenError, match=re.escape(said)):
        Access(who, {}).scope(Permission.VIEW)


def settings(folder: Path, **options: Any) -> Settings:
    (folder / "hornburg.json").write_text(json.dumps(options))
    return load([folder / "hornburg.json"], {})


@pytest.fixture
def ruled(tmp_path: Path) -> Any:
    """Makes a policy of rules."""

    def make(*rules: dict[str, Any], **more: Any) -> Policy:
        return Policy(settings(tmp_path, AccessRules=list(rules), **more))

    return make


def granted(access: Access) -> set[str]:
    return {one.value for one in Permission if one is not Permission.ANYONE and access.may(one)}


def test_the_words_are_those_of_the_permissions() -> None:
    assert set(PERMISSIONS) == {one.value for one in GRANTABLE}
    assert set(PERMISSIONS) >= NARROWABLE
    assert set(BUILT_IN_ROLES["admin"]) == set(PERMISSIONS)


# -- without rules ------------------------------------------------------------------------------


def test_without_rules_who_came_in_may_do_everything() -> None:
    policy = Policy(Settings())
    for principal in (NOBODY, ALICE, replace(ALICE, kind=Kind.AET)):
        access = policy.access(principal)
        assert all(access.scope(one) is EVERYTHING for one in Permission)
    assert not policy.has_rules


def test_a_provider_knows_many_who_have_no_business_here() -> None:
    policy = Policy(Settings())
    guest = Principal("oidc:guest", Kind.OPENID)
    assert granted(policy.access(guest)) == set()
    reader = replace(guest, roles=("reader", "of no such role"))
    assert granted(policy.access(reader)) == {"view", "download"}


def test_a_narrower_proof_is_narrower() -> None:
    policy = Policy(Settings())
    token = replace(ALICE, kind=Kind.TOKEN, narrowed=frozenset({Permission.VIEW}))
    assert granted(policy.access(token)) == {"view"}
    inside = replace(token, kind=Kind.INSIDE)
    assert granted(policy.access(inside)) == {"view"}


# -- with rules ---------------------------------------------------------------------------------


def test_an_empty_list_grants_nothing(ruled: Any) -> None:
    policy = ruled()
    assert policy.has_rules
    for principal in (NOBODY, ALICE):
        access = policy.access(principal)
        assert granted(access) == set()
        assert access.may(Permission.ANYONE)
        with pytest.raises(ForbiddenError, match="permission view, which"):
            access.scope(Permission.VIEW)
    assert granted(policy.access(FULL.principal)) == set(PERMISSIONS)


def test_grants_are_joined(ruled: Any) -> None:
    policy = ruled(
        {"Users": ["alice"], "Role": "reader"},
        {"Users": ["*"], "Permissions": ["upload"]},
        {"Users": ["bob"], "Role": "admin"},
    )
    assert granted(policy.access(ALICE)) == {"view", "download", "upload"}
    assert granted(policy.access(Principal("carol", Kind.SESSION))) == {"upload"}


def test_own_roles(ruled: Any) -> None:
    policy = ruled({"Users": ["alice"], "Role": "nurse"}, Roles={"nurse": ["view", "worklists"]})
    assert granted(policy.access(ALICE)) == {"view", "worklists"}
    assert policy.role("nurse") == {Permission.VIEW, Permission.WORKLISTS}
    assert policy.role("doctor") is None


@pytest.mark.parametrize(
    ("rule", "matching", "others"),
    [
        (
            {"Users": ["*"]},
            [ALICE, Principal("oidc:x", Kind.OPENID), Principal("x", Kind.CERTIFICATE)],
            [NOBODY],
        ),
        ({"Users": ["nobody"]}, [NOBODY], [Principal("nobody", Kind.PASSWORD), ALICE]),
        (
            {"Users": ["alice"]},
            [ALICE, replace(ALICE, kind=Kind.TOKEN), replace(ALICE, kind=Kind.SESSION)],
            # A name of the provider, a modality and somebody without a proof are not she.
            [
                replace(ALICE, kind=Kind.OPENID),
                replace(ALICE, kind=Kind.NOBODY),
                replace(ALICE, name="Alice"),
                replace(ALICE, name=""),
            ],
        ),
        (
            {"Users": ["oidc:alice"]},
            [Principal("oidc:alice", Kind.OPENID)],
            [ALICE, Principal("alice", Kind.OPENID)],
        ),
        (
            {"TokenRoles": ["radiologist"]},
            [Principal("oidc:x", Kind.OPENID, roles=("a", "radiologist"))],
            [Principal("radiologist", Kind.OPENID), ALICE],
        ),
        (
            {"Certificates": ["CN=ws1"]},
            [Principal("x", Kind.CERTIFICATE, detail="CN=ws1")],
            # What a user may choose, such as the name of a token, is no certificate.
            [Principal("x", Kind.TOKEN, detail="CN=ws1"), Principal("CN=ws1", Kind.PASSWORD)],
        ),
        (
            {"Users": ["alice"], "Addresses": ["192.0.2.0/30", "::1"]},
            [ALICE, replace(ALICE, address="::1"), replace(ALICE, address="::ffff:192.0.2.2")],
            [replace(ALICE, address="192.0.2.4"), replace(ALICE, address="")],
        ),
    ],
)
def test_for_whom_a_rule_is(
    ruled: Any, rule: dict[str, Any], matching: list[Principal], others: list[Principal]
) -> None:
    policy = ruled({**rule, "Role": "reader"})
    for principal in matching:
        assert granted(policy.access(principal)) == {"view", "download"}, principal
    for principal in others:
        assert granted(policy.access(principal)) == set(), principal


def test_modalities_that_a_rule_names(ruled: Any) -> None:
    policy = ruled(
        {"Modalities": ["ct"], "Role": "uploader", "Addresses": ["192.0.2.1"]},
        {"Certificates": ["CN=mr"], "Role": "reader"},
    )
    ct = Principal("ct", Kind.AET, "192.0.2.1")
    assert granted(policy.access(ct)) == {"upload"}
    assert granted(policy.access(replace(ct, address="192.0.2.2"))) == set()
    assert granted(policy.access(replace(ct, name="x", detail="CN=mr"))) == {"view", "download"}
    # The others have what DicomModalities gives them.
    assert granted(policy.access(replace(ct, name="x"))) == set(PERMISSIONS)
    assert granted(policy.access(replace(ct, name=""))) == set(PERMISSIONS)
    # A user with the name of a modality is none.
    assert granted(policy.access(replace(ct, kind=Kind.PASSWORD))) == set()


def test_every_caller_of_the_dicom_server(ruled: Any) -> None:
    policy = ruled({"Modalities": ["*"], "Role": "uploader"})
    assert granted(policy.access(Principal("", Kind.AET))) == {"upload"}


def test_narrowed_grants(ruled: Any) -> None:
    policy = ruled(
        {"Users": ["alice"], "Role": "editor", "Labels": ["trial"], "Patients": ["P1"]},
        {"Users": ["alice"], "Permissions": ["view"], "Studies": ["1.2"]},
        {"Users": ["alice"], "Permissions": ["download"]},
    )
    access = policy.access(ALICE)
    trial = Narrow(frozenset({"trial"}), frozenset({"P1"}))
    assert access.scope(Permission.VIEW) == (trial, Narrow(studies=frozenset({"1.2"})))
    assert access.scope(Permission.UPLOAD) == (trial,)
    assert access.scope(Permission.DOWNLOAD) is EVERYTHING
    assert access.may_all(Permission.DOWNLOAD) and access.may_all(Permission.ANYONE)
    assert not access.may_all(Permission.VIEW) and not access.may_all(Permission.DELETE)
    # What is about everybody is not granted by what is about some.
    assert not access.may(Permission.WORKLISTS) and not access.may(Permission.QUERY_REMOTE)


def test_everything_once_is_everything(ruled: Any) -> None:
    wide = {"Users": ["*"], "Role": "reader"}
    narrow = {**wide, "Labels": ["a"]}
    for rules in ((wide, narrow), (narrow, wide), (narrow, wide, narrow)):
        assert ruled(*rules).access(ALICE).scope(Permission.VIEW) is EVERYTHING


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(sorted(NARROWABLE))), max_size=8))
def test_the_order_of_rules_does_not_matter(chosen: list[tuple[bool, str]]) -> None:
    from hornburg.settings.rules import read_rules

    rules = read_rules(
        [
            {"Users": ["alice"], "Permissions": [word], **({"Labels": ["x"]} if narrow else {})}
            for narrow, word in chosen
        ]
    )
    one = Policy(Settings(access_rules=rules)).access(ALICE).granted
    other = Policy(Settings(access_rules=rules[::-1])).access(ALICE).granted
    assert one == other
    for permission in GRANTABLE:
        wide = (False, permission.value) in chosen
        assert (one.get(permission, ()) is EVERYTHING) is wide


def test_answers_are_kept_and_bounded(ruled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = ruled({"Users": ["*"], "Role": "reader"})
    assert policy.access(ALICE) is policy.access(replace(ALICE))
    monkeypatch.setattr(module, "_MOST_KEPT", 10)
    for number in range(100):
        policy.access(replace(ALICE, address=f"192.0.2.{number}"))
    assert len(policy._kept) <= 10


def test_accounts() -> None:
    """Jobs of one user are the same user's however the proof came."""
    kinds = (Kind.PASSWORD, Kind.SESSION, Kind.TOKEN, Kind.CERTIFICATE)
    assert {replace(ALICE, kind=kind).account for kind in kinds} == {"user:alice"}
    others = {replace(ALICE, kind=kind).account for kind in Kind if kind not in kinds}
    assert "user:alice" not in others and len(others) == len(Kind) - len(kinds)


# -- refused at the start -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"AccessRules": {}}, "AccessRules"),
        ({"AccessRules": [1]}, "AccessRules[0]"),
        ({"AccessRules": [{"Role": "reader"}]}, "AccessRules[0]"),
        ({"AccessRules": [{"Users": ["a"]}]}, "AccessRules[0]"),
        (
            {"AccessRules": [{"Users": ["a"], "Role": "reader", "Permissions": ["view"]}]},
            "AccessRules[0]",
        ),
        ({"AccessRules": [{"Users": [], "Role": "reader"}]}, "AccessRules[0].Users"),
        ({"AccessRules": [{"Users": [""], "Role": "reader"}]}, "AccessRules[0].Users[0]"),
        ({"AccessRules": [{"User": ["a"], "Role": "reader"}]}, "AccessRules[0].User"),
        ({"AccessRules": [{"Users": ["a"], "Role": "boss"}]}, "AccessRules[0].Role"),
        (
            {"AccessRules": [{"Users": ["a"], "Permissions": ["read"]}]},
            "AccessRules[0].Permissions[0]",
        ),
        (
            {"AccessRules": [{"Users": ["a"], "Permissions": ["anyone"]}]},
            "AccessRules[0].Permissions[0]",
        ),
        (
            {"AccessRules": [{"Users": ["a"], "Role": "reader", "Addresses": ["localhost"]}]},
            "AccessRules[0].Addresses[0]",
        ),
        (
            {"AccessRules": [{"Users": ["a"], "Role": "reader", "Addresses": ["10.0.0.1/8"]}]},
            "AccessRules[0].Addresses[0]",
        ),
        (
            {"AccessRules": [{"Users": ["a"], "Role": "reader", "Labels": ["not a label"]}]},
            "AccessRules[0].Labels[0]",
        ),
        (
            {"AccessRules": [{"Users": ["a"], "Role": "reader", "Studies": ["1.x"]}]},
            "AccessRules[0].Studies[0]",
        ),
        (
            {"AccessRules": [{"Users": ["a"], "Permissions": ["settings"], "Labels": ["x"]}]},
            "AccessRules[0].Permissions[0]",
        ),
        ({"Roles": {"admin": ["view"]}}, "Roles.admin"),
        ({"Roles": {"a role": ["view"]}}, "Roles.a role"),
        ({"Roles": {"nurse": ["read"]}}, "Roles.nurse[0]"),
        ({"Roles": {"nurse": []}}, "Roles.nurse"),
    ],
)
def test_what_is_wrong_stops_the_start(tmp_path: Path, options: dict[str, Any], place: str) -> None:
    with pytest.raises(SettingsError) as told:
        settings(tmp_path, **options)
    assert told.value.option == place
    assert "\n" not in str(told.value) and "allowed is" in str(told.value)
