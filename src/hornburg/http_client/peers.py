"""Peers over HTTP: the port of the archive, filled.

Source: Orthanc Book, users/rest: a peer is another server with ``/system`` and ``/instances``.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus

import msgspec

from hornburg.archive.peer_port import (
    PeerError,
    PeerGoneError,
    PeerPort,
    PeerSender,
    PeerStatusError,
    PeerTarget,
)
from hornburg.dicom.buffer import Buffer
from hornburg.http_client.client import Answer, HttpClient, Limits, Session
from hornburg.http_client.errors import BadUrlError, RequestError, TimedOutError, UnreachableError
from hornburg.http_client.places import place_of
from hornburg.http_client.trust import ClientCertificate
from hornburg.security.egress import PeerHosts
from hornburg.settings import Peer, SettingsError

__all__ = ["HttpPeers"]

#: What a peer says of itself, or of an instance, is a handful of members.
_LIMITS = Limits(body=256 << 10)

_HINTS = {
    401: "it wants another user name or password",
    403: "it doesn't allow it",
    404: "there is no such REST API at this URL",
    413: "it is too large for the peer",
    429: "it refuses for a while, after wrong passwords perhaps",
}

_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class _Stored(msgspec.Struct):
    Status: str = ""


_stored = msgspec.json.Decoder(_Stored).decode


class HttpPeers(PeerPort):
    """Peers, asked by our HTTP client.

    Args:
        hosts: where peers that the REST API added may be.
    """

    def __init__(self, client: HttpClient, hosts: PeerHosts) -> None:
        self._client = client
        self._hosts = hosts

    async def system(self, target: PeerTarget) -> bytes:
        """``GET /system``."""
        async with self._session(target) as session:
            with _named(target):
                answer = await _ask(session, target, "GET", "system")
        if answer.status != HTTPStatus.OK:
            raise PeerStatusError(_refusal(target, "GET /system", answer))
        return _object(target, answer)

    @contextlib.asynccontextmanager
    async def sender(self, target: PeerTarget) -> AsyncIterator[PeerSender]:
        """``POST /instances``, again and again on one connection."""
        async with self._session(target) as session:
            yield _Sender(target, session)

    @contextlib.asynccontextmanager
    async def _session(self, target: PeerTarget) -> AsyncIterator[Session]:
        peer = target.peer
        shown = None
        if peer.certificate_file:
            shown = ClientCertificate(
                peer.certificate_file, peer.certificate_key_file, peer.certificate_key_password
            )
        async with contextlib.AsyncExitStack() as stack:
            with _named(target):
                opening = self._client.session(
                    place_of(peer.url),
                    hosts=self._hosts if target.added else None,
                    certificate=shown,
                )
                session = await stack.enter_async_context(opening)
            yield session


class _Sender(PeerSender):
    def __init__(self, target: PeerTarget, session: Session) -> None:
        self._target = target
        self._session = session

    async def store(self, content: Buffer, *, compressed: bool = False) -> bytes:
        headers = {"content-type": "application/dicom"}
        if compressed:
            headers["content-encoding"] = "gzip"
        target = self._target
        with _named(target):
            answer = await _ask(self._session, target, "POST", "instances", headers, content)
        if answer.status != HTTPStatus.OK:
            raise PeerError(_refusal(target, "POST /instances", answer))
        said = _object(target, answer)
        # "FilteredOut" is a decision of the peer's, and no failure of the way there.
        if _is_failure(said):
            raise PeerError(f"{target.described} has not stored the instance")
        return said


async def _ask(
    session: Session,
    target: PeerTarget,
    method: str,
    path: str,
    headers: dict[str, str] | None = None,
    body: Buffer = b"",
) -> Answer:
    peer = target.peer
    base = place_of(peer.url).target
    return await session.request(
        method,
        base + path,
        headers=_headers(peer) | (headers or {}),
        body=body,
        timeout=peer.timeout or None,
        limits=_LIMITS,
    )


def _headers(peer: Peer) -> dict[str, str]:
    """The credentials (RFC 7617), and the headers of the configuration, which win."""
    headers = {}
    if peer.username:
        password = "" if peer.password is None else peer.password.reveal()
        signature = base64.b64encode(f"{peer.username}:{password}".encode()).decode()
        headers["authorization"] = f"Basic {signature}"
    return headers | {name.lower(): value.reveal() for name, value in peer.http_headers.items()}


@contextlib.contextmanager
def _named(target: PeerTarget) -> Iterator[None]:
    """Errors of the client as those of a peer, with its name."""
    try:
        yield
    except (UnreachableError, TimedOutError) as error:
        raise PeerGoneError(f"peer {target.name}: {error}") from None
    except (RequestError, BadUrlError, SettingsError) as error:
        raise PeerError(f"peer {target.name}: {error}") from None


def _refusal(target: PeerTarget, what: str, answer: Answer) -> str:
    try:
        phrase = f" {HTTPStatus(answer.status).phrase}"
    except ValueError:
        phrase = ""
    hint = _HINTS.get(answer.status, "")
    if not hint and answer.status in range(300, 400):
        hint = "it leads elsewhere, which is not followed with an instance"
    text = f"{target.described} answers {answer.status}{phrase} to {what}"
    return f"{text}: {hint}" if hint else text


def _object(target: PeerTarget, answer: Answer) -> bytes:
    """The body, when it is a JSON object: it goes on to those who ask us."""
    try:
        answer.body.decode()  # members that nobody looks at are not checked
        _members(answer.body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise PeerError(
            f"{target.described} answers no JSON object: it is no server of this kind"
        ) from None
    return answer.body


def _is_failure(said: bytes) -> bool:
    try:
        return _stored(said).Status == "Failure"
    except msgspec.DecodeError:
        return False
