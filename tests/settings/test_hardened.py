"""``SecurityProfile`` Hardened: safe defaults, and what contradicts them."""

from __future__ import annotations

import pytest

from hornburg.settings import OPTIONS, SecurityProfile, SettingsError
from hornburg.settings.hardened import CHECKED_TOGETHER, DEMANDS

#: A hash of "x".
HASH = (
    "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ"
)

UNSAFE = {
    "AuthenticationEnabled": False,
    "RegisteredUsers": {"alice": "plain"},
    "DicomCheckCalledAet": False,
    "DicomCheckModalityHost": False,
    "StrictAetComparison": False,
    "DicomMaximumAssociationsPerAddress": 0,
    "HttpMaximumConnectionsPerAddress": 0,
    "DicomTlsRemoteCertificateRequired": False,
    "DicomScpTimeout": 0,
    "LimitFindResults": 0,
    "LimitFindInstances": 101,
    "MaximumRequestBodySizeMB": 0,
    "MaximumFileSizeInArchiveMB": 0,
    "HttpTimeout": 0,
    "SslMinimumProtocolVersion": 3,
    "HttpsVerifyPeers": False,
    "OverwriteInstances": "Always",
    "MaximumStorageMode": "Recycle",
    "SyncStorageArea": False,
    "StoreMD5ForAttachments": False,
    "DeidentifyLogs": False,
    "AuditTrail": {"Enabled": False},
}

LOCAL = {"SecurityProfile": "Hardened", "DicomBindAddresses": ["127.0.0.1"]}


def unsafe(option: str) -> object:
    """A value that the profile refuses; what isn't listed is a switch that should be off."""
    return UNSAFE.get(option, True)


def test_safe_values_are_the_defaults(configured):
    settings = configured(LOCAL)
    assert settings.security_profile is SecurityProfile.HARDENED
    for demand in DEMANDS:
        value = getattr(settings, OPTIONS[demand.option].attribute)
        assert value == demand.value
        assert demand.holds(value)


@pytest.mark.parametrize("demand", DEMANDS, ids=lambda demand: demand.option)
def test_what_contradicts_stops_the_start_with_its_name(configured, demand):
    with pytest.raises(SettingsError, match="SecurityProfile is Hardened") as caught:
        configured({**LOCAL, demand.option: unsafe(demand.option)})
    assert caught.value.option == demand.option
    assert demand.allowed in str(caught.value)


@pytest.mark.parametrize("demand", DEMANDS, ids=lambda demand: demand.option)
def test_an_exception_with_a_reason_lets_it_be(configured, demand):
    settings = configured(
        {
            **LOCAL,
            demand.option: unsafe(demand.option),
            "HardenedExceptions": {demand.option: "agreed with the data protection officer"},
        }
    )
    assert not demand.holds(getattr(settings, OPTIONS[demand.option].attribute))


@pytest.mark.parametrize("demand", DEMANDS, ids=lambda demand: demand.option)
def test_nothing_of_this_holds_without_the_profile(configured, demand):
    plain = getattr(configured({}), OPTIONS[demand.option].attribute)
    # Orthanc's defaults, which may be safe already.
    assert plain == getattr(
        configured({"SecurityProfile": "Default"}), OPTIONS[demand.option].attribute
    )


def test_hashed_passwords_are_taken_and_never_shown(configured):
    settings = configured({**LOCAL, "RegisteredUsers": {"alice": HASH}})
    assert settings.registered_users["alice"].reveal() == HASH
    with pytest.raises(SettingsError) as caught:
        configured({**LOCAL, "RegisteredUsers": {"alice": "tell-nobody"}})
    assert "tell-nobody" not in str(caught.value)


@pytest.mark.parametrize(
    ("exceptions", "option"),
    [
        ({"HttpPort": "no reason of the profile"}, "HardenedExceptions.HttpPort"),
        ({"DicomCheckCalledAet": "  "}, "HardenedExceptions.DicomCheckCalledAet"),
        ({"DicomCheckCalledAet": True}, "HardenedExceptions.DicomCheckCalledAet"),
    ],
)
def test_an_exception_needs_an_option_and_a_reason(configured, exceptions, option):
    with pytest.raises(SettingsError) as caught:
        configured({**LOCAL, "HardenedExceptions": exceptions})
    assert caught.value.option == option


@pytest.mark.parametrize(
    ("configuration", "option"),
    [
        ({"SecurityProfile": "Hardened"}, "DicomTlsEnabled"),
        ({**LOCAL, "RemoteAccessAllowed": True, "RegisteredUsers": {"a": HASH}}, "SslEnabled"),
    ],
)
def test_other_machines_may_come_in_over_tls_only(configured, configuration, option):
    with pytest.raises(SettingsError, match="other machines may come in") as caught:
        configured(configuration)
    assert caught.value.option == option
    configured({**configuration, "HardenedExceptions": {option: "a tunnel stands before it"}})


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("TrustedProxies", ["192.0.2.1", "10.0.0.0/8"], "10.0.0.0/8"),
        ("OrthancPeers", {"far": ["http://192.0.2.1/", "user", "word"]}, "far"),
        ("OrthancPeers", {"far": ["http://192.0.2.1/"]}, "far"),
    ],
)
def test_what_else_would_be_open_stops_the_start(configured, option, value, named):
    with pytest.raises(SettingsError, match=named) as caught:
        configured({**LOCAL, option: value})
    assert caught.value.option.startswith(option)
    assert "HardenedExceptions" in str(caught.value)
    assert "word" not in str(caught.value)
    configured({**LOCAL, option: value, "HardenedExceptions": {option: "a network of our own"}})


def test_peers_over_https_or_on_this_machine_are_taken(configured):
    peers = {"far": ["https://192.0.2.1/", "user", "word"], "near": ["http://localhost:1/"]}
    configured({**LOCAL, "OrthancPeers": peers, "TrustedProxies": ["192.0.2.1", "10.9.0.0/16"]})


def test_what_is_checked_together_are_options():
    assert set(OPTIONS) >= CHECKED_TOGETHER


def test_modalities_may_do_what_is_said_of_them(configured):
    ct = {"AET": "CT", "Host": "192.0.2.1", "Port": 104, "AllowStore": True, "UseDicomTls": True}
    section = {"ct": ct, "pacs": ["PACS", "192.0.2.2", 104]}
    exception = {"HardenedExceptions": {"DicomModalities": "they come by the dozen"}}
    known = configured({**LOCAL, "DicomModalities": section}).dicom_modalities
    assert (known["ct"].allow_echo, known["ct"].allow_store, known["ct"].allow_find) == (1, 1, 0)
    assert (known["pacs"].allow_echo, known["pacs"].allow_store) == (True, False)
    for other in (exception, {"SecurityProfile": "Default"}):
        known = configured({**LOCAL, **other, "DicomModalities": section}).dicom_modalities
        assert known["pacs"].allow_store
        assert known["ct"].allow_find
