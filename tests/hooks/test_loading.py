"""``Plugins``: what is loaded, and what stops the start."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import pytest

from hornburg.hooks.errors import PluginLoadError
from hornburg.hooks.loading import ENTRY_POINTS, load_plugins
from hornburg.hooks.port import Port, Switchboard
from hornburg.hooks.specs import Plugin

PLAIN = """
from hornburg.hooks.specs import Plugin
class Mine(Plugin):
    version = "1"
plugin = Mine()
"""

CREATED = """
import dataclasses
from hornburg.hooks.specs import Plugin
@dataclasses.dataclass
class Mine(Plugin):
    server: object
    __hash__ = object.__hash__
def create(server):
    return Mine(server)
"""


def port_of(name: str) -> Port:
    return Port(name, {}, {}, Switchboard())


def load(*paths: Path) -> dict[str, Plugin]:
    return {name: one.plugin for name, one in load_plugins(paths, port_of).items()}


def written(path: Path, text: str = PLAIN) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_a_file(tmp_path: Path) -> None:
    assert load(written(tmp_path / "mine.py"))["mine"].version == "1"


def test_a_file_is_given_the_server(tmp_path: Path) -> None:
    plugin = load(written(tmp_path / "mine.py", CREATED))["mine"]
    assert plugin.server.name == "mine"  # type: ignore[attr-defined]


def test_a_plug_in_has_the_name_that_it_says(tmp_path: Path) -> None:
    text = PLAIN.replace("version", 'name = "Other"; version')
    assert list(load(written(tmp_path / "mine.py", text))) == ["Other"]


def test_a_package(tmp_path: Path) -> None:
    written(tmp_path / "mine" / "__init__.py", "from .part import plugin\n")
    written(tmp_path / "mine" / "part.py")
    assert list(load(tmp_path / "mine")) == ["mine"]
    # A restart of the server reads it again.
    (tmp_path / "mine" / "part.py").write_text(PLAIN.replace('"1"', '"second"'))
    assert load(tmp_path / "mine")["mine"].version == "second"


def test_a_folder_of_both(tmp_path: Path) -> None:
    written(tmp_path / "b.py")
    written(tmp_path / "a" / "__init__.py")
    written(tmp_path / "readme.txt")
    assert list(load(tmp_path)) == ["a", "b"]


def test_plug_ins_of_orthanc(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    library = written(tmp_path / "libOrthancWebViewer.so")
    with pytest.raises(PluginLoadError, match=r"libOrthancWebViewer\.so is a plug-in of Orthanc"):
        load(library)
    # Debian's configuration names a folder of them.
    with caplog.at_level(logging.WARNING):
        assert load(tmp_path) == {}
    assert "no effect: libOrthancWebViewer.so" in caplog.text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x = = 1", r"SyntaxError.*\(line 1\)"),
        ("\n\n1 / 0", r"ZeroDivisionError: division by zero \(line 3\)"),
        ("import no_such_module_at_all", r"ModuleNotFoundError.*\(line 1\)"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def create(server):\n    raise KeyError('x')", r"KeyError: 'x' \(line 2\)"),
        ("def create(server):\n    return 3", "must be a hornburg.hooks.specs.Plugin"),
        ("x = 1", "must be a hornburg.hooks.specs.Plugin"),
        (PLAIN.replace("version", 'name = "a/b"; version'), "a name has 1 to 64"),
        (
            PLAIN.replace("version", "filter_htp = print; version"),
            "filter_htp is no hook.* filter_http,",
        ),
    ],
)
def test_what_fails_is_named_in_one_line(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(PluginLoadError, match=why) as error:
        load(written(tmp_path / "mine.py", text))
    assert "mine.py" in str(error.value)
    assert "\n" not in str(error.value)


def test_two_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(PluginLoadError, match="already"):
        load(written(tmp_path / "a" / "mine.py"), written(tmp_path / "b" / "mine.py"))


@pytest.mark.parametrize("name", ["nothing.py", "nothing", "loop"])
def test_what_is_not_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(PluginLoadError, match=name):
        load(tmp_path / name)


def test_a_folder_of_orthanc_that_is_not_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its packages name two, and nothing that could be loaded is ever in them."""
    folder = tmp_path / "usr" / "local" / "share" / "orthanc" / "plugins"
    caplog.set_level(logging.WARNING, "hornburg.plugins")
    assert load(folder) == {}
    assert f"{folder} is not there" in caplog.text
    folder.mkdir(parents=True)
    assert list(load(written(folder / "mine.py").parent)) == ["mine"]


def test_another_kind_of_file(tmp_path: Path) -> None:
    with pytest.raises(PluginLoadError, match=r"suffix \.py"):
        load(written(tmp_path / "mine.txt"))


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_not_run(tmp_path: Path, mode: int) -> None:
    ran = tmp_path / "ran"
    path = written(tmp_path / "mine.py", f"open({str(ran)!r}, 'w')\n{PLAIN}")
    path.chmod(mode)
    with pytest.raises(PluginLoadError, match=r"mine\.py can be written by others"):
        load(path)
    assert not ran.exists()


def test_a_folder_above_that_others_can_write(tmp_path: Path) -> None:
    path = written(tmp_path / "open" / "below" / "mine.py")
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(PluginLoadError, match="open can be written by others"):
        load(path)
    # As /tmp: everybody can make files, and change their own alone.
    (tmp_path / "open").chmod(0o1777)
    load(path)


def test_what_a_link_leads_to_counts(tmp_path: Path) -> None:
    path = written(tmp_path / "open" / "mine.py")
    path.chmod(0o666)
    (tmp_path / "link.py").symlink_to(path)
    with pytest.raises(PluginLoadError, match="can be written by others"):
        load(tmp_path / "link.py")


@pytest.mark.parametrize("part", ["part.py", "__pycache__", "data"])
def test_every_part_of_a_package_counts(tmp_path: Path, part: str) -> None:
    written(tmp_path / "mine" / "__init__.py")
    written(tmp_path / "mine" / "__pycache__" / "x.pyc")
    written(tmp_path / "mine" / "data" / "x")
    written(tmp_path / "mine" / "part.py")
    load(tmp_path / "mine")
    (tmp_path / "mine" / part).chmod(0o777)
    with pytest.raises(PluginLoadError, match=f"{part} can be written by others"):
        load(tmp_path / "mine")


def test_links_inside_of_a_package(tmp_path: Path) -> None:
    written(tmp_path / "mine" / "__init__.py")
    (tmp_path / "mine" / "part.py").symlink_to(written(tmp_path / "elsewhere.py"))
    with pytest.raises(PluginLoadError, match="symbolic link"):
        load(tmp_path / "mine")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_somebody_else(tmp_path: Path) -> None:
    path = written(tmp_path / "mine.py")
    os.chown(path, 12345, -1)
    with pytest.raises(PluginLoadError, match="belongs to user 12345"):
        load(path)


def test_what_the_interpreter_keeps_is_not_run(tmp_path: Path) -> None:
    """Code in __pycache__, made to look as if it were that of the file."""
    import py_compile

    path = written(tmp_path / "mine.py", PLAIN.replace('"1"', '"2"'))
    compiled = py_compile.compile(str(path))
    status = path.stat()
    path.write_text(PLAIN)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert compiled is not None
    assert load(path)["mine"].version == "1"


class TestEntryPoints:
    @pytest.fixture(autouse=True)
    def _installed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        written(tmp_path / "hornburg_test_distribution.py")
        written(
            tmp_path / "hornburg_test_distribution-1.dist-info" / "METADATA",
            "Metadata-Version: 2.1\nName: hornburg-test-distribution\nVersion: 1\n",
        )
        written(
            tmp_path / "hornburg_test_distribution-1.dist-info" / "entry_points.txt",
            f"[{ENTRY_POINTS}]\nshipped = hornburg_test_distribution\n",
        )
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "hornburg_test_distribution", raising=False)

    def test_one_that_is_named(self) -> None:
        assert list(load(Path("/etc/hornburg/entry-point:shipped"))) == ["shipped"]

    def test_one_that_is_not_named_stays_out(self, tmp_path: Path) -> None:
        assert list(load(written(tmp_path / "other" / "mine.py"))) == ["mine"]

    def test_one_that_is_not_installed(self) -> None:
        with pytest.raises(PluginLoadError, match="no such entry point; there are: shipped"):
            load(Path("entry-point:missing"))

    def test_one_that_others_can_write(self, tmp_path: Path) -> None:
        (tmp_path / "hornburg_test_distribution.py").chmod(0o666)
        with pytest.raises(PluginLoadError, match="can be written by others"):
            load(Path("entry-point:shipped"))
