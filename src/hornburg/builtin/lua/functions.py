"""The functions of the server that scripts may call (Orthanc Book, users/lua).

Each is a coroutine that is given the turn and its arguments. What the REST API answers with an
error is ``nil`` for the script, as in Orthanc; the log says which.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from hornburg.builtin.lua.arguments import Arguments
from hornburg.builtin.lua.errors import LuaFunctionError
from hornburg.builtin.lua.operations import MOST_OF_A_CALL, Operation
from hornburg.builtin.lua.turn import Turn, log
from hornburg.errors import HornburgError
from hornburg.hooks.specs import RestApi

__all__ = ["Functions", "HttpPort"]

_OK = range(200, 300)
_METHODS = ("Get", "Post", "Put", "Delete")

#: What a body is, unless the script says it: that of Orthanc's HTTP client, which receivers that
#: read forms rely on.
_FORM = "application/x-www-form-urlencoded"


class HttpPort(Protocol):
    """Requests to other servers; the composition root fills it."""

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, seconds: float | None
    ) -> tuple[int, bytes]:
        """Ask; answers the status and the body. ``seconds`` ``None``: ``HttpTimeout``.

        Raises:
            HornburgError: there is no answer, or the address is not allowed.
        """
        ...


@dataclass(slots=True)
class _HttpSettings:
    """``SetHttpCredentials`` and ``SetHttpTimeout``; they hold until they are set again."""

    authorization: str = ""
    seconds: float | None = None


class Functions:
    """What a runtime answers its scripts.

    Args:
        server: the REST API.
        http: requests to other servers; ``None``: there are none.
        configuration: what ``GetOrthancConfiguration`` gives, without secrets.
    """

    def __init__(
        self, server: RestApi, http: HttpPort | None, configuration: Mapping[str, Any]
    ) -> None:
        self._server = server
        self._shown = configuration
        self._http = http
        self._settings = _HttpSettings()
        self._functions: Mapping[str, Callable[[Turn, Arguments], Awaitable[Any]]] = {
            **{f"RestApi{method}": partial(self._rest, method.upper()) for method in _METHODS},
            **{f"Http{method}": partial(self._http_of, method.upper()) for method in _METHODS},
            "SetHttpCredentials": self._set_credentials,
            "SetHttpTimeout": self._set_timeout,
            "SendToModality": self._send_to_modality,
            "SendToPeer": self._send_to_peer,
            "Delete": self._delete,
            "GetOrthancConfiguration": self._configuration,
            "ModifyInstance": self._missing,
            "ModifyResource": self._missing,
            "CallSystem": self._missing,
        }

    async def answer(self, turn: Turn, function: str, values: list[Any]) -> Any:
        """Call one of them.

        Raises:
            LuaFunctionError: it was called wrongly, or there is none of this name.
            HornburgError: it failed.
        """
        found = self._functions.get(function)
        if found is None:
            raise LuaFunctionError(f"there is no function {function}")
        return await found(turn, Arguments(function, values))

    # -- requests -------------------------------------------------------------------------------

    async def _rest(self, method: str, _: Turn, given: Arguments) -> Any:
        # Between them and the headers is "builtin", which says nothing here.
        uri, body, after = _request(method, given, "URI")
        headers = given.headers(after + 1)
        # Arguments may hold what is searched, and so names of patients.
        path = uri.partition("?")[0][:200]
        if not uri.startswith("/"):
            log.warning("%s: %s is no URI of the REST API", given.function, path)
            return None
        answer = await self._server.call(method, uri, body, headers)
        if answer.status not in _OK:
            log.warning("%s %s, called by a script: status %d", method, path, answer.status)
            return None
        return True if method == "DELETE" else answer.body

    async def _http_of(self, method: str, _: Turn, given: Arguments) -> Any:
        function = given.function
        url, body, after = _request(method, given, "URL")
        headers = given.headers(after)
        if self._http is None:
            raise LuaFunctionError(f"{function}: this server makes no requests to others")
        given_names = {name.lower() for name in headers}
        if self._settings.authorization and "authorization" not in given_names:
            headers["Authorization"] = self._settings.authorization
        if method in ("POST", "PUT") and "content-type" not in given_names:
            headers["Content-Type"] = _FORM
        try:
            status, answer = await self._http(method, url, headers, body, self._settings.seconds)
        except HornburgError as error:
            log.warning("%s, called by a script: %s", function, error)
            return None
        if status not in _OK:
            log.warning("%s, called by a script: status %d", function, status)
            # As in Orthanc: an answer that is an error is empty, and nil is no answer at all.
            return None if method == "DELETE" else b""
        return b"SUCCESS" if method == "DELETE" else answer

    async def _set_credentials(self, _: Turn, given: Arguments) -> None:
        user, password = given.body(0, "user"), given.body(1, "password")
        self._settings.authorization = ""
        if user or password:
            token = base64.b64encode(user + b":" + password).decode()
            self._settings.authorization = f"Basic {token}"

    async def _set_timeout(self, _: Turn, given: Arguments) -> None:
        self._settings.seconds = given.number(0, "seconds") or None

    # -- what is done when the callback has ended -------------------------------------------------

    async def _send_to_modality(self, turn: Turn, given: Arguments) -> Any:
        return self._later(turn, given, "name of a modality")

    async def _send_to_peer(self, turn: Turn, given: Arguments) -> Any:
        return self._later(turn, given, "name of a peer")

    async def _delete(self, turn: Turn, given: Arguments) -> Any:
        self._later(turn, given, "")

    def _later(self, turn: Turn, given: Arguments, what: str) -> str:
        if len(turn.operations) >= MOST_OF_A_CALL:
            raise LuaFunctionError(
                f"{given.function}: more than {MOST_OF_A_CALL} operations in one callback"
            )
        instance = given.text(0, "identifier of an instance")
        target = given.text(1, what) if what else ""
        turn.operations.append(Operation(given.function, instance, target))
        return instance

    # -- the rest ---------------------------------------------------------------------------------

    async def _configuration(self, _: Turn, given: Arguments) -> Any:
        return self._shown

    async def _missing(self, _: Turn, given: Arguments) -> Any:
        if given.function == "CallSystem":
            raise LuaFunctionError("CallSystem: scripts start no programs")
        raise LuaFunctionError(f"{given.function}: this version can't modify instances yet")


def _request(method: str, given: Arguments, what: str) -> tuple[str, bytes, int]:
    """Whom a request is for, its body, and the place of the argument after them."""
    target = given.text(0, what)
    if method in ("POST", "PUT"):
        return target, given.body(1, "body"), 2
    return target, b"", 1
