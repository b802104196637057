"""A lean HTTP/1.1 client over one kept connection, cheap enough not to be what is measured."""

from __future__ import annotations

import socket

__all__ = ["Connection", "encode_request"]

_MOST_HEADER_BYTES = 64 * 1024
_READ_BYTES = 256 * 1024


def encode_request(
    method: str, path: str, body: bytes | None = None, kind: str = "", authorization: str = ""
) -> bytes:
    """Everything of a request but the body, which is sent from where it lies."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if authorization:
        lines.append(f"Authorization: {authorization}")
    if body is not None:
        lines += [f"Content-Length: {len(body)}", f"Content-Type: {kind or 'application/json'}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Connection:
    """Sends one request after the other and reads the whole answer of each.

    Orthanc closes a connection that was idle for `KeepAliveTimeout` (1 s), and any server may
    close one between two requests: a request that was cut off before the first byte of its
    answer is sent once more over a new connection. `reconnects` counts them.
    """

    def __init__(self, port: int, timeout: float = 60.0) -> None:
        self._port = port
        self._timeout = timeout
        self._socket: socket.socket | None = None
        self._rest = b""
        self.reconnects = 0

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._rest = b""

    def request(self, head: bytes, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of the answer."""
        kept = self._socket is not None
        try:
            return self._exchange(head, body)
        except ConnectionError:
            self.close()
            if not kept:
                raise
        self.reconnects += 1
        return self._exchange(head, body)

    def _exchange(self, head: bytes, body: bytes) -> tuple[int, bytes]:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), self._timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if len(body) < 65536:
            self._socket.sendall(head + body)
        else:
            self._socket.sendall(head)
            self._socket.sendall(body)
        return self._answer()

    def _answer(self) -> tuple[int, bytes]:
        while (end := self._rest.find(b"\r\n\r\n")) < 0:
            if len(self._rest) > _MOST_HEADER_BYTES:
                raise ValueError("the header of the answer has no end")
            self._rest += self._receive()
        head, self._rest = self._rest[:end].lower(), self._rest[end + 4 :]
        status = int(head[9:12])
        if b"transfer-encoding: chunked" in head:
            body = self._chunks()
        else:
            body = self._take(_content_length(head))
        if b"connection: close" in head:
            self.close()
        return status, body

    def _receive(self) -> bytes:
        assert self._socket is not None
        data = self._socket.recv(_READ_BYTES)
        if not data:
            raise ConnectionResetError("closed by the server")
        return data

    def _take(self, length: int) -> bytes:
        parts = [self._rest]
        have = len(self._rest)
        while have < length:
            parts.append(self._receive())
            have += len(parts[-1])
        data = b"".join(parts)
        self._rest = data[length:]
        return data[:length]

    def _chunks(self) -> bytes:
        body = b""
        while True:
            while (end := self._rest.find(b"\r\n")) < 0:
                self._rest += self._receive()
            length = int(self._rest[:end].split(b";")[0], 16)
            self._rest = self._rest[end + 2 :]
            body += self._take(length)
            self._take(2)
            if length == 0:
                return body


def _content_length(head: bytes) -> int:
    start = head.find(b"\r\ncontent-length:")
    if start < 0:
        return 0
    return int(head[start + 17 :].split(b"\r\n", 1)[0])
