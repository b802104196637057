"""Who of the users of the system runs a command."""

from __future__ import annotations

import os
import pwd

__all__ = ["system_user"]


def system_user() -> str:
    """The name, or the number of who has none."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
