"""Requests that this server makes over HTTP: bounded in size and time, without surprises.

Nothing is taken from the environment (proxies, ``.netrc``), no cookie is kept, no redirect leads to
another scheme, host or port. A name is resolved here, judged (:mod:`hornburg.security.egress`), and
the connection goes to the address that was judged.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

import httpx2

from hornburg.dicom.buffer import Buffer
from hornburg.http_client import said
from hornburg.http_client.errors import (
    AnswerError,
    BadUrlError,
    RedirectError,
    TimedOutError,
    UnreachableError,
)
from hornburg.http_client.inflate import Body
from hornburg.http_client.places import Place, place_of, redirected
from hornburg.http_client.trust import ClientCertificate, Trust
from hornburg.security.egress import PeerHosts, literal_address
from hornburg.settings import Settings
from hornburg.settings.outgoing import is_header_name, is_header_value, proxy_of

__all__ = ["Answer", "HttpClient", "Limits", "Resolve", "Session"]

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Gives the addresses of a host name."""

_METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
_SAFE = frozenset(["GET", "HEAD"])
_REDIRECTS = frozenset([301, 302, 303, 307, 308])
_MOST_REDIRECTS = 3
_MOST_ADDRESSES = 8

#: Bytes of a body that are handed over at once.
_CHUNK = 256 << 10

#: Bytes a second that a receiver has to take of what we send, to be waited for.
_SLOWEST = 64 << 10

#: Before the first byte was answered, a connection that had served before may just have been closed.
_STALE = (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError)


@dataclass(frozen=True, slots=True)
class Limits:
    """What an answer may be: ``body`` in bytes, as it comes and inflated. Its head is bounded by
    the library (100 KB)."""

    body: int = 16 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; the names of ``headers`` are in lower case, several of a name are joined."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Asked:
    """What stays the same through redirects and addresses; ``seconds`` of silence, none for no
    limit."""

    method: str
    headers: Mapping[str, str]
    body: Buffer
    seconds: float | None
    limits: Limits


async def _resolve(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class HttpClient:
    """Makes requests. Call :meth:`open` once, before anything else.

    Args:
        settings: ``HttpTimeout``, ``HttpProxy``, ``HttpVerbose``, ``HttpsVerifyPeers`` and
            ``HttpsCACertificates``.
        resolve: gives addresses of names, for tests.
    """

    def __init__(self, settings: Settings, resolve: Resolve = _resolve) -> None:
        self.resolve = resolve
        self.trust = Trust(settings)
        self.timeout = settings.http_timeout
        self.log = said.Log(settings.http_verbose)
        proxy = proxy_of(settings.http_proxy)
        self.proxy: httpx2.Proxy | None = None
        if proxy is not None:
            host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
            password = "" if proxy.password is None else proxy.password.reveal()
            signature = (proxy.user, password) if proxy.user else None
            self.proxy = httpx2.Proxy(f"http://{host}:{proxy.port}", auth=signature)

    async def open(self) -> None:
        """See that what is configured can be used.

        Raises:
            SettingsError: ``HttpsCACertificates`` can't.
        """
        await asyncio.to_thread(self.trust.open)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Buffer = b"",
        timeout: float | None = None,  # noqa: ASYNC109 - the option is called so
        limits: Limits | None = None,
        hosts: PeerHosts | None = None,
        certificate: ClientCertificate | None = None,
    ) -> Answer:
        """One request on a connection of its own. A status of an error is an answer, too.

        Args:
            timeout: seconds for all of it, with one more for every 64 KB that are sent; none is
                ``HttpTimeout``, 0 is for ever.
            hosts: where the URL may lead; none is everywhere.

        Raises:
            RequestError: there is no answer that could be used.
            ForbiddenHostError: ``hosts`` doesn't allow it.
            BadUrlError: it can't be asked for.
        """
        place = place_of(url)
        async with self.session(place, hosts=hosts, certificate=certificate) as session:
            return await session.request(
                method, place.target, headers=headers, body=body, timeout=timeout, limits=limits
            )

    @contextlib.asynccontextmanager
    async def session(
        self,
        place: Place,
        *,
        hosts: PeerHosts | None = None,
        certificate: ClientCertificate | None = None,
    ) -> AsyncIterator[Session]:
        """Requests to one origin, one after the other, on a connection that is kept.

        Raises:
            CertificateError: the certificate that we show can't be used.
        """
        context = None
        if place.scheme == "https":
            context = await asyncio.to_thread(self.trust.context, certificate)
        transport = httpx2.AsyncHTTPTransport(
            verify=False if context is None else context,
            trust_env=False,
            proxy=self.proxy,
            limits=httpx2.Limits(max_connections=2, max_keepalive_connections=1),
        )
        try:
            yield Session(self, place, transport, hosts)
        finally:
            await transport.aclose()


class Session:
    """Requests to one origin; made by :meth:`HttpClient.session`."""

    def __init__(
        self,
        client: HttpClient,
        place: Place,
        transport: httpx2.AsyncHTTPTransport,
        hosts: PeerHosts | None,
    ) -> None:
        self._client = client
        self._place = place
        self._transport = transport
        self._hosts = hosts
        self._served = False

    async def request(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Buffer = b"",
        timeout: float | None = None,  # noqa: ASYNC109 - the option is called so
        limits: Limits | None = None,
    ) -> Answer:
        """As :meth:`HttpClient.request`, with the path and query alone."""
        origin = self._place
        place = place_of(f"{origin.scheme}://{origin.authority}{target}")
        if place.origin != origin.origin:
            raise BadUrlError("The path of a request begins with /")
        if method not in _METHODS:
            raise BadUrlError(f"{method[:16]!r} is none of {', '.join(sorted(_METHODS))}")
        for name, value in (headers or {}).items():
            if not is_header_name(name) or not is_header_value(value):
                raise BadUrlError(f"The header {name[:64]!r} can't be sent")
        seconds = self._client.timeout if timeout is None else timeout
        asked = _Asked(method, headers or {}, body, seconds or None, limits or Limits())
        whole = seconds + len(body) / _SLOWEST if seconds else None
        try:
            async with asyncio.timeout(whole):
                return await self._follow(asked, place)
        except TimeoutError:
            raise TimedOutError(
                f"{place.described}: no whole answer within {whole or 0:.0f} s"
            ) from None

    async def _follow(self, asked: _Asked, place: Place) -> Answer:
        for _ in range(_MOST_REDIRECTS + 1):
            answer = await self._ask(asked, place)
            location = answer.headers.get("location")
            if asked.method not in _SAFE or answer.status not in _REDIRECTS or not location:
                return answer
            found = redirected(place, location)
            if found is None:
                raise RedirectError(
                    f"{place.described} answers {answer.status}, and leads to another server: "
                    "that is not followed"
                )
            place = found
        raise RedirectError(f"{place.described}: more than {_MOST_REDIRECTS} redirects")

    async def _ask(self, asked: _Asked, place: Place) -> Answer:
        addresses = await self._addresses(place)
        for number, address in enumerate(addresses):
            begun = time.monotonic()
            try:
                answer = await self._exchange(asked, place, address)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                told = said.told(place, error)
                if number + 1 < len(addresses) and isinstance(told, UnreachableError):
                    continue
                self._client.log.failed(asked.method, place, address, told)
                raise told from None
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                told = said.told(place, error)
                self._client.log.failed(asked.method, place, address, told)
                raise told from None
            except AnswerError as error:
                self._client.log.failed(asked.method, place, address, error)
                raise type(error)(f"{place.described}: {error}") from None
            took = time.monotonic() - begun
            size = len(asked.body)
            self._client.log.done(asked.method, place, address, asked.headers, size, answer, took)
            return answer
        raise UnreachableError(f"{place.described}: the name has no address")

    async def _addresses(self, place: Place) -> list[str]:
        """Where to connect to, judged; through a proxy the name as it is."""
        host, hosts = place.host, self._hosts
        if hosts is not None:
            hosts.check_host(host)
        if literal_address(host) is not None and self._client.proxy is None:
            # In its own spelling: 2130706433 is a name to TLS and to the header Host.
            found = [host] if ":" in host else [str(literal_address(host))]
        elif self._client.proxy is not None:
            if hosts is not None:
                hosts.check_unresolved(host)
            return [host]
        else:
            try:
                found = (await self._client.resolve(host, place.port))[:_MOST_ADDRESSES]
            except (OSError, UnicodeError):
                raise UnreachableError(f"{place.described}: the name can't be resolved") from None
        return found if hosts is None else hosts.check_addresses(host, found)

    async def _exchange(self, asked: _Asked, place: Place, address: str) -> Answer:
        try:
            return await self._send(asked, place, address)
        except _STALE as error:
            if not self._served or said.is_about_tls(error):
                raise
        self._served = False
        return await self._send(asked, place, address)

    async def _send(self, asked: _Asked, place: Place, address: str) -> Answer:
        sent = {
            "host": place.authority,
            "accept-encoding": "gzip",
            "user-agent": "Hornburg",
            "accept": "*/*",
        }
        sent |= {name.lower(): value for name, value in asked.headers.items()}
        method, body = asked.method, asked.body
        if body or method in ("POST", "PUT", "PATCH"):
            sent["content-length"] = str(len(body))
        extensions: dict[str, object] = {"timeout": httpx2.Timeout(asked.seconds).as_dict()}
        if place.scheme == "https" and address != place.host:
            extensions["sni_hostname"] = place.host.rstrip(".")
        request = httpx2.Request(
            method,
            place.url_at(address),
            headers=[(name.encode(), value.encode("latin-1")) for name, value in sent.items()],
            content=_chunks(body) if len(body) > _CHUNK else bytes(body),
            extensions=extensions,
        )
        response = await self._transport.handle_async_request(request)
        try:
            return await _taken(method, response, asked.limits)
        finally:
            self._served = True
            await response.aclose()


async def _chunks(body: Buffer) -> AsyncIterator[bytes]:
    """A large body in pieces; it may be mapped from a file, and is never in memory as a whole."""
    with memoryview(body) as view:
        for start in range(0, len(view), _CHUNK):
            yield bytes(view[start : start + _CHUNK])


async def _taken(method: str, response: httpx2.Response, limits: Limits) -> Answer:
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers.raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    length = headers.get("content-length", "")
    if method != "HEAD" and length.isdigit() and int(length[:20]) > limits.body:
        raise AnswerError(f"the answer is larger than {limits.body} bytes, which is the most taken")
    body = Body(headers.get("content-encoding", ""), limits.body)
    async for chunk in response.aiter_raw():
        body.write(chunk)
    return Answer(response.status_code, headers, body.close())
