"""Whom to call and as whom: a modality with what one request says differently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hornburg.archive.modalities import modality_of_json, modality_to_json
from hornburg.archive.remote import Target
from hornburg.errors import BadFileFormatError
from hornburg.settings import Modality, Settings
from hornburg.settings.errors import Refused, show
from hornburg.settings.sections import read_title

__all__ = [
    "check_title",
    "saved_target",
    "target_of",
    "target_of_saved",
]


def target_of(
    settings: Settings,
    name: str,
    modality: Modality,
    *,
    local_aet: str = "",
    timeout: int = 0,
) -> Target:
    """The modality as it is called now.

    Our title is the one that ``DicomModalities`` gives for it, else ``local_aet``, else
    ``DicomAet``. The time-out in seconds is ``timeout``, else the modality's own, else
    ``DicomScuTimeout``; 0 means that nothing is said.

    Raises:
        BadFileFormatError: ``local_aet`` is no title.
    """
    if local_aet:
        check_title("LocalAet", local_aet)
    return Target(
        name,
        modality,
        modality.local_aet or local_aet or settings.dicom_aet,
        timeout or modality.timeout or settings.dicom_scu_timeout,
    )


def check_title(field: str, title: str) -> str:
    """An application entity title, as it stands.

    Raises:
        BadFileFormatError: it is none.
    """
    try:
        return read_title(title)
    except Refused as refused:
        raise BadFileFormatError(f"{field}: {show(title)}; allowed is {refused.allowed}") from None


def saved_target(target: Target) -> dict[str, Any]:
    """A target as JSON, for jobs that go on after a restart."""
    return {
        "Name": target.name,
        "Modality": modality_to_json(target.modality),
        "LocalAet": target.local_aet,
        "Timeout": target.timeout,
    }


def target_of_saved(state: Mapping[str, Any], known: Mapping[str, Modality]) -> Target:
    """The target that :func:`saved_target` wrote.

    A modality that is still known by its name under the same title and address is taken as it is
    configured now, so that whom it may be reached by (TLS) follows the configuration.
    """
    modality = modality_of_json(state["Modality"])
    name = str(state["Name"])
    now = known.get(name)
    if now is not None and (now.aet, now.host, now.port) == (
        modality.aet,
        modality.host,
        modality.port,
    ):
        modality = replace(now, local_aet=modality.local_aet)
    return Target(name, modality, str(state["LocalAet"]), int(state["Timeout"]))
