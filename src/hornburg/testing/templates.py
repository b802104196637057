"""The headers of the made-up instances: what a scanner writes, value by value.

`PLACEHOLDERS` are values that `hornburg.testing.datasets` looks up in the encoded bytes and
replaces; each stands for a whole value, and is found nowhere else.
"""

from __future__ import annotations

import random
from io import BytesIO
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

__all__ = ["PLACEHOLDERS", "ct_header", "encode", "mr_header", "pixels"]

_UID = "2.25.10000000000000000000000000000000000000"

PLACEHOLDERS = {
    "PatientName": "Placeholder^PatientName",
    "PatientID": "PlaceholderPatientID",
    "PatientBirthDate": "18010101",
    "PatientSex": "XX",
    "PatientAge": "999Y",
    "StudyInstanceUID": _UID + "1",
    "SeriesInstanceUID": _UID + "2",
    "SOPInstanceUID": _UID + "3",
    "FrameOfReferenceUID": _UID + "4",
    "StudyDate": "18020202",
    "StudyTime": "010203.040506",
    "StudyID": "PlaceStudyID",
    "AccessionNumber": "PlaceAccession",
    "ReferringPhysicianName": "Placeholder^Referring",
    "SeriesNumber": "-987001",
    "InstanceNumber": "-987002",
    "SliceLocation": "-9870.03",
    "ImagePositionPatient": "-987.4\\-987.5\\-987.6",
}

_PATIENT_AND_STUDY: list[tuple[str, Any]] = [
    ("SpecificCharacterSet", "ISO_IR 100"),
    *((name, PLACEHOLDERS[name]) for name in ("SOPInstanceUID", "StudyInstanceUID")),
    *((name, PLACEHOLDERS[name]) for name in ("SeriesInstanceUID", "FrameOfReferenceUID")),
    *((name, PLACEHOLDERS["StudyDate"]) for name in ("StudyDate", "SeriesDate")),
    *((name, PLACEHOLDERS["StudyDate"]) for name in ("AcquisitionDate", "ContentDate")),
    *((name, PLACEHOLDERS["StudyTime"]) for name in ("StudyTime", "SeriesTime")),
    *((name, PLACEHOLDERS["StudyTime"]) for name in ("AcquisitionTime", "ContentTime")),
    *((name, PLACEHOLDERS[name]) for name in ("AccessionNumber", "ReferringPhysicianName")),
    *((name, PLACEHOLDERS[name]) for name in ("PatientName", "PatientID", "PatientBirthDate")),
    *((name, PLACEHOLDERS[name]) for name in ("PatientSex", "PatientAge", "StudyID")),
    *((name, PLACEHOLDERS[name]) for name in ("SeriesNumber", "InstanceNumber")),
    *((name, PLACEHOLDERS[name]) for name in ("ImagePositionPatient", "SliceLocation")),
    ("ImageOrientationPatient", [1, 0, 0, 0, 1, 0]),
    ("PositionReferenceIndicator", ""),
    ("InstitutionName", "Hornburg University Hospital"),
    ("StationName", "SCANNER01"),
    ("PatientPosition", "HFS"),
]

_PIXEL: list[tuple[str, Any]] = [
    ("SamplesPerPixel", 1),
    ("PhotometricInterpretation", "MONOCHROME2"),
    ("BitsAllocated", 16),
    ("BitsStored", 12),
    ("HighBit", 11),
    ("PixelRepresentation", 0),
]

_MR: list[tuple[str, Any]] = [
    ("SOPClassUID", MRImageStorage),
    ("ImageType", ["ORIGINAL", "PRIMARY", "M", "ND", "NORM"]),
    ("Modality", "MR"),
    ("Manufacturer", "Hornburg Imaging"),
    ("StudyDescription", "MRI brain without contrast"),
    ("SeriesDescription", "t2_tse_tra_p2_384"),
    ("ManufacturerModelName", "HB Resonance 3T"),
    ("BodyPartExamined", "HEAD"),
    ("ScanningSequence", "SE"),
    ("SequenceVariant", ["SK", "SP", "OSP"]),
    ("ScanOptions", "SAT1"),
    ("MRAcquisitionType", "2D"),
    ("SequenceName", "*tse2d1_18"),
    ("SliceThickness", "4"),
    ("RepetitionTime", "6000"),
    ("EchoTime", "99"),
    ("MagneticFieldStrength", "3"),
    ("SpacingBetweenSlices", "4.8"),
    ("EchoTrainLength", "18"),
    ("FlipAngle", "150"),
    ("ProtocolName", "t2_tse_tra_p2_384"),
    ("PixelSpacing", [0.7, 0.7]),
    ("WindowCenter", "410"),
    ("WindowWidth", "902"),
]

_CT: list[tuple[str, Any]] = [
    ("SOPClassUID", CTImageStorage),
    ("ImageType", ["ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SPI"]),
    ("InstanceCreationDate", PLACEHOLDERS["StudyDate"]),
    ("InstanceCreationTime", PLACEHOLDERS["StudyTime"]),
    ("InstanceCreatorUID", "1.3.12.2.1107.5.99"),
    ("Modality", "CT"),
    ("Manufacturer", "Hornburg Imaging"),
    ("InstitutionAddress", "Am Schlossberg 1, 38315 Hornburg"),
    ("PhysiciansOfRecord", "Weber^Petra^^Dr."),
    ("PerformingPhysicianName", "Koch^Karl^^Dr."),
    ("OperatorsName", "Meier^Lena"),
    ("StudyDescription", "CT thorax/abdomen with contrast"),
    ("SeriesDescription", "Thorax 1.0 B70f"),
    ("InstitutionalDepartmentName", "Department of Radiology"),
    ("ManufacturerModelName", "HB Definition Flash"),
    ("AdmittingDiagnosesDescription", "Follow-up"),
    ("IrradiationEventUID", "2.25.329800735698586629295641978511506172918"),
    ("OtherPatientIDs", "OLD-0001"),
    ("PatientSize", "1.74"),
    ("PatientWeight", "78.5"),
    ("EthnicGroup", ""),
    ("PregnancyStatus", 4),
    ("AdditionalPatientHistory", "Cough for three weeks, weight loss, smoker until 2015."),
    ("PatientComments", ""),
    ("ContrastBolusAgent", "Iopromide 370"),
    ("BodyPartExamined", "CHEST"),
    ("ScanOptions", "HELICAL MODE"),
    ("SliceThickness", "1"),
    ("KVP", "120"),
    ("DataCollectionDiameter", "500"),
    ("DeviceSerialNumber", "73491"),
    ("SoftwareVersions", "VA48A_02_P12"),
    ("ProtocolName", "01_ThoraxAbdomen_KM"),
    ("ContrastBolusRoute", "IV"),
    ("ContrastBolusVolume", "90"),
    ("ContrastFlowRate", "3"),
    ("SpacingBetweenSlices", "0.7"),
    ("ReconstructionDiameter", "380"),
    ("DistanceSourceToDetector", "1085.6"),
    ("DistanceSourceToPatient", "595"),
    ("GantryDetectorTilt", "0"),
    ("TableHeight", "151"),
    ("RotationDirection", "CW"),
    ("ExposureTime", "285"),
    ("XRayTubeCurrent", "412"),
    ("Exposure", "147"),
    ("FilterType", "FLAT"),
    ("GeneratorPower", "49"),
    ("FocalSpots", "1.2"),
    ("DateOfLastCalibration", "20240102"),
    ("TimeOfLastCalibration", "062313.000000"),
    ("ConvolutionKernel", ["B70f", "3"]),
    ("SingleCollimationWidth", 0.6),
    ("TotalCollimationWidth", 38.4),
    ("TableSpeed", 46.0),
    ("TableFeedPerRotation", 23.0),
    ("SpiralPitchFactor", 0.6),
    ("ExposureModulationType", "XYZ_EC"),
    ("CTDIvol", 9.93),
    ("AcquisitionNumber", "2"),
    ("TemporalPositionIndex", 1),
    ("ImageComments", ""),
    ("PixelSpacing", [0.7421875, 0.7421875]),
    ("SmallestImagePixelValue", 0),
    ("LargestImagePixelValue", 4095),
    ("WindowCenter", [40, -500]),
    ("WindowWidth", [400, 1500]),
    ("RescaleIntercept", "-1024"),
    ("RescaleSlope", "1"),
    ("RescaleType", "HU"),
    ("WindowCenterWidthExplanation", ["WINDOW1", "WINDOW2"]),
    ("RequestingPhysician", "Bauer^Hans^^Dr."),
    ("RequestingService", "Pneumology"),
    ("RequestedProcedureDescription", "CT thorax/abdomen with contrast"),
    ("PerformedProcedureStepStartDate", PLACEHOLDERS["StudyDate"]),
    ("PerformedProcedureStepStartTime", PLACEHOLDERS["StudyTime"]),
    ("PerformedProcedureStepID", "PPS0001"),
    ("PerformedProcedureStepDescription", "CT thorax/abdomen with contrast"),
    ("RequestedProcedureID", "RP0001"),
]


def _noise(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - it shall be predictable


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    return _dataset(
        [("CodeValue", value), ("CodingSchemeDesignator", scheme), ("CodeMeaning", meaning)]
    )


def _dataset(values: list[tuple[str, Any]]) -> Dataset:
    result = Dataset()
    for keyword, value in values:
        setattr(result, keyword, value)
    return result


def _ct_sequences() -> list[tuple[str, Any]]:
    thorax = _code("RPID16", "RADLEX", "CT CHEST ABDOMEN IV CONTRAST")
    request = _dataset(
        [
            ("AccessionNumber", PLACEHOLDERS["AccessionNumber"]),
            ("RequestedProcedureDescription", "CT thorax/abdomen with contrast"),
            ("RequestedProcedureCodeSequence", Sequence([thorax])),
            ("ScheduledProcedureStepID", "SPS0001"),
            ("RequestedProcedureID", "RP0001"),
        ]
    )
    # Of undefined length, because the accession number in it is replaced by a shorter one.
    request.is_undefined_length_sequence_item = True
    localizer = _dataset(
        [
            ("ReferencedSOPClassUID", CTImageStorage),
            ("ReferencedSOPInstanceUID", "2.25.187306234651189716253312099617243340172"),
            ("PurposeOfReferenceCodeSequence", Sequence([_code("121311", "DCM", "Localizer")])),
        ]
    )
    return [
        ("ProcedureCodeSequence", Sequence([thorax])),
        ("ReferencedImageSequence", Sequence([localizer])),
        ("RequestAttributesSequence", Sequence([request])),
    ]


def _add_private(header: Dataset) -> None:
    """Private blocks of the kind CT vendors write: texts, numbers, one opaque table."""
    reconstruction = header.private_block(0x0019, "HORNBURG CT RECON 1.0", create=True)
    for offset, (vr, value) in enumerate(
        [("LO", "SAFIRE 3"), ("DS", "0.285"), ("IS", "1152"), ("FD", 23.04), ("SH", "I70f")]
    ):
        reconstruction.add_new(0x10 + offset, vr, value)
    table = header.private_block(0x0029, "HORNBURG CT HEADER 2", create=True)
    table.add_new(0x08, "CS", "IMAGE NUM 4")
    table.add_new(0x09, "LO", "20240102")
    table.add_new(0x10, "OB", _noise(29).randbytes(2048))


def mr_header() -> Dataset:
    """A lean MR image header of some 60 elements, without the image itself."""
    return _dataset([*_PATIENT_AND_STUDY, *_PIXEL, *_MR])


def ct_header() -> Dataset:
    """A CT image header as a scanner writes it, about 120 elements, without the image itself."""
    header = _dataset([*_PATIENT_AND_STUDY, *_PIXEL, *_CT, *_ct_sequences()])
    header["RequestAttributesSequence"].is_undefined_length = True
    _add_private(header)
    return header


def pixels(count: int) -> bytes:
    """`count` samples of 12 bits in 16, little endian; noise, the same every time."""
    noise = _noise(count)
    samples = bytearray(2 * count)
    samples[0::2] = noise.randbytes(count)
    samples[1::2] = noise.randbytes(count).translate(bytes(byte >> 6 for byte in range(256)))
    return bytes(samples)


def encode(header: Dataset) -> bytes:
    """The data set as a DICOM file (PS3.10), Explicit VR Little Endian."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = header.SOPClassUID
    meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID
    meta.ImplementationVersionName = "HB_MADE_UP"
    meta.SourceApplicationEntityTitle = "SCANNER01"
    header.file_meta = meta
    buffer = BytesIO()
    header.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
