"""``/tools/log-level`` and its categories: how much the log says, while the server runs."""

from __future__ import annotations

import logging
from typing import Any

from litestar import Request, Response, get, put

from hornburg.errors import ParameterOutOfRangeError
from hornburg.rest.answers import text_answer
from hornburg.rest.body import read_body
from hornburg.security.principals import Permission

__all__ = ["ROUTES"]

#: Orthanc's categories and the loggers that stand for them.
_LOGGERS = {
    "log-level": "hornburg",
    "log-level-dicom": "hornburg.net",
    "log-level-generic": "hornburg.archive",
    "log-level-http": "hornburg.rest",
    "log-level-jobs": "hornburg.jobs",
    "log-level-lua": "hornburg.builtin.lua",
    "log-level-plugins": "hornburg.hooks",
    "log-level-sqlite": "hornburg.index",
}

#: Below DEBUG: every step of a protocol.
TRACE = 5

_LEVELS = {"default": logging.INFO, "verbose": logging.DEBUG, "trace": TRACE}
_PATHS = [f"/tools/{name}" for name in _LOGGERS]


def _logger(request: Request[Any, Any, Any]) -> logging.Logger:
    return logging.getLogger(_LOGGERS[request.scope["path"].rsplit("/", 1)[1]])


@get(
    _PATHS, permission=Permission.SETTINGS, media_type="text/plain", summary="How much the log says"
)
async def log_level(request: Request[Any, Any, Any]) -> Response[bytes]:
    """``default``, ``verbose`` or ``trace``; the main level is that of the category that says
    most."""
    chosen = _logger(request)
    level = chosen.getEffectiveLevel()
    if chosen.name == "hornburg":
        level = min(logging.getLogger(name).getEffectiveLevel() for name in _LOGGERS.values())
    for word in ("trace", "verbose"):
        if level <= _LEVELS[word]:
            return text_answer(word)
    return text_answer("default")


@put(
    _PATHS,
    permission=Permission.SETTINGS,
    status_code=200,
    media_type="text/plain",
    summary="Change how much the log says",
)
async def set_log_level(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Until the server stops. Setting the main level sets all categories."""
    word = (await read_body(request, 1024)).decode("ascii", "replace")
    if word not in _LEVELS:
        raise ParameterOutOfRangeError('Verbosity can be "default", "verbose" or "trace"')
    chosen = _logger(request)
    chosen.setLevel(_LEVELS[word])
    if chosen.name == "hornburg":
        for name in _LOGGERS.values():
            logging.getLogger(name).setLevel(_LEVELS[word])
    return text_answer("")


ROUTES = (log_level, set_log_level)
