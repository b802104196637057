"""Other application entities: DCMTK's programs, and pynetdicom in threads of this process."""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext

__all__ = [
    "Outcome",
    "Peers",
    "QueryScp",
    "StoreScp",
    "associate",
    "elements",
    "entity",
    "free_port",
    "program",
    "run",
]

_PATIENCE = 60


def program(name: str) -> str:
    """Where a program of DCMTK is."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"{name} of DCMTK is not installed here: 'make peers' installs it")
    return path


class Outcome:
    """What a program answered: its exit status, and all that it said."""

    def __init__(self, status: int, said: str) -> None:
        self.status = status
        self.said = said

    def __repr__(self) -> str:
        return f"exit status {self.status}:\n{self.said}"


def run(name: str, *arguments: object, cwd: Path | None = None) -> Outcome:
    """Run a program of DCMTK to its end."""
    done = subprocess.run(
        [program(name), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_PATIENCE,
        cwd=cwd,
        encoding="latin-1",
    )
    return Outcome(done.returncode, done.stdout)


def free_port() -> int:
    """A port that nobody has at the moment; not one of those that connections are given."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def listens(port: int) -> bool:
    """Whether somebody does; seen without a connection, which a peer would have to serve."""
    wanted = f":{port:04X} "
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1].endswith(wanted.strip()) and fields[3] == "0A":
                return True
    return False


class Process:
    """A peer in a process, from the moment it listens."""

    def __init__(self, port: int, folder: Path, name: str, *arguments: object) -> None:
        self.port = port
        self.folder = folder
        self._log = (folder / f"{name}.log").open("w+b")
        self._process = subprocess.Popen(
            [program(name), *map(str, arguments)],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
        ends = time.monotonic() + _PATIENCE
        while not listens(port):
            if self._process.poll() is not None or time.monotonic() > ends:
                self.end()
                pytest.fail(f"{name} did not start:\n{self.said()}")
            time.sleep(0.01)

    def said(self) -> str:
        """What it wrote so far."""
        return Path(self._log.name).read_text("latin-1")

    def end(self) -> None:
        """Stop it."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._log.close()


class StoreScp(Process):
    """DCMTK's storescp: takes instances and writes them down as they come."""

    def __init__(self, folder: Path, *arguments: object, aet: str = "STORESCP") -> None:
        port = free_port()
        self.aet = aet
        self.inbox = folder / "received"
        self.inbox.mkdir(parents=True)
        given = arguments or ("+xa",)
        super().__init__(
            port, folder, "storescp", "-v", "+B", "-od", self.inbox, "-aet", aet, *given, port
        )

    def received(self) -> list[bytes]:
        """The data sets, in the order of the names of their files."""
        return [path.read_bytes() for path in sorted(self.inbox.iterdir())]


class QueryScp(Process):
    """DCMTK's dcmqrscp: an archive to store to, to query, and to fetch from."""

    def __init__(
        self,
        folder: Path,
        *arguments: object,
        aet: str = "REMOTE",
        known: Sequence[tuple[str, int]] = (),
    ) -> None:
        port = free_port()
        self.aet = aet
        database = folder / "database"
        database.mkdir(parents=True)
        hosts = "\n".join(
            f"host{number} = ({title}, localhost, {where})"
            for number, (title, where) in enumerate(known)
        )
        configuration = folder / "dcmqrscp.cfg"
        configuration.write_text(
            f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n"
            f"HostTable BEGIN\n{hosts}\nHostTable END\n"
            "VendorTable BEGIN\nVendorTable END\n"
            f"AETable BEGIN\n{aet} {database} RW (100, 1024mb) ANY\nAETable END\n"
        )
        super().__init__(port, folder, "dcmqrscp", "-v", "-c", configuration, *arguments, port)


class WorklistScp(Process):
    """DCMTK's wlmscpfs: worklists out of a folder."""

    def __init__(self, folder: Path, aet: str, worklists: Sequence[bytes]) -> None:
        port = free_port()
        self.aet = aet
        place = folder / "data" / aet
        place.mkdir(parents=True)
        (place / "lockfile").touch()
        for number, content in enumerate(worklists):
            (place / f"{number}.wl").write_bytes(content)
        super().__init__(
            port, folder, "wlmscpfs", "-v", "-s", "-dfr", "-dfp", folder / "data", port
        )


class Entity:
    """An application entity of pynetdicom that listens, and remembers what it was told."""

    def __init__(self, aet: str, contexts: Sequence[PresentationContext]) -> None:
        self.aet = aet
        self._ae = entity(aet)
        for context in contexts:
            assert context.abstract_syntax is not None
            self._ae.add_supported_context(context.abstract_syntax, context.transfer_syntax)
        self._server: Any = None
        self._news = threading.Condition()
        self.heard: list[Any] = []

    def listen(self, **handlers: Callable[[evt.Event], Any]) -> Self:
        """Begin; the handlers are named as pynetdicom's events, as in ``EVT_C_STORE``."""
        bound = [(getattr(evt, name), handler) for name, handler in handlers.items()]
        self._server = self._ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=bound)
        self.port = int(self._server.socket.getsockname()[1])
        return self

    def supports(self, uid: str, scu: bool, scp: bool) -> None:
        """Take these roles for a SOP class."""
        for context in self._ae.supported_contexts:
            if context.abstract_syntax == uid:
                context.scu_role, context.scp_role = scu, scp

    def hear(self, what: Any) -> None:
        """Remember something; for handlers."""
        with self._news:
            self.heard.append(what)
            self._news.notify_all()

    def wait(self, number: int = 1) -> list[Any]:
        """What was heard, as soon as there is so much of it."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.heard) >= number, _PATIENCE)
            return list(self.heard)

    def end(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()


class Peers:
    """Starts peers in folders of their own, and ends them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = contextlib.ExitStack()
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def folder(self) -> Path:
        """A new folder."""
        self._count += 1
        made = self._folder / f"peer{self._count}"
        made.mkdir()
        return made

    def store_scp(self, *arguments: object, aet: str = "STORESCP") -> StoreScp:
        """DCMTK's storescp; it takes every transfer syntax unless it is told otherwise."""
        return self._keep(StoreScp(self.folder(), *arguments, aet=aet))

    def query_scp(
        self, *arguments: object, aet: str = "REMOTE", known: Sequence[tuple[str, int]] = ()
    ) -> QueryScp:
        """DCMTK's dcmqrscp; ``known`` are titles and ports that it sends to."""
        return self._keep(QueryScp(self.folder(), *arguments, aet=aet, known=known))

    def worklist_scp(self, aet: str, worklists: Sequence[bytes]) -> WorklistScp:
        """DCMTK's wlmscpfs with these worklists."""
        return self._keep(WorklistScp(self.folder(), aet, worklists))

    def listener(self, aet: str, *contexts: PresentationContext) -> Entity:
        """pynetdicom; it listens when it is told to."""
        return self._keep(Entity(aet, contexts))

    def _keep(self, peer: Any) -> Any:
        self._stack.callback(peer.end)
        return peer


def _at_once(event: evt.Event) -> None:
    # pynetdicom writes a command and its data set one after the other, and the second would wait
    # for the acknowledgement of the first.
    event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def associate(ae: AE, port: int, called: str = "ORTHANC", *roles: Any, **more: Any) -> Association:
    """An association with a server on this machine."""
    handlers = [(evt.EVT_CONN_OPEN, _at_once), *more.pop("evt_handlers", ())]
    made = ae.associate(
        "127.0.0.1", port, ae_title=called, ext_neg=list(roles), evt_handlers=handlers, **more
    )
    return made


def entity(aet: str) -> AE:
    """An application entity of pynetdicom with time-outs that a busy machine keeps."""
    made = AE(ae_title=aet)
    made.acse_timeout = made.dimse_timeout = made.network_timeout = _PATIENCE
    made.connection_timeout = _PATIENCE
    made.maximum_associations = 100
    return made


def elements(**values: Any) -> Dataset:
    """A data set of keywords."""
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made
