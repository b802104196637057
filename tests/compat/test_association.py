"""Associations: who is let in, which contexts are accepted, and what may be done on them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from pydicom._uid_dict import UID_dictionary
from pydicom.uid import UID
from pynetdicom.dsutils import encode
from tests.compat.conftest import Network
from tests.compat.exchange import Server
from tests.compat.servers import Pair, is_subject_orthanc, running
from tests.compat.tables.identifiers import dataset
from tests.wire.dicom_raw import ACCEPT, RawPeer, store_command

from hornburg.dimse.commands import Command, CommandField

_CT = "1.2.840.10008.5.1.4.1.1.2"
_IMPLICIT, _EXPLICIT, _BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
_DEFLATED, _JPEG = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.50"
_LOSSLESS, _RLE = "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.5"

_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
_ECHO = "1.2.840.10008.1.1"
_WORKLIST = "1.2.840.10008.5.1.4.31"


def _of_kind(kind: str) -> list[str]:
    return [uid for uid, row in UID_dictionary.items() if row[1] == kind]


_SYNTAXES = [*_of_kind("Transfer Syntax"), "1.2.3.4.5", "1.2.840.113619.5.2"]
_CLASSES = [*_of_kind("SOP Class"), "1.2.3.4.5"]

#: Transfer syntaxes and storage classes that are younger than Orthanc 1.10, or that it leaves out.
_NEWER_SYNTAXES = {
    "1.2.840.10008.1.2.1.98",
    *(f"1.2.840.10008.1.2.4.{number}.1" for number in range(100, 107)),
    *(f"1.2.840.10008.1.2.4.{number}" for number in range(201, 206)),
    "1.2.840.10008.1.2.6.1",
    "1.2.840.10008.1.2.6.2",
    "1.2.840.10008.1.20",
}
_ALSO_SERVED = {
    _WORKLIST,
    # Patient/study only
    *(f"1.2.840.10008.5.1.4.1.2.3.{number}" for number in (1, 2, 3)),
}


def test_transfer_syntaxes(network: Network) -> None:
    theirs, ours = _accepted(network.pair, [(_CT, [syntax]) for syntax in _SYNTAXES])
    _no_less(theirs, ours, _SYNTAXES, _NEWER_SYNTAXES)


def test_sop_classes(network: Network) -> None:
    theirs, ours = _accepted(network.pair, [(one, [_EXPLICIT]) for one in _CLASSES])
    storage = {one for one in _CLASSES if "Storage" in UID(one).name} - {"1.2.3.4.5"}
    _no_less(theirs, ours, _CLASSES, storage | _ALSO_SERVED)


@pytest.mark.parametrize(
    "offered",
    [
        [_IMPLICIT, _EXPLICIT],
        [_EXPLICIT, _IMPLICIT],
        [_BIG, _EXPLICIT, _IMPLICIT],
        [_EXPLICIT, _JPEG],
        [_JPEG, _EXPLICIT],
        [_JPEG, _IMPLICIT],
        [_JPEG, _LOSSLESS],
        [_RLE, _BIG],
        [_DEFLATED, _IMPLICIT],
        [_JPEG, _LOSSLESS, _RLE, _DEFLATED],
        ["1.2.3", _EXPLICIT],
        ["1.2.3", "1.2.4"],
    ],
)
def test_a_choice_in_one_context(offered: list[str], network: Network) -> None:
    contexts = [(sop_class, offered) for sop_class in (_CT, _FIND, _ECHO)]
    theirs, ours = _accepted(network.pair, contexts)
    assert ours == theirs


def test_big_endian_is_the_last_of_the_uncompressed(network: Network) -> None:
    contexts = [(sop_class, [_BIG, _IMPLICIT]) for sop_class in (_CT, _FIND)]
    theirs, ours = _accepted(network.pair, contexts)
    # But for storage Orthanc prefers any explicit VR.
    assert theirs == [_IMPLICIT, _BIG]
    assert ours == (theirs if is_subject_orthanc() else [_IMPLICIT, _IMPLICIT])


def test_lossless_is_not_given_up_for_lossy(network: Network) -> None:
    theirs, ours = _accepted(network.pair, [(_CT, [_LOSSLESS, _JPEG])])
    # Orthanc goes by the number of the transfer syntax, ours by the order of who sends.
    assert theirs == [_JPEG]
    assert ours == ([_JPEG] if is_subject_orthanc() else [_LOSSLESS])


@pytest.mark.parametrize(
    "patterns",
    [
        [_EXPLICIT],
        ["*"],
        ["1.2.840.10008.1.2.4.*", _IMPLICIT],
        ["1.2.840.10008.1.2.4.?0"],
        "1.2.840.10008.1.2.4.5?",
        [],
        ["1.2.840.10008.1.*"],
    ],
    ids=str,
)
def test_accepted_transfer_syntaxes(patterns: object, options: Pair) -> None:
    for server in options:
        _put(server, "/tools/accepted-transfer-syntaxes", json.dumps(patterns))
    contexts = [(_CT, [syntax]) for syntax in _SYNTAXES]
    contexts += [(_ECHO, [syntax]) for syntax in (_IMPLICIT, _EXPLICIT, _JPEG)]
    theirs, ours = _accepted(options, contexts)
    _no_less(theirs, ours, [uid for _, (uid,) in contexts], _NEWER_SYNTAXES)


@pytest.mark.parametrize("word", ["1", "0", "true", "false"])
def test_unknown_sop_classes(word: str, options: Pair) -> None:
    for server in options:
        _put(server, "/tools/accepted-transfer-syntaxes", json.dumps(["*"]))
        _put(server, "/tools/unknown-sop-class-accepted", word)
    theirs, ours = _accepted(options, [("1.2.3.4.5", [_EXPLICIT]), (f"{_CT}.99", [_EXPLICIT])])
    assert ours == theirs


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A pair whose options tests change over REST."""
    with running(tmp_path_factory.mktemp("options"), DicomServerEnabled=True) as pair:
        yield pair


# -- who -------------------------------------------------------------------------------------------

_CLOSED: dict[str, Any] = {
    f"DicomAlwaysAllow{act}": False
    for act in ("Echo", "Store", "Find", "FindWorklist", "Move", "Get")
}
_NOTHING = {f"Allow{act}": False for act in ("Echo", "Store", "Find", "Move", "Get")}
_MODALITIES = {
    "known": ["KNOWN", "127.0.0.1", 104],
    "away": ["AWAY", "192.0.2.1", 104],
    "picky": {"AET": "PICKY", "Host": "127.0.0.1", "Port": 104, **_NOTHING},
    "finder": {
        "AET": "FINDER",
        "Host": "127.0.0.1",
        "Port": 104,
        **_NOTHING,
        "AllowFind": True,
    },
}
_CALLERS = ("KNOWN", "known", "AWAY", "STRANGER", "PICKY", "FINDER")


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A pair that lets in only those that it knows, and by its name; and a group of options."""
    with running(
        tmp_path_factory.mktemp("closed"),
        DicomServerEnabled=True,
        DicomAet="ARCHIVE",
        DicomCheckCalledAet=True,
        DicomCheckModalityHost=True,
        DicomModalities=_MODALITIES,
        AcceptedTransferSyntaxes=[_EXPLICIT, _DEFLATED, "1.2.840.10008.1.2.4.9*"],
        DeflatedTransferSyntaxAccepted=False,
        Jpeg2000TransferSyntaxAccepted=False,
        JpegTransferSyntaxAccepted=True,
        RleTransferSyntaxAccepted=True,
        UnknownSopClassAccepted=True,
        **_CLOSED,
    ) as pair:
        yield pair


@pytest.fixture(scope="module")
def ajar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A pair as out of the box, that looks at addresses and at the case of titles."""
    with running(
        tmp_path_factory.mktemp("ajar"),
        DicomServerEnabled=True,
        DicomAet="ARCHIVE",
        DicomCheckModalityHost=True,
        StrictAetComparison=True,
        DicomModalities=_MODALITIES,
    ) as pair:
        yield pair


@pytest.mark.parametrize("called", ["ARCHIVE", "archive", "OTHER"])
@pytest.mark.parametrize("calling", _CALLERS)
def test_what_callers_may_where_all_is_closed(calling: str, called: str, closed: Pair) -> None:
    theirs, ours = (_allowed(server, calling, called) for server in closed)
    assert ours == theirs


@pytest.mark.parametrize("called", ["ARCHIVE", "archive", "OTHER"])
@pytest.mark.parametrize("calling", _CALLERS)
def test_what_callers_may_by_default(calling: str, called: str, ajar: Pair) -> None:
    theirs, ours = (_allowed(server, calling, called) for server in ajar)
    assert ours == theirs


def test_groups_of_transfer_syntaxes(closed: Pair) -> None:
    contexts = [(_CT, [syntax]) for syntax in _SYNTAXES]
    theirs, ours = _accepted(closed, contexts, calling="KNOWN", called="ARCHIVE")
    assert ours == theirs


# -- asking ----------------------------------------------------------------------------------------


def _accepted(
    pair: Pair,
    contexts: Sequence[tuple[str, Sequence[str]]],
    calling: str = "COMPAT",
    called: str = "ARCHIVE",
) -> list[list[str]]:
    """The transfer syntax taken for each context, of either server; "" where it is refused.

    For which of its reasons is left out: DCMTK names the abstract syntax where it has none of the
    transfer syntaxes.
    """
    return [
        [
            syntax
            for start in range(0, len(contexts), 128)
            for syntax in _few(server, contexts[start : start + 128], calling, called)
        ]
        for server in pair
    ]


def _few(
    server: Server, contexts: Sequence[tuple[str, Sequence[str]]], calling: str, called: str
) -> list[str]:
    with RawPeer(server.dicom_port) as peer:
        kind, _ = peer.associate(*contexts, calling=calling, called=called)
        assert kind == ACCEPT
        results = [peer.results[2 * place + 1] for place in range(len(contexts))]
        peer.release()
    return [syntax if result == 0 else "" for result, syntax in results]


def _no_less(
    theirs: Sequence[str], ours: Sequence[str], uids: Sequence[str], more: set[str]
) -> None:
    """Ours is as theirs, but that it also takes ``more``."""
    for uid, first, second in zip(uids, theirs, ours, strict=True):
        assert second == first or (not first and uid in more), f"{uid} {UID(uid).name}"


def _put(server: Server, path: str, body: str) -> None:
    assert server.ask("PUT", path, body.encode(), {}).status == 200


_ACTS = {
    "echo": (_ECHO, CommandField.C_ECHO_RQ),
    "store": (_CT, CommandField.C_STORE_RQ),
    "find": (_FIND, CommandField.C_FIND_RQ),
    "move": ("1.2.840.10008.5.1.4.1.2.2.2", CommandField.C_MOVE_RQ),
    "get": ("1.2.840.10008.5.1.4.1.2.2.3", CommandField.C_GET_RQ),
}


def _allowed(server: Server, calling: str, called: str) -> bytes | dict[str, bool]:
    """The rejection, or what may be done. Orthanc aborts at what may not, ours refuses its
    context."""
    allowed = {}
    for act, (sop_class, field) in _ACTS.items():
        with RawPeer(server.dicom_port) as peer:
            kind, body = peer.associate((sop_class, [_EXPLICIT]), calling=calling, called=called)
            if kind != ACCEPT:
                return body
            allowed[act] = peer.results[1][0] == 0 and _answers(peer, sop_class, field)
    return allowed


def _answers(peer: RawPeer, sop_class: str, field: CommandField) -> bool:
    nobody = encode(dataset({"StudyInstanceUID": "1.2.9999"}, "STUDY"), False, True)
    assert nobody is not None
    try:
        if field is CommandField.C_STORE_RQ:
            peer.message(1, store_command(sop_class, "1.2.9999"), nobody)
        else:
            with_dataset = field is not CommandField.C_ECHO_RQ
            command = Command(
                field=field,
                message_id=1,
                sop_class_uid=sop_class,
                has_dataset=with_dataset,
                move_destination="KNOWN" if field is CommandField.C_MOVE_RQ else "",
            )
            if with_dataset:
                peer.message(1, command, nobody)
            else:
                peer.command(1, command)
        peer.answer()
    except (EOFError, ConnectionError):
        return False
    return True
