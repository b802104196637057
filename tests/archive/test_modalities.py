"""The registry of modalities: from the configuration, or durable in the index."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.archive.making import holding

from hornburg.archive.modalities import Modalities, modality_of_json, modality_to_json
from hornburg.errors import (
    BadFileFormatError,
    DatabaseError,
    ForbiddenError,
    InexistentItemError,
    ParameterOutOfRangeError,
)
from hornburg.settings import Modality, SecurityProfile, SettingsError
from hornburg.settings.values import Manufacturer, RetrieveMethod

ONE = Modality(aet="ONE", host="192.0.2.1", port=104)
TWO = Modality(aet="TWO", host="pacs.example", port=11112, allow_find=False, timeout=5)

# What Orthanc 1.10.1 answers for ["A", "127.0.0.1", 104].
SHORT = {
    "AET": "A",
    "AllowEcho": True,
    "AllowEventReport": True,
    "AllowFind": True,
    "AllowFindWorklist": True,
    "AllowGet": True,
    "AllowMove": True,
    "AllowNAction": True,
    "AllowStore": True,
    "AllowTranscoding": True,
    "Host": "127.0.0.1",
    "LocalAet": "",
    "Manufacturer": "Generic",
    "Port": 104,
    "Timeout": 0,
    "UseDicomTls": False,
}


async def opened(archive):
    modalities = Modalities(archive.settings, archive.index)
    await modalities.open()
    return modalities


async def test_those_of_the_configuration_change_until_the_server_stops(tmp_path):
    async with holding(tmp_path, [], dicom_modalities={"b": TWO, "a": ONE}) as archive:
        modalities = await opened(archive)
        assert list(modalities.all()) == ["a", "b"]
        before = modalities.all()
        assert modalities.all() is before
        await modalities.put("c", ONE)
        await modalities.remove("b")
        assert list(modalities.all()) == ["a", "c"]
        assert list(before) == ["a", "b"]
        assert modalities.get("c") == ONE
        assert list((await opened(archive)).all()) == ["a", "b"]


async def test_those_of_the_index_are_durable_and_the_configuration_is_not_asked(tmp_path):
    options = {"dicom_modalities": {"x": ONE}, "dicom_modalities_in_database": True}
    async with holding(tmp_path, [], **options) as archive:
        modalities = await opened(archive)
        assert dict(modalities.all()) == {}
        await asyncio.gather(modalities.put("a", ONE), modalities.put("b", TWO))
        await modalities.put("a", TWO)
    async with holding(tmp_path, [], **options) as archive:
        modalities = await opened(archive)
        assert dict(modalities.all()) == {"a": TWO, "b": TWO}
        await modalities.remove("a")
    async with holding(tmp_path, [], **options) as archive:
        assert dict((await opened(archive)).all()) == {"b": TWO}


@pytest.mark.parametrize("in_index", [False, True])
async def test_what_is_not_there(tmp_path, in_index):
    async with holding(tmp_path, [], dicom_modalities_in_database=in_index) as archive:
        modalities = await opened(archive)
        with pytest.raises(InexistentItemError, match="No modality with symbolic name: none"):
            modalities.get("none")
        with pytest.raises(InexistentItemError, match="none"):
            await modalities.remove("none")


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a.b", "ä", "a\n", "x" * 65])
async def test_names(tmp_path, name):
    async with holding(tmp_path, []) as archive:
        modalities = await opened(archive)
        with pytest.raises(BadFileFormatError, match="letters, digits, - and _"):
            await modalities.put(name, ONE)
        assert dict(modalities.all()) == {}


@pytest.mark.parametrize("in_index", [False, True])
async def test_a_host_name_is_refused_while_addresses_are_checked(tmp_path, in_index):
    options = {"dicom_check_modality_host": True, "dicom_modalities_in_database": in_index}
    async with holding(tmp_path, [], **options) as archive:
        modalities = await opened(archive)
        with pytest.raises(ParameterOutOfRangeError, match="DicomCheckModalityHost"):
            await modalities.put("b", TWO)
        await modalities.put("a", ONE)
        assert dict(modalities.all()) == {"a": ONE}


async def test_a_host_name_in_the_index_stops_the_start_while_addresses_are_checked(tmp_path):
    async with holding(tmp_path, [], dicom_modalities_in_database=True) as archive:
        await (await opened(archive)).put("b", TWO)
    options = {"dicom_modalities_in_database": True, "dicom_check_modality_host": True}
    async with holding(tmp_path, [], **options) as archive:
        with pytest.raises(SettingsError, match=r"DicomModalities\.b\.Host") as caught:
            await Modalities(archive.settings, archive.index).open()
        assert caught.value.option == "DicomModalities.b.Host"


async def test_a_read_only_index_keeps_what_it_has(tmp_path):
    options = {"dicom_modalities_in_database": True, "read_only": True}
    async with holding(tmp_path, [], **options) as archive:
        modalities = await opened(archive)
        with pytest.raises(ForbiddenError):
            await modalities.put("a", ONE)
        with pytest.raises(ForbiddenError):
            await modalities.remove("a")


async def test_what_the_index_keeps_and_nobody_understands(tmp_path):
    async with holding(tmp_path, [], dicom_modalities_in_database=True) as archive:
        for text in ("{", "[]", '{"a": {"AET": "X"}}'):
            await archive.index.write(lambda writer, t=text: writer.set_property("modalities", t))
            with pytest.raises(DatabaseError, match="can't be read"):
                await Modalities(archive.settings, archive.index).open()


async def test_a_change_holds_when_its_caller_is_gone(tmp_path):
    async with holding(tmp_path, [], dicom_modalities_in_database=True) as archive:
        modalities = await opened(archive)
        task = asyncio.ensure_future(modalities.put("a", ONE))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await modalities.put("b", TWO)
        assert dict(modalities.all()) == {"a": ONE, "b": TWO}


# ---- the forms ----


def test_answers_are_those_of_orthanc():
    modality = modality_of_json(["A", "127.0.0.1", 104])
    assert modality_to_json(modality) == SHORT
    assert list(modality_to_json(modality)) == sorted(SHORT)


@pytest.mark.parametrize(
    ("form", "attributes"),
    [
        (["A", "h", "104", "Vitrea"], {"port": 104, "manufacturer": Manufacturer.VITREA}),
        ({"AllowNAction": False}, {"allow_n_action": False}),
        (
            {"AllowStorageCommitment": False},
            {"allow_n_action": False, "allow_n_event_report": False},
        ),
        ({"LocalAet": "ME", "Timeout": 7}, {"local_aet": "ME", "timeout": 7}),
        ({"RetrieveMethod": "C-GET"}, {"retrieve_method": RetrieveMethod.C_GET}),
        ({"RetrieveMethod": "SystemDefault"}, {"retrieve_method": None}),
        ({"UseDicomTls": True}, {"use_dicom_tls": True}),
        (SHORT, {"aet": "A", "port": 104}),
    ],
)
def test_forms_that_are_taken_and_come_back(form, attributes):
    if isinstance(form, dict):
        form = {"AET": "A", "Host": "h", "Port": 104, **form}
    modality = modality_of_json(form)
    for name, value in attributes.items():
        assert getattr(modality, name) == value
    assert modality_of_json(json.loads(json.dumps(modality_to_json(modality)))) == modality


@pytest.mark.parametrize(
    ("form", "error", "text"),
    [
        (["A", "h"], BadFileFormatError, "AET, host, port"),
        (["A", "h", 104, "GE", 1], BadFileFormatError, "AET, host, port"),
        (["A", "h", 104, "nope"], ParameterOutOfRangeError, "Vitrea"),
        (["A", "h", 70000], ParameterOutOfRangeError, "65535"),
        (["A", "h", None], BadFileFormatError, "65535"),
        ({"AET": "A"}, BadFileFormatError, "Host"),
        ({"AET": "A", "Host": "h", "Port": 0}, ParameterOutOfRangeError, "65535"),
        ({"AET": "", "Host": "h", "Port": 1}, BadFileFormatError, "16"),
        ({"AET": "A" * 17, "Host": "h", "Port": 1}, BadFileFormatError, "16"),
        (
            {"AET": "A", "Host": "h", "Port": 1, "AllowEcho": "no"},
            BadFileFormatError,
            "true or false",
        ),
        # A misspelt "AllowFind": false would leave open what was meant to be closed.
        ({"AET": "A", "Host": "h", "Port": 1, "AllowFnd": False}, BadFileFormatError, "AllowFnd"),
        ("x", BadFileFormatError, "object"),
        (None, BadFileFormatError, "object"),
        ({}, BadFileFormatError, "AET"),
    ],
)
def test_forms_that_are_refused(form, error, text):
    with pytest.raises(error, match=text) as caught:
        modality_of_json(form)
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)


async def test_under_the_profile_hardened_they_may_do_what_is_said_of_them(tmp_path):
    form = {"AET": "CT", "Host": "192.0.2.1", "Port": 104, "AllowFind": True}
    for profile in SecurityProfile:
        folder = tmp_path / profile.name
        async with holding(folder, [], security_profile=profile) as archive:
            modalities = await opened(archive)
            await modalities.put("ct", modality_of_json(form))
            ct = modalities.get("ct")
            assert ct.allow_echo
            assert ct.allow_find
            assert ct.allow_store is (profile is SecurityProfile.DEFAULT)
