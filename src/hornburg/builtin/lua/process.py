"""The process of the scripts, seen from the server."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from dataclasses import dataclass

import msgspec

from hornburg.builtin.lua.errors import LuaEndedError, LuaFunctionError
from hornburg.builtin.lua.messages import HEAD, FromLua, ToLua, decode_from_lua, frame

__all__ = ["LuaLimits", "LuaProcess"]

#: The scripts get nothing of the server's environment but what Python needs to find them.
_KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TZ", "VIRTUAL_ENV")


#: Seconds until a process has to be there: on a busy machine Python takes its time.
_PATIENCE = 30

#: Messages up to this size are left to the transport.
_SMALL = 64 << 10


@dataclass(frozen=True, slots=True)
class LuaLimits:
    """``memory`` in bytes; ``seconds`` that a callback may compute."""

    memory: int
    seconds: int


class LuaProcess:
    """One process, made by :meth:`start`; once it is gone, another one is made."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        limits: LuaLimits,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._limits = limits
        self._late = False
        self.alive = True

    @classmethod
    async def start(cls, limits: LuaLimits) -> LuaProcess:
        """Start one, and wait until it is there.

        Raises:
            LuaEndedError: the system gives no process, or it doesn't come up.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with theirs:
                process = await asyncio.to_thread(_spawn, theirs.fileno(), limits)
            reader, writer = await asyncio.open_unix_connection(sock=ours)
        except OSError as error:
            ours.close()
            raise LuaEndedError(f"Lua can't be started: {error.strerror}") from None
        made = cls(process, reader, writer, limits)
        try:
            await made.receive(_PATIENCE)
        except BaseException:
            await made.close()
            raise
        return made

    async def send(self, message: ToLua) -> None:
        """Say something to it.

        Raises:
            LuaFunctionError: the message is longer than it may be.
            LuaEndedError: it is gone.
        """
        raw = frame(message)
        if len(raw) > self._limits.memory:
            raise LuaFunctionError(f"{len(raw)} bytes are more than LuaMemoryLimit allows")
        try:
            self._writer.write(raw)
            if len(raw) > _SMALL:
                async with asyncio.timeout(self._limits.seconds):
                    await self._writer.drain()
        except TimeoutError:
            self._late = True
            raise self._gone() from None
        except OSError:
            raise self._gone() from None

    async def receive(self, seconds: float) -> FromLua:
        """What it says next, within some seconds; it is ended otherwise.

        Raises:
            LuaEndedError: it is gone, or has been ended.
        """
        watch = asyncio.get_running_loop().call_later(max(seconds, 0), self._expire)
        try:
            (size,) = HEAD.unpack(await self._reader.readexactly(HEAD.size))
            if size > self._limits.memory:
                raise ValueError("too long")
            message: FromLua = decode_from_lua(await self._reader.readexactly(size))
            return message
        except (OSError, asyncio.IncompleteReadError):
            raise self._gone() from None
        except (ValueError, msgspec.MsgspecError):
            # A script has more hold of the interpreter than it should have.
            self.kill()
            raise LuaEndedError("the process of the scripts talks nonsense") from None
        finally:
            watch.cancel()

    def kill(self) -> None:
        """End it at once."""
        self.alive = False
        if self._process.poll() is None:
            self._process.kill()

    async def close(self) -> None:
        """End it, and let go of what belongs to it."""
        self.kill()
        self._writer.close()
        await asyncio.to_thread(self._process.wait)

    def _expire(self) -> None:
        self._late = True
        self.kill()

    def _gone(self) -> LuaEndedError:
        self.kill()
        if self._late:
            return LuaEndedError(
                f"it ran longer than LuaTimeLimit ({self._limits.seconds} s) and was ended; "
                "what the scripts kept in variables is lost"
            )
        return LuaEndedError(
            "the process of the scripts broke; what they kept in variables is lost"
        )


def _spawn(number: int, limits: LuaLimits) -> subprocess.Popen[bytes]:
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return subprocess.Popen(
        (
            sys.executable,
            "-P",
            "-m",
            "hornburg.builtin.lua.worker",
            str(number),
            str(limits.memory),
            str(limits.seconds),
        ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(number,),
        env=environment,
        cwd="/",
        start_new_session=True,
    )
