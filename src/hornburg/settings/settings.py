"""All options together, and what follows from several of them at once."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hornburg.settings.options import (
    AccessOptions,
    BrowserOptions,
    DicomDataOptions,
    DicomNetworkOptions,
    DicomScuOptions,
    DicomTlsOptions,
    HostOptions,
    HttpOptions,
    IdentityOptions,
    IndexOptions,
    JobOptions,
    MemoryOptions,
    PolicyOptions,
    RemoteOptions,
    RestOptions,
    ScriptOptions,
    StorageOptions,
    TlsOptions,
    TrailOptions,
    TranscodingOptions,
    WorklistOptions,
)
from hornburg.settings.rows import Option, options_of
from hornburg.settings.sections import freeze
from hornburg.settings.values import SecurityProfile

__all__ = ["GROUPS", "OPTIONS", "Settings", "missing_features"]

# In the order of the documentation.
GROUPS: tuple[type, ...] = (
    HttpOptions,
    AccessOptions,
    TlsOptions,
    IdentityOptions,
    PolicyOptions,
    BrowserOptions,
    TrailOptions,
    HostOptions,
    RestOptions,
    StorageOptions,
    IndexOptions,
    DicomDataOptions,
    TranscodingOptions,
    DicomNetworkOptions,
    DicomScuOptions,
    DicomTlsOptions,
    WorklistOptions,
    RemoteOptions,
    JobOptions,
    ScriptOptions,
    MemoryOptions,
)

OPTIONS: Mapping[str, Option] = freeze(
    {name: option for group in GROUPS for name, option in options_of(group).items()}
)
"""Every option by the name that configuration files use."""

# Passwords that every attacker tries first; Orthanc's own samples.
_WELL_KNOWN = (("orthanc", "orthanc"), ("alice", "orthanctest"), ("alice", "alicePassword"))


@dataclass(frozen=True, kw_only=True)
class Settings(
    HttpOptions,
    AccessOptions,
    TlsOptions,
    IdentityOptions,
    PolicyOptions,
    BrowserOptions,
    TrailOptions,
    HostOptions,
    RestOptions,
    StorageOptions,
    IndexOptions,
    DicomDataOptions,
    TranscodingOptions,
    DicomNetworkOptions,
    DicomScuOptions,
    DicomTlsOptions,
    WorklistOptions,
    RemoteOptions,
    JobOptions,
    ScriptOptions,
    MemoryOptions,
):
    """Every option, typed; ``Settings()`` has Orthanc's defaults.

    The attribute of an option is its name in snake_case (``HttpPort``: ``http_port``). Paths are
    absolute when :func:`hornburg.settings.load` made the object. ``origins`` tells for each
    option that was set where that was, ``notes`` what the operator should read at the start,
    ``ignored`` the options that were set and have no effect in this version, ``unknown`` what was
    set under names that no option has, ``files`` the files and folders that they came from.
    """

    origins: Mapping[str, str] = field(default_factory=lambda: freeze({}))
    notes: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()

    def is_demanded(self, option: str) -> bool:
        """Whether the profile Hardened holds for an option that has no exception."""
        is_hardened = self.security_profile is SecurityProfile.HARDENED
        return is_hardened and option not in self.hardened_exceptions

    @property
    def serves_http_to_others(self) -> bool:
        """Whether people on other machines reach the HTTP server, be it through a reverse proxy
        on this one."""
        return self.remote_access_allowed or bool(self.trusted_proxies)

    @property
    def authentication_required(self) -> bool:
        """Whether HTTP requests need a name and a password."""
        if self.authentication_enabled is None:
            return self.serves_http_to_others
        return self.authentication_enabled

    @property
    def index_folder(self) -> Path:
        """The folder of the index."""
        return self.index_directory or self.storage_directory

    @property
    def well_known_passwords(self) -> tuple[str, ...]:
        """The users who have a password that is printed in manuals."""
        users = self.registered_users or {}
        return tuple(
            name for name, word in _WELL_KNOWN if name in users and users[name].reveal() == word
        )

    @property
    def uses_well_known_passwords(self) -> bool:
        """Whether one of the users has a password that is printed in manuals."""
        return bool(self.well_known_passwords)

    @property
    def strangers_in_rules(self) -> tuple[str, ...]:
        """Whom AccessRules name though nobody is called so, as ``Users "bob"``.

        A user who is misspelt can do nothing; a modality that is misspelt in every rule is one
        that no rule names, and goes on doing all that DicomModalities gives it.
        """
        rules = self.access_rules or ()
        users = {"*", "nobody", *(self.registered_users or {})}
        users.update((self.ssl_certificate_users or {}).values())
        # Users of a provider have its prefix, which may be any text.
        provided = self.open_id_connect.username_prefix if self.open_id_connect else None
        found = [
            f'Users "{name}"'
            for name in sorted(set().union(*(rule.users for rule in rules)) - users)
            if not (provided is not None and name.startswith(provided))
        ]
        if not self.dicom_modalities_in_database:
            known = {"*", *self.dicom_modalities}
            named = set().union(*(rule.modalities for rule in rules))
            found += [f'Modalities "{name}"' for name in sorted(named - known)]
        return tuple(found)

    @property
    def is_http_server_secure(self) -> bool:
        """What /system calls ``IsHttpServerSecure``: nobody unknown gets in from outside."""
        open_door = self.serves_http_to_others and not self.authentication_required
        return not open_door and not self.uses_well_known_passwords

    def http_binds(self) -> tuple[str, ...]:
        """The addresses that the HTTP server listens on; IPv6 may be missing on the machine."""
        asked = self.http_bind_addresses or ()
        if self.remote_access_allowed:
            return asked or ("0.0.0.0", "::")  # noqa: S104 - the operator asked for it
        local = tuple(each for each in asked if ipaddress.ip_address(each).is_loopback)
        return local or ("127.0.0.1", "::1")

    def dicom_binds(self) -> tuple[str, ...]:
        """The addresses that the DICOM server listens on; IPv6 may be missing on the machine.

        A server that nobody has configured serves its own machine alone; a configuration that
        says nothing of ``DicomBindAddresses`` means all of them, as it does to Orthanc.
        """
        if self.dicom_bind_addresses:
            return self.dicom_bind_addresses
        if not self.origins:
            return ("127.0.0.1", "::1")
        return ("0.0.0.0", "::")  # noqa: S104 - what a configuration for Orthanc asks

    @property
    def serves_dicom_to_others(self) -> bool:
        """Whether other machines reach the DICOM server."""
        return self.dicom_server_enabled and any(
            not ipaddress.ip_address(address).is_loopback for address in self.dicom_binds()
        )

    def not_supported(self) -> tuple[str, ...]:
        """The options that were set to something that this version can't do."""
        return self.ignored


def missing_features(settings: Settings | None = None) -> tuple[str, ...]:
    """What Orthanc has by default and this version doesn't, as ``DICOM server
    (DicomServerEnabled)``; without what ``settings`` switch off."""
    return tuple(
        f"{option.row.feature} ({name})"
        for name, option in OPTIONS.items()
        if option.row.feature
        and not option.row.supported
        and (settings is None or getattr(settings, option.attribute))
    )
