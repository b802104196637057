"""The rows themselves: complete, equal to Orthanc's table, and the only place."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from hornburg.settings import (
    OPTIONS,
    Settings,
    load,
    missing_features,
    render_configuration,
    render_table,
)
from hornburg.settings.environment import plain
from hornburg.settings.plugins import PLUGIN_SECTIONS

HERE = Path(__file__).parent
ORTHANC = json.loads((HERE / "orthanc_defaults.json").read_text())
#: What Orthanc doesn't have.
OWN = (
    "AccessRules",
    "AllowedHosts",
    "AllowedPeerHosts",
    "AuditTrail",
    "CorsAllowedOrigins",
    "DicomBindAddresses",
    "DicomMaximumAssociations",
    "DicomMaximumAssociationsPerAddress",
    "ExportDirectories",
    "HardenedExceptions",
    "HttpMaximumConnectionsPerAddress",
    "LuaMemoryLimit",
    "LuaTimeLimit",
    "OpenIdConnect",
    "PluginOptions",
    "PluginTimeLimit",
    "Roles",
    "RunAsUser",
    "SecurityProfile",
    "SessionIdleTimeout",
    "SessionLifetime",
    "SslCertificateUsers",
    "SslPrivateKey",
    "TrustedProxies",
)
MANUAL = HERE.parents[1] / "docs" / "configuration.md"


def test_rows_are_those_of_orthanc_and_the_few_of_our_own():
    theirs = {name: option.default for name, option in OPTIONS.items() if not option.row.ours}
    # The sections of plug-ins are no options of Orthanc itself.
    assert theirs == {**ORTHANC, "Worklists": None}
    ours = {name for name, option in OPTIONS.items() if option.row.ours}
    assert ours == set(OWN)


@pytest.mark.parametrize("option", OPTIONS.values(), ids=lambda option: option.name)
def test_a_row_is_complete(option):
    assert plain(option.attribute) == plain(option.name)
    assert option.row.doc.endswith(".")
    assert option.row.doc.count(". ") == 0
    assert option.allowed
    if option.kind == "integer":
        assert option.row.least is not None
        assert option.row.most is not None
    # The default is a value that the reader takes, and reads back to itself.
    assert option.read(option.default) == getattr(Settings(), option.attribute)


def test_every_field_is_an_option_or_comes_from_loading():
    fields = {field.name for field in dataclasses.fields(Settings)}
    options = {option.attribute for option in OPTIONS.values()}
    assert fields - options == {"origins", "notes", "ignored", "unknown", "files"}


def test_names_differ_without_underscores_too():
    names = [plain(name) for name in (*OPTIONS, *PLUGIN_SECTIONS)]
    assert len(set(names)) == len(names)


def test_printed_configuration_is_accepted_and_yields_the_defaults(tmp_path):
    (tmp_path / "printed.json").write_text(render_configuration())
    (tmp_path / "empty.json").write_text("{}")
    printed = load([tmp_path / "printed.json"], {})
    empty = load([tmp_path / "empty.json"], {})
    for option in OPTIONS.values():
        assert getattr(printed, option.attribute) == getattr(empty, option.attribute), option.name
        assert f'"{option.name}": ' in render_configuration()
    assert printed.not_supported() == ()
    assert printed.notes == ()


def test_manual_holds_the_table():
    text = MANUAL.read_text()
    assert render_table().strip() in text, "run: hornburg config --markdown"


def test_missing_features_are_named_unless_switched_off():
    assert "web interface (OrthancExplorerEnabled)" in missing_features()
    without = missing_features(Settings(orthanc_explorer_enabled=False))
    assert "web interface (OrthancExplorerEnabled)" not in without
    for option in OPTIONS.values():
        if option.row.feature:
            assert option.default is True


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().http_port = 1
    with pytest.raises(TypeError):
        Settings().warnings["W001_TagsBeingReadFromStorage"] = False
