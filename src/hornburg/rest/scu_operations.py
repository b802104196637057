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


def _one(kind: OpenAPIType, description: str) -> Schema:
    return Schema(type=kind, description=description)


def _text(description: str) -> Schema:
    return _one(OpenAPIType.STRING, description)


def _number(description: str) -> Schema:
    return _one(OpenAPIType.INTEGER, description)


def _switch(description: str) -> Schema:
    return _one(OpenAPIType.BOOLEAN, description)


def _object(description: str) -> Schema:
    return _one(OpenAPIType.OBJECT, description)


def _list(of: OpenAPIType, description: str) -> Schema:
    return Schema(type=OpenAPIType.ARRAY, items=Schema(type=of), description=description)


def _body(
    members: dict[str, Schema], *required: str, plain: str = "", optional: bool = False
) -> RequestBody:
    schema = Schema(type=OpenAPIType.OBJECT, properties=dict(members), required=list(required))
    content = {"application/json": OpenAPIMediaType(schema=schema)}
    if plain:
        content["text/plain"] = OpenAPIMediaType(schema=_text(plain))
    return RequestBody(content=content, required=not optional)


_TIMEOUT = {
    "Timeout": _number("Seconds to wait for the modality; 0 leaves it to the configuration")
}
_LOCAL = {
    "LocalAet": _text("Our title, unless DicomModalities gives one for the modality"),
    **_TIMEOUT,
}
_JOB = {
    "Synchronous": _switch("Wait for the end of the job (true)"),
    "Asynchronous": _switch("Answer at once where the job can be found"),
    "Priority": _number("Of the job, 0 when not given"),
    "Permissive": _switch("Go on when a part of the job fails"),
    "UserData": _object("Travels with the job"),
}
_FORMS = {
    "Full": _switch("Tags as gggg,eeee with their name, type and value"),
    "Short": _switch("Tags as gggg,eeee with their value"),
}
_QUERY = {"Query": _object("What is asked of each tag, by name or gggg,eeee")}
_MODALITY = {
    "AET": _text("Application entity title"),
    "Host": _text("Address or name"),
    "Port": _number("TCP port"),
    "Manufacturer": _text(
        "Generic, GenericNoWildcardInDates, GenericNoUniversalWildcard, Vitrea or GE"
    ),
    "LocalAet": _text("Our title when we call it"),
    "Timeout": _number("Seconds to wait for it; 0 is DicomScuTimeout"),
    "UseDicomTls": _switch("Call it over TLS"),
    "RetrieveMethod": _text("C-MOVE or C-GET"),
    **{
        f"Allow{what}": _switch(f"Whether it may ask us for {service}")
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
_CHECK_FIND = {"CheckFind": _switch("Also try a C-FIND (DicomEchoChecksFind)")}
_RESOURCES = _list(OpenAPIType.STRING, "Identifiers of resources of any level")
_QUERIES = _list(OpenAPIType.OBJECT, "The unique keys of each resource, without wildcards")


@dataclass
class ModalityOperation(Operation):
    """A modality."""

    def __post_init__(self) -> None:
        self.request_body = _body({**_MODALITY, **_CHECK_FIND}, "AET", "Host", "Port")


@dataclass
class EchoOperation(Operation):
    """C-ECHO."""

    def __post_init__(self) -> None:
        self.request_body = _body({**_CHECK_FIND, **_LOCAL}, optional=True)


@dataclass
class StoreOperation(Operation):
    """C-STORE of resources."""

    def __post_init__(self) -> None:
        members = {
            "Resources": _RESOURCES,
            **_JOB,
            **_LOCAL,
            "CalledAet": _text("The title to call, instead of the modality's"),
            "Host": _text("The address to call, instead of the modality's"),
            "Port": _number("The port to call, instead of the modality's"),
            "StorageCommitment": _switch("Ask for storage commitment afterwards"),
            "MoveOriginatorAet": _text("Title of the C-MOVE that this pretends to be part of"),
            "MoveOriginatorID": _number("Message number of that C-MOVE, 0 to 65535"),
        }
        self.request_body = _body(members, "Resources", plain="Identifier of one resource")


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
        schema = _object("What is asked of each tag, by name or gggg,eeee")
        self.request_body = RequestBody(
            content={"application/json": OpenAPIMediaType(schema=schema)}, required=True
        )


@dataclass
class FindWorklistOperation(Operation):
    """C-FIND of the worklist."""

    def __post_init__(self) -> None:
        self.request_body = _body({**_QUERY, **_FORMS, **_LOCAL})


@dataclass
class QueryOperation(Operation):
    """C-FIND whose answers are kept."""

    def __post_init__(self) -> None:
        members = {
            "Level": _text("Patient, Study, Series or Instance"),
            **_QUERY,
            "Normalize": _switch("Leave out tags that don't belong to the level (true)"),
            **_LOCAL,
        }
        self.request_body = _body(members, "Level")


@dataclass
class QueryBelowOperation(Operation):
    """C-FIND below an answer."""

    def __post_init__(self) -> None:
        self.request_body = _body({**_QUERY, **_TIMEOUT})


@dataclass
class RetrieveOperation(Operation):
    """Retrieval of answers."""

    def __post_init__(self) -> None:
        members = {
            "TargetAet": _text("Title of the one who gets the instances (DicomAet)"),
            "RetrieveMethod": _text("C-MOVE or C-GET, instead of what the configuration says"),
            "Simplify": _switch("Show tags by their names"),
            "Full": _FORMS["Full"],
            **_TIMEOUT,
            **_JOB,
        }
        self.request_body = _body(members, plain="Title of the target", optional=True)


@dataclass
class MoveOperation(Operation):
    """C-MOVE."""

    def __post_init__(self) -> None:
        members = {
            "Level": _text("Patient, Study, Series or Instance"),
            "Resources": _QUERIES,
            "TargetAet": _text("Title of the one who gets the instances (DicomAet)"),
            **_LOCAL,
            **_JOB,
        }
        self.request_body = _body(members, "Level", "Resources")


@dataclass
class GetOperation(Operation):
    """C-GET."""

    def __post_init__(self) -> None:
        members = {
            "Level": _text("Patient, Study, Series or Instance"),
            "Resources": _QUERIES,
            **_LOCAL,
            **_JOB,
        }
        self.request_body = _body(members, "Level", "Resources")


@dataclass
class StorageCommitmentOperation(Operation):
    """Storage commitment."""

    def __post_init__(self) -> None:
        members = {
            "Resources": _RESOURCES,
            "DicomInstances": _list(
                OpenAPIType.OBJECT, "Instances by their SOPClassUID and SOPInstanceUID"
            ),
            **_LOCAL,
        }
        self.request_body = _body(members)
