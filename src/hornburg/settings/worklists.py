"""The section of the worklist server, with the members of Orthanc's two worklist plug-ins.

Source: Orthanc Book, plugins/worklists-plugin and plugins/worklists-plugin-new.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hornburg.settings.errors import Refused
from hornburg.settings.sections import flag, read_section, text, whole

__all__ = ["WORKLISTS_ALLOWED", "WorklistSettings", "read_worklists"]


@dataclass(frozen=True, slots=True)
class WorklistSettings:
    """Whether and how worklists are served.

    ``directory`` is the folder of the ``.wl`` files; ``own_folder`` (``SaveInOrthancDatabase``)
    keeps those that REST creates beside the index instead, and then they go after ``delay`` hours
    (0: never). ``limit`` 0 is no limit; ``interval`` is in seconds.
    """

    enabled: bool = False
    directory: Path = Path("WorklistsDatabase")
    filter_issuer_aet: bool = False
    limit: int = 0
    own_folder: bool = False
    set_study_uid: bool = True
    delete_on_stable_study: bool = True
    interval: int = 60
    delay: int = 24

    def below(self, base: Path) -> WorklistSettings:
        """The same with a folder that starts at ``base`` when it is relative."""
        return replace(self, directory=base.absolute() / self.directory)


def _directory(value: object) -> Path:
    path = text(value, "the path of a folder")
    if not path:
        raise Refused("the path of a folder", value)
    return Path(path)


def _limit(value: object) -> int:
    return whole(value, 0, 1_000_000)


def _interval(value: object) -> int:
    return whole(value, 1, 86_400)


def _delay(value: object) -> int:
    return whole(value, 0, 87_600)


_MEMBERS: dict[str, tuple[str, Callable[[object], Any]]] = {
    "Enable": ("enabled", flag),
    "Directory": ("directory", _directory),
    # The name until 1.12.9.
    "Database": ("directory", _directory),
    "FilterIssuerAet": ("filter_issuer_aet", flag),
    "LimitAnswers": ("limit", _limit),
    "SaveInOrthancDatabase": ("own_folder", flag),
    "SetStudyInstanceUidIfMissing": ("set_study_uid", flag),
    "DeleteWorklistsOnStableStudy": ("delete_on_stable_study", flag),
    "HousekeepingInterval": ("interval", _interval),
    "DeleteWorklistsDelay": ("delay", _delay),
}

WORKLISTS_ALLOWED = "an object with " + ", ".join(_MEMBERS)


def read_worklists(value: object) -> WorklistSettings:
    """Read the section.

    Raises:
        Refused: a member is unknown, or has a value that it can't have.
    """

    def one(name: str, inner: object) -> Any:
        if name not in _MEMBERS:
            raise Refused("one of " + ", ".join(_MEMBERS), name)
        return _MEMBERS[name][1](inner)

    given = read_section(value, one)
    if "Directory" in given:
        given.pop("Database", None)
    return WorklistSettings(**{_MEMBERS[name][0]: inner for name, inner in given.items()})
