"""The same requests to Orthanc, as Debian packages it, and to Hornburg: answers compared.

The tables of requests are in ``tables/``; :mod:`tests.compat.cases` says how to write a row,
:mod:`tests.compat.rules` what is made equal before answers are compared. A difference that is
meant stands in its row, with the reason and what ours answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest
from pynetdicom import AllStoragePresentationContexts, VerificationPresentationContexts
from tests.compat.network import Client, Destination
from tests.compat.samples import NETWORK, SAMPLES
from tests.compat.servers import Pair, free_ports, running

Names = dict[str, str]


@pytest.fixture(scope="session")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Names]]:
    """A pair that holds the samples."""
    with running(tmp_path_factory.mktemp("stocked")) as pair:
        yield pair, _stock(pair)


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Names]]:
    """A pair that tables may change; it holds the samples at first."""
    with running(tmp_path_factory.mktemp("scratch")) as pair:
        yield pair, _stock(pair)


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Names]]:
    """A pair with passwords, revisions, compression, overwriting, and bare errors."""
    with running(
        tmp_path_factory.mktemp("guarded"),
        credentials="alice:secret",
        AuthenticationEnabled=True,
        RegisteredUsers={"alice": "secret"},
        CheckRevisions=True,
        StorageCompression=True,
        OverwriteInstances=True,
        HttpDescribeErrors=False,
    ) as pair:
        yield pair, _stock(pair)


@pytest.fixture(scope="session")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Names]]:
    """An empty pair that keeps two patients at most, and no MD5."""
    with running(
        tmp_path_factory.mktemp("sparse"), MaximumPatientCount=2, StoreMD5ForAttachments=False
    ) as pair:
        yield pair, {}


class Network(NamedTuple):
    """A pair that speaks DICOM, a client of each, and where both may send to."""

    pair: Pair
    clients: tuple[Client, Client]
    destination: Destination


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A pair that holds the samples, and more in other character sets; it is only asked."""
    caller, receiver, nobody = free_ports(3)
    contexts = [*AllStoragePresentationContexts, *VerificationPresentationContexts]
    to = Destination(receiver, "DEST", contexts)
    modalities = {
        "compat": ["COMPAT", "127.0.0.1", caller],
        "dest": ["DEST", "127.0.0.1", to.port],
        "gone": ["GONE", "127.0.0.1", nobody],
    }
    with ExitStack() as stack:
        stack.enter_context(to.listening())
        options: dict[str, Any] = {"DicomAet": "ARCHIVE", "DicomModalities": modalities}
        folder = tmp_path_factory.mktemp("network")
        pair = stack.enter_context(running(folder, DicomServerEnabled=True, **options))
        _stock(pair, SAMPLES | NETWORK)
        clients = tuple(stack.enter_context(Client(server.dicom_port)) for server in pair)
        yield Network(pair, (clients[0], clients[1]), to)


@pytest.fixture(scope="session")
def connected(
    network: Network, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Pair, Names]]:
    """A pair that asks others: the Orthanc of the network tables, by DICOM and as a peer, and where
    both may send to."""
    (nobody,) = free_ports(1)
    there = f"http://127.0.0.1:{network.pair.orthanc.port}"
    peers = {
        "pacs": [f"{there}/", "alice", "secret"],
        "full": {"Url": there, "HttpHeaders": {"Token": "secret"}, "Timeout": 20, "Own": "north"},
        "gone": [f"http://127.0.0.1:{nobody}/"],
        "elsewhere": [f"{there}/nothing/"],
    }
    modalities = {
        "pacs": ["ARCHIVE", "127.0.0.1", network.pair.orthanc.dicom_port],
        "dest": ["DEST", "127.0.0.1", network.destination.port],
        "gone": ["GONE", "127.0.0.1", nobody],
    }
    with running(
        tmp_path_factory.mktemp("connected"),
        DicomServerEnabled=True,
        DicomAet="COMPAT",
        DicomModalities=modalities,
        OrthancPeers=peers,
    ) as pair:
        names = _stock(pair)
        names |= {"pacs.port": str(modalities["pacs"][2]), "gone.port": str(nobody)}
        yield pair, names


def _stock(pair: Pair, samples: Mapping[str, bytes] = SAMPLES) -> Names:
    names: Names = {}
    for name, content in samples.items():
        answers = [server.ask("POST", "/instances", content, {}) for server in pair]
        for answer in answers:
            assert answer.status == 200, f"{name}: {answer.body[:500]!r}"
        first, second = (answer.json() for answer in answers)
        assert first == second, name
        names[name] = first["ID"]
        for level in ("Patient", "Study", "Series"):
            names[f"{name}.{level.lower()}"] = first[f"Parent{level}"]
    return names
