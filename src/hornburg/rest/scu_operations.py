"""Bodies of routes that talk to other application entities, for the OpenAPI description."""

from __future__ import annotations

from dataclasses import dataclass

from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
)

from hornburg.rest.body_schemas import (
    JOB,
    RESOURCES,
    body,
    list_of,
    number,
    object_,
    switch,
    text,
)

__all__ = [
    "EchoOperation",
    "FindWorklistOperation",
    "GetOperation",
    "ModalityOperation",
    "MoveOperation",
    "QueryBelowOperation",
    "QueryOperation",
    "RetrieveOperation",
    "StorageCommitmentOperation",
    "StoreOperation",
    "StoreStraightOperation",
    "TagsOperation",
]


_TIMEOUT = {"Timeout": number("Seconds to wait for the modality; 0 leaves it to the configuration")}
_LOCAL = {
    "LocalAet": text("Our title, unless DicomModalities gives one for the modality"),
    **_TIMEOUT,
}
_FORMS = {
    "Full": switch("Tags as gggg,eeee with their name, type and value"),
    "Short": switch("Tags as gggg,eeee with their value"),
}
_QUERY = {"Query": object_("What is asked of each tag, by name or gggg,eeee")}
_MODALITY = {
    "AET": text("Application entity title"),
    "Host": text("Address or name"),
    "Port": number("TCP port"),
    "Manufacturer": text(
        "Generic, GenericNoWildcardInDates, GenericNoUniversalWildcard, Vitrea or GE"
    ),
    "LocalAet": text("Our title when we call it"),
    "Timeout": number("Seconds to wait for it; 0 is DicomScuTimeout"),
    "UseDicomTls": switch("Call it over TLS"),
    "RetrieveMethod": text("C-MOVE or C-GET"),
    **{
        f"Allow{what}": switch(f"Whether it may ask us for {service}")
        for what, service in (
            ("Echo", "C-ECHO"),
            ("Find", "C-FIND"),
            ("FindWorklist", "C-FIND of the worklist"),
            ("Get", "C-GET"),
            ("Move", "C-MOVE"),
            ("Store", "C-STORE"),
            ("StorageCommitment", "storage commitment"),
            ("Transcoding", "other transfer syntaxes"),
        )
    },
}
_CHECK_FIND = {"CheckFind": switch("Also try a C-FIND (DicomEchoChecksFind)")}
_QUERIES = list_of(OpenAPIType.OBJECT, "The unique keys of each resource, without wildcards")


@dataclass
class ModalityOperation(Operation):
    """A modality."""

    def __post_init__(self) -> None:
        self.request_body = body({**_MODALITY, **_CHECK_FIND}, "AET", "Host", "Port")


@dataclass
class EchoOperation(Operation):
    """C-ECHO."""

    def __post_init__(self) -> None:
        self.request_body = body({**_CHECK_FIND, **_LOCAL}, optional=True)


@dataclass
class StoreOperation(Operation):
    """C-STORE of resources."""

    def __post_init__(self) -> None:
        members = {
            "Resources": RESOURCES,
            **JOB,
            **_LOCAL,
            "CalledAet": text("The title to call, instead of the modality's"),
            "Host": text("The address to call, instead of the modality's"),
            "Port": number("The port to call, instead of the modality's"),
            "StorageCommitment": switch("Ask for storage commitment afterwards"),
            "MoveOriginatorAet": text("Title of the C-MOVE that this pretends to be part of"),
            "MoveOriginatorID": number("Message number of that C-MOVE, 0 to 65535"),
        }
        self.request_body = body(members, "Resources", plain="Identifier of one resource")


@dataclass
class StoreStraightOperation(Operation):
    """C-STORE of the body."""

    def __post_init__(self) -> None:
        schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        media = OpenAPIMediaType(schema=schema)
        self.request_body = RequestBody(
            content={"application/octet-stream": media, "application/dicom": media}, required=True
        )


@dataclass
class TagsOperation(Operation):
    """A query as the body itself."""

    def __post_init__(self) -> None:
        schema = object_("What is asked of each tag, by name or gggg,eeee")
        self.request_body = RequestBody(
            content={"application/json": OpenAPIMediaType(schema=schema)}, required=True
        )


@dataclass
class FindWorklistOperation(Operation):
    """C-FIND of the worklist."""

    def __post_init__(self) -> None:
        self.request_body = body({**_QUERY, **_FORMS, **_LOCAL})


@dataclass
class QueryOperation(Operation):
    """C-FIND whose answers are kept."""

    def __post_init__(self) -> None:
        members = {
            "Level": text("Patient, Study, Series or Instance"),
            **_QUERY,
            "Normalize": switch("Leave out tags that don't belong to the level (true)"),
            **_LOCAL,
        }
        self.request_body = body(members, "Level")


@dataclass
class QueryBelowOperation(Operation):
    """C-FIND below an answer."""

    def __post_init__(self) -> None:
        self.request_body = body({**_QUERY, **_TIMEOUT})


@dataclass
class RetrieveOperation(Operation):
    """Retrieval of answers."""

    def __post_init__(self) -> None:
        members = {
            "TargetAet": text("Title of the one who gets the instances (DicomAet)"),
            "RetrieveMethod": text("C-MOVE or C-GET, instead of what the configuration says"),
            "Simplify": switch("Show tags by their names"),
            "Full": _FORMS["Full"],
            **_TIMEOUT,
            **JOB,
        }
        self.request_body = body(members, plain="Title of the target", optional=True)


@dataclass
class MoveOperation(Operation):
    """C-MOVE."""

    def __post_init__(self) -> None:
        members = {
            "Level": text("Patient, Study, Series or Instance"),
            "Resources": _QUERIES,
            "TargetAet": text("Title of the one who gets the instances (DicomAet)"),
            **_LOCAL,
            **JOB,
        }
        self.request_body = body(members, "Level", "Resources")


@dataclass
class GetOperation(Operation):
    """C-GET."""

    def __post_init__(self) -> None:
        members = {
            "Level": text("Patient, Study, Series or Instance"),
            "Resources": _QUERIES,
            **_LOCAL,
            **JOB,
        }
        self.request_body = body(members, "Level", "Resources")


@dataclass
class StorageCommitmentOperation(Operation):
    """Storage commitment."""

    def __post_init__(self) -> None:
        members = {
            "Resources": RESOURCES,
            "DicomInstances": list_of(
                OpenAPIType.OBJECT, "Instances by their SOPClassUID and SOPInstanceUID"
            ),
            **_LOCAL,
        }
        self.request_body = body(members)
