"""Requests and answers, over plain sockets: no client library bends what is compared."""

from __future__ import annotations

import base64
import http.client
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Answer", "Server", "encode"]

#: Paths whose answers name what they made.
_MAKING = re.compile("/(instances$|modalities/|peers/|queries/)")

#: Orthanc hangs up after a second of silence (KeepAliveTimeout).
_REUSED_FOR = 0.5


@dataclass(frozen=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """The Content-Type without parameters, "" without one."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    """A running server, and who asks it."""

    name: str
    port: int
    credentials: str = ""
    dicom_port: int = 0
    #: The last ETag of the running case, for If-Match.
    etag: str = field(default="", init=False)
    #: What the last POST that made something was answered: an upload of one file, a query, a job.
    stored: dict[str, Any] = field(default_factory=dict, init=False)
    _connection: http.client.HTTPConnection = field(init=False, repr=False)
    _reusable_until: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        sent = dict(headers)
        if self.credentials and "Authorization" not in sent:
            sent["Authorization"] = "Basic " + base64.b64encode(self.credentials.encode()).decode()
        if time.monotonic() > self._reusable_until:
            self._connection.close()
        self._connection.request(method, path, body, sent)
        response = self._connection.getresponse()
        content = response.read()
        self._reusable_until = time.monotonic() + _REUSED_FOR
        received = {name.lower(): value for name, value in response.getheaders()}
        answer = Answer(response.status, received, content)
        self.etag = received.get("etag", self.etag)
        if method == "POST" and answer.status == 200 and _MAKING.match(path):
            told = answer.json() if content else []
            self.stored = told if isinstance(told, dict) else {}
        return answer


def encode(body: Any) -> bytes | None:
    """A body as a table writes it: bytes, text, or what becomes JSON."""
    if body is None or isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
