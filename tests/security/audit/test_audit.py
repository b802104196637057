"""The audit: what each line of the checklist finds."""

from __future__ import annotations

import grp
import json
import os
import pwd
from datetime import UTC, datetime

import pytest
from tests.security.certificates import make

from hornburg.cli import main
from hornburg.security.audit import CHECKS, Grade, audit
from hornburg.settings import OPTIONS, SettingsError, load

#: Hashes, as 'hornburg hash-password' makes them and as nobody should.
HASH = (
    "$argon2id$v=19$m=65536,t=3,p=4$"
    "zPIbabN9fZcRSbRy7fj0pw$KWu8id38DmrCLUeWBjTeWbYKNkCaB/79KzCavRIApdg"
)
WEAK = (
    "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ"
)

LONG = "correct horse battery staple"
REMOTE = {"RemoteAccessAllowed": True, "RegisteredUsers": {"alice": HASH}}
PUBLIC = {"DicomBindAddresses": ["192.0.2.1"]}
LOCAL = {"DicomBindAddresses": ["127.0.0.1"]}
CT = {"AET": "CT", "Host": "192.0.2.9", "Port": 104}
NAMED = {"CT": {**CT, "Host": "ct.example"}}

TLS = {
    "DicomTlsEnabled": True,
    "DicomTlsCertificate": "a.crt",
    "DicomTlsPrivateKey": "a.key",
    "DicomTlsTrustedCertificates": "b.crt",
}

RULES = [{"Users": ["*"], "Role": "reader"}]
PROVIDER = {"Issuer": "https://id.example", "ClientId": "hornburg"}

P, W, F = Grade.PASS, Grade.WARN, Grade.FAIL

#: Check, configuration, worst grade, and what the line to add holds.
CASES = [
    ("http-remote", {}, P, ""),
    ("http-remote", {"HttpServerEnabled": False, **REMOTE}, P, ""),
    ("http-remote", REMOTE, W, "HttpBindAddresses"),
    ("http-remote", {**REMOTE, "HttpBindAddresses": ["192.0.2.1"]}, P, ""),
    ("http-authentication", {}, W, '"AuthenticationEnabled": true'),
    (
        "http-authentication",
        {"RemoteAccessAllowed": True, "AuthenticationEnabled": False},
        F,
        '"AuthenticationEnabled": true',
    ),
    (
        "http-authentication",
        {"TrustedProxies": ["127.0.0.1"], "AuthenticationEnabled": False},
        F,
        '"AuthenticationEnabled": true',
    ),
    ("http-authentication", {"TrustedProxies": ["127.0.0.1"]}, P, ""),
    ("http-authentication", REMOTE, P, ""),
    ("http-passwords", REMOTE, P, ""),
    ("http-passwords", {"RegisteredUsers": {"alice": LONG}}, W, "hash-password"),
    ("http-passwords", {"RegisteredUsers": {"alice": WEAK}}, W, "hash-password"),
    ("http-passwords", {"RegisteredUsers": {"orthanc": "orthanc"}}, F, "hash-password"),
    ("access-rules", {}, W, "AccessRules"),
    ("access-rules", REMOTE, P, ""),
    ("access-rules", {**REMOTE, "RegisteredUsers": {"a": HASH, "b": HASH}}, W, "AccessRules"),
    ("access-rules", {"AccessRules": RULES}, P, ""),
    ("access-rules", {"AccessRules": [{"Modalities": ["ctt"], "Role": "reader"}]}, W, "names of"),
    ("access-rules", {"AccessRules": [{"Users": ["*"], "Role": "admin"}]}, W, "reader"),
    (
        "access-rules",
        {
            "Roles": {"all": ["view", "delete"]},
            "AccessRules": [*RULES, {"Users": ["a", "nobody"], "Role": "all"}],
        },
        W,
        "reader",
    ),
    (
        "access-rules",
        {"AccessRules": [{"Users": ["*"], "Permissions": ["settings"]}]},
        W,
        "reader",
    ),
    (
        "access-rules",
        {"AccessRules": [{"Users": ["*"], "Role": "admin", "Addresses": ["127.0.0.1"]}]},
        P,
        "",
    ),
    ("http-bounds", {}, P, ""),
    ("http-bounds", {"HttpMaximumConnectionsPerAddress": 0}, W, "PerAddress"),
    ("http-bounds", {"HttpTimeout": 0}, W, '"HttpTimeout": 60'),
    ("openid", {}, P, ""),
    ("openid", {"OpenIdConnect": PROVIDER, "AccessRules": RULES}, P, ""),
    (
        "openid",
        {"OpenIdConnect": {**PROVIDER, "Issuer": "http://localhost:1"}, "AccessRules": RULES},
        W,
        "https://",
    ),
    ("certificates", {}, P, ""),
    ("peer-hosts", {}, P, ""),
    ("peer-hosts", REMOTE, W, "AllowedPeerHosts"),
    ("peer-hosts", {**REMOTE, "AllowedPeerHosts": ["192.0.2.20"]}, P, ""),
    ("proxies", {}, P, ""),
    ("proxies", {"TrustedProxies": ["192.0.2.30"]}, P, ""),
    ("proxies", {"TrustedProxies": ["0.0.0.0/0"]}, F, "TrustedProxies"),
    ("origins", {}, P, ""),
    ("origins", {"CorsAllowedOrigins": ["https://viewer.example"]}, P, ""),
    ("origins", {"CorsAllowedOrigins": ["http://viewer.example"]}, W, "https://"),
    ("https", {**REMOTE, "TrustedProxies": ["192.0.2.30"]}, W, '"RemoteAccessAllowed": false'),
    ("https", {"TrustedProxies": ["127.0.0.1"]}, P, ""),
    ("trail", {}, P, ""),
    ("trail", {"AuditTrail": {"Enabled": False}}, W, '"Enabled": true'),
    ("trail", {**REMOTE, "AuditTrail": {"Enabled": False}}, F, '"Enabled": true'),
    (
        "trail",
        {"AuditTrail": {"Syslog": {"Host": "log.example", "Port": 514, "Protocol": "tcp"}}},
        W,
        '"tls"',
    ),
    ("find-limits", {}, W, '"LimitFindResults": 100, "LimitFindInstances": 100'),
    ("find-limits", {"LimitFindResults": 5}, W, '"LimitFindInstances": 100'),
    ("find-limits", {"LimitFindResults": 5, "LimitFindInstances": 5}, P, ""),
    ("upload-limits", {}, P, ""),
    ("upload-limits", {"MaximumRequestBodySizeMB": 0}, W, '"MaximumRequestBodySizeMB": 2048'),
    ("upload-limits", {"MaximumFileSizeInArchiveMB": 0}, W, '"MaximumFileSizeInArchiveMB": 2048'),
    ("http-switches", {}, P, ""),
    ("http-switches", {"RestApiWriteToFileSystemEnabled": True}, W, "false"),
    ("http-switches", {**REMOTE, "RestApiWriteToFileSystemEnabled": True}, F, "false"),
    ("http-switches", {**REMOTE, "ExecuteLuaEnabled": True}, F, '"ExecuteLuaEnabled": false'),
    ("http-explorer", {}, P, ""),
    ("http-explorer", REMOTE, W, '"OrthancExplorerEnabled": false'),
    ("http-explorer", {**REMOTE, "OrthancExplorerEnabled": False}, P, ""),
    ("https", {}, P, ""),
    ("https", REMOTE, F, '"SslEnabled": true'),
    ("https-clients", {}, P, ""),
    ("https-verify", {}, P, ""),
    ("https-verify", {"HttpsVerifyPeers": False}, F, '"HttpsVerifyPeers": true'),
    ("peers", {}, P, ""),
    ("peers", {"OrthancPeers": {"a": ["http://192.0.2.1/"]}}, W, "https://"),
    ("peers", {"OrthancPeers": {"a": ["http://192.0.2.1/", "user", "word"]}}, F, "https://"),
    ("peers", {"OrthancPeers": {"a": ["https://192.0.2.1/", "user", "word"]}}, P, ""),
    ("peers", {"OrthancPeers": {"a": ["http://localhost/", "user", "word"]}}, P, ""),
    ("dicom-listening", LOCAL, P, ""),
    ("dicom-listening", PUBLIC, P, ""),
    ("dicom-listening", {"Name": "as of Orthanc"}, W, "DicomBindAddresses"),
    ("dicom-strangers", LOCAL, W, "DicomAlwaysAllowEcho"),
    ("dicom-strangers", PUBLIC, F, "DicomAlwaysAllowStore"),
    ("dicom-strangers", {**LOCAL, "DicomAlwaysAllowFind": True}, F, "DicomAlwaysAllowFind"),
    (
        "dicom-strangers",
        {**PUBLIC, "DicomAlwaysAllowEcho": False, "DicomAlwaysAllowStore": False},
        P,
        "",
    ),
    ("dicom-called-title", LOCAL, W, '"DicomCheckCalledAet": true'),
    ("dicom-called-title", {"DicomCheckCalledAet": True}, P, ""),
    ("dicom-host", LOCAL, W, '"DicomCheckModalityHost": true'),
    ("dicom-host", {"DicomModalities": NAMED}, W, "CT"),
    ("dicom-host", {"DicomCheckModalityHost": True, "DicomModalities": {"CT": CT}}, P, ""),
    ("dicom-modalities", {"DicomModalities": {"CT": CT}}, W, "DicomModalities.CT"),
    ("dicom-modalities", {"DicomModalities": {"CT": {**CT, "AllowMove": False}}}, P, ""),
    ("dicom-tls", LOCAL, P, ""),
    ("dicom-tls", PUBLIC, W, '"DicomTlsEnabled": true'),
    ("dicom-tls", {**TLS, **PUBLIC}, P, ""),
    ("dicom-tls", {**TLS, **PUBLIC, "DicomModalities": {"CT": CT}}, W, "DicomModalities.CT"),
    (
        "dicom-tls",
        {**TLS, **PUBLIC, "DicomModalities": {"CT": {**CT, "UseDicomTls": True}}},
        P,
        "",
    ),
    (
        "dicom-tls",
        {**TLS, **PUBLIC, "DicomModalities": {"CT": {**CT, "Host": "127.0.0.1"}}},
        P,
        "",
    ),
    ("dicom-bounds", {}, P, ""),
    ("dicom-bounds", {"DicomScpTimeout": 0}, W, '"DicomScpTimeout": 30'),
    ("dicom-bounds", {"DicomMaximumAssociationsPerAddress": 0}, W, "PerAddress"),
    ("dicom-content", {}, P, ""),
    ("dicom-content", {"UnknownSopClassAccepted": True}, W, "false"),
    ("archive-overwrite", {}, P, ""),
    ("archive-overwrite", {"OverwriteInstances": "Always"}, W, '"Never"'),
    ("archive-recycling", {}, P, ""),
    ("archive-recycling", {"MaximumPatientCount": 5}, W, '"Reject"'),
    ("archive-recycling", {"MaximumPatientCount": 5, "MaximumStorageMode": "Reject"}, P, ""),
    ("archive-durable", {}, P, ""),
    ("archive-durable", {"SyncStorageArea": False}, W, '"SyncStorageArea": true'),
    ("archive-checksums", {}, P, ""),
    ("archive-checksums", {"StoreMD5ForAttachments": False}, W, "true"),
    ("logs", {}, P, ""),
    ("logs", {"DeidentifyLogs": False}, W, '"DeidentifyLogs": true'),
    ("options", {}, P, ""),
    ("options", {"StoreDicom": False}, W, "take them out"),
    ("options", {"DicomAlwaysAlowStore": False}, W, "the right name"),
    ("profile-exceptions", {}, P, ""),
    (
        "profile-exceptions",
        {
            "SecurityProfile": "Hardened",
            "HardenedExceptions": {"DicomTlsEnabled": "old scanners in a network of their own"},
        },
        W,
        "DicomTlsEnabled",
    ),
]


def settings_of(folder, configuration):
    file = folder / "c.json"
    file.write_text(json.dumps(configuration))
    file.chmod(0o600)
    return load([file], {})


def verdicts_of(report, name):
    return [verdict for check, verdict in report.lines if check.name == name]


def worst(verdicts):
    return max((each.grade for each in verdicts), key=list(Grade).index)


@pytest.mark.parametrize(("name", "configuration", "grade", "fix"), CASES)
def test_what_a_line_finds(tmp_path, name, configuration, grade, fix):
    verdicts = verdicts_of(audit(settings_of(tmp_path, configuration), uid=1000), name)
    assert worst(verdicts) is grade, verdicts
    if grade is not Grade.PASS:
        assert fix in " ".join(verdict.fix for verdict in verdicts)


def test_root(tmp_path):
    settings = settings_of(tmp_path, {})
    assert worst(verdicts_of(audit(settings, uid=1000), "host-root")) is Grade.PASS
    assert worst(verdicts_of(audit(settings, uid=0), "host-root")) is Grade.WARN
    settings = settings_of(tmp_path, {"RunAsUser": "nobody"})
    assert worst(verdicts_of(audit(settings, uid=0), "host-root")) is Grade.PASS


@pytest.fixture
def group(monkeypatch):
    """Who else is in our group: members by the file of groups, and by that of users."""
    me = pwd.getpwuid(os.geteuid())

    def build(*, member="", primary=""):
        name = grp.getgrgid(me.pw_gid).gr_name
        members = [me.pw_name, *filter(None, [member])]
        found = grp.struct_group((name, "x", me.pw_gid, members))
        users = [me, *((one, "x", me.pw_uid + 1, *me[3:]) for one in [primary] if one)]
        monkeypatch.setattr(grp, "getgrgid", lambda gid: found)
        monkeypatch.setattr(pwd, "getpwall", lambda: [pwd.struct_passwd(one) for one in users])

    return build


@pytest.mark.parametrize("others", [{"member": "bob"}, {"primary": "bob"}])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_configuration_with_secrets_is_the_servers_alone(tmp_path, mode, group, others):
    group(**others)
    settings = settings_of(tmp_path, {"RegisteredUsers": {"alice": LONG}})
    assert worst(verdicts_of(audit(settings), "host-files")) is Grade.PASS
    (tmp_path / "c.json").chmod(mode)
    (verdict,) = verdicts_of(audit(settings), "host-files")
    assert verdict.grade is Grade.FAIL
    assert f"chmod 600 {tmp_path}/c.json" in verdict.fix
    if mode & 0o044:
        assert worst(verdicts_of(audit(settings), "http-passwords")) is Grade.FAIL


@pytest.mark.parametrize("mode", [0o640, 0o660])
def test_a_group_of_the_server_alone_may_read(tmp_path, group, mode):
    """As the unit's installation has it: root's file, which the server may only read."""
    group()
    settings = settings_of(tmp_path, {"RegisteredUsers": {"alice": LONG}})
    (tmp_path / "c.json").chmod(mode)
    assert worst(verdicts_of(audit(settings), "host-files")) is Grade.PASS
    assert worst(verdicts_of(audit(settings), "http-passwords")) is Grade.WARN


def test_a_folder_of_configurations_may_be_listed(tmp_path, group):
    group()
    settings_of(tmp_path, {"RegisteredUsers": {"alice": LONG}, "StorageDirectory": "images"})
    (tmp_path / "c.json").chmod(0o600)
    (tmp_path / "images").mkdir(mode=0o700)
    tmp_path.chmod(0o755)
    settings = load([tmp_path], {})
    assert worst(verdicts_of(audit(settings), "host-files")) is Grade.PASS
    assert worst(verdicts_of(audit(settings), "http-passwords")) is Grade.WARN
    tmp_path.chmod(0o757)
    assert worst(verdicts_of(audit(settings), "host-files")) is Grade.FAIL


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_advice_leaves_the_file_to_the_server(tmp_path):
    """A mode alone would shut the server out of a file of root."""
    nobody = pwd.getpwnam("nobody")
    settings = settings_of(tmp_path, {"RegisteredUsers": {"a": LONG}, "RunAsUser": "nobody"})
    path = tmp_path / "c.json"
    path.chmod(0o644)
    (verdict,) = verdicts_of(audit(settings), "host-files")
    assert verdict.fix == f"chown nobody {path}; chmod 600 {path}"
    os.chown(path, nobody.pw_uid, -1)
    (verdict,) = verdicts_of(audit(settings), "host-files")
    assert verdict.fix == f"chmod 600 {path}"


def test_a_key_of_the_client_of_syslog_is_the_servers_alone(tmp_path):
    syslog = {"Host": "192.0.2.9", "Certificate": "s.crt", "PrivateKey": "s.key"}
    (tmp_path / "s.key").write_text("")
    (tmp_path / "s.key").chmod(0o604)
    settings = settings_of(tmp_path, {"AuditTrail": {"Syslog": syslog}})
    (verdict,) = verdicts_of(audit(settings), "host-files")
    assert verdict.fix.endswith(f"chmod 600 {tmp_path}/s.key")


#: What can be set for every option that holds secrets.
SECRETS = {
    "RegisteredUsers": {"alice": LONG},
    "OpenIdConnect": {**PROVIDER, "ClientSecret": "of the provider"},
    "OrthancPeers": {"a": ["https://192.0.2.1/", "user", "word"]},
    "HttpProxy": "user:word@proxy:3128",
    "PluginOptions": {"reports": {"ApiKey": "of another server"}},
    "Pkcs11": {"Module": "/usr/lib/pkcs11.so", "Pin": "1234"},
}


@pytest.mark.parametrize("option", [name for name, option in OPTIONS.items() if option.row.secret])
def test_each_secret_makes_the_configuration_the_servers_alone(tmp_path, option):
    settings = settings_of(tmp_path, {option: SECRETS[option], "AccessRules": RULES})
    (tmp_path / "c.json").chmod(0o644)
    (verdict,) = verdicts_of(audit(settings), "host-files")
    assert verdict.found.startswith("others can read the configuration")


def test_keys_of_the_trail_are_the_servers_alone(tmp_path):
    syslog = {"Host": "log.example", "Certificate": "log.crt", "PrivateKey": "log.key"}
    settings = settings_of(tmp_path, {"AuditTrail": {"KeyFile": "trail.key", "Syslog": syslog}})
    for name in ("trail.key", "log.key"):
        (tmp_path / name).touch(0o600)
    assert worst(verdicts_of(audit(settings), "host-files")) is Grade.PASS
    for name in ("trail.key", "log.key"):
        (tmp_path / name).chmod(0o644)
    fixes = [verdict.fix for verdict in verdicts_of(audit(settings), "host-files")]
    assert fixes == [f"chmod 600 {tmp_path}/trail.key", f"chmod 600 {tmp_path}/log.key"]


def test_a_configuration_without_secrets_may_be_read(tmp_path):
    settings = settings_of(tmp_path, {})
    (tmp_path / "c.json").chmod(0o644)
    assert worst(verdicts_of(audit(settings), "host-files")) is Grade.PASS
    (tmp_path / "c.json").chmod(0o666)
    assert worst(verdicts_of(audit(settings), "host-files")) is Grade.FAIL


def test_the_folder_of_the_images_is_the_servers_alone(tmp_path):
    settings = settings_of(tmp_path, {"StorageDirectory": "images"})
    (tmp_path / "images").mkdir(mode=0o700)
    assert worst(verdicts_of(audit(settings), "host-files")) is Grade.PASS
    (tmp_path / "images").chmod(0o755)
    (verdict,) = verdicts_of(audit(settings), "host-files")
    assert verdict.fix == f"chmod 700 {tmp_path}/images"


def test_plug_ins_in_machine_code_are_named(tmp_path):
    """One of them may have kept people out."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "libOrthancAuthorization.so").write_bytes(b"")
    settings = settings_of(tmp_path, {"Plugins": ["plugins", "entry-point:shipped"]})
    (verdict,) = verdicts_of(audit(settings), "options")
    assert verdict.grade is Grade.WARN
    assert "libOrthancAuthorization.so" in verdict.found


def test_the_user_with_a_password_of_the_manual_is_named(tmp_path):
    users = {"bob": LONG, "orthanc": "orthanc"}
    (verdict,) = verdicts_of(
        audit(settings_of(tmp_path, {"RegisteredUsers": users})), "http-passwords"
    )
    assert "orthanc" in verdict.found
    assert "bob" not in verdict.found


def test_every_line_has_a_case_and_is_whole():
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    elsewhere = {"host-root", "host-files"}
    assert set(names) <= {name for name, *_ in CASES} | elsewhere
    for check in CHECKS:
        assert check.why.endswith(".")


def test_no_password_is_in_the_report(tmp_path):
    configuration = {
        **REMOTE,
        "RegisteredUsers": {"alice": "planted-secret"},
        "OrthancPeers": {"a": ["http://192.0.2.1/", "user", "planted-secret"]},
        "HttpProxy": "user:planted-secret@proxy:3128",
    }
    assert "planted-secret" not in json.dumps(audit(settings_of(tmp_path, configuration)).to_json())


def test_the_hardened_profile_fails_nowhere(tmp_path):
    settings = settings_of(tmp_path, {"SecurityProfile": "Hardened", **LOCAL})
    report = audit(settings, uid=1000, now=datetime.now(UTC))
    bad = [(check.name, each.found) for check, each in report.lines if each.grade is not Grade.PASS]
    assert bad == []


@pytest.mark.parametrize(
    "configuration", [case[1] for case in CASES if case[2] is F], ids=lambda found: " ".join(found)
)
def test_what_fails_does_not_start_under_the_profile(tmp_path, configuration):
    with pytest.raises(SettingsError):
        settings_of(tmp_path, {**LOCAL, **configuration, "SecurityProfile": "Hardened"})


def test_the_command_grades_and_exits(tmp_path, capsys):
    settings_of(tmp_path, {**LOCAL, "SecurityProfile": "Hardened"})
    assert main(["audit", str(tmp_path / "c.json")]) == 0
    assert "0 fail" in capsys.readouterr().out
    settings_of(tmp_path, {**PUBLIC, **REMOTE})
    assert main(["audit", str(tmp_path / "c.json"), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["Summary"]["fail"] >= 2
    assert {check["Grade"] for check in report["Checks"]} == {"pass", "warn", "fail"}


def test_a_report_for_a_file_breaks_no_line(tmp_path, capsys):
    """A line to copy that is cut in two at the 80th column is none, and grep finds half of it."""
    (tmp_path / "c.json").write_text("{}")
    main(["audit", str(tmp_path / "c.json")])
    lines = capsys.readouterr().out.splitlines()
    for check, verdict in audit(load([tmp_path / "c.json"], {})).lines:
        assert f"{verdict.grade.value} {check.title}: {verdict.found}" in lines
        assert not verdict.fix or f"     to do: {verdict.fix}" in lines


def test_a_configuration_that_cannot_be_used_is_an_error_of_one_line(tmp_path, capsys):
    (tmp_path / "c.json").write_text("{")
    assert main(["audit", str(tmp_path / "c.json")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("days", "mode", "grade", "words"),
    [
        (400, 0o600, P, ""),
        (20, 0o600, W, "SslCertificate"),
        (0, 0o600, F, "SslCertificate"),
        (400, 0o644, F, ""),
    ],
)
def test_certificates(tmp_path, days, mode, grade, words):
    made = make(tmp_path, "server", days=days)
    made.key.chmod(mode)
    settings = settings_of(
        tmp_path,
        {"SslEnabled": True, "SslCertificate": "server.crt", "SslPrivateKey": "server.key"},
    )
    verdicts = verdicts_of(audit(settings), "certificates")
    assert worst(verdicts) is grade, verdicts
    assert words in " ".join(verdict.fix for verdict in verdicts)


@pytest.mark.parametrize(("days", "grade"), [(400, P), (20, W), (0, F)])
@pytest.mark.parametrize("place", ["peer", "syslog"])
def test_certificates_that_we_show_others(tmp_path, place, days, grade):
    """The one of a peer may have a key with a passphrase."""
    passphrase = "of the key" if place == "peer" and days else ""
    made = make(tmp_path, "client", days=days, passphrase=passphrase)
    files = str(made.certificate), str(made.key)
    peer = {
        "Url": "https://192.0.2.1/",
        "CertificateFile": files[0],
        "CertificateKeyFile": files[1],
        "CertificateKeyPassword": passphrase,
    }
    syslog = {"Host": "log.example", "Certificate": files[0], "PrivateKey": files[1]}
    configuration = {
        "peer": {"OrthancPeers": {"a": peer}},
        "syslog": {"AuditTrail": {"Syslog": syslog}},
    }
    verdicts = verdicts_of(audit(settings_of(tmp_path, configuration[place])), "certificates")
    assert worst(verdicts) is grade, verdicts
    if grade is not P:
        named = {"peer": "OrthancPeers.a", "syslog": "AuditTrail.Syslog"}[place]
        assert named in verdicts[0].fix


def test_client_certificates_without_https(tmp_path):
    # The loader refuses this by itself, if it can tell; the audit tells in any case.
    from dataclasses import replace

    settings = replace(settings_of(tmp_path, {}), ssl_verify_peers=True)
    assert worst(verdicts_of(audit(settings), "https-clients")) is Grade.FAIL
