"""The modalities that are known: from the configuration, or kept in the index.

Without ``DicomModalitiesInDatabase`` changes last until the server stops, as in Orthanc; with it
they are durable, and those of the configuration aren't looked at.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from hornburg.archive.registry import Registry
from hornburg.errors import (
    BadFileFormatError,
    InexistentItemError,
    ParameterOutOfRangeError,
)
from hornburg.index.base import Index
from hornburg.settings import Modality, Settings, SettingsError
from hornburg.settings.errors import Refused, show
from hornburg.settings.remotes import (
    MODALITY_NAME_ALLOWED,
    is_modality_name,
    modality_to_json,
    read_modalities,
    read_modality,
    refuse_host_name,
    with_stated_acts,
)

__all__ = ["Modalities", "modality_of_json", "modality_to_json"]

log = logging.getLogger("hornburg.archive")

#: Fields whose values have the right form and are impossible: Orthanc answers another number.
_RANGED = (".Port", ".Manufacturer", "[2]", "[3]")


class Modalities(Registry[Modality]):
    """The registry. Call :meth:`open` once before anything else.

    Args:
        settings: ``DicomModalities`` and what is said about them.
        index: where they are kept with ``DicomModalitiesInDatabase``.
    """

    def __init__(self, settings: Settings, index: Index) -> None:
        self._settings = settings
        self._only_stated = settings.is_demanded("DicomModalities")
        super().__init__(
            index,
            settings.dicom_modalities,
            "modalities",
            in_index=settings.dicom_modalities_in_database,
            read_only=settings.read_only,
        )

    def _to_json(self, one: Modality) -> dict[str, Any]:
        return modality_to_json(one)

    def _from_json(self, form: object) -> Mapping[str, Modality]:
        return read_modalities(form)

    async def open(self) -> None:
        """Load what the index keeps.

        Raises:
            DatabaseError: what it keeps can't be read.
            SettingsError: a modality has a host name, and ``DicomCheckModalityHost`` is on.
        """
        if not self._in_index:
            return
        known = await self._kept()
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
        self._take(known)

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
        if self._only_stated:
            modality = with_stated_acts(modality)
        await self._set(name, modality)
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
