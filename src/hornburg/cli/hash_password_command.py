"""``hornburg hash-password``: what to write into the configuration instead of a password."""

from __future__ import annotations

import getpass
import json
import sys

from hornburg.errors import ParameterOutOfRangeError
from hornburg.security.passwords import hash_password

__all__ = ["hash_password_command"]

#: Characters; a header with name and password may have 8 KB.
_LONGEST = 1024


def hash_password_command(user: str = "name", /) -> None:
    """Ask for a password twice and print its argon2id hash for RegisteredUsers.

    When the standard input is no terminal, its first line is the password.

    Parameters
    ----------
    user
        The name in the line for the configuration.
    """
    hashed = hash_password(_password())
    entry = json.dumps({user: hashed}, ensure_ascii=False)
    print(hashed)
    print("For the configuration:", file=sys.stderr)
    print(f'"RegisteredUsers": {entry}', file=sys.stderr)


def _password() -> str:
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if password != getpass.getpass("Again: "):
            raise ParameterOutOfRangeError("The two passwords are not the same")
    else:
        password = sys.stdin.readline(_LONGEST + 2).rstrip("\r\n")
    if not 0 < len(password) <= _LONGEST:
        raise ParameterOutOfRangeError(f"A password has 1 to {_LONGEST} characters")
    return password
