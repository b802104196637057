"""Statuses, their categories and their sentences."""

from __future__ import annotations

import pydicom.uid
import pynetdicom.status
import pytest
from pynetdicom import sop_class

from hornburg.dimse import status, uids
from hornburg.dimse.commands import CommandField
from hornburg.dimse.status import Category, Service, category, sentence, service_of

TABLES = {
    Service.STORAGE: pynetdicom.status.STORAGE_SERVICE_CLASS_STATUS,
    Service.FIND: pynetdicom.status.MODALITY_WORKLIST_SERVICE_CLASS_STATUS,
    Service.MOVE: pynetdicom.status.QR_MOVE_SERVICE_CLASS_STATUS,
    Service.GET: pynetdicom.status.QR_GET_SERVICE_CLASS_STATUS,
    Service.NORMALIZED: pynetdicom.status.GENERAL_STATUS,
    Service.VERIFICATION: pynetdicom.status.VERIFICATION_SERVICE_CLASS_STATUS,
}


@pytest.mark.parametrize("service", Service)
def test_categories_are_those_of_a_peer(service: Service) -> None:
    for code, (name, _) in TABLES[service].items():
        assert category(code).value == name, f"0x{code:04X}"


@pytest.mark.parametrize("service", Service)
def test_every_status_of_a_service_has_a_sentence(service: Service) -> None:
    for code in TABLES[service]:
        text = sentence(service, code)
        assert text.startswith(f"0x{code:04X}: ")
        assert text[8:] not in {each.value for each in Category} - {"Success", "Pending"}, text


def test_numbers_of_general_statuses_are_those_of_a_peer() -> None:
    def plain(text: str) -> str:
        words = text.rsplit(": ", 1)[-1].lower().replace("-", "").replace(" ", "")
        return words.replace("ised", "ized").replace("duplication", "duplicate")

    for code, (_, text) in pynetdicom.status.GENERAL_STATUS.items():
        if text:
            ours = plain(sentence(Service.NORMALIZED, code))
            assert ours.removesuffix("type") == plain(text).removesuffix("type")
    for name in status.__all__:
        code = getattr(status, name)
        if isinstance(code, int) and code < 0xA000 and code in pynetdicom.status.GENERAL_STATUS:
            assert plain(name.replace("_", " ")) in (
                plain(sentence(Service.NORMALIZED, code)),
                "cancel",
            )


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (0x0000, Category.SUCCESS),
        (0xFF00, Category.PENDING),
        (0xFF01, Category.PENDING),
        (0xFE00, Category.CANCEL),
        (0x0001, Category.WARNING),
        (0x0107, Category.WARNING),
        (0x0116, Category.WARNING),
        (0xBFFF, Category.WARNING),
        (0xA700, Category.FAILURE),
        (0xCFFF, Category.FAILURE),
        (0x0211, Category.FAILURE),
        (0x5555, Category.FAILURE),
        (0xFF02, Category.FAILURE),
    ],
)
def test_categories(code: int, expected: Category) -> None:
    assert category(code) is expected


@pytest.mark.parametrize(
    ("service", "code", "expected"),
    [
        (Service.STORAGE, 0xA7FF, "0xA7FF: Out of resources"),
        (Service.STORAGE, 0xC123, "0xC123: Cannot understand"),
        (Service.STORAGE, 0xB000, "0xB000: Coercion of data elements"),
        (Service.MOVE, 0xA801, "0xA801: Move destination unknown"),
        (Service.MOVE, 0xB000, "0xB000: Sub-operations complete, one or more failures or warnings"),
        (Service.GET, 0xC123, "0xC123: Unable to process"),
        (Service.MOVE, 0xA700, "0xA700: Out of resources"),
        (Service.MOVE, 0xA9FF, "0xA9FF: Failure"),
        (Service.FIND, 0x0124, "0x0124: Not authorized"),
        (Service.VERIFICATION, 0xC123, "0xC123: Failure"),
        (Service.NORMALIZED, 0x4444, "0x4444: Failure"),
    ],
)
def test_sentences(service: Service, code: int, expected: str) -> None:
    assert sentence(service, code) == expected


def test_services() -> None:
    assert service_of(CommandField.C_MOVE_RQ) is Service.MOVE
    assert service_of(CommandField.C_STORE_RSP) is Service.STORAGE
    assert service_of(CommandField.N_ACTION_RSP) is Service.NORMALIZED
    assert service_of(0x7777) is Service.NORMALIZED


def test_uids_have_the_names_of_the_standard() -> None:
    names = {
        uids.VERIFICATION: "Verification",
        uids.PATIENT_ROOT_FIND: "PatientRootQueryRetrieveInformationModelFind",
        uids.PATIENT_ROOT_MOVE: "PatientRootQueryRetrieveInformationModelMove",
        uids.PATIENT_ROOT_GET: "PatientRootQueryRetrieveInformationModelGet",
        uids.STUDY_ROOT_FIND: "StudyRootQueryRetrieveInformationModelFind",
        uids.STUDY_ROOT_MOVE: "StudyRootQueryRetrieveInformationModelMove",
        uids.STUDY_ROOT_GET: "StudyRootQueryRetrieveInformationModelGet",
        uids.PATIENT_STUDY_ONLY_FIND: "PatientStudyOnlyQueryRetrieveInformationModelFind",
        uids.PATIENT_STUDY_ONLY_MOVE: "PatientStudyOnlyQueryRetrieveInformationModelMove",
        uids.PATIENT_STUDY_ONLY_GET: "PatientStudyOnlyQueryRetrieveInformationModelGet",
        uids.MODALITY_WORKLIST_FIND: "ModalityWorklistInformationFind",
        uids.STORAGE_COMMITMENT_PUSH: "StorageCommitmentPushModel",
    }
    for uid, name in names.items():
        assert getattr(sop_class, name) == uid
    instance = pydicom.uid.UID(uids.STORAGE_COMMITMENT_PUSH_INSTANCE)
    assert instance.name == "Storage Commitment Push Model SOP Instance"
    assert uids.FIND | uids.MOVE | uids.GET == (
        uids.PATIENT_ROOT | uids.STUDY_ROOT | uids.PATIENT_STUDY_ONLY
    )
    assert len(uids.FIND | uids.MOVE | uids.GET) == 9
