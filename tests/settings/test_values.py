"""What each kind of option takes and refuses, and how a refusal reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornburg.settings import (
    OPTIONS,
    ContentType,
    DictionaryEntry,
    OverwriteInstances,
    Secret,
    SettingsError,
    StorageAccessOnFind,
    StorageMode,
)
from hornburg.settings.errors import Refused
from hornburg.settings.values import Manufacturer, RetrieveMethod

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21l$" + "A" * 43

REFUSED = [
    ("HttpPort", "8042", "HttpPort", "integer from 0 to 65535"),
    ("HttpPort", 65536, "HttpPort", "integer from 0 to 65535"),
    ("HttpPort", -1, "HttpPort", "integer from 0 to 65535"),
    ("HttpPort", 8042.0, "HttpPort", "integer from 0 to 65535"),
    ("HttpPort", True, "HttpPort", "integer from 0 to 65535"),
    ("HttpPort", None, "HttpPort", "integer from 0 to 65535"),
    ("StableAge", -1, "StableAge", "(seconds)"),
    ("MaximumPduLength", 4095, "MaximumPduLength", "from 4096 to 131072"),
    ("KeepAlive", "true", "KeepAlive", "true or false"),
    ("KeepAlive", 1, "KeepAlive", "true or false"),
    ("Name", 5, "Name", "a string"),
    ("Name", "x" * 5000, "Name", "a string"),
    ("Name", "\ud800", "Name", "a string"),
    ("StorageDirectory", "", "StorageDirectory", "path"),
    ("StorageDirectory", "a\0b", "StorageDirectory", "path"),
    ("MaximumStorageMode", "recycle", "MaximumStorageMode", '"Recycle" or "Reject"'),
    ("OverwriteInstances", "Sometimes", "OverwriteInstances", '"IfChanged"'),
    ("OverwriteInstances", 1, "OverwriteInstances", '"IfChanged"'),
    ("StorageAccessOnFind", [], "StorageAccessOnFind", '"Answers"'),
    ("DefaultEncoding", "utf-8", "DefaultEncoding", '"Latin1"'),
    ("DefaultEncoding", [], "DefaultEncoding", '"Latin1"'),
    ("AcceptedTransferSyntaxes", "1.2", "AcceptedTransferSyntaxes", "list of strings"),
    ("AcceptedTransferSyntaxes", [1], "AcceptedTransferSyntaxes", "list of strings"),
    ("DicomAet", "", "DicomAet", "16"),
    ("DicomAet", "A" * 17, "DicomAet", "16"),
    ("DicomAet", "A\\B", "DicomAet", "16"),
    ("HttpBindAddresses", "127.0.0.1", "HttpBindAddresses", "list"),
    ("HttpBindAddresses", ["localhost"], "HttpBindAddresses[0]", "IPv4 or IPv6"),
    ("HttpBindAddresses", ["::1", 1], "HttpBindAddresses[1]", "IPv4 or IPv6"),
    ("HttpBindAddresses", ["::1"] * 65, "HttpBindAddresses", "at most 64"),
    ("UserMetadata", [], "UserMetadata", "object"),
    ("UserMetadata", {"x": 1023}, "UserMetadata.x", "1024 to 65535"),
    ("UserMetadata", {"x": 65536}, "UserMetadata.x", "1024 to 65535"),
    ("UserMetadata", {"x": "1024"}, "UserMetadata.x", "1024 to 65535"),
    ("UserMetadata", {"x": 1024, "y": 1024}, "UserMetadata.y", "x has it already"),
    ("UserMetadata", {"a/b": 1024}, "UserMetadata.a/b", "letters"),
    ("UserMetadata", {"ReceptionDate": 1024}, "UserMetadata.ReceptionDate", "uses itself"),
    ("UserContentType", {"dicom": 1024}, "UserContentType.dicom", "uses itself"),
    ("UserContentType", {"x": [1024]}, "UserContentType.x", "MIME"),
    ("UserContentType", {"x": [5, "a/b"]}, "UserContentType.x[0]", "1024"),
    ("UserContentType", {"x": [1024, "pdf"]}, "UserContentType.x[1]", "MIME"),
    ("UserContentType", {"x": [1024, "a/b\r\nc: d"]}, "UserContentType.x", "MIME"),
    ("Dictionary", {"0014": ["DA", "X"]}, "Dictionary.0014", "gggg,eeee"),
    ("Dictionary", {"0014,1020": "DA"}, "Dictionary.0014,1020", "VR"),
    ("Dictionary", {"0014,1020": ["ZZ", "X"]}, "Dictionary.0014,1020[0]", "PS3.5"),
    ("Dictionary", {"0014,1020": [[], "X"]}, "Dictionary.0014,1020[0]", "PS3.5"),
    ("Dictionary", {"0014,1020": ["DA", 5]}, "Dictionary.0014,1020[1]", "name"),
    ("Dictionary", {"0014,1020": ["DA", "X", 3, 2]}, "Dictionary.0014,1020[3]", "maximum"),
    (
        "Dictionary",
        {"0014,1020": ["DA", "X"], "00141020": ["DA", "Y"]},
        "Dictionary.00141020",
        "once",
    ),
    ("ExtraMainDicomTags", {"Frame": []}, "ExtraMainDicomTags.Frame", "Patient, Study"),
    ("ExtraMainDicomTags", {"Study": "X"}, "ExtraMainDicomTags.Study", "list"),
    ("ExtraMainDicomTags", {"Study": ["A", "0,1"]}, "ExtraMainDicomTags.Study[1]", "keyword"),
    ("Warnings", {"W999": True}, "Warnings.W999", "W001"),
    ("Warnings", {"W003_DecoderFailure": 1}, "Warnings.W003_DecoderFailure", "true or false"),
    (
        "JobsEngineThreadsCount",
        {"ResourceModification": -1},
        "JobsEngineThreadsCount.ResourceModification",
        "0 to 1024",
    ),
    ("DicomModalities", {"x": ["X", "h"]}, "DicomModalities.x", "[AET, host, port]"),
    ("DicomModalities", {"x": ["X" * 17, "h", 104]}, "DicomModalities.x[0]", "16"),
    ("DicomModalities", {"x": ["X", "a b", 104]}, "DicomModalities.x[1]", "host"),
    ("DicomModalities", {"x": ["X", "h", 0]}, "DicomModalities.x[2]", "1 to 65535"),
    ("DicomModalities", {"x": ["X", "h", 104, "ge"]}, "DicomModalities.x[3]", "Vitrea"),
    ("DicomModalities", {"x": {"AET": "X"}}, "DicomModalities.x", "AET, Host, Port"),
    ("DicomModalities", {"x": {"Aet": "X"}}, "DicomModalities.x.Aet", "AET"),
    ("DicomModalities", {"x": ["X", "h", "0"]}, "DicomModalities.x[2]", "1 to 65535"),
    ("DicomModalities", {"x": ["X", "h", "²"]}, "DicomModalities.x[2]", "1 to 65535"),
    ("DicomModalities", {"x y": ["X", "h", 1]}, "DicomModalities.x y", "letters, digits"),
    ("DicomModalities", {"x/y": ["X", "h", 1]}, "DicomModalities.x/y", "letters, digits"),
    ("DicomModalities", {"x": {"RetrieveMethod": ""}}, "DicomModalities.x.RetrieveMethod", "C-GET"),
    ("DicomModalities", {"x": {"AllowEcho": 1}}, "DicomModalities.x.AllowEcho", "true or false"),
]


@pytest.mark.parametrize(("name", "value", "option", "allowed"), REFUSED)
def test_a_refusal_is_one_line_with_file_option_value_and_rule(
    configured, tmp_path, name, value, option, allowed
):
    with pytest.raises(SettingsError) as caught:
        configured({"Locale": "x", name: value})
    error = caught.value
    assert error.where == f"{tmp_path / 'c.json'} line 1"
    assert error.option == option
    assert error.value is not None
    assert allowed in error.allowed
    assert str(error).startswith(f"{error.where}: {option} is {error.value}: ")
    assert "\n" not in str(error)
    assert len(str(error)) < 700


SECRETS = [
    ("RegisteredUsers", ["geheim"], "RegisteredUsers", "object"),
    ("RegisteredUsers", {"a:b": "geheim"}, "RegisteredUsers.a:b", "colon"),
    ("RegisteredUsers", {"": "geheim"}, "RegisteredUsers.", "1 to 255"),
    ("RegisteredUsers", {"a": ["geheim"]}, "RegisteredUsers.a", "string"),
    ("RegisteredUsers", {"a": ""}, "RegisteredUsers.a", "not empty"),
    ("RegisteredUsers", {"a": "$argon2i$geheim"}, "RegisteredUsers.a", "$argon2id$"),
    ("OrthancPeers", {"p": ["ftp://geheim"]}, "OrthancPeers.p[0]", "http://"),
    ("OrthancPeers", {"p": ["http://x", "geheim"]}, "OrthancPeers.p", "[URL]"),
    ("OrthancPeers", {"p": ["http://x:99999", "a", "geheim"]}, "OrthancPeers.p[0]", "http://"),
    ("OrthancPeers", {"p": {"Password": "geheim"}}, "OrthancPeers.p", "Url"),
    (
        "OrthancPeers",
        {"p": {"Url": "http://x", "Password": ["geheim"]}},
        "OrthancPeers.p.Password",
        "string",
    ),
    ("Pkcs11", {"Pin": "geheim"}, "Pkcs11", "Module"),
    ("HttpProxy", ["geheim"], "HttpProxy", "host:port"),
    ("HttpProxy", "u:geheim@", "HttpProxy", "host:port"),
]


@pytest.mark.parametrize(("name", "value", "option", "allowed"), SECRETS)
def test_secrets_are_never_shown(configured, name, value, option, allowed):
    with pytest.raises(SettingsError) as caught:
        configured({name: value})
    assert caught.value.option == option
    assert caught.value.value is None
    assert allowed in str(caught.value)
    assert "geheim" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_secrets_are_hidden_from_repr(configured):
    settings = configured(
        {
            "RegisteredUsers": {"a": "geheim"},
            "HttpProxy": "u:geheim@host:1",
            "OrthancPeers": {
                "p": ["http://x/", "u", "geheim"],
                "q": {"Url": "https://y", "HttpHeaders": {"k": "geheim"}, "Own": "geheim"},
            },
            "Pkcs11": {"Module": "m", "Pin": "geheim"},
        }
    )
    assert "geheim" not in repr(settings)
    assert "geheim" not in f"{Secret('geheim')}"
    assert settings.registered_users is not None
    assert settings.registered_users["a"].reveal() == "geheim"
    assert settings.orthanc_peers["q"].properties == {"Own": Secret("geheim")}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("OverwriteInstances", True, OverwriteInstances.ALWAYS),
        ("OverwriteInstances", False, OverwriteInstances.NEVER),
        ("OverwriteInstances", "IfChanged", OverwriteInstances.IF_CHANGED),
        ("MaximumStorageMode", "Reject", StorageMode.REJECT),
        ("StorageAccessOnFind", "Answers", StorageAccessOnFind.ANSWERS),
        ("HttpBindAddresses", [], ()),
        ("HttpBindAddresses", ["0::1", "::1", "10.0.0.1"], ("::1", "10.0.0.1")),
        ("RegisteredUsers", {"a": HASH}, {"a": Secret(HASH)}),
        ("RegisteredUsers", {}, {}),
        ("UserMetadata", {"x": 1024}, {"x": 1024}),
        ("UserContentType", {"x": 1024}, {"x": ContentType(1024)}),
        ("UserContentType", {"x": [1025, "a/b"]}, {"x": ContentType(1025, "a/b")}),
        (
            "Dictionary",
            {"00E1,c2": ["UI", "X", 1, 0, "ELSCINT1"]},
            {"00e100c2": DictionaryEntry("UI", "X", 1, 0, "ELSCINT1")},
        ),
        (
            "ExtraMainDicomTags",
            {"Study": ["StudyDate", "0008,0030", "StudyDate"]},
            {"Study": ("StudyDate", "0008,0030")},
        ),
    ],
)
def test_values(name, value, expected):
    assert OPTIONS[name].read(value) == expected


def test_sections_complete_the_defaults():
    warnings = OPTIONS["Warnings"].read({"W003_DecoderFailure": False})
    assert warnings["W003_DecoderFailure"] is False
    assert len(warnings) == 7


def test_modalities():
    read = OPTIONS["DicomModalities"].read(
        {
            "short": ["A", "127.0.0.1", 104, "GE"],
            "long": {
                "AET": "B",
                "Host": "pacs.example",
                "Port": "11112",
                "LocalAet": "",
                "AllowStorageCommitment": False,
                "RetrieveMethod": "C-GET",
                "Timeout": 5,
            },
        }
    )
    assert read["short"].manufacturer is Manufacturer.GE
    assert read["long"].port == 11112
    assert read["long"].local_aet == ""
    assert not read["long"].allow_n_action
    assert not read["long"].allow_n_event_report
    assert read["long"].retrieve_method is RetrieveMethod.C_GET


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text() | st.sampled_from(["AET", "Url", "Study", "0008,0030"]), inner)
    ),
    max_leaves=12,
)


@given(st.sampled_from(sorted(OPTIONS)), ANYTHING)
def test_a_reader_answers_or_refuses(name, value):
    try:
        OPTIONS[name].read(value)
    except Refused as no:
        assert no.allowed
