"""The shortest way to what is asked most: single resources, and files and tags that are at hand.

A viewer or a script asks for thousands of these a second. Their answer needs no body, no wait and
no argument, so it is made while the request is being read, without a task and without the
framework. Whatever is not plain in a request (an argument, a condition, a range, a body, an
unknown identifier) takes the usual way, which gives the same answer; ``tests/wire/test_express.py``
compares the two.
"""

from __future__ import annotations

import logging
import re
import time
from typing import Protocol

from hornburg.archive.cache import Cache
from hornburg.archive.parts import Archive
from hornburg.archive.read import at_hand
from hornburg.archive.revisions import Revision
from hornburg.dicom.levels import Level
from hornburg.errors import HornburgError
from hornburg.index.base import Attachment, Reader
from hornburg.index.names import DICOM
from hornburg.rest.answers import JSON
from hornburg.rest.disposition import disposition
from hornburg.rest.headers import Usual
from hornburg.rest.resource_json import usual
from hornburg.rest.revisions import etag
from hornburg.security.identify import Forgotten
from hornburg.security.policy import Access
from hornburg.security.principals import Permission

__all__ = ["Express", "Visitor", "file_headers"]

log = logging.getLogger("hornburg.rest")

Headers = list[tuple[bytes, bytes]]

_URL = re.compile(
    rb"/(patients|studies|series|instances)/([0-9a-f]{8}(?:-[0-9a-f]{8}){4})"
    rb"(?:/(file|tags|simplified-tags))?"
)
_LEVELS = {level.plural.encode(): level for level in Level}

_JSON_HEAD = b"content-type: " + JSON.encode() + b"\r\n"

#: What the routes of the same answers state.
_PERMISSIONS = {
    None: Permission.VIEW,
    b"file": Permission.DOWNLOAD,
    b"tags": Permission.VIEW,
    b"simplified-tags": Permission.VIEW,
}

#: Bytes of answers that are kept until the index changes.
_MOST_KEPT = 32 << 20

#: A request with one of these may need another answer, or more than an answer.
_NOT_PLAIN = frozenset(
    [
        b"content-length",
        b"expect",
        b"if-match",
        b"if-modified-since",
        b"if-none-match",
        b"if-range",
        b"if-unmodified-since",
        b"origin",
        b"range",
        b"transfer-encoding",
        b"upgrade",
    ]
)


def file_headers(attachment: Attachment, mime: str, name: str | None, shown: bool) -> Headers:
    """The headers of a file, whole or in part."""
    headers = [
        (b"content-type", mime.encode("latin-1")),
        (b"etag", etag(Revision.of_attachment(attachment)).encode()),
        (b"accept-ranges", b"bytes"),
    ]
    if name is not None:
        headers.append((b"content-disposition", disposition(name, shown=shown).encode()))
    return headers


class Admits(Protocol):
    """Who says what the one who asks may do; :class:`hornburg.rest.door.Door`."""

    @property
    def forgotten(self) -> Forgotten:
        """Tells when an answer of :meth:`at_once` is not to be relied on any more."""
        ...

    def at_once(self, authorization: bytes | None, host: bytes | None, peer: str) -> Access | None:
        """By the headers ``Authorization`` and ``Host`` and the address of the other end; ``None``
        when that needs a closer look."""
        ...


class Express:
    """Answers plain GET requests at once, or not at all.

    Args:
        archive: where the answers are.
        door: what the one who asks may do.
    """

    def __init__(self, archive: Archive, door: Admits) -> None:
        self._archive = archive
        self._door = door
        self._trail = archive.trail
        settings = archive.settings
        self._usual = Usual(settings).lines
        kept = min(settings.maximum_storage_cache_size << 20, _MOST_KEPT)
        self._answers = Cache(kept)
        self._generation: tuple[int, str] | None = None
        # Those need what only the usual way has.
        self._off = settings.http_compression_enabled or bool(settings.extra_main_dicom_tags)

    def visitor(self, peer: str) -> Visitor | None:
        """For one connection; ``peer`` is the address of the other end. ``None`` where every
        request takes the usual way."""
        return None if self._off else Visitor(self, self._door, peer)

    def answer(
        self, found: re.Match[bytes], url: bytes, accept: bytes, access: Access
    ) -> bytes | None:
        """The head (without the status line) and the body of a 200, or ``None``."""
        # Who may see a part of the archive is answered by who looks which part it is.
        if not access.may_all(_PERMISSIONS[found[3]]):
            return None
        if self._trail.must_refuse:
            return None
        started = time.monotonic()
        answer = self._kept(url) if accept == b"*/*" else None
        if answer is None:
            answer = self._answer(found, accept)
            if answer is not None and accept == b"*/*" and self._generation is not None:
                self._answers.put(url, answer)
        if answer is not None:
            seconds = time.monotonic() - started
            self._archive.metrics.request_done(200, seconds)
            self._trail.read(access.principal, url)
            if log.isEnabledFor(logging.DEBUG):
                log.debug("GET %s 200 %.1f ms", url.decode(), seconds * 1000)
        return answer

    def _kept(self, url: bytes) -> bytes | None:
        """The answer that was given since the index changed for the last time, if there was one."""
        generation = self._archive.index.generation
        if generation is None:
            return None
        now = (generation, self._archive.runtime.default_encoding)
        if now != self._generation:
            self._generation = now
            self._answers.clear()
        return self._answers.get(url)

    def _answer(self, found: re.Match[bytes], accept: bytes) -> bytes | None:
        level, public_id, part = _LEVELS[found[1]], found[2].decode(), found[3]
        try:
            if part is None:
                content = self._archive.index.look_now(
                    lambda reader: _resource(reader, level, public_id)
                )
                return None if content is None else self._whole(_JSON_HEAD, content)
            if level != Level.INSTANCE:
                return None
            attachment = self._archive.index.look_now(
                lambda reader: reader.attachment(Level.INSTANCE, public_id, DICOM)
            )
        except HornburgError:
            return None  # the usual way finds the same, and says it
        if attachment is None:
            return None
        if part == b"file":
            return self._file(attachment) if accept == b"*/*" else None
        form = "full" if part == b"tags" else "simplify"
        kind = f"{form} {self._archive.runtime.default_encoding}"
        content = self._archive.cache.get((attachment.uuid, kind))
        return None if content is None else self._whole(_JSON_HEAD, content)

    def _file(self, attachment: Attachment) -> bytes | None:
        content = at_hand(self._archive, attachment)
        if content is None:
            return None
        headers = file_headers(attachment, "application/dicom", f"{attachment.uuid}.dcm", False)
        head = b"".join(b"%b: %b\r\n" % header for header in headers)
        return self._whole(head, content)

    def _whole(self, head: bytes, content: bytes) -> bytes:
        return b"%b%bcontent-length: %d\r\n\r\n%b" % (self._usual, head, len(content), content)


class Visitor:
    """One connection. What its last request was allowed holds for the next one that brings the same
    headers, which spares most requests the look at them."""

    __slots__ = (
        "_accept",
        "_access",
        "_door",
        "_express",
        "_forgotten",
        "_headers",
        "_peer",
        "_seen",
    )

    def __init__(self, express: Express, door: Admits, peer: str) -> None:
        self._express = express
        self._door = door
        self._forgotten = door.forgotten
        self._peer = peer
        self._headers: Headers | None = None
        self._access: Access | None = None
        self._accept = b""
        self._seen = 0

    def __call__(self, url: bytes, headers: Headers) -> bytes | None:
        """The head (without the status line) and the body of a 200, or ``None``."""
        found = _URL.fullmatch(url)
        if found is None:
            return None
        if headers != self._headers or self._seen != self._forgotten.times:
            self._look_at(headers)
        if self._access is None:
            return None
        return self._express.answer(found, url, self._accept, self._access)

    def _look_at(self, headers: Headers) -> None:
        self._headers = self._access = None
        plain = _plain(headers)
        if plain is None:
            return
        authorization, host, self._accept = plain
        self._access = self._door.at_once(authorization, host, self._peer)
        if self._access is not None:
            self._headers, self._seen = headers, self._forgotten.times


def _plain(headers: Headers) -> tuple[bytes | None, bytes | None, bytes] | None:
    """``Authorization``, ``Host`` and ``Accept`` of a request that needs no more than those."""
    authorization = host = None
    accept = b"*/*"
    for name, value in headers:
        if name in _NOT_PLAIN or (name == b"connection" and value.lower() != b"keep-alive"):
            return None
        if name == b"authorization":
            if authorization is not None:
                return None
            authorization = value
        elif name == b"host":
            if host is not None:
                return None
            host = value
        elif name == b"accept":
            accept = value
    return authorization, host, accept


def _resource(reader: Reader, level: Level, public_id: str) -> bytes | None:
    resource = reader.resource(level, public_id)
    return None if resource is None else usual(reader, resource)
