"""Which SOP classes and transfer syntaxes C-STORE accepts.

The options are Orthanc's: ``AcceptedTransferSyntaxes`` and the ``...TransferSyntaxAccepted`` groups
(its Book, "Supported images"), ``AcceptedSopClasses``, ``RejectedSopClasses``,
``UnknownSopClassAccepted``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from hornburg.dicom.sop_classes import (
    STORAGE_CLASSES,
    TRANSFER_SYNTAXES,
    by_number,
    is_known_class,
    is_uid,
)
from hornburg.errors import ParameterOutOfRangeError
from hornburg.security.wildcards import matches
from hornburg.settings import Settings

__all__ = ["Accepted"]

log = logging.getLogger("hornburg.security")

#: Patterns of one list, and characters of one pattern, that come over REST.
_MOST_PATTERNS = 1000
_LONGEST_PATTERN = 64

#: Answers about SOP classes that are remembered; a caller that makes up UIDs gets no more.
_REMEMBERED = 4096

_PREFIX = "1.2.840.10008.1.2."

#: The groups as Orthanc has them, with what came into the standard since: the fragmentable
#: video of 2021 goes with its like. High-throughput JPEG 2000 is in no group.
_GROUPS = {
    "deflated_transfer_syntax_accepted": ("1.99",),
    "jpeg_transfer_syntax_accepted": ("4.5?", "4.6?", "4.70"),
    "jpeg_lossless_transfer_syntax_accepted": ("4.80", "4.81"),
    "jpeg2000_transfer_syntax_accepted": ("4.90", "4.91", "4.92", "4.93"),
    "jpip_transfer_syntax_accepted": ("4.94", "4.95"),
    "mpeg2_transfer_syntax_accepted": ("4.100", "4.100.1", "4.101", "4.101.1"),
    "mpeg4_transfer_syntax_accepted": tuple(
        f"4.{number}{more}" for number in range(102, 107) for more in ("", ".1")
    ),
    "h265_transfer_syntax_accepted": ("4.107", "4.108"),
    "rle_transfer_syntax_accepted": ("5",),
}


class Accepted:
    """What C-STORE accepts at the moment. A restart brings the configuration back."""

    def __init__(self, settings: Settings) -> None:
        self._syntaxes = _known_syntaxes(settings.accepted_transfer_syntaxes)
        for attribute, group in _GROUPS.items():
            wanted = getattr(settings, attribute)
            if wanted is None:
                continue
            members = _known_syntaxes([_PREFIX + each for each in group])
            self._syntaxes = self._syntaxes | members if wanted else self._syntaxes - members
        self._classes = settings.accepted_sop_classes
        self._rejected = settings.rejected_sop_classes or ()
        self._unknown = settings.unknown_sop_class_accepted
        self._remembered: dict[str, bool] = {}

    def syntax(self, uid: str) -> bool:
        """Whether instances may have this transfer syntax."""
        return uid in self._syntaxes

    def storage_class(self, uid: str) -> bool:
        """Whether instances of this SOP class are taken."""
        known = self._remembered.get(uid)
        if known is None:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            known = self._remembered[uid] = self._judge(uid)
        return known

    def syntaxes(self) -> tuple[str, ...]:
        """The accepted transfer syntaxes, in the order of their numbers."""
        return tuple(sorted(self._syntaxes, key=by_number))

    def storage_classes(self) -> tuple[str, ...]:
        """The accepted SOP classes that have a name, or were named, in the order of numbers."""
        named = (uid for uid in self._classes or () if is_uid(uid))
        return tuple(sorted(filter(self.storage_class, {*STORAGE_CLASSES, *named}), key=by_number))

    def set_syntaxes(self, patterns: Sequence[str]) -> None:
        """Accept the transfer syntaxes that match one of the patterns, and no others.

        An empty list accepts none, and is the one way to say so: a slip of the pen must not have
        every C-STORE refused.

        Raises:
            ParameterOutOfRangeError: more or longer patterns than any list of UIDs has, or one
                that matches nothing.
        """
        if len(patterns) > _MOST_PATTERNS or any(len(one) > _LONGEST_PATTERN for one in patterns):
            raise ParameterOutOfRangeError(
                f"At most {_MOST_PATTERNS} transfer syntaxes of {_LONGEST_PATTERN} characters"
            )
        for pattern in patterns:
            if not _matching(pattern):
                raise ParameterOutOfRangeError(
                    f"No transfer syntax is {pattern!a}; UIDs of the standard are allowed, "
                    "with * and ? for any characters"
                )
        self._syntaxes = _known_syntaxes(patterns)

    @property
    def unknown_classes(self) -> bool:
        """Whether SOP classes are taken that the standard doesn't name."""
        return self._unknown

    @unknown_classes.setter
    def unknown_classes(self, accepted: bool) -> None:
        self._unknown = accepted
        self._remembered.clear()

    def _judge(self, uid: str) -> bool:
        if not is_uid(uid) or _any(self._rejected, uid):
            return False
        if self._classes is None:
            listed = uid in _STORAGE_CLASSES
        else:
            # A pattern means storage classes; a private one is taken where it is written out.
            known = uid in _STORAGE_CLASSES
            listed = uid in self._classes or (known and _any(self._classes, uid))
        return listed or (self._unknown and not is_known_class(uid))


_STORAGE_CLASSES = frozenset(STORAGE_CLASSES)


def _any(patterns: Iterable[str], uid: str) -> bool:
    return any(matches(pattern, uid) for pattern in patterns)


def _matching(pattern: str) -> list[str]:
    return [uid for uid in TRANSFER_SYNTAXES if matches(pattern, uid)]


def _known_syntaxes(patterns: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    for pattern in patterns:
        here = _matching(pattern)
        if not here:
            log.warning(
                "no transfer syntax of the standard is %s: it is not accepted", ascii(pattern)
            )
        found.update(here)
    return frozenset(found)
