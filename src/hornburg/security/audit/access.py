"""Who may come in over HTTP."""

from __future__ import annotations

import ipaddress

from hornburg.security.audit.check import (
    Check,
    Facts,
    Verdict,
    failed,
    line_of,
    passed,
    warned,
)
from hornburg.security.host_files import CONFIGURATION, exposed_files
from hornburg.security.passwords import SHORT, is_strong
from hornburg.settings import Settings
from hornburg.settings.rules import BUILT_IN_ROLES, AccessRule

__all__ = ["CHECKS"]

#: What gives a whole archive away when it is lost, whoever has it.
_POWERS = frozenset({"delete", "settings", "control", "scripts"})


def _remote(facts: Facts) -> Verdict:
    settings = facts.settings
    if not settings.http_server_enabled:
        return passed("the HTTP server is off (HttpServerEnabled)")
    if not settings.remote_access_allowed:
        return passed("the HTTP server listens on the loopback only")
    everywhere = [
        each for each in settings.http_binds() if ipaddress.ip_address(each).is_unspecified
    ]
    if everywhere:
        return warned(
            "the HTTP server listens on all addresses of the machine",
            line_of("HttpBindAddresses", ["192.0.2.10"]) + " with the one address that is needed",
        )
    return passed("the HTTP server listens on " + ", ".join(settings.http_binds()))


def _authentication(facts: Facts) -> Verdict:
    settings = facts.settings
    if settings.authentication_required:
        return passed("requests need a user")
    fix = line_of("AuthenticationEnabled", True)
    if settings.serves_http_to_others and settings.http_server_enabled:
        return failed("other machines may read and delete everything without a password", fix)
    return warned("every user and program of this machine may read and delete everything", fix)


def _passwords(facts: Facts) -> Verdict | list[Verdict]:
    settings = facts.settings
    users = settings.registered_users or {}
    fix = "hornburg hash-password, and its line in RegisteredUsers"
    well_known = settings.well_known_passwords
    if well_known:
        return failed(f"a password that is printed in manuals: {_some(list(well_known))}", fix)
    plain = sorted(
        name for name, word in users.items() if not word.reveal().startswith("$argon2id$")
    )
    verdicts = []
    weak = sorted(name for name in users.keys() - plain if not is_strong(users[name].reveal()))
    if weak:
        verdicts.append(warned(f"hashes that are quickly tried out: {_some(weak)}", fix))
    readable = [
        each
        for each in exposed_files(settings)
        if each.what == CONFIGURATION and "read" in each.how
    ]
    if plain and readable:
        verdicts.append(
            failed(
                f"passwords in plain text ({_some(plain)}) in a file that others can read: "
                f"{readable[0].path}",
                f"{readable[0].fix}, and " + fix,
            )
        )
    elif plain:
        verdicts.append(warned(f"passwords in plain text: {_some(plain)}", fix))
    short = sorted(name for name in plain if len(users[name].reveal()) < SHORT)
    if short:
        verdicts.append(warned(f"passwords of less than {SHORT} characters: {_some(short)}", fix))
    return verdicts or passed("no password stands in the configuration in plain text")


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _rules(facts: Facts) -> Verdict:
    settings = facts.settings
    fix = (
        '"AccessRules": [ { "Users": ["admin"], "Role": "admin" }, '
        '{ "Users": ["*"], "Role": "reader" } ]'
    )
    if any(_is_for_everybody(rule, settings) for rule in settings.access_rules or ()):
        return warned("a rule lets everybody, from anywhere, do what administrators do", fix)
    if settings.strangers_in_rules:
        return warned(
            "rules name whom nobody is called: " + _some(list(settings.strangers_in_rules)),
            "names of RegisteredUsers and DicomModalities, letter by letter",
        )
    if settings.access_rules is not None:
        return passed(f"{len(settings.access_rules)} rules; what none of them grants is refused")
    if not settings.authentication_required:
        return warned("whoever comes in may do everything", fix)
    if len(settings.registered_users or {}) > 1 or settings.ssl_certificate_users:
        return warned("every user may do everything", fix)
    return passed("there is one user, who may do everything")


def _is_for_everybody(rule: AccessRule, settings: Settings) -> bool:
    """Whether a rule grants more than anybody should have without being named."""
    roles = {**BUILT_IN_ROLES, **settings.roles}
    granted = roles.get(rule.role, ()) if rule.role else rule.permissions
    return bool(
        rule.users & {"*", "nobody"}
        and not rule.networks
        and not rule.is_narrow
        and _POWERS.intersection(granted)
    )


def _openid(facts: Facts) -> Verdict:
    section = facts.settings.open_id_connect
    if section is None:
        return passed("no provider of identities is believed")
    if not section.issuer.startswith("https://"):
        return warned(
            "the provider of identities is asked in clear", "a URL that starts with https://"
        )
    return passed(f"users of {section.issuer} have the roles that AccessRules give them")


def _find_limits(facts: Facts) -> Verdict:
    settings = facts.settings
    missing = [
        name
        for name, limit in (
            ("LimitFindResults", settings.limit_find_results),
            ("LimitFindInstances", settings.limit_find_instances),
        )
        if not limit
    ]
    if not missing:
        return passed("finds are limited")
    return warned(
        "one query may ask for the whole archive: no " + " and no ".join(missing),
        ", ".join(line_of(name, 100) for name in missing),
    )


def _bodies(facts: Facts) -> Verdict:
    settings = facts.settings
    missing = [
        name
        for name, limit in (
            ("MaximumRequestBodySizeMB", settings.maximum_request_body_size_mb),
            ("MaximumFileSizeInArchiveMB", settings.maximum_file_size_in_archive_mb),
        )
        if not limit
    ]
    if not missing:
        return passed("uploads are limited in size")
    return warned(
        "one upload may fill the disk: no " + " and no ".join(missing),
        ", ".join(line_of(name, 2048) for name in missing),
    )


def _bounds(facts: Facts) -> Verdict | list[Verdict]:
    settings = facts.settings
    verdicts = []
    if settings.http_server_enabled and not settings.http_maximum_connections_per_address:
        verdicts.append(
            warned(
                "one machine may take all connections",
                line_of("HttpMaximumConnectionsPerAddress", 500),
            )
        )
    if not settings.http_timeout:
        verdicts.append(
            warned(
                "a server that we ask and that never answers is waited for for ever",
                line_of("HttpTimeout", 60),
            )
        )
    return verdicts or passed("connections are bounded in time and number")


def _switches(facts: Facts) -> list[Verdict]:
    settings = facts.settings
    remote = settings.serves_http_to_others and settings.http_server_enabled
    verdicts = []
    for option, on, what in _dangerous(settings):
        if on:
            grade = failed if remote else warned
            verdicts.append(grade(what, line_of(option, False)))
    return verdicts or [passed("scripts over REST and exports to the disk are off")]


def _dangerous(settings: Settings) -> tuple[tuple[str, bool, str], ...]:
    return (
        (
            "ExecuteLuaEnabled",
            settings.execute_lua_enabled,
            "who has the permission may run scripts (/tools/execute-script)",
        ),
        (
            "RestApiWriteToFileSystemEnabled",
            settings.rest_api_write_to_file_system_enabled,
            "who has the permission may write files on the server (/instances/{id}/export)",
        ),
    )


def _explorer(facts: Facts) -> Verdict:
    settings = facts.settings
    if not settings.orthanc_explorer_enabled:
        return passed("the pages for browsers are off")
    if settings.serves_http_to_others and settings.http_server_enabled:
        return warned(
            "the pages for browsers are served to other machines",
            line_of("OrthancExplorerEnabled", False) + " unless people use them",
        )
    return passed("the pages for browsers are served to this machine")


CHECKS = (
    Check(
        "http-remote",
        "HTTP listens where it is needed",
        "What nobody can reach, nobody can attack.",
        _remote,
    ),
    Check(
        "http-authentication",
        "HTTP asks who is there",
        "Thousands of DICOM servers stand open on the Internet (CVE-2025-0896).",
        _authentication,
    ),
    Check(
        "http-passwords",
        "Passwords are hashed and strong",
        "Who sees the configuration, a backup of it or the screen has the passwords.",
        _passwords,
    ),
    Check(
        "access-rules",
        "Users may do what they need",
        "A password that is lost opens what its user may do, and no more.",
        _rules,
    ),
    Check(
        "openid",
        "Identities come from a provider that is who it says",
        "Who can speak for the provider can be anybody.",
        _openid,
    ),
    Check(
        "find-limits",
        "Finds have a limit",
        "One query for everything takes the archive away from all others, or copies it.",
        _find_limits,
    ),
    Check(
        "upload-limits",
        "Uploads have a limit",
        "One request may fill memory or disk.",
        _bodies,
    ),
    Check(
        "http-bounds",
        "Connections are bounded",
        "Open connections that do nothing keep the others out.",
        _bounds,
    ),
    Check(
        "http-switches",
        "Nothing runs or writes by REST",
        "Scripts and exports have been used to take over servers (CVE-2023-33466).",
        _switches,
    ),
    Check(
        "http-explorer",
        "No page that nobody needs",
        "A page in the browser of a user who is logged in is a way in.",
        _explorer,
    ),
)
