"""Who may do what over DICOM: every rule about callers, asked in this one place.

The rules are Orthanc's (its configuration file and Book, "Securing Orthanc"), but for one: where
``DicomCheckModalityHost`` is on, an entry of ``DicomModalities`` counts only for a caller with its
title *and* its address, however many entries share the title.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hornburg.security.addresses import Address, parse_address, same_address
from hornburg.security.doors import Act, Doors, allows, doors_of
from hornburg.settings import Modality, Settings
from hornburg.ul.titles import title_fault

__all__ = ["Act", "Caller", "Decision", "DicomRules", "Rejection", "Why"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who opened an association: the titles as received, without blanks around them.

    ``address`` is the IP address of the other end, ``certificate`` the subject of the
    certificate that it showed, or empty.
    """

    aet: str
    called_aet: str
    address: str
    certificate: str = ""


class Why(enum.IntEnum):
    """The reason of an A-ASSOCIATE-RJ by the service user (PS3.8 table 9-21)."""

    CALLING_TITLE = 3
    CALLED_TITLE = 7


@dataclass(frozen=True, slots=True)
class Rejection:
    """An association that is not accepted: the numbers of the A-ASSOCIATE-RJ, and the log's
    sentence. The numbers say "rejected permanently, by the service user"."""

    reason: Why
    sentence: str
    result: int = 1
    source: int = 1


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a caller may; ``reason`` says for the log why (not), ``modality`` who it is."""

    allowed: bool
    reason: str
    modality: str | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    modality: Modality
    address: Address | None


class DicomRules:
    """The rules of ``settings`` for the modalities that are known at the moment.

    Args:
        modalities: gives the known ones by name, in an order that stays; another mapping after
            each change.
    """

    def __init__(
        self, settings: Settings, modalities: Callable[[], Mapping[str, Modality]]
    ) -> None:
        self._settings = settings
        self._modalities = modalities
        self._doors: Doors = doors_of(settings)
        self._known: Mapping[str, Modality] | None = None
        self._entries: dict[str, list[_Entry]] = {}

    def admit(self, caller: Caller) -> Rejection | None:
        """Whether an association may begin; ``None`` when it may.

        What the caller may do on it is the business of :meth:`may`. Unknown callers come in as
        long as one of the ``DicomAlwaysAllow...`` doors is open to them.
        """
        for title, whose, why in (
            (caller.aet, "calling", Why.CALLING_TITLE),
            (caller.called_aet, "called", Why.CALLED_TITLE),
        ):
            fault = title_fault(title)
            if fault:
                return Rejection(why, f"the {whose} title {fault}")
        own = self._settings.dicom_aet
        if self._settings.dicom_check_called_aet and not self.same_title(caller.called_aet, own):
            return Rejection(
                Why.CALLED_TITLE,
                f'it called "{caller.called_aet}", this is "{own}" (DicomCheckCalledAet)',
            )
        if not self._doors.any_open and not self._matching(caller):
            return Rejection(
                Why.CALLING_TITLE,
                f"{self._stranger(caller)}, and nobody else may do anything here (DicomAlwaysAllow…)",
            )
        return None

    def may(self, caller: Caller, act: Act) -> Decision:
        """Whether a caller may do something. Known or not, an open door is open."""
        entries = self._matching(caller)
        name = entries[0].name if entries else None
        if self._doors.open_to_all(act):
            return Decision(True, "allowed to everybody", name)
        for entry in entries:
            if allows(entry.modality, act):
                return Decision(True, "allowed to this modality", entry.name)
        if entries:
            return Decision(False, f'not allowed to modality "{name}"', name)
        return Decision(False, self._stranger(caller))

    def may_transcode(self, of: Caller | Modality) -> bool:
        """Whether what goes to a modality may be transcoded for it (``TranscodeDicomProtocol``,
        ``AllowTranscoding``)."""
        if not self._settings.transcode_dicom_protocol:
            return False
        if isinstance(of, Modality):
            return of.allow_transcoding
        entries = self._matching(of)
        return not entries or entries[0].modality.allow_transcoding

    def _matching(self, caller: Caller) -> list[_Entry]:
        """The entries that count for a caller, those with its address first."""
        entries = self._by_title().get(self._folded(caller.aet))
        if not entries:
            return []
        seen = parse_address(caller.address)
        here = [
            entry
            for entry in entries
            if seen is not None and entry.address is not None and same_address(entry.address, seen)
        ]
        if self._settings.dicom_check_modality_host:
            return here
        return here + [entry for entry in entries if entry not in here] if here else entries

    def _by_title(self) -> dict[str, list[_Entry]]:
        known = self._modalities()
        if known is not self._known:
            entries: dict[str, list[_Entry]] = {}
            for name, modality in known.items():
                entry = _Entry(name, modality, parse_address(modality.host))
                entries.setdefault(self._folded(modality.aet), []).append(entry)
            self._entries, self._known = entries, known
        return self._entries

    def _stranger(self, caller: Caller) -> str:
        if self._folded(caller.aet) in self._by_title():
            return "the title is known, at another address (DicomCheckModalityHost)"
        return "the title is not in DicomModalities"

    def _folded(self, title: str) -> str:
        title = title.strip(" ")
        return title if self._settings.strict_aet_comparison else title.upper()

    def same_title(self, one: str, other: str) -> bool:
        """Whether two titles are the same (``StrictAetComparison``)."""
        return self._folded(one) == self._folded(other)
