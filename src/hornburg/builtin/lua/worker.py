"""The process in which scripts run: ``python -m hornburg.builtin.lua.worker FD MEMORY SECONDS``.

It has one socket to the server and nothing else of it. The server ends it when a script takes too
long; the allocator of Lua refuses what is beyond the memory limit, and the limits of
:mod:`hornburg.builtin.lua.confine` stand behind both.
"""

from __future__ import annotations

import os
import socket
import sys
from importlib import resources
from typing import Any, NoReturn

from lupa.lua53 import LuaError, LuaRuntime, lua_type  # type: ignore[import-untyped]

from hornburg.builtin.lua.callbacks import CALLBACKS
from hornburg.builtin.lua.confine import confine, confine_call
from hornburg.builtin.lua.messages import (
    HEAD,
    Ask,
    Call,
    Done,
    Failed,
    FromLua,
    Load,
    Reply,
    Run,
    Say,
    ToLua,
    decode_to_lua,
    frame,
)
from hornburg.builtin.lua.values import (
    ValueTooDeepError,
    dump_json,
    from_lua,
    parse_json,
    to_lua,
)

__all__ = ["ASKED", "main"]

ASKED = (
    "RestApiGet",
    "RestApiPost",
    "RestApiPut",
    "RestApiDelete",
    "HttpGet",
    "HttpPost",
    "HttpPut",
    "HttpDelete",
    "SendToModality",
    "SendToPeer",
    "Delete",
    "ModifyInstance",
    "ModifyResource",
    "CallSystem",
    "GetOrthancConfiguration",
)
"""Functions that the server answers, beside those for settings of HTTP requests."""

_HERE = ("ParseJson", "DumpJson", "LogInfo", "LogWarning", "LogError")
_SAID = {"print": "print", "LogInfo": "info", "LogWarning": "warning", "LogError": "error"}

#: Callbacks within callbacks.
_DEEPEST = 8

#: A printed line is cut here, as is the reason of an error.
_LONGEST_LINE = 64 << 10
_LONGEST_REASON = 4 << 10


class _Worker:
    def __init__(self, channel: socket.socket, memory: int, seconds: int) -> None:
        self._channel = channel
        self._seconds = seconds
        self._memory = memory
        self._depth = 0
        self._lua = LuaRuntime(
            # Strings are bytes: what is no UTF-8 passes too.
            encoding=None,
            unpack_returned_tuples=True,
            register_eval=False,
            register_builtins=False,
            attribute_filter=_deny,
            max_memory=memory,
        )
        source = resources.files("hornburg.builtin.lua").joinpath("sandbox.lua").read_bytes()
        names = [name.encode() for name in (*ASKED, *_HERE)]
        entry = self._lua.execute(source, self._host, self._table(dict(enumerate(names, 1))))
        self._call, self._run, self._defined, self._tidy = entry
        self._wanted = self._table({place: name.encode() for place, name in enumerate(CALLBACKS)})

    def serve(self) -> NoReturn:
        """Say that it is there, and answer."""
        self._send(Done(None, []))
        while True:
            message = self._receive()
            if isinstance(message, Reply):
                raise ValueError("a reply to no question")
            self._take(message)

    def _take(self, message: Load | Run | Call) -> None:
        confine_call(self._seconds)
        self._depth += 1
        try:
            well, *values = self._do(message)
            answer = from_lua(values[0] if values else None, lua_type) if well else None
            reason = None if well else _reason(values)
        except LuaError as error:
            # Of the memory limit, mostly: there was none left to say so in Lua.
            well, reason = False, str(error) or "not enough memory"
        except ValueTooDeepError as error:
            well, reason = False, str(error)
        finally:
            self._depth -= 1
        if reason is not None and "not enough memory" in reason:
            reason = f"it needs more than LuaMemoryLimit ({self._memory >> 20} MB): {reason}"
            self._tidy()
        names = [name.decode() for name in self._defined(self._wanted).values()]
        if well:
            self._send(Done(answer, names))
        else:
            self._send(Failed((reason or "unknown")[:_LONGEST_REASON], names))

    def _do(self, message: Load | Run | Call) -> tuple[Any, ...]:
        if self._depth > _DEEPEST:
            return (False, b"callbacks are nested too deeply")
        if isinstance(message, Call):
            arguments = [to_lua(value, self._table) for value in message.arguments]
            result = self._call(message.function.encode(), *arguments)
        elif isinstance(message, Load):
            result = self._run(message.source, f"@{message.name}".encode())
        else:
            # Orthanc's name for what it is sent.
            result = self._run(message.source, b"line")
        return result if isinstance(result, tuple) else (result,)

    def _host(self, name: bytes, *arguments: Any) -> tuple[bool, Any]:
        """The one way from Lua to the server. Whatever is raised here would become a value of
        Lua, so nothing is."""
        try:
            return self._answer(name.decode(), arguments)
        except (ValueTooDeepError, TypeError, ValueError, RecursionError) as error:
            return False, f"{name.decode('ascii', 'replace')}: {error}".encode()
        except LuaError:
            return False, b"not enough memory"
        except BaseException:  # noqa: BLE001 - nobody knows what state this is
            os._exit(1)

    def _answer(self, name: str, arguments: tuple[Any, ...]) -> tuple[bool, Any]:
        if name in _SAID:
            self._send(Say(_SAID[name], _text(arguments)[:_LONGEST_LINE]))
            return True, None
        if name == "ParseJson":
            value = arguments[0] if arguments else None
            parsed = parse_json(value) if isinstance(value, bytes) else None
            return True, to_lua(parsed, self._table)
        values = [from_lua(value, lua_type) for value in arguments]
        if name == "DumpJson":
            keep = len(values) > 1 and values[1] is True
            return True, dump_json(values[0] if values else None, keep_strings=keep)
        self._send(Ask(name, values))
        while not isinstance(message := self._receive(), Reply):
            self._take(message)
        if message.error is not None:
            return False, message.error.encode("utf-8", "replace")
        return True, to_lua(message.value, self._table)

    def _table(self, values: Any) -> Any:
        return self._lua.table_from(values)

    def _send(self, message: FromLua) -> None:
        self._channel.sendall(frame(message))

    def _receive(self) -> ToLua:
        (size,) = HEAD.unpack(self._read(HEAD.size))
        message: ToLua = decode_to_lua(self._read(size))
        return message

    def _read(self, size: int) -> bytes:
        pieces = bytearray()
        while len(pieces) < size:
            piece = self._channel.recv(min(size - len(pieces), 1 << 20))
            if not piece:
                # The server has closed its end.
                os._exit(0)
            pieces += piece
        return bytes(pieces)


def _deny(*_: object) -> NoReturn:
    raise AttributeError("nothing of Python is shown to Lua")


def _text(arguments: tuple[Any, ...]) -> str:
    value = arguments[0] if arguments else b""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _reason(values: list[Any]) -> str:
    value = values[0] if values else None
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else "unknown"


def main() -> None:
    """Serve until the server closes the socket."""
    number, memory, seconds = map(int, sys.argv[1:4])
    channel = socket.socket(fileno=number)
    worker = _Worker(channel, memory, seconds)
    confine(memory)
    worker.serve()


if __name__ == "__main__":
    main()
