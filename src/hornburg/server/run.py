"""Running the server: its doors open, what it watches, and how it stops."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable

from litestar.datastructures import State

from hornburg import __version__
from hornburg.archive import stable, sweep
from hornburg.archive.parts import Archive
from hornburg.net.listener import DicomServer
from hornburg.rest.app import build
from hornburg.rest.door import Door
from hornburg.rest.express import Express
from hornburg.rest.listen import HttpServer
from hornburg.security.dicom_tls import dicom_addresses
from hornburg.security.redaction import LOGS
from hornburg.security.tls_watch import FreshTls, watch
from hornburg.server.commands import hear_of_commands
from hornburg.server.control import Control
from hornburg.server.findings import tell_audit, tell_exposed_files
from hornburg.server.opening import open_archive
from hornburg.server.privileges import become_user, check_user
from hornburg.server.sockets import open_sockets
from hornburg.server.surroundings import open_surroundings
from hornburg.server.tls import Secured, heed_hangups, open_tls
from hornburg.settings import Settings, missing_features

__all__ = ["serve"]

log = logging.getLogger("hornburg")

#: Connections that wait to be accepted.
_BACKLOG = 2048

#: The signals that stop the server.
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def serve(settings: Settings, read_again: Callable[[], Settings]) -> bool:
    """Run the server until it is told to stop; answers whether to start anew.

    Args:
        settings: what it runs with.
        read_again: reads the configuration anew, to see at SIGHUP whether it has changed.

    Raises:
        HornburgError: the server can't start, with one line that says why.
    """
    LOGS.deidentify = settings.deidentify_logs
    control = Control()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, control.shut_down)
    loop.add_signal_handler(signal.SIGHUP, control.hung_up.set)
    heeding = asyncio.create_task(heed_hangups(settings, read_again, control))
    web: list[socket.socket] = []
    dicom: list[socket.socket] = []
    try:
        check_user(settings)
        tell_exposed_files(settings)
        _open_doors(settings, web, dicom)
        tls = open_tls(settings)
        become_user(settings)
        async with open_archive(settings) as archive, open_surroundings(archive) as around:
            # Routes of plug-ins may stop the start, so before anybody is let in. Plug-ins call
            # the API whether others can or not.
            app = None
            if web or archive.hooks:
                app = build(archive, State({"control": control, **around.state()}))
            for listener in (*dicom, *web):
                # From here on clients wait in line rather than being turned away.
                listener.listen(_BACKLOG)
            server = DicomServer(around.parts(), tls.dicom)
            server.start(dicom)
            _greet(settings, web, dicom, tls)
            watching = asyncio.gather(
                stable.watch(archive, control.stop),
                sweep.keep_checkpoints(archive, control.stop),
                watch(tls.all(), control.stop, control.renew),
                hear_of_commands(archive, control.stop),
            )
            try:
                await archive.hooks.start()
                await _serve_http(archive, app, web, tls.web, control)
            finally:
                await server.close()
            await watching
    finally:
        for listener in (*dicom, *web):
            listener.close()
        heeding.cancel()
        for number in (*_SIGNALS, signal.SIGHUP):
            loop.remove_signal_handler(number)
        if control.restart:
            # Until it is heeded again: otherwise it would end the process.
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
    log.info("stopped")
    return control.restart


def _open_doors(settings: Settings, web: list[socket.socket], dicom: list[socket.socket]) -> None:
    """Bind all ports before anything else, so that one in use stops the start."""
    if settings.http_server_enabled:
        web += open_sockets(
            settings.http_binds(),
            settings.http_port,
            "HttpPort, HttpBindAddresses",
            may_lack_ipv6=not settings.http_bind_addresses,
        )
    if settings.dicom_server_enabled:
        dicom += open_sockets(
            dicom_addresses(settings),
            settings.dicom_port,
            "DicomPort, DicomBindAddresses",
            may_lack_ipv6=not settings.dicom_bind_addresses,
        )


async def _serve_http(
    archive: Archive,
    app: Door | None,
    sockets: list[socket.socket],
    tls: FreshTls | None,
    control: Control,
) -> None:
    if app is None or not sockets:
        await control.stop.wait()
        return
    http = HttpServer(app, archive.settings, Express(archive, app), tls)
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


def _greet(
    settings: Settings, web: list[socket.socket], dicom: list[socket.socket], tls: Secured
) -> None:
    for note in settings.notes:
        log.warning("%s", note)
    for server in tls.all():
        for text in server.findings():
            log.warning("%s: %s", server.name, text)
    ignored = settings.not_supported()
    if ignored:
        log.warning("not supported yet, and without effect: %s", ", ".join(ignored))
    missing = missing_features(settings)
    if missing:
        log.info("not part of this version: %s", ", ".join(missing))
    if dicom:
        scheme = "DICOM over TLS" if tls.dicom else "DICOM"
        places = ", ".join(_place(listener) for listener in dicom)
        log.info("%s listens for %s on %s", settings.dicom_aet, scheme, places)
    tell_audit(settings)
    scheme = "https" if tls.web else "http"
    places = ", ".join(f"{scheme}://{_place(listener)}" for listener in web) or "no port"
    log.info("Hornburg %s listens on %s", __version__, places)
    log.info("the data is in %s", settings.storage_directory)
    if settings.index_folder != settings.storage_directory:
        log.info("the index is in %s", settings.index_folder)


def _place(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
