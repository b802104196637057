"""The command line: ``hornburg <command>``.

Each command is a function in a module of its own; :data:`COMMANDS` registers it. What a user may
have caused (any :class:`HornburgError`) is told in one line on standard error, exit status 2.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import cyclopts

from hornburg import __version__
from hornburg.cli.audit_command import audit
from hornburg.cli.config_command import config
from hornburg.cli.hash_password_command import hash_password_command
from hornburg.cli.import_command import import_
from hornburg.cli.serve_command import serve
from hornburg.cli.token_command import token
from hornburg.cli.trail_command import trail
from hornburg.errors import HornburgError

__all__ = ["COMMANDS", "app", "main"]

COMMANDS: tuple[tuple[str, Callable[..., object]], ...] = (
    ("serve", serve),
    ("import", import_),
    ("config", config),
    ("audit", audit),
    ("hash-password", hash_password_command),
    ("token", token),
    ("trail", trail),
)
"""Every command: its name and the function that runs it and may return an exit status."""

app = cyclopts.App(
    name="hornburg",
    help="A DICOM server for medical imaging, a drop-in for Orthanc.",
    version=__version__,
    version_flags=["--version", "-V"],
)
for _name, _command in COMMANDS:
    app.command(_command, name=_name)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status of the process."""
    try:
        result = app(
            list(sys.argv[1:] if argv is None else argv),
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
    except (HornburgError, cyclopts.CycloptsError) as error:
        line = " ".join(str(error).split())
        print(f"hornburg: error: {line}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `hornburg config | head`: the reader has seen enough
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        return 130
    return result if isinstance(result, int) else 0
