"""The modalities that are known: from the configuration, or kept in the index.

Without ``DicomModalitiesInDatabase`` changes last until the server stops, as in Orthanc; with it
they are durable, and those of the configuration aren't looked at.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from hornburg.errors import (
    BadFileFormatError,
    DatabaseError,
    ForbiddenError,
    InexistentItemError,
    ParameterOutOfRangeError,
    TooLargeError,
)
from hornburg.index.base import Index, Writer
from hornburg.settings import Modality, Settings, SettingsError
from hornburg.settings.errors import Refused, show
from hornburg.settings.remotes import (
    MODALITY_NAME_ALLOWED,
    is_modality_name,
    modality_to_json,
    read_modalities,
    read_modality,
    refuse_host_name,
)

__all__ = ["Modalities", "modality_of_json", "modality_to_json"]

log = logging.getLogger("hornburg.archive")

_PROPERTY = "modalities"

#: Far more than any site has; all of them are one value of the index, and looked at by title.
_MOST = 10_000

#: Fields whose values have the right form and are impossible: Orthanc answers another number.
_RANGED = (".Port", ".Manufacturer", "[2]", "[3]")

Change = Callable[[dict[str, Modality]], None]


class Modalities:
    """The registry. Call :meth:`open` once before anything else.

    Args:
        settings: ``DicomModalities`` and what is said about them.
        index: where they are kept with ``DicomModalitiesInDatabase``.
    """

    def __init__(self, settings: Settings, index: Index) -> None:
        self._settings = settings
        self._index = index
        self._in_index = settings.dicom_modalities_in_database
        self._known = _frozen({} if self._in_index else settings.dicom_modalities)
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Load what the index keeps.

        Raises:
            DatabaseError: what it keeps can't be read.
            SettingsError: a modality has a host name, and ``DicomCheckModalityHost`` is on.
        """
        if not self._in_index:
            return
        known = _decode(await self._index.look(lambda reader: reader.property(_PROPERTY)))
        for name, modality in known.items():
            try:
                self._check(modality)
            except Refused as no:
                raise SettingsError(
                    f"modality {name} of the index",
                    f"allowed is {no.allowed}",
                    option=f"DicomModalities.{name}{no.path}",
                    value=show(no.value),
                ) from None
        self._known = _frozen(known)

    def all(self) -> Mapping[str, Modality]:
        """The modalities by name, sorted; the same object until something changes."""
        return self._known

    def get(self, name: str) -> Modality:
        """The modality of that name.

        Raises:
            InexistentItemError: there is none.
        """
        found = self._known.get(name)
        if found is None:
            raise InexistentItemError(f"No modality with symbolic name: {name}")
        return found

    async def put(self, name: str, modality: Modality) -> None:
        """Add a modality or replace the one of that name; when this returns, it holds.

        Raises:
            BadFileFormatError: the name has a character that isn't allowed.
            ParameterOutOfRangeError: a host name, and ``DicomCheckModalityHost`` is on.
            ForbiddenError: the index may not be changed (``ReadOnly``).
            TooLargeError: there are more than 10,000 already.
        """
        if not is_modality_name(name):
            raise BadFileFormatError(f"The name of a modality is {MODALITY_NAME_ALLOWED}")
        try:
            self._check(modality)
        except Refused as no:
            raise ParameterOutOfRangeError(
                f"Host is {show(no.value)}, allowed is {no.allowed}"
            ) from None

        def change(known: dict[str, Modality]) -> None:
            if name not in known and len(known) >= _MOST:
                raise TooLargeError(f"There are {_MOST} modalities, and no room for more")
            known[name] = modality

        await self._change(change)
        log.info("modality %s is now %s at %s:%d", name, modality.aet, modality.host, modality.port)

    async def remove(self, name: str) -> None:
        """Forget a modality; when this returns, it is gone.

        Raises:
            InexistentItemError: there is none of that name.
            ForbiddenError: the index may not be changed (``ReadOnly``).
        """

        def change(known: dict[str, Modality]) -> None:
            if known.pop(name, None) is None:
                raise InexistentItemError(f"Unknown DICOM modality with symbolic name: {name}")

        await self._change(change)
        log.info("modality %s is removed", name)

    def _check(self, modality: Modality) -> None:
        if self._settings.dicom_check_modality_host:
            refuse_host_name(modality)

    async def _change(self, change: Change) -> None:
        if self._in_index and self._settings.read_only:
            raise ForbiddenError("The archive is read-only (ReadOnly)")
        # The write goes on when its caller is gone, and what the index has must hold here too.
        task = asyncio.ensure_future(self._apply(change))
        self._running.add(task)
        task.add_done_callback(self._done)
        await asyncio.shield(task)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # its caller has it, or is gone and doesn't want it

    async def _apply(self, change: Change) -> None:
        async with self._turn:
            if not self._in_index:
                known = dict(self._known)
                change(known)
            else:

                def work(writer: Writer) -> dict[str, Modality]:
                    kept = _decode(writer.property(_PROPERTY))
                    change(kept)
                    writer.set_property(_PROPERTY, _encode(kept))
                    return kept

                known = await self._index.write(work)
            self._known = _frozen(known)


def modality_of_json(form: object) -> Modality:
    """The modality in the body of ``PUT /modalities/{id}``: an array or an object, as in the
    configuration.

    Raises:
        BadFileFormatError: a field is missing, unknown or of the wrong type.
        ParameterOutOfRangeError: a port or a manufacturer that there can't be.
    """
    try:
        return read_modality(form)
    except Refused as no:
        place = no.path.removeprefix(".") or "the modality"
        text = f"{place} is {show(no.value)}, allowed is {no.allowed}"
        if no.path in _RANGED and isinstance(no.value, (str, int)):
            raise ParameterOutOfRangeError(text) from None
        raise BadFileFormatError(text) from None


def _frozen(known: Mapping[str, Modality]) -> Mapping[str, Modality]:
    return MappingProxyType(dict(sorted(known.items())))


def _encode(known: Mapping[str, Modality]) -> str:
    forms: dict[str, Any] = {name: modality_to_json(one) for name, one in known.items()}
    return msgspec.json.encode(forms).decode()


def _decode(text: str | None) -> dict[str, Modality]:
    if text is None:
        return {}
    try:
        return dict(read_modalities(msgspec.json.decode(text)))
    except (Refused, msgspec.DecodeError) as error:
        raise DatabaseError(f"The modalities in the index can't be read: {error}") from None
