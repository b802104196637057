"""The section ``AuditTrail``: where the trail is written, for how long, and who else hears of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hornburg.settings.errors import Refused
from hornburg.settings.sections import flag, read_section, text, whole

__all__ = ["SYSLOG_PROTOCOLS", "TRAIL_ALLOWED", "SyslogSettings", "TrailSettings", "read_trail"]

SYSLOG_PROTOCOLS = ("tcp", "tls")


@dataclass(frozen=True, slots=True)
class SyslogSettings:
    """The syslog server that is told every event as a DICOM audit message.

    ``ca_certificates`` is a PEM file of who may have signed its certificate (the system's without
    it), ``certificate`` and ``private_key`` what this server shows, if it must show anything.
    """

    host: str
    port: int
    protocol: str = "tls"
    ca_certificates: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None


@dataclass(frozen=True, slots=True)
class TrailSettings:
    """How the audit trail is kept.

    ``directory`` none: ``audit-trail`` in the storage folder. ``key_file`` none: ``trail.key`` in
    that folder. ``retention_days`` 0: for ever. ``flush`` in milliseconds: how long an event may
    wait to be written. ``required``: while the trail can't be written, patient data is refused.
    """

    enabled: bool = True
    directory: Path | None = None
    key_file: Path | None = None
    maximum_file_size_mb: int = 64
    retention_days: int = 0
    flush: int = 200
    required: bool = False
    syslog: SyslogSettings | None = None

    def below(self, base: Path) -> TrailSettings:
        """The same with paths that start at ``base`` when they are relative."""
        start = base.absolute()

        def placed(path: Path | None) -> Path | None:
            return None if path is None else start / path

        syslog = self.syslog
        if syslog is not None:
            syslog = replace(
                syslog,
                ca_certificates=placed(syslog.ca_certificates),
                certificate=placed(syslog.certificate),
                private_key=placed(syslog.private_key),
            )
        return replace(
            self,
            directory=placed(self.directory),
            key_file=placed(self.key_file),
            syslog=syslog,
        )

    def folder(self, storage: Path) -> Path:
        """The folder of the trail of a server that has its files in ``storage``."""
        return self.directory or storage / "audit-trail"

    def key(self, storage: Path) -> Path:
        """The file of its key; the anchor lies beside it."""
        return self.key_file or self.folder(storage) / "trail.key"


def _path(value: object) -> Path:
    path = text(value, "the path of a file or folder")
    if not path:
        raise Refused("the path of a file or folder", value)
    return Path(path)


def _host(value: object) -> str:
    host = text(value, "a host name or an IP address", longest=253)
    if not host or any(not letter.isprintable() or letter.isspace() for letter in host):
        raise Refused("a host name or an IP address", value)
    return host


def _protocol(value: object) -> str:
    if value not in SYSLOG_PROTOCOLS:
        raise Refused('"tcp" or "tls"', value)
    return str(value)


_Members = dict[str, tuple[str, Callable[[object], Any]]]

_SYSLOG: _Members = {
    "Host": ("host", _host),
    "Port": ("port", lambda value: whole(value, 1, 65535)),
    "Protocol": ("protocol", _protocol),
    "CACertificates": ("ca_certificates", _path),
    "Certificate": ("certificate", _path),
    "PrivateKey": ("private_key", _path),
}


def _read(value: object, members: _Members) -> dict[str, Any]:
    def one(name: str, inner: object) -> Any:
        if name not in members:
            raise Refused("one of " + ", ".join(members), name)
        return members[name][1](inner)

    given = read_section(value, one)
    return {members[name][0]: inner for name, inner in given.items()}


def _read_syslog(value: object) -> SyslogSettings | None:
    if value is None:
        return None
    given = _read(value, _SYSLOG)
    if "host" not in given:
        raise Refused("an object with Host, and " + ", ".join(list(_SYSLOG)[1:]), value)
    given.setdefault("protocol", "tls")
    # RFC 6587 has no port of its own and 601 is usual (RFC 3195); RFC 5425 section 4.1.
    given.setdefault("port", 6514 if given["protocol"] == "tls" else 601)
    if given["protocol"] == "tcp":
        for name in ("CACertificates", "Certificate", "PrivateKey"):
            if _SYSLOG[name][0] in given:
                raise Refused('nothing, without "Protocol": "tls"', name, f".{name}")
    if ("certificate" in given) != ("private_key" in given):
        raise Refused("Certificate and PrivateKey together", value)
    return SyslogSettings(**given)


_MEMBERS: _Members = {
    "Enabled": ("enabled", flag),
    "Directory": ("directory", _path),
    "KeyFile": ("key_file", _path),
    "MaximumFileSizeMB": ("maximum_file_size_mb", lambda value: whole(value, 1, 4096)),
    "RetentionDays": ("retention_days", lambda value: whole(value, 0, 36_500)),
    "FlushMilliseconds": ("flush", lambda value: whole(value, 10, 1000)),
    "Required": ("required", flag),
    "Syslog": ("syslog", _read_syslog),
}

TRAIL_ALLOWED = "an object with " + ", ".join(_MEMBERS)


def read_trail(value: object) -> TrailSettings:
    """Read the section.

    Raises:
        Refused: a member is unknown, or has a value that it can't have.
    """
    given = TrailSettings(**_read(value, _MEMBERS))
    if given.required and not given.enabled:
        raise Refused("true, since the trail is Required", False, ".Enabled")
    return given
