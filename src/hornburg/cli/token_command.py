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
from hornburg.security.tokens import TOKENS_FILE, Tokens
from hornburg.settings import Settings, load

__all__ = ["token"]

_DAY = 86_400

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
    words: list[str] | None = list(permission) or None
    if role:
        found = Policy(settings).role(role)
        if found is None or words:
            raise ParameterOutOfRangeError(
                f"There is no role {role[:64]!a}" if found is None else "--role or --permission"
            )
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
        table.add_column(title)
    for one in found:
        limits = one["Permissions"]
        words = ", ".join(limits) if isinstance(limits, list) else "all of the user's"
        cells = [one["ID"], one["User"], one["Name"], one["Expires"], one["LastUse"] or "never"]
        table.add_row(*(Text(str(cell)) for cell in (*cells, words)))
    Console(highlight=False).print(table)


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
