"""The command line as a user sees it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hornburg import __version__, cli
from hornburg.cli import main
from hornburg.settings import SettingsError, load


def test_config_prints_what_the_loader_takes(capsys, tmp_path):
    assert main(["config"]) == 0
    (tmp_path / "c.json").write_text(capsys.readouterr().out)
    assert load([tmp_path / "c.json"], {}).notes == ()


def test_config_markdown(capsys):
    assert main(["config", "--markdown"]) == 0
    assert "| `HttpPort` | `8042` |" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--version"], ["-V"]])
def test_version(capsys, arguments):
    assert main(arguments) == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_help_names_the_commands(capsys, arguments):
    assert main(arguments) == 0
    out = capsys.readouterr().out
    for name, _ in cli.COMMANDS:
        assert name in out


@pytest.mark.parametrize("arguments", [["nonsense"], ["config", "--nonsense"], ["config", "x"]])
def test_wrong_arguments_are_one_line(capsys, arguments):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("hornburg: error: ")
    assert captured.err.count("\n") == 1


def test_an_error_of_ours_is_one_line_and_status_2(capsys, monkeypatch):
    def fail() -> None:
        raise SettingsError("x.json line 3", "allowed is 1", option="HttpPort", value="2")

    monkeypatch.setattr(cli, "app", lambda *_, **__: fail())
    assert main([]) == 2
    assert capsys.readouterr().err == (
        "hornburg: error: x.json line 3: HttpPort is 2: allowed is 1\n"
    )


def test_the_installed_command_gives_the_status():
    code = "import sys; from hornburg.cli import main; sys.exit(main(['nonsense']))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
