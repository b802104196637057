"""Opening the archive that the settings describe."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from hornburg import __version__
from hornburg.archive import sweep
from hornburg.archive.cache import Cache
from hornburg.archive.ingest_transcoding import check_ingest_transcoding
from hornburg.archive.metrics import Metrics
from hornburg.archive.parts import Archive, Runtime
from hornburg.archive.touched import SERVER, resolver
from hornburg.archive.transcoding import Transcoder, TranscodingLimits
from hornburg.dicom.dictionary import Dictionary
from hornburg.dicom.main_tags import MainTags
from hornburg.errors import IncompatibleDatabaseError
from hornburg.hooks.telling import TellingIndex
from hornburg.index.names import Names
from hornburg.index.sqlite import SqliteIndex
from hornburg.index.sqlite_file import refuse_orthanc
from hornburg.security.trail import Event
from hornburg.server.hooking import open_hooks
from hornburg.server.trailing import open_trail
from hornburg.settings import Settings, SettingsError
from hornburg.storage.filesystem import FilesystemStorage

__all__ = ["open_archive"]

log = logging.getLogger("hornburg")


@contextlib.asynccontextmanager
async def open_archive(settings: Settings) -> AsyncIterator[Archive]:
    """The archive that the settings describe, ready to work.

    Raises:
        IncompatibleDatabaseError: the folder belongs to another program, a newer version, or is
            in use.
        DatabaseError: a folder can't be used.
        PluginLoadError: a plug-in can't be loaded.
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
    storage.keep_notes(index.settle)
    check_ingest_transcoding(settings)
    threads = ThreadPoolExecutor(settings.http_threads_count, "files")
    transcoder = Transcoder(
        threads,
        TranscodingLimits.of(settings),
        quality=settings.dicom_lossy_transcoding_quality,
        scratch=storage.scratch,
    )
    _refuse_foreign(settings, storage, index)
    # On a thread: a plug-in may take its time to load, and it runs no loop of ours.
    hooks = await asyncio.to_thread(open_hooks, settings)
    trail = open_trail(settings)
    await index.open()
    clean = False
    try:
        await asyncio.to_thread(storage.open)
        archive = Archive(
            index=TellingIndex(index, hooks) if hooks.has("on_event") else index,
            storage=storage,
            settings=settings,
            names=names,
            dictionary=dictionary,
            main_tags=main_tags,
            threads=threads,
            runtime=Runtime(settings.default_encoding),
            metrics=Metrics(settings.metrics_enabled),
            cache=Cache(settings.maximum_storage_cache_size << 20),
            transcoder=transcoder,
            hooks=hooks,
            trail=trail,
        )
        await trail.open(resolver(archive))
        trail.note(Event(action="start", who=SERVER, detail=f"Hornburg {__version__}"))
        await sweep.own(archive)
        removed = await sweep.sweep(archive)
        if removed:
            log.warning("removed %d files that an earlier stop left without an entry", removed)
        yield archive
        if archive.finishing:
            await asyncio.wait(archive.finishing)
        clean = True
    finally:
        trail.note(Event(action="stop", who=SERVER))
        await trail.close()
        await hooks.close()
        await transcoder.close()
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
