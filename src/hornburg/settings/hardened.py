"""``"SecurityProfile": "Hardened"``: the safe value of every option that can be unsafe.

Under the profile these values are the defaults. An option that is set to something else stops the
start with its name, unless ``HardenedExceptions`` gives a reason for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from hornburg.settings.errors import SettingsError
from hornburg.settings.remotes import with_stated_acts
from hornburg.settings.settings import OPTIONS
from hornburg.settings.trail import TrailSettings
from hornburg.settings.values import Modality, OverwriteInstances, StorageMode

__all__ = ["CHECKED_TOGETHER", "DEMANDS", "Demand", "harden"]

#: The number that the Orthanc Book suggests ("Securing Orthanc").
_LIMIT = 100

#: Bytes of one upload in MB; a whole study as a ZIP archive fits.
_BODY = 2048

#: Options that the profile looks at together with others (:mod:`hornburg.settings.checks`).
CHECKED_TOGETHER = frozenset(
    {
        "DicomModalities",
        "DicomTlsEnabled",
        "OrthancPeers",
        "RunAsUser",
        "SslEnabled",
        "TrustedProxies",
    }
)


@dataclass(frozen=True, slots=True)
class Demand:
    """What the profile asks of one option.

    ``value`` is the default under the profile, ``holds`` tells whether a value that was set agrees
    with it, ``allowed`` says the same in words.
    """

    option: str
    value: Any
    holds: Callable[[Any], bool]
    allowed: str


def _exactly(option: str, value: bool) -> Demand:
    return Demand(option, value, lambda given: given is value, str(value).lower())


def _from(option: str, value: int, least: int, most: int) -> Demand:
    return Demand(
        option, value, lambda given: least <= given <= most, f"an integer from {least} to {most}"
    )


def _hashed(users: Mapping[str, Any] | None) -> bool:
    return all(user.reveal().startswith("$argon2id$") for user in (users or {}).values())


DEMANDS: tuple[Demand, ...] = (
    _exactly("AuthenticationEnabled", True),
    Demand(
        "RegisteredUsers",
        None,
        _hashed,
        "argon2id hashes only, as 'hornburg hash-password' makes them",
    ),
    _exactly("DicomAlwaysAllowEcho", False),
    _exactly("DicomAlwaysAllowStore", False),
    _exactly("DicomAlwaysAllowFind", False),
    _exactly("DicomAlwaysAllowFindWorklist", False),
    _exactly("DicomAlwaysAllowGet", False),
    _exactly("DicomAlwaysAllowMove", False),
    _exactly("DicomCheckCalledAet", True),
    _exactly("StrictAetComparison", True),
    _exactly("DicomCheckModalityHost", True),
    _exactly("DicomTlsRemoteCertificateRequired", True),
    _exactly("UnknownSopClassAccepted", False),
    _from("DicomScpTimeout", 30, 1, 3600),
    _from("DicomMaximumAssociationsPerAddress", 50, 1, 10_000),
    _from("HttpMaximumConnectionsPerAddress", 500, 1, 100_000),
    _from("LimitFindResults", _LIMIT, 1, _LIMIT),
    _from("LimitFindInstances", _LIMIT, 1, _LIMIT),
    _from("MaximumRequestBodySizeMB", _BODY, 1, 8192),
    _from("MaximumFileSizeInArchiveMB", _BODY, 1, 8192),
    _from("HttpTimeout", 60, 1, 3600),
    _from("SslMinimumProtocolVersion", 4, 4, 5),
    _exactly("HttpsVerifyPeers", True),
    _exactly("WebDavEnabled", False),
    _exactly("OrthancExplorerEnabled", False),
    _exactly("ExecuteLuaEnabled", False),
    _exactly("RestApiWriteToFileSystemEnabled", False),
    Demand(
        "OverwriteInstances",
        OverwriteInstances.NEVER,
        lambda given: given is OverwriteInstances.NEVER,
        '"Never"',
    ),
    Demand(
        "MaximumStorageMode",
        StorageMode.REJECT,
        lambda given: given is StorageMode.REJECT,
        '"Reject"',
    ),
    _exactly("SyncStorageArea", True),
    _exactly("StoreMD5ForAttachments", True),
    _exactly("DeidentifyLogs", True),
    Demand(
        "AuditTrail",
        TrailSettings(required=True),
        lambda given: given.enabled and given.required,
        'a section with "Required": true',
    ),
)
"""One option each. What depends on several of them is in :mod:`hornburg.settings.checks`."""


def harden(values: dict[str, Any], origins: Mapping[str, str]) -> None:
    """Make the safe values the defaults.

    Args:
        values: attribute -> value of what was set; completed here.
        origins: the options that were set, and where.

    Raises:
        SettingsError: an option that was set is unsafe and no exception, or an exception names no
            option of the profile.
    """
    exceptions: Mapping[str, str] = values.get("hardened_exceptions", {})
    known = {demand.option for demand in DEMANDS} | CHECKED_TOGETHER
    for option in exceptions:
        if option not in known:
            raise SettingsError(
                origins["HardenedExceptions"],
                "the profile Hardened asks nothing of this option; allowed is one of "
                + ", ".join(sorted(known)),
                option=f"HardenedExceptions.{option}",
            )
    for demand in DEMANDS:
        attribute = _attribute(demand.option)
        if demand.option not in origins:
            if demand.option not in exceptions:
                values[attribute] = demand.value
        elif demand.option not in exceptions and not demand.holds(values[attribute]):
            raise SettingsError(
                origins[demand.option],
                f"SecurityProfile is Hardened, so allowed is {demand.allowed}; or give the "
                f'reason in "HardenedExceptions": {{ "{demand.option}": "..." }}',
                option=demand.option,
            )
    if "DicomModalities" not in exceptions:
        known_ones: Mapping[str, Modality] = values.get("dicom_modalities", {})
        values["dicom_modalities"] = MappingProxyType(
            {name: with_stated_acts(one) for name, one in known_ones.items()}
        )


def _attribute(option: str) -> str:
    return OPTIONS[option].attribute
