"""The tables of requests, one family of routes each."""

from tests.compat.cases import Family
from tests.compat.tables import (
    attachments,
    changes,
    content,
    corpus,
    find,
    guard,
    http,
    metadata,
    modalities,
    peers,
    removal,
    resources,
    room,
    tags,
    tools,
    upload,
)

__all__ = ["FAMILIES"]

FAMILIES: tuple[Family, ...] = (
    resources.FAMILY,
    tags.FAMILY,
    content.FAMILY,
    find.FAMILY,
    http.FAMILY,
    changes.READING,
    changes.CLEARING,
    tools.FAMILY,
    upload.FAMILY,
    attachments.FAMILY,
    metadata.FAMILY,
    removal.FAMILY,
    corpus.FAMILY,
    guard.FAMILY,
    room.FAMILY,
    *modalities.FAMILIES,
    peers.FAMILY,
)
