"""Options from environment variables, by the naming rule of Orthanc's Docker images.

``ORTHANC__STABLE_AGE`` is ``StableAge``; ``ORTHANC__DICOM_WEB__ROOT`` is the member ``Root`` of
the section ``DicomWeb``. The images need a list of exceptions for names like ``CaseSensitivePN``;
here a variable is compared with the known names without their underscores, so that every
spelling of the rule fits. ``HORNBURG__`` works the same and is stronger. A variable with
``_FILE`` at its end names a file that holds the value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hornburg.settings.commented_json import parse
from hornburg.settings.errors import SettingsError
from hornburg.settings.files import Given, read_text
from hornburg.settings.plugins import PLUGIN_SECTIONS
from hornburg.settings.settings import OPTIONS

__all__ = ["PREFIXES", "apply_environment", "plain"]

PREFIXES = ("ORTHANC__", "HORNBURG__")
"""The weaker one first."""

_SUFFIX = "_FILE"
_DEEPEST = 6
# A file with users and their hashes; passwords and keys are far smaller.
_LARGEST_SECRET = 1024 * 1024

# Members of sections whose spelling the CamelCase rule doesn't give, or that end in "File".
_MEMBERS = [
    "AET",
    "UseDicomTls",
    "CertificateFile",
    "CertificateKeyFile",
    "AllowNAction",
    "AllowNEventReport",
    "W001_TagsBeingReadFromStorage",
    "W002_InconsistentDicomTagsInDb",
    "W003_DecoderFailure",
    "W004_NoMainDicomTagsSignature",
    "W005_RequestingTagFromLowerResourceLevel",
    "W006_RequestingTagFromMetaHeader",
    "W007_MissingRequestedTagsNotReadFromDisk",
]


def plain(name: str) -> str:
    """A name as it is compared: without underscores, in lower case."""
    return name.replace("_", "").lower()


_KNOWN = {plain(name): name for name in (*PLUGIN_SECTIONS, *OPTIONS)}
_KNOWN_MEMBERS = {plain(name): name for name in _MEMBERS}


@dataclass(frozen=True, slots=True)
class _Variable:
    """One variable: its name, the option and the members that it leads to, and its text."""

    name: str
    option: str
    members: tuple[str, ...]
    text: str

    @property
    def where(self) -> str:
        return f"environment variable {self.name}"


def apply_environment(
    given: dict[str, Given], environ: Mapping[str, str], folder: Path
) -> dict[str, Given]:
    """``given`` with what the environment sets on top of it.

    Relative paths start at ``folder``. Raises :class:`SettingsError` for a variable that can't be
    read, or that sets what another one sets.
    """
    result = dict(given)
    for prefix in PREFIXES:
        seen: dict[tuple[str, ...], str] = {}
        names = [name for name in environ if name.startswith(prefix) and len(name) > len(prefix)]
        # Whole sections before their members.
        for name in sorted(names, key=lambda name: (name.count("__"), name)):
            variable = _variable(name, prefix, environ[name], result)
            key = (variable.option, *(plain(member) for member in variable.members))
            if key in seen:
                raise SettingsError(
                    variable.where, f"sets the same as {seen[key]}", option=variable.option
                )
            seen[key] = name
            result[variable.option] = _given(variable, result.get(variable.option), folder)
    return result


def _variable(name: str, prefix: str, text: str, given: Mapping[str, Given]) -> _Variable:
    segments = name[len(prefix) :].split("__")
    where = f"environment variable {name}"
    if len(segments) > _DEEPEST or not all(segments):
        raise SettingsError(where, f"up to {_DEEPEST} names, joined by two underscores")
    if _names_a_file(segments):
        segments[-1] = segments[-1][: -len(_SUFFIX)]
        text = read_text(Path(text), f"{where}: the file {text}", _LARGEST_SECRET)
        text = text.removesuffix("\n").removesuffix("\r")
    option = _KNOWN.get(plain(segments[0])) or _camel(segments[0])
    # A section that is there already tells how its members are spelt.
    section = given[option].value if option in given else None
    members: list[str] = []
    for segment in segments[1:]:
        here = {plain(key): key for key in section} if isinstance(section, dict) else {}
        member = here.get(plain(segment))
        if member is None:
            member = _spelling(segment, option)
        members.append(member)
        section = section.get(member) if isinstance(section, dict) else None
    return _Variable(name, option, tuple(members), text)


def _names_a_file(segments: list[str]) -> bool:
    last = segments[-1]
    if not last.endswith(_SUFFIX) or len(last) == len(_SUFFIX):
        return False
    if len(segments) == 1:
        return plain(last) not in _KNOWN and plain(last[: -len(_SUFFIX)]) in _KNOWN
    # What a plug-in calls its members is its own affair.
    return _KNOWN.get(plain(segments[0])) in OPTIONS and plain(last) not in _KNOWN_MEMBERS


def _spelling(segment: str, option: str) -> str:
    if any(character.islower() for character in segment):
        return segment
    row = OPTIONS.get(option)
    if row is not None and row.row.text_leaves:
        return _camel(segment)
    return _KNOWN_MEMBERS.get(plain(segment)) or _camel(segment)


def _camel(segment: str) -> str:
    return "".join(word.capitalize() for word in segment.split("_"))


def _given(variable: _Variable, before: Given | None, folder: Path) -> Given:
    option = OPTIONS.get(variable.option)
    if not variable.members:
        text_wanted = option is not None and option.is_text
        value = variable.text if text_wanted else _json(variable, option is not None)
        if option is not None and option.kind == "word" and variable.text in ("true", "false"):
            value = variable.text == "true"  # OverwriteInstances takes booleans too
        return Given(value, variable.where, folder)
    section = before.value if before is not None else None
    texts = option is not None and option.row.text_leaves
    leaf = variable.text if texts else _json(variable, strict=False)
    where = variable.where
    if before is not None and isinstance(section, dict):
        first = before.where.split(" and environment")[0]
        where = where if first.startswith("environment") else f"{first} and {where}"
    return Given(_with(section, variable.members, leaf), where, before.base if before else folder)


def _with(section: object, members: tuple[str, ...], leaf: object) -> object:
    if not members:
        return leaf
    copy = dict(section) if isinstance(section, dict) else {}
    copy[members[0]] = _with(copy.get(members[0]), members[1:], leaf)
    return copy


def _json(variable: _Variable, strict: bool) -> object:
    """The text as JSON; what is no JSON is a string, unless ``strict``."""
    try:
        return parse(variable.text, variable.where).value
    except SettingsError:
        if not strict:
            return variable.text
        option = OPTIONS[variable.option]
        raise SettingsError(
            variable.where,
            f"allowed is {option.allowed}, as JSON",
            option=variable.option,
            value=None if option.row.secret else f'"{variable.text[:60]}"',
        ) from None
