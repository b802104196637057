"""``hornburg token``: API tokens made, listed and revoked, whether the server runs or not."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Annotated

import cyclopts
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hornburg.cli.system_user import system_user
from hornburg.errors import HornburgError, ParameterOutOfRangeError
from hornburg.security.deeds import DEEDS_FILE, Deed, Deeds
from hornburg.security.policy import Policy
from hornburg.security.private_file import PrivateFile
from hornburg.security.tokens import LONGEST_LIFE, TOKENS_FILE, Tokens
from hornburg.settings import Settings, load
from hornburg.settings.rules import BUILT_IN_ROLES

__all__ = ["token"]

_DAY = 86_400
_MOST_DAYS = LONGEST_LIFE // _DAY

#: Columns where there is no terminal, so that nothing is folded for whom reads a file.
_WIDE = 200

token = cyclopts.App(name="token", help="API tokens: made, listed and revoked.")

AsJson = Annotated[bool, cyclopts.Parameter(name="--json", negative="")]


@token.command
def create(
    *configuration: Path,
    user: str,
    name: str = "",
    days: int = 90,
    permission: tuple[str, ...] = (),
    role: str = "",
) -> None:
    """Make a token and print it; nobody can see it again.

    Parameters
    ----------
    configuration
        Files and folders with the configuration, as 'hornburg serve' takes them.
    user
        One of RegisteredUsers, whom the token stands for.
    name
        What it is for.
    days
        How long it is good.
    permission
        A permission that the token is limited to, once for each.
    role
        A role that it is limited to instead.
    """
    settings = load(configuration, os.environ)
    if user not in (settings.registered_users or {}):
        raise ParameterOutOfRangeError(f"{user[:64]!a} is none of RegisteredUsers")
    if not 1 <= days <= _MOST_DAYS:
        raise ParameterOutOfRangeError(
            f"--days is {days}: allowed is an integer from 1 to {_MOST_DAYS}"
        )
    words: list[str] | None = list(permission) or None
    if role:
        found = Policy(settings).role(role)
        if words:
            raise ParameterOutOfRangeError("Allowed is either --role or --permission, not both")
        if found is None:
            known = ", ".join((*BUILT_IN_ROLES, *settings.roles))
            raise ParameterOutOfRangeError(f"There is no role {role[:64]!a}; allowed are {known}")
        words = [one.value for one in found]
    identifier, text = _tokens(settings).create(
        user, name=name, life=days * _DAY, permissions=words
    )
    _leave_word(settings, "create", identifier)
    print(text)
    print(f"Its ID is {identifier}; send it as 'Authorization: Bearer ...'", file=sys.stderr)


@token.command(name="list")
def list_(*configuration: Path, as_json: AsJson = False) -> None:
    """List the tokens, the oldest first.

    Parameters
    ----------
    configuration
        Files and folders with the configuration, as 'hornburg serve' takes them.
    as_json
        Print them for programs.
    """
    found = _tokens(load(configuration, os.environ)).all()
    if as_json:
        print(json.dumps(found, indent=2))
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("ID", "User", "Name", "Expires", "LastUse", "Permissions"):
        # What is copied or compared must not be cut.
        table.add_column(title, no_wrap=title in ("ID", "Expires", "LastUse"))
    for one in found:
        limits = one["Permissions"]
        words = ", ".join(limits) if isinstance(limits, list) else "all of the user's"
        expires, used = (str(one[when] or "never")[:16] for when in ("Expires", "LastUse"))
        cells = [one["ID"], one["User"], one["Name"], expires, used]
        table.add_row(*(Text(str(cell)) for cell in (*cells, words)))
    console = Console(highlight=False)
    console.print(table, width=None if console.is_terminal else _WIDE)


@token.command
def revoke(identifier: str, /, *configuration: Path) -> None:
    """Make a token worthless at once.

    Parameters
    ----------
    identifier
        Its ID, as 'hornburg token list' shows it.
    configuration
        Files and folders with the configuration, as 'hornburg serve' takes them.
    """
    settings = load(configuration, os.environ)
    _tokens(settings).revoke(identifier)
    _leave_word(settings, "revoke", identifier)


def _leave_word(settings: Settings, command: str, identifier: str) -> None:
    """For the audit trail, which the server writes."""
    if not settings.trail.enabled:
        return
    what = f"/account/tokens/{identifier}"
    deed = Deed(time.time(), "account", what, system_user(), f"hornburg token {command}")
    Deeds(PrivateFile(settings.index_folder / DEEDS_FILE)).leave(deed)


def _tokens(settings: Settings) -> Tokens:
    folder = settings.index_folder
    if not folder.is_dir():
        raise HornburgError(f"{folder} is not there yet: start the server once (IndexDirectory)")
    users = settings.registered_users or {}
    return Tokens(PrivateFile(folder / TOKENS_FILE), clock=time.time, is_user=users.__contains__)
