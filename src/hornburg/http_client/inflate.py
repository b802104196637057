"""Bodies of answers, bounded before they take memory, compressed or not (RFC 9110, 8.4)."""

from __future__ import annotations

import zlib

from hornburg.http_client.errors import AnswerError

__all__ = ["Body"]

_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}

#: A body may be several gzip members one after the other (RFC 1952, 2.2); nobody sends so many.
_MOST_MEMBERS = 100


class Body:
    """Collects a body.

    Args:
        encoding: the header ``Content-Encoding``.
        limit: most bytes, as they come and as they are in the end.

    Raises:
        AnswerError: an encoding that we didn't ask for.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        encoding = encoding.strip().lower()
        self._window = 0
        if encoding not in ("", "identity"):
            if encoding not in _WINDOWS:
                raise AnswerError(f"the answer is compressed as {encoding[:32]!r}")
            self._window = _WINDOWS[encoding]
        self._inflate = zlib.decompressobj(self._window) if self._window else None
        self._limit = limit
        self._came = 0
        self._size = 0
        self._members = 1
        self._parts: list[bytes] = []

    def write(self, chunk: bytes) -> None:
        """Add what came.

        Raises:
            AnswerError: it is too much, or damaged.
        """
        self._came += len(chunk)
        if self._came > self._limit:
            raise self._too_large()
        if self._inflate is None:
            self._keep(chunk)
        else:
            self._unpack(chunk)

    def _unpack(self, chunk: bytes) -> None:
        while chunk:
            inflate = self._inflate
            assert inflate is not None
            if inflate.eof:
                self._members += 1
                if self._members > _MOST_MEMBERS or self._window != _WINDOWS["gzip"]:
                    raise AnswerError("the answer goes on after the end of its compressed body")
                inflate = self._inflate = zlib.decompressobj(self._window)
            try:
                self._keep(inflate.decompress(chunk, self._limit - self._size + 1))
            except zlib.error:
                raise AnswerError("the compressed answer is damaged") from None
            chunk = inflate.unconsumed_tail or inflate.unused_data

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit:
            raise self._too_large()
        self._parts.append(part)

    def _too_large(self) -> AnswerError:
        return AnswerError(
            f"the answer is larger than {self._limit} bytes, which is the most taken"
        )

    def close(self) -> bytes:
        """All of it.

        Raises:
            AnswerError: a compressed body ends too early.
        """
        if self._inflate is not None and self._came and not self._inflate.eof:
            raise AnswerError("the compressed answer ends too early")
        return b"".join(self._parts)
