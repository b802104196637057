"""The types of the options that are more than a number or a text."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from hornburg.settings.rows import Secret

__all__ = [
    "BuiltinDecoder",
    "ContentType",
    "DictionaryEntry",
    "Manufacturer",
    "Modality",
    "OverwriteInstances",
    "Peer",
    "Pkcs11",
    "RetrieveMethod",
    "SecurityProfile",
    "StorageAccessOnFind",
    "StorageMode",
]


class OverwriteInstances(enum.Enum):
    """What happens to an instance that arrives again."""

    NEVER = "Never"
    ALWAYS = "Always"
    IF_CHANGED = "IfChanged"


class StorageMode(enum.Enum):
    """What happens when a quota is reached."""

    RECYCLE = "Recycle"
    REJECT = "Reject"


class StorageAccessOnFind(enum.Enum):
    """When a find may open files to learn what the index doesn't hold."""

    ALWAYS = "Always"
    NEVER = "Never"
    ANSWERS = "Answers"


class BuiltinDecoder(enum.Enum):
    """The place of our own decoder among those of plug-ins."""

    AFTER = "After"
    BEFORE = "Before"
    DISABLED = "Disabled"


class RetrieveMethod(enum.Enum):
    """How images are fetched from a modality."""

    C_MOVE = "C-MOVE"
    C_GET = "C-GET"


class Manufacturer(enum.Enum):
    """The known peculiarities of a modality."""

    GENERIC = "Generic"
    GENERIC_NO_WILDCARD_IN_DATES = "GenericNoWildcardInDates"
    GENERIC_NO_UNIVERSAL_WILDCARD = "GenericNoUniversalWildcard"
    VITREA = "Vitrea"
    GE = "GE"


class SecurityProfile(enum.Enum):
    """Which defaults hold for what the configuration doesn't say."""

    DEFAULT = "Default"
    HARDENED = "Hardened"


@dataclass(frozen=True, slots=True)
class ContentType:
    """A kind of attachment of the user's own: its number, and the MIME type it is sent with."""

    number: int
    mime: str | None = None


@dataclass(frozen=True, slots=True)
class DictionaryEntry:
    """One more tag for the data dictionary.

    ``vr`` as in PS3.5 table 6.2-1, ``name`` the keyword, ``minimum`` and ``maximum`` the value
    multiplicity (0 as maximum: any number), ``private_creator`` empty for a public tag.
    """

    vr: str
    name: str
    minimum: int = 1
    maximum: int = 1
    private_creator: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Modality:
    """A DICOM application entity elsewhere, and what it may ask of us.

    ``stated`` are the fields that were written down; the others have their defaults.
    """

    aet: str
    host: str
    port: int
    manufacturer: Manufacturer = Manufacturer.GENERIC
    allow_echo: bool = True
    allow_find: bool = True
    allow_find_worklist: bool = True
    allow_get: bool = True
    allow_move: bool = True
    allow_store: bool = True
    allow_n_action: bool = True
    allow_n_event_report: bool = True
    allow_transcoding: bool = True
    use_dicom_tls: bool = False
    local_aet: str = ""
    timeout: int = 0
    retrieve_method: RetrieveMethod | None = None
    stated: frozenset[str] = field(default=frozenset(), compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Another server with this REST API. ``properties`` holds what users add for themselves."""

    url: str
    username: str = ""
    password: Secret | None = None
    http_headers: Mapping[str, Secret] = field(default_factory=dict)
    certificate_file: str = ""
    certificate_key_file: str = ""
    certificate_key_password: Secret | None = None
    pkcs11: bool = False
    timeout: int = 0
    properties: Mapping[str, Secret] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pkcs11:
    """A hardware key for HTTPS towards peers."""

    module: str
    pin: Secret | None = None
    verbose: bool = False
