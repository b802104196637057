"""The port to other application entities: what the archive asks of them, whoever carries it.

``hornburg.net`` fills it; :mod:`hornburg.testing` has one without a network. Nothing here knows
of sockets or DIMSE messages, only of what a service of PS3.4 gives and takes.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from http import HTTPStatus

from hornburg.archive.origin import Origin
from hornburg.archive.spool import Spool
from hornburg.dicom.buffer import Buffer
from hornburg.dicom.dataset import DataSet
from hornburg.dicom.elements import Elements
from hornburg.errors import HornburgError, Outside
from hornburg.settings import Modality

__all__ = [
    "Failed",
    "FindNotOfferedError",
    "Keep",
    "Model",
    "NotOfferedError",
    "Reference",
    "Remote",
    "RemoteError",
    "Sender",
    "Suboperations",
    "Target",
]

Reference = tuple[str, str]
"""SOP class and SOP instance UID."""

Keep = Callable[[Spool, Origin, Reference], Awaitable[int]]
"""Takes an instance that a C-GET brought, and what its C-STORE says it is; answers the status."""

Failed = tuple[str, str, int]
"""SOP class and SOP instance UID, and the failure reason (PS3.3 C.14.1.1)."""


class RemoteError(HornburgError):
    """The other side can't be reached, does not want to, or answered a failure.

    ``dimse_status`` is the status of its answer, none when there was none.
    """

    outside = Outside(HTTPStatus.INTERNAL_SERVER_ERROR, 9, "Error in the network protocol", 0xC000)

    def __init__(self, message: str, dimse_status: int | None = None) -> None:
        super().__init__(message)
        self.dimse_status = dimse_status


class NotOfferedError(RemoteError):
    """The other side is there, but does not offer the service."""

    outside = Outside(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        2015,
        "DicomUserConnection: No acceptable presentation context for modality",
        0xC000,
    )


class FindNotOfferedError(NotOfferedError):
    """The other side answers no queries."""

    outside = Outside(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        2016,
        "DicomUserConnection: The C-FIND command is not supported by the remote SCP",
        0xC000,
    )


class Model(enum.Enum):
    """The information models of query and retrieve (PS3.4 C.3), and the worklist (K)."""

    PATIENT_ROOT = "PATIENT"
    STUDY_ROOT = "STUDY"
    WORKLIST = "WORKLIST"


@dataclass(frozen=True, slots=True)
class Target:
    """Another application entity, and how to call it.

    ``name`` is its symbolic name in ``DicomModalities``, for logs and jobs; ``timeout`` in
    seconds, 0 for none.
    """

    name: str
    modality: Modality
    local_aet: str
    timeout: int

    @property
    def described(self) -> str:
        """Who it is, in errors and logs: ``ct (CT1 at 10.0.0.5:104)``."""
        modality = self.modality
        host = f"[{modality.host}]" if ":" in modality.host else modality.host
        address = f"{modality.aet} at {host}:{modality.port}"
        return f"{self.name} ({address})" if self.name else address


@dataclass(frozen=True, slots=True)
class Suboperations:
    """How far a C-MOVE or C-GET is (PS3.7 table 9.1-3); the last one has the final ``status``.

    ``failed_instances`` come with the final answer, when the other side names them.
    """

    status: int
    remaining: int = 0
    completed: int = 0
    failed: int = 0
    warning: int = 0
    failed_instances: tuple[str, ...] = ()


class Sender(ABC):
    """An association on which instances are stored."""

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Whether more can be sent, after an error."""

    @abstractmethod
    async def store(
        self,
        content: Buffer,
        sop_class: str,
        sop_instance: str,
        transfer_syntax: str,
        *,
        originator: tuple[str, int] | None = None,
    ) -> int:
        """Send one instance, transcoded where the other side needs and the settings allow it.

        Args:
            content: the whole DICOM file, with or without its head.
            originator: title and message number of the C-MOVE behind it.

        Returns:
            the status of the C-STORE (PS3.4 table B.2-1).

        Raises:
            RemoteError: the other side has no use for the SOP class or the transfer syntax, the
                instance can't be transcoded, or the association is gone.
        """


class Remote(ABC):
    """The services of other application entities. All raise :class:`RemoteError`."""

    @abstractmethod
    async def echo(self, target: Target) -> None:
        """C-ECHO."""

    @abstractmethod
    def find(
        self, target: Target, model: Model, identifier: Elements
    ) -> AsyncGenerator[DataSet, None]:
        """C-FIND; answers as they come. To close the generator early cancels the query."""

    @abstractmethod
    def move(
        self, target: Target, model: Model, identifier: Elements, destination: str
    ) -> AsyncGenerator[Suboperations, None]:
        """C-MOVE; the last answer has the final status, failures included."""

    @abstractmethod
    def get(
        self,
        target: Target,
        model: Model,
        identifier: Elements,
        keep: Keep,
        sop_classes: Sequence[str] = (),
    ) -> AsyncGenerator[Suboperations, None]:
        """C-GET; instances go to ``keep``. ``sop_classes`` are offered, all storage classes that
        are in use when there are none."""

    @abstractmethod
    def sender(
        self, target: Target, offers: Sequence[tuple[str, str]]
    ) -> AbstractAsyncContextManager[Sender]:
        """An association for C-STORE of these pairs of SOP class and transfer syntax."""

    @abstractmethod
    async def request_commitment(
        self, target: Target, transaction_uid: str, references: Sequence[Reference]
    ) -> None:
        """Storage commitment: N-ACTION (PS3.4 J.3.2)."""

    @abstractmethod
    async def report_commitment(
        self,
        target: Target,
        transaction_uid: str,
        success: Sequence[Reference],
        failed: Sequence[Failed],
    ) -> None:
        """Storage commitment: N-EVENT-REPORT on an association of our own (PS3.4 J.3.3)."""
