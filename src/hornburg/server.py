"""The composition root: builds the parts from the settings, starts and stops them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from litestar.datastructures import State

from hornburg import __version__
from hornburg.archive import stable, sweep
from hornburg.archive.cache import Cache
from hornburg.archive.metrics import Metrics
from hornburg.archive.parts import Archive, Runtime
from hornburg.dicom.dictionary import Dictionary
from hornburg.dicom.main_tags import MainTags
from hornburg.errors import IncompatibleDatabaseError
from hornburg.index.names import Names
from hornburg.index.sqlite import SqliteIndex
from hornburg.index.sqlite_file import refuse_orthanc
from hornburg.rest.app import build
from hornburg.rest.express import Express
from hornburg.rest.listen import HttpServer, open_sockets
from hornburg.settings import Settings, SettingsError, missing_features
from hornburg.storage.filesystem import FilesystemStorage

__all__ = ["Control", "open_archive", "serve"]

log = logging.getLogger("hornburg")

#: Connections that wait to be accepted.
_BACKLOG = 2048

#: The signals that stop the server.
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Control:
    """Asks the server to stop or to start anew."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()
        self.restart = False

    def shut_down(self) -> None:
        """Stop, finishing what runs; asked again, without waiting for clients."""
        if self.stop.is_set():
            self.hurry.set()
        self.stop.set()

    def reset(self) -> None:
        """Stop, and start anew with the configuration read again."""
        self.restart = True
        self.stop.set()


@contextlib.asynccontextmanager
async def open_archive(settings: Settings) -> AsyncIterator[Archive]:
    """The archive that the settings describe, ready to work.

    Raises:
        IncompatibleDatabaseError: the folder belongs to another program, a newer version, or is
            in use.
        DatabaseError: a folder can't be used.
    """
    dictionary = Dictionary(settings.dictionary)
    try:
        main_tags = MainTags(settings.extra_main_dicom_tags, dictionary)
    except ValueError as error:
        where = settings.origins.get("ExtraMainDicomTags", "configuration")
        raise SettingsError(where, str(error), option="ExtraMainDicomTags") from None
    names = Names(
        settings.user_metadata,
        {name: kind.number for name, kind in settings.user_content_type.items()},
    )
    storage = FilesystemStorage(
        settings.storage_directory,
        temporary=settings.temporary_directory,
        sync=settings.sync_storage_area,
    )
    index = SqliteIndex(settings.index_folder, names, make_durable=storage.sync)
    threads = ThreadPoolExecutor(settings.http_threads_count, "files")
    _refuse_foreign(settings, storage, index)
    await index.open()
    clean = False
    try:
        await asyncio.to_thread(storage.open)
        archive = Archive(
            index=index,
            storage=storage,
            settings=settings,
            names=names,
            dictionary=dictionary,
            main_tags=main_tags,
            threads=threads,
            runtime=Runtime(settings.default_encoding),
            metrics=Metrics(settings.metrics_enabled),
            cache=Cache(settings.maximum_storage_cache_size << 20),
        )
        await sweep.own(archive)
        removed = await sweep.sweep(archive)
        if removed:
            log.warning("removed %d files that an earlier stop left without an entry", removed)
        yield archive
        if archive.finishing:
            await asyncio.wait(archive.finishing)
        clean = True
    finally:
        threads.shutdown()
        await index.close()
        storage.close(clean=clean)


def _refuse_foreign(settings: Settings, storage: FilesystemStorage, index: SqliteIndex) -> None:
    """Look at the folders before anything in them is touched."""
    refuse_orthanc(settings.storage_directory)
    if storage.owner() is not None and not index.exists():
        raise IncompatibleDatabaseError(
            f"{settings.storage_directory} holds the files of an archive, and its index is not in "
            f"{settings.index_folder}: put it back (IndexDirectory), or choose another "
            "StorageDirectory and bring the files in with 'hornburg import'"
        )


async def serve(settings: Settings) -> bool:
    """Run the server until it is told to stop; answers whether to start anew.

    Raises:
        HornburgError: the server can't start, with one line that says why.
    """
    control = Control()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, control.shut_down)
    sockets = open_sockets(settings) if settings.http_server_enabled else []
    try:
        async with open_archive(settings) as archive:
            for listener in sockets:
                # From here on clients wait in line rather than being turned away.
                listener.listen(_BACKLOG)
            _greet(settings, sockets)
            watching = asyncio.gather(
                stable.watch(archive, control.stop), sweep.keep_checkpoints(archive, control.stop)
            )
            await _serve_http(archive, sockets, control)
            await watching
    finally:
        for listener in sockets:
            listener.close()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
    log.info("stopped")
    return control.restart


async def _serve_http(archive: Archive, sockets: list[socket.socket], control: Control) -> None:
    if not sockets:
        await control.stop.wait()
        return
    app = build(archive, State({"control": control}))
    http = HttpServer(app, archive.settings, Express(archive, app.known_user))
    running = asyncio.create_task(http.serve(sockets))
    stopping = asyncio.create_task(control.stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    control.stop.set()
    log.info("stopping, when what runs is finished")
    http.should_exit = True
    hurrying = asyncio.create_task(control.hurry.wait())
    await asyncio.wait({running, hurrying}, return_when=asyncio.FIRST_COMPLETED)
    http.force_exit = control.hurry.is_set()
    hurrying.cancel()
    await running


def _greet(settings: Settings, sockets: list[socket.socket]) -> None:
    for note in settings.notes:
        log.warning("%s", note)
    ignored = settings.not_supported()
    if ignored:
        log.warning("not supported yet, and without effect: %s", ", ".join(ignored))
    missing = missing_features(settings)
    if missing:
        log.info("not part of this version: %s", ", ".join(missing))
    places = ", ".join(_url(listener) for listener in sockets) or "no port"
    log.info("Hornburg %s listens on %s", __version__, places)
    log.info("the data is in %s", settings.storage_directory)
    if settings.index_folder != settings.storage_directory:
        log.info("the index is in %s", settings.index_folder)


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
