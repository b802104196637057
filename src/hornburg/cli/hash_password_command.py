"""``hornburg hash-password``: what to write into the configuration instead of a password."""

from __future__ import annotations

import getpass
import json
import sys

from hornburg.errors import ParameterOutOfRangeError
from hornburg.security.passwords import SHORT, hash_password
from hornburg.settings.errors import Refused
from hornburg.settings.sections import read_users

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
    try:
        read_users({user: "a password"})
    except Refused as no:
        raise ParameterOutOfRangeError(f"Allowed is {no.allowed}") from None
    password = _password()
    hashed = hash_password(password)
    entry = json.dumps({user: hashed}, ensure_ascii=False)
    print(hashed)
    if len(password) < SHORT:
        # Nobody can see it in the hash any more.
        print(f"This password has less than {SHORT} characters.", file=sys.stderr)
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
