"""A DICOM client that asks both servers the same, and tells what came back in plain values.

pynetdicom is the client: neither server's own code takes part in reading the answers.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import pydicom
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, build_context, build_role, evt
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext
from pynetdicom.sop_class import (  # type: ignore[attr-defined]  # made when imported
    ModalityWorklistInformationFind,
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

__all__ = ["Client", "Destination", "Finding", "Plain", "plain"]

#: A data set in plain values: tag -> VR and value, a list of items for a sequence.
Plain = dict[str, tuple[str, Any]]

_FIND = {
    "patient": PatientRootQueryRetrieveInformationModelFind,
    "study": StudyRootQueryRetrieveInformationModelFind,
    "worklist": ModalityWorklistInformationFind,
}
_MOVE = {
    "patient": PatientRootQueryRetrieveInformationModelMove,
    "study": StudyRootQueryRetrieveInformationModelMove,
}
_GET = {
    "patient": PatientRootQueryRetrieveInformationModelGet,
    "study": StudyRootQueryRetrieveInformationModelGet,
}
_PATIENCE = 20


def plain(dataset: Dataset) -> Plain:
    """A data set in plain values: texts without padding, a backslash between several values."""
    found: Plain = {}
    for element in dataset:
        name = f"{element.tag.group:04x},{element.tag.element:04x}"
        value = element.value
        if element.VR == "SQ":
            found[name] = ("SQ", [plain(item) for item in value])
        elif isinstance(value, bytes):
            found[name] = (str(element.VR), value.rstrip(b" \0"))
        elif isinstance(value, MultiValue):
            found[name] = (str(element.VR), "\\".join(map(str, value)))
        else:
            found[name] = (str(element.VR), "" if value is None else str(value))
    return found


@dataclass(frozen=True)
class Finding:
    """What a C-FIND was answered."""

    statuses: tuple[int, ...]
    answers: list[Plain]


@dataclass(frozen=True)
class Arrived:
    """An instance that came by C-STORE, and as whose sub-operation."""

    sop_class: str
    instance: str
    syntax: str
    originator: str
    originator_id: int | None


@dataclass(frozen=True)
class Moved:
    """What a C-MOVE or a C-GET was answered, and what came."""

    statuses: tuple[int, ...]
    #: remaining, completed, failed, warning of each answer
    counters: tuple[tuple[int | None, ...], ...]
    final: Plain
    arrived: list[Arrived]


class Client:
    """Asks one server; associations are used again as long as they live."""

    def __init__(self, port: int, title: str = "COMPAT", called: str = "ARCHIVE") -> None:
        self.port = port
        self.title = title
        self.called = called
        self._open: dict[str, Association] = {}
        self._coming: list[Arrived] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release what is open."""
        for one in self._open.values():
            if one.is_established:
                one.release()
        self._open.clear()

    def associate(self, contexts: Sequence[PresentationContext], **more: Any) -> Association:
        """A new association, established or not."""
        entity = AE(ae_title=self.title)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = _PATIENCE
        link = entity.associate(
            "127.0.0.1", self.port, contexts=list(contexts), ae_title=self.called, **more
        )
        if link.is_established:
            # pynetdicom writes each half of a message for itself; one would wait for the other.
            wire = link.dul.socket
            assert wire is not None and wire.socket is not None
            wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return link

    def _association(
        self, key: str, contexts: Sequence[PresentationContext], **more: Any
    ) -> Association:
        known = self._open.get(key)
        if known is None or not known.is_established:
            known = self._open[key] = self.associate(contexts, **more)
        if not known.is_established:
            raise AssertionError(f"no association for {key}")
        return known

    def find(self, root: str, identifier: Dataset, syntax: str = ExplicitVRLittleEndian) -> Finding:
        """C-FIND. An association that was aborted shows as status -1."""
        model = _FIND[root]
        link = self._association(f"find {root} {syntax}", [build_context(model, syntax)])
        statuses: list[int] = []
        answers: list[Plain] = []
        for status, answer in link.send_c_find(identifier, model):
            statuses.append(int(status.Status) if "Status" in status else -1)
            if answer is not None:
                answers.append(plain(answer))
        return Finding(tuple(statuses), answers)

    def move(self, root: str, identifier: Dataset, to: Destination, title: str = "") -> Moved:
        """C-MOVE to a destination."""
        model = _MOVE[root]
        link = self._association(f"move {root}", [build_context(model, ExplicitVRLittleEndian)])
        to.arrived.clear()
        said = list(link.send_c_move(identifier, title or to.title, model))
        return _moved(said, to.arrived)

    def get(self, root: str, identifier: Dataset, classes: Sequence[str]) -> Moved:
        """C-GET of instances of SOP classes, in any uncompressed form."""
        model = _GET[root]
        key = f"get {root} {' '.join(classes)}"
        contexts = [build_context(model, ExplicitVRLittleEndian)]
        contexts += [build_context(one) for one in classes]
        roles = [build_role(one, scp_role=True) for one in classes]
        link = self._association(
            key,
            contexts,
            ext_neg=roles,
            evt_handlers=[(evt.EVT_C_STORE, _keep, [self._coming, 0x0000])],
        )
        self._coming.clear()
        return _moved(list(link.send_c_get(identifier, model)), self._coming)

    def store(self, file: bytes, **more: Any) -> int:
        """C-STORE of a DICOM file as it is."""
        data = pydicom.dcmread(io.BytesIO(file), force=True)
        syntax = data.file_meta.TransferSyntaxUID
        contexts = [build_context(data.SOPClassUID, syntax)]
        link = self._association(f"store {data.SOPClassUID} {syntax}", contexts)
        status = link.send_c_store(data, **more)
        return int(status.Status) if "Status" in status else -1


def _moved(said: list[Any], arrived: list[Arrived]) -> Moved:
    statuses = tuple(int(one.Status) if "Status" in one else -1 for one, _ in said)
    counters = tuple(
        tuple(
            getattr(one, f"NumberOf{which}Suboperations", None)
            for which in ("Remaining", "Completed", "Failed", "Warning")
        )
        for one, _ in said
    )
    last = said[-1][1] if said else None
    return Moved(statuses, counters, {} if last is None else plain(last), sorted(arrived, key=repr))


def _keep(event: evt.Event, into: list[Arrived], status: int) -> int:
    request: Any = event.request
    into.append(
        Arrived(
            str(request.AffectedSOPClassUID),
            str(request.AffectedSOPInstanceUID),
            str(event.context.transfer_syntax),
            str(request.MoveOriginatorApplicationEntityTitle or "").strip(),
            request.MoveOriginatorMessageID,
        )
    )
    return status


@dataclass
class Destination:
    """An application entity that takes what is sent to it."""

    port: int
    title: str
    contexts: Sequence[PresentationContext]
    status: int = 0x0000
    arrived: list[Arrived] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[Self]:
        """Serve in a thread, on loopback."""
        entity = AE(ae_title=self.title)
        entity.supported_contexts = list(self.contexts)
        server = entity.start_server(
            ("127.0.0.1", self.port),
            block=False,
            evt_handlers=[(evt.EVT_C_STORE, self._take), (evt.EVT_C_ECHO, lambda _: 0x0000)],
        )
        try:
            yield self
        finally:
            assert server is not None
            server.shutdown()

    def _take(self, event: evt.Event) -> int:
        return _keep(event, self.arrived, self.status)
