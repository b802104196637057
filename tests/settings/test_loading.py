"""Files, folders, environment, and the rules that several options share."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hornburg.errors import HornburgError
from hornburg.settings import OverwriteInstances, Secret, Settings, SettingsError, load
from hornburg.settings.environment import plain

USERS = {"RegisteredUsers": {"a": "b"}}


def write(folder, name, value):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


# ---- files and folders ----


def test_no_configuration_uses_a_folder_of_our_own(tmp_path):
    settings = load([], {}, folder=tmp_path)
    assert settings.storage_directory == tmp_path / "HornburgStorage"
    assert settings.index_folder == settings.storage_directory
    assert settings.http_binds() == ("127.0.0.1", "::1")
    assert settings.dicom_binds() == ("127.0.0.1", "::1")
    assert settings.notes == ()


def test_paths_start_at_the_folder_of_their_file(tmp_path):
    one = write(tmp_path, "one/a.json", {"IndexDirectory": "index", "LuaScripts": ["x.lua"]})
    two = write(tmp_path, "two/b.json", {"TemporaryDirectory": "/abs"})
    settings = load([one, two], {"ORTHANC__SSL_CERTIFICATE": "cert.pem"}, folder=tmp_path / "here")
    assert settings.index_directory == tmp_path / "one" / "index"
    assert settings.lua_scripts == (tmp_path / "one" / "x.lua",)
    assert str(settings.temporary_directory) == "/abs"
    assert settings.ssl_certificate == tmp_path / "here" / "cert.pem"
    # A default starts where the first file is, as in Orthanc.
    assert settings.storage_directory == tmp_path / "one" / "OrthancStorage"


def test_a_folder_gives_its_json_files(tmp_path):
    write(tmp_path, "conf/b.json", {"Name": "x"})
    write(tmp_path, "conf/a.json", {"HttpPort": 1})
    write(tmp_path, "conf/notes.txt", "no JSON")
    write(tmp_path, "conf/deeper.json/c.json", {"Name": "y"})
    settings = load([tmp_path / "conf"], {})
    assert (settings.name, settings.http_port) == ("x", 1)
    assert settings.storage_directory == tmp_path / "conf" / "OrthancStorage"
    assert set(settings.origins) == {"Name", "HttpPort"}
    assert settings.origins["Name"] == f"{tmp_path}/conf/b.json line 1"


@pytest.mark.parametrize("other", [{"Name": "y"}, {"UserMetadata": {"y": 1025}}])
def test_an_option_in_two_files_is_refused_as_orthanc_does(tmp_path, other):
    write(tmp_path, "a.json", {"Name": "x", "UserMetadata": {"x": 1024}})
    write(tmp_path, "b.json", other)
    with pytest.raises(SettingsError, match=r"b\.json line 1: .*a\.json line 1 already"):
        load([tmp_path], {})


def test_files_that_can_not_be_read(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "latin1.json").write_bytes(b'{"Name": "\xe9"}')
    (tmp_path / "large.json").write_bytes(b" " * (5 << 20))
    write(tmp_path, "list.json", "[]")
    for name, problem in [
        ("none.json", "No such file"),
        ("empty", "at least one"),
        ("latin1.json", "not UTF-8 at byte 10"),
        ("large.json", "larger than"),
        ("list.json", "object"),
        ("nul\0.json", "can't be read"),
        ("x\ny.json", "No such file"),
    ]:
        with pytest.raises(SettingsError, match=problem) as caught:
            load([tmp_path / name], {})
        assert caught.value.where == str(tmp_path / name)
        assert "\n" not in str(caught.value)
    assert issubclass(SettingsError, HornburgError)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission(tmp_path):
    path = write(tmp_path, "a.json", {})
    path.chmod(0)
    with pytest.raises(SettingsError, match="Permission denied"):
        load([path], {})


def test_variables_in_files(configured):
    text = '{"Name": "${WHO:-nobody}", "HttpPort": ${PORT:-1}, "Locale": "${GONE}"}'
    settings = configured(text, PORT="8")
    assert (settings.name, settings.http_port, settings.locale) == ("nobody", 8, "")
    assert "GONE" in settings.notes[0]


# ---- names ----


@pytest.mark.parametrize(
    ("name", "near"),
    [("HttpProt", "HttpPort"), ("httpport", "HttpPort"), ("StorageDirectry", "StorageDirectory")],
)
def test_an_unknown_option_is_noted_with_the_nearest_name(configured, name, near):
    (note,) = configured({name: 1}).notes
    assert f'unknown option "{name}", did you mean "{near}"?' in note
    assert "c.json line 1" in note


def test_nothing_is_near_to_nonsense(configured):
    (note,) = configured({"Xyzzy": 1}).notes
    assert note.endswith('unknown option "Xyzzy"')


def test_what_is_set_and_not_supported_yet_is_listed(configured):
    settings = configured(
        {
            "DicomWeb": {"Enable": True},
            "PostgreSQL": {"Enable": False},
            "HttpTimeout": 60,
            "StoreDicom": False,
            "JobsEngineThreadsCount": {"ResourceModification": 1},
            "Plugins": [],
            "MediaArchiveSize": 7,
            "HttpPort": 1,
        }
    )
    assert settings.not_supported() == ("DicomWeb", "StoreDicom", "MediaArchiveSize")
    assert settings.notes == ()


@pytest.mark.parametrize(
    "configuration",
    [
        {"Authorization": {"WebServiceRootUrl": "http://x"}},
    ],
)
def test_a_protection_that_would_be_missing_stops_the_start(configured, configuration):
    with pytest.raises(SettingsError, match="not supported yet") as caught:
        configured(configuration)
    assert caught.value.option == next(iter(configuration))


def test_authorities_start_at_the_folder_of_their_file(configured, tmp_path):
    settings = configured({"HttpsCACertificates": "hospital.pem"})
    assert settings.https_ca_certificates == tmp_path / "hospital.pem"
    assert configured({"HttpsCACertificates": ""}).https_ca_certificates is None


# ---- environment ----


@pytest.mark.parametrize(
    ("variable", "text", "attribute", "expected"),
    [
        ("ORTHANC__NAME", "x", "name", "x"),
        ("ORTHANC__NAME", "12", "name", "12"),
        ("ORTHANC__STABLE_AGE", "30", "stable_age", 30),
        ("HORNBURG__HTTP_PORT", "0", "http_port", 0),
        ("ORTHANC__REMOTE_ACCESS_ALLOWED", "false", "remote_access_allowed", False),
        ("ORTHANC__CASE_SENSITIVE_PN", "true", "case_sensitive_pn", True),
        ("ORTHANC__HTTPS_CA_CERTIFICATES", "/ca", "https_ca_certificates", Path("/ca")),
        ("ORTHANC__STORE_MD5_FOR_ATTACHMENTS", "false", "store_md5_for_attachments", False),
        ("ORTHANC__SYNCHRONOUS_C_MOVE", "false", "synchronous_c_move", False),
        (
            "ORTHANC__JPEG2000_TRANSFER_SYNTAX_ACCEPTED",
            "true",
            "jpeg2000_transfer_syntax_accepted",
            True,
        ),
        (
            "ORTHANC__OVERWRITE_INSTANCES",
            "IfChanged",
            "overwrite_instances",
            OverwriteInstances.IF_CHANGED,
        ),
        ("ORTHANC__OVERWRITE_INSTANCES", "true", "overwrite_instances", OverwriteInstances.ALWAYS),
        ("ORTHANC__HTTP_BIND_ADDRESSES", '["::1"]', "http_bind_addresses", ("::1",)),
        ("ORTHANC__REGISTERED_USERS", '{"a": "b"}', "registered_users", {"a": Secret("b")}),
        ("ORTHANC__REGISTERED_USERS__alice", "12", "registered_users", {"alice": Secret("12")}),
        ("ORTHANC__REGISTERED_USERS__BOB", "x", "registered_users", {"Bob": Secret("x")}),
        ("ORTHANC__USER_METADATA__MY_NOTE", "1024", "user_metadata", {"MyNote": 1024}),
        ("ORTHANC_JSON", '{"Name": "j"}', "name", "j"),
        ("ORTHANC_NAME", "x", "name", "MyOrthanc"),
        ("ORTHANC__", "x", "name", "MyOrthanc"),
    ],
)
def test_environment(configured, variable, text, attribute, expected):
    settings = configured({}, **{variable: text})
    assert getattr(settings, attribute) == expected
    assert settings.notes == ()


def test_the_stronger_wins(configured):
    layers = {"ORTHANC_JSON": '{"Name": "json"}', "ORTHANC__NAME": "o", "HORNBURG__NAME": "h"}
    for strongest in ("HORNBURG__NAME", "ORTHANC__NAME", "ORTHANC_JSON"):
        settings = configured({"Name": "file"}, **layers)
        assert settings.name == {"ORTHANC_JSON": "json"}.get(strongest) or layers[strongest]
        assert settings.origins["Name"].startswith(f"environment variable {strongest}")
        del layers[strongest]
    assert configured({"Name": "file"}).name == "file"


def test_a_member_joins_the_section_of_the_file(configured):
    settings = configured(
        {"DicomModalities": {"PET-CT": {"AET": "A", "Host": "h", "Port": 1}}},
        **{
            "ORTHANC__DICOM_MODALITIES__pet-ct__PORT": "104",
            "ORTHANC__DICOM_MODALITIES__MR": '["MR", "mr.example", 105]',
            "ORTHANC__WARNINGS__W003_DECODER_FAILURE": "false",
        },
    )
    assert settings.dicom_modalities["PET-CT"].port == 104
    assert settings.dicom_modalities["Mr"].host == "mr.example"
    assert settings.warnings["W003_DecoderFailure"] is False
    assert settings.warnings["W001_TagsBeingReadFromStorage"] is True


def test_values_from_files(configured, tmp_path):
    name = write(tmp_path, "name", "Radiology\n")
    users = write(tmp_path, "users", '{"a": "b"}\r\n')
    word = write(tmp_path, "word", "geheim\n")
    settings = configured(
        {},
        ORTHANC__NAME_FILE=str(name),
        ORTHANC__REGISTERED_USERS_FILE=str(users),
        HORNBURG__REGISTERED_USERS__ALICE_FILE=str(word),
    )
    assert settings.name == "Radiology"
    assert settings.registered_users == {"a": Secret("b"), "Alice": Secret("geheim")}


def test_member_that_ends_in_file_is_no_secret_file(configured):
    settings = configured(
        {"OrthancPeers": {"p": {"Url": "http://x"}}},
        ORTHANC__ORTHANC_PEERS__P__CERTIFICATE_FILE="client.crt",
    )
    assert settings.orthanc_peers["p"].certificate_file == "client.crt"


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"ORTHANC__HTTP_PORT": "http"}, "ORTHANC__HTTP_PORT: HttpPort is .*integer from 0"),
        ({"ORTHANC__HTTP_PORT": "70000"}, "HttpPort is 70000: .*65535"),
        ({"ORTHANC__KEEP_ALIVE": "yes"}, "KeepAlive is .*true or false"),
        ({"ORTHANC__REGISTERED_USERS": "geheim"}, "RegisteredUsers: allowed"),
        ({"ORTHANC__NAME_FILE": "/none/such"}, "/none/such: can't be read: No such file"),
        ({"ORTHANC__HTTP_PORT": "1", "ORTHANC__HTTPPORT": "1"}, "sets the same as"),
        ({"ORTHANC__NAME": "1", "ORTHANC__NAME_FILE": "/dev/null"}, "sets the same as"),
        ({"ORTHANC__A____B": "1"}, "two underscores"),
        ({"ORTHANC__A__B__C__D__E__F__G": "1"}, "two underscores"),
        ({"ORTHANC_JSON": "["}, "environment variable ORTHANC_JSON line 1"),
    ],
)
def test_wrong_environment(configured, environ, problem):
    with pytest.raises(SettingsError, match=problem) as caught:
        configured({}, **environ)
    assert caught.value.where.startswith("environment variable ORTHANC_")
    assert "geheim" not in str(caught.value)


def test_a_wrong_member_names_file_and_variable(configured):
    with pytest.raises(SettingsError) as caught:
        configured({"UserMetadata": {"a": 1024}}, ORTHANC__USER_METADATA__B="5")
    assert "c.json line 1 and environment variable ORTHANC__USER_METADATA__B" in str(caught.value)
    assert caught.value.option == "UserMetadata.B"


def test_unknown_variable_is_noted(configured):
    settings = configured({}, ORTHANC__HTTP_PROT="1", ORTHANC__DICOM_WEB__ROOT="/x/")
    assert (
        'ORTHANC__HTTP_PROT: unknown option "HttpProt", did you mean "HttpPort"'
        in settings.notes[0]
    )
    assert settings.not_supported() == ("DicomWeb",)


def test_underscores_do_not_matter():
    assert plain("STORE_MD5_FOR_ATTACHMENTS") == plain("StoreMD5ForAttachments")


# ---- rules over several options ----


@pytest.mark.parametrize(
    ("configuration", "required"),
    [
        ({}, False),
        ({"RemoteAccessAllowed": True, **USERS}, True),
        ({"RemoteAccessAllowed": True, "AuthenticationEnabled": False}, False),
        ({"AuthenticationEnabled": True, **USERS}, True),
        # Who comes by a proxy of this machine comes from elsewhere.
        ({"TrustedProxies": ["127.0.0.1"], **USERS}, True),
        ({"TrustedProxies": ["127.0.0.1"], "AuthenticationEnabled": False}, False),
        ({"RemoteAccessAllowed": True, "AuthenticationEnabled": None, **USERS}, True),
    ],
)
def test_authentication_follows_remote_access(configured, configuration, required):
    assert configured(configuration).authentication_required is required


@pytest.mark.parametrize("authentication", [{}, {"AuthenticationEnabled": True}])
def test_remote_access_without_users_refuses_to_start(configured, authentication):
    with pytest.raises(SettingsError, match=r'add "RegisteredUsers".*"AuthenticationEnabled"') as e:
        configured({"RemoteAccessAllowed": True, **authentication})
    assert "c.json line 1: RemoteAccessAllowed is true" in str(e.value)
    with pytest.raises(SettingsError, match="ORTHANC__REMOTE_ACCESS_ALLOWED"):
        configured({}, ORTHANC__REMOTE_ACCESS_ALLOWED="true")
    configured({"RemoteAccessAllowed": True, "HttpServerEnabled": False})


@pytest.mark.parametrize(
    ("configuration", "note"),
    [
        ({"RemoteAccessAllowed": True, "RegisteredUsers": {}}, "nobody can log in"),
        ({"AuthenticationEnabled": True}, "nobody can log in"),
        ({"RemoteAccessAllowed": True, "AuthenticationEnabled": False}, "everybody"),
        ({"RemoteAccessAllowed": True, "RegisteredUsers": {"orthanc": "orthanc"}}, "manuals"),
        ({"HttpBindAddresses": ["0.0.0.0", "::1"]}, "0.0.0.0 left out"),
        ({"AccessRules": [{"Users": ["bob"], "Role": "admin"}]}, 'Users "bob", and nobody is'),
        ({"AccessRules": [{"Modalities": ["ctt"], "Role": "reader"}]}, 'name Modalities "ctt"'),
    ],
)
def test_notes_for_the_operator(configured, configuration, note):
    (only,) = configured(configuration).notes
    assert note in only


def test_whom_rules_may_name(configured):
    everybody = {"Users": ["alice", "*", "nobody", "idp:bob", "carol"], "Role": "reader"}
    provider = {"Issuer": "https://id.example", "ClientId": "x", "UsernamePrefix": "idp:"}
    configuration = {
        "RegisteredUsers": {"alice": "a long sentence"},
        "OpenIdConnect": provider,
        "SslCertificateUsers": {"CN=c": "carol"},
        "DicomModalities": {"ct": ["CT", "192.0.2.1", 104]},
        "AccessRules": [everybody, {"Modalities": ["ct", "*"], "Role": "reader"}],
    }
    assert configured(configuration).strangers_in_rules == ()
    # The index may know modalities that the configuration doesn't.
    elsewhere = {"Modalities": ["mr"], "Role": "reader"}
    assert configured({"AccessRules": [elsewhere]}).strangers_in_rules == ('Modalities "mr"',)
    configuration = {"AccessRules": [elsewhere], "DicomModalitiesInDatabase": True}
    assert configured(configuration).strangers_in_rules == ()


@pytest.mark.parametrize(
    ("remote", "asked", "binds"),
    [
        (False, None, ("127.0.0.1", "::1")),
        (False, ("0.0.0.0",), ("127.0.0.1", "::1")),
        (False, ("127.0.0.2", "192.0.2.1"), ("127.0.0.2",)),
        (True, None, ("0.0.0.0", "::")),
        (True, (), ("0.0.0.0", "::")),
        (True, ("192.0.2.1",), ("192.0.2.1",)),
    ],
)
def test_http_binds(remote, asked, binds):
    settings = Settings(remote_access_allowed=remote, http_bind_addresses=asked)
    assert settings.http_binds() == binds


def test_is_http_server_secure():
    assert Settings().is_http_server_secure
    assert not Settings(
        remote_access_allowed=True, authentication_enabled=False
    ).is_http_server_secure
    assert not Settings(registered_users={"alice": Secret("alicePassword")}).is_http_server_secure


@pytest.mark.parametrize("switch", ["EnableIndex", "EnableStorage"])
def test_another_database_is_not_ignored(tmp_path, switch):
    file = tmp_path / "c.json"
    file.write_text(json.dumps({"PostgreSQL": {switch: True}}))
    with pytest.raises(SettingsError, match=f"PostgreSQL.{switch}"):
        load([file], {})
    file.write_text(json.dumps({"PostgreSQL": {switch: False}}))
    assert load([file], {}).ignored == ("PostgreSQL",)


# ---- the DICOM network ----


def test_a_modality_with_a_host_name_stops_the_start_while_addresses_are_checked(configured):
    both = {
        "DicomCheckModalityHost": True,
        "HttpServerEnabled": False,
        "DicomModalities": {"a": ["A", "192.0.2.1", 104], "b": ["B", "pacs.example", 104]},
    }
    with pytest.raises(SettingsError, match="DicomCheckModalityHost") as caught:
        configured(both)
    assert caught.value.option == "DicomModalities.b.Host"
    assert caught.value.value == '"pacs.example"'
    assert "line 1" in caught.value.where
    both["DicomModalities"]["b"][1] = "2001:db8::1"
    assert set(configured(both).dicom_modalities) == {"a", "b"}
    both["DicomModalities"]["b"][1] = "pacs.example"
    both["DicomCheckModalityHost"] = False
    assert set(configured(both).dicom_modalities) == {"a", "b"}


def test_modalities_of_the_configuration_are_left_out_when_the_index_has_them(configured):
    settings = configured(
        {
            "DicomCheckModalityHost": True,
            "DicomModalitiesInDatabase": True,
            "DicomModalities": {"b": ["B", "pacs.example", 104]},
        }
    )
    assert any("DicomModalitiesInDatabase" in note for note in settings.notes)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"Name": "x"}, ("0.0.0.0", "::")),
        ({"DicomBindAddresses": []}, ("0.0.0.0", "::")),
        ({"DicomBindAddresses": ["192.0.2.1", "::1"]}, ("192.0.2.1", "::1")),
        ({}, ("127.0.0.1", "::1")),
    ],
)
def test_where_the_dicom_server_listens(configured, written, expected):
    assert configured(written).dicom_binds() == expected
