"""The commands that make hashes and tokens."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from hornburg.cli import main
from hornburg.security.passwords import verify
from hornburg.settings import load


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def typed(monkeypatch: pytest.MonkeyPatch, *passwords: str) -> None:
    answers = iter(passwords)
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda _: next(answers))


def test_a_password_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path
) -> None:
    typed(monkeypatch, "wonder land", "wonder land")
    assert main(["hash-password", "alice"]) == 0
    captured = capsys.readouterr()
    hashed = captured.out.strip()
    assert verify(hashed, "wonder land")
    assert "wonder" not in captured.out + captured.err
    line = captured.err.splitlines()[-1]
    (tmp_path / "c.json").write_text("{" + line + "}")
    settings = load([tmp_path / "c.json"], {})
    assert settings.registered_users is not None
    assert settings.registered_users["alice"].reveal() == hashed


def test_a_slip_of_the_finger(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    typed(monkeypatch, "wonder", "wander")
    assert main(["hash-password"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "wonder" not in captured.err


@pytest.mark.parametrize(("text", "status"), [("a b \n", 0), ("", 2), ("\n", 2), ("x" * 2000, 2)])
def test_a_password_from_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, text: str, status: int
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert main(["hash-password"]) == status
    if not status:
        captured = capsys.readouterr()
        assert verify(captured.out.strip(), "a b ")
        assert "less than 15 characters" in captured.err


@pytest.mark.parametrize("user", ["", "a:b", "a\nb"])
def test_a_name_that_nobody_can_have(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, user: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a password that is long"))
    assert main(["hash-password", user]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "without a colon" in captured.err


@pytest.fixture
def configuration(tmp_path: Path) -> str:
    (tmp_path / "OrthancStorage").mkdir()
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"RegisteredUsers": {"alice": "x"}}))
    return str(path)


def test_tokens(configuration: str, capsys: Any) -> None:
    arguments = ["--user", "alice", "--name", "nightly", "--days", "1"]
    assert main(["token", "create", configuration, *arguments, "--permission", "view"]) == 0
    text = capsys.readouterr().out.strip()
    identifier = text.split("_")[1]
    assert main(["token", "list", configuration, "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["ID"], listed["User"], listed["Permissions"]) == (identifier, "alice", ["view"])
    assert main(["token", "list", configuration]) == 0
    shown = capsys.readouterr().out
    assert identifier in shown
    assert text.rpartition("_")[2] not in shown
    assert main(["token", "revoke", identifier, configuration]) == 0
    assert main(["token", "revoke", identifier, configuration]) == 2
    capsys.readouterr()
    assert main(["token", "create", configuration, "--user", "alice", "--role", "reader"]) == 0
    main(["token", "list", configuration, "--json"])
    assert '"download"' in capsys.readouterr().out


def test_a_list_of_tokens_cuts_nothing(configuration: str, capsys: Any) -> None:
    arguments = ["--user", "alice", "--name", "nightly export", "--role", "admin"]
    assert main(["token", "create", configuration, *arguments]) == 0
    main(["token", "list", configuration, "--json"])
    (listed,) = json.loads(capsys.readouterr().out.partition("\n")[2])
    assert main(["token", "list", configuration]) == 0
    row = capsys.readouterr().out.splitlines()[1]
    assert listed["Expires"][:16] in row
    assert "\u2026" not in row


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--user", "mallory"], "'mallory' is none of RegisteredUsers"),
        (["--user", "alice", "--days", "0"], "--days is 0: allowed is an integer from 1 to 3650"),
        (["--user", "alice", "--permission", "nonsense"], "allowed are view, "),
        (["--user", "alice", "--role", "nonsense"], "allowed are reader, "),
        (["--user", "alice", "--role", "reader", "--permission", "view"], "not both"),
        ([], "--user"),
    ],
)
def test_no_tokens(configuration: str, capsys: Any, arguments: list[str], said: str) -> None:
    assert main(["token", "create", configuration, *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert said in captured.err


def test_before_the_first_start(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"RegisteredUsers": {"alice": "x"}}))
    assert main(["token", "create", str(path), "--user", "alice"]) == 2
    assert "IndexDirectory" in capsys.readouterr().err
