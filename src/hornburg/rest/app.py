"""The application: every family of routes, and what holds for all of them."""

from __future__ import annotations

from functools import partial

from litestar import Litestar
from litestar.config.compression import CompressionConfig
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.types import ControllerRouterHandler

from hornburg.archive.parts import Archive
from hornburg.errors import HornburgError
from hornburg.rest import (
    accounts,
    attachments,
    changes,
    dicom_tools,
    export,
    find,
    instances,
    jobs,
    labels,
    log_levels,
    login,
    lookup,
    metadata,
    modalities,
    modality_find,
    modality_store,
    openid_login,
    peer_store,
    peers,
    plugins,
    queries,
    query_retrieve,
    resources,
    scripts,
    security_audit,
    storage_commitment,
    system,
    tags,
    tools,
    trail,
    worklists,
)
from hornburg.rest.door import Door
from hornburg.rest.entrance import Entrance
from hornburg.rest.errors import on_hornburg_error, on_http_exception, on_unexpected_error
from hornburg.rest.home import home
from hornburg.rest.inside import caller_of
from hornburg.rest.noting import note_request, noting, noting_upload
from hornburg.rest.openapi import openapi
from hornburg.rest.permission import authorize
from hornburg.rest.plugin_routes import paths_of, with_plugin_routes
from hornburg.rest.upload import take_upload, upload
from hornburg.security.principals import Permission

__all__ = ["ROUTES", "build"]

ROUTES: tuple[ControllerRouterHandler, ...] = (
    upload,
    *resources.ROUTES,
    *find.ROUTES,
    *lookup.ROUTES,
    *system.ROUTES,
    *changes.ROUTES,
    *tools.ROUTES,
    *trail.ROUTES,
    *plugins.ROUTES,
    *scripts.ROUTES,
    *log_levels.ROUTES,
    *security_audit.ROUTES,
    *instances.ROUTES,
    *export.ROUTES,
    *tags.ROUTES,
    *attachments.ROUTES,
    *metadata.ROUTES,
    *labels.ROUTES,
    *jobs.ROUTES,
    *modalities.ROUTES,
    *modality_store.ROUTES,
    *peers.ROUTES,
    *peer_store.ROUTES,
    *modality_find.ROUTES,
    *queries.ROUTES,
    *query_retrieve.ROUTES,
    *storage_commitment.ROUTES,
    *dicom_tools.ROUTES,
    *worklists.ROUTES,
    *accounts.ROUTES,
    *login.ROUTES,
    *openid_login.ROUTES,
    openapi,
    home,
)
"""Every handler of the REST API."""


def build(archive: Archive, state: State | None = None) -> Door:
    """The REST API over an archive, as an ASGI application.

    ``state`` may carry what particular routes need besides: ``control`` for ``/tools/shutdown``
    and ``/tools/reset``; and for the door ``hooks`` and ``bearer``.
    """
    settings = archive.settings
    state = state or State()
    state.archive = archive
    state.settings = settings
    state.routes = ROUTES
    entrance = Entrance.of(archive, state)
    entrance.share(state)
    app = Litestar(
        route_handlers=list(ROUTES),
        before_request=authorize,
        state=state,
        # Our own route serves the description, without pages that load scripts from elsewhere.
        openapi_config=None,
        exception_handlers={
            HornburgError: on_hornburg_error,
            HTTPException: on_http_exception,
            Exception: on_unexpected_error,
        },
        # Bodies are bounded by our own reader, which knows the option.
        request_max_body_size=None,
        compression_config=(
            CompressionConfig(backend="gzip", exclude_opt_key="as_it_is")
            if settings.http_compression_enabled
            else None
        ),
        logging_config=None,
    )
    behind = noting(with_plugin_routes(app, archive, paths_of(app)))
    answered = partial(note_request, archive.trail)
    archive.hooks.connect(caller_of(behind, answered))
    return Door(
        behind,
        archive,
        entrance.admission,
        {("POST", "/instances"): (Permission.UPLOAD, noting_upload(take_upload))},
        answered,
    )
