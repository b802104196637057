"""Arguments and bodies in the OpenAPI description, for handlers that read them by themselves.

Routes of resources are asked thousands of times a second, mostly without any argument; to let the
framework prepare a dozen of them for each request would take longer than the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from litestar.openapi.spec import (
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    Parameter,
    RequestBody,
    Schema,
)

__all__ = [
    "BulkContentOperation",
    "BulkDeleteOperation",
    "CountOperation",
    "FindOperation",
    "ListOperation",
    "ViewOperation",
]

_TEXT = Schema(type=OpenAPIType.STRING)
_NUMBER = Schema(type=OpenAPIType.INTEGER, minimum=0)


def _argument(name: str, description: str, schema: Schema = _TEXT) -> Parameter:
    return Parameter(
        name=name, param_in="query", description=description, required=False, schema=schema
    )


_VIEW = [
    _argument("full", "Tags as gggg,eeee with their name, type and value"),
    _argument("short", "Tags as gggg,eeee with their value"),
    _argument(
        "requested-tags", "More tags to show, names or gggg,eeee joined by ';'; may open files"
    ),
    _argument(
        "response-content",
        "What to show, joined by ';': MainDicomTags, Metadata, Children, Parent, Labels, Status, "
        "IsStable, IsProtected, Attachments",
    ),
    _argument("expand", "Whether to show whole resources where only identifiers could be"),
]
_LIST = [
    *_VIEW,
    _argument("since", "Leave out so many", _NUMBER),
    _argument("limit", "Answer at most so many", _NUMBER),
]


@dataclass
class ViewOperation(Operation):
    """Routes that show resources."""

    def __post_init__(self) -> None:
        self.parameters = [*(self.parameters or ()), *_VIEW]


@dataclass
class ListOperation(Operation):
    """Routes that list resources page by page."""

    def __post_init__(self) -> None:
        self.parameters = [*(self.parameters or ()), *_LIST]


def _body(*required: str, **members: Schema) -> RequestBody:
    schema = Schema(type=OpenAPIType.OBJECT, properties=dict(members), required=list(required))
    return RequestBody(content={"application/json": OpenAPIMediaType(schema=schema)}, required=True)


def _said(description: str, schema: Schema = _TEXT) -> Schema:
    return replace(schema, description=description)


_BOOLEAN = Schema(type=OpenAPIType.BOOLEAN)
_TEXTS = Schema(type=OpenAPIType.ARRAY, items=_TEXT)
_MAPPING = Schema(type=OpenAPIType.OBJECT, additional_properties=_TEXT)
_FORMS = {
    "Full": _said("Tags as gggg,eeee with their name, type and value", _BOOLEAN),
    "Short": _said("Tags as gggg,eeee with their value", _BOOLEAN),
}
_COUNT = {
    "Level": _said("Patient, Study, Series or Instance"),
    "Query": _said("What is asked of each tag, by name or gggg,eeee", _MAPPING),
    "CaseSensitive": _said("Whether case and accents count", _BOOLEAN),
    "Labels": _said("Labels of the resources", _TEXTS),
    "LabelsConstraint": _said("All, Any or None of the labels"),
    "MetadataQuery": _said("Values of metadata, by name; may hold wildcards", _MAPPING),
    "ParentPatient": _said("Only what is below this patient"),
    "ParentStudy": _said("Only what is below this study"),
    "ParentSeries": _said("Only what is below this series"),
    **_FORMS,
}
_ORDER = Schema(
    type=OpenAPIType.OBJECT,
    properties={
        "Type": _said("DicomTag or Metadata"),
        "Key": _said("Name of the tag or metadata"),
        "Direction": _said("ASC or DESC"),
    },
    required=["Type", "Key"],
)
_FIND = {
    **_COUNT,
    "Expand": _said("Answer whole resources, not only identifiers", _BOOLEAN),
    "Since": _said("Leave out so many", _NUMBER),
    "Limit": _said("Answer at most so many; 0 is no limit", _NUMBER),
    "OrderBy": Schema(type=OpenAPIType.ARRAY, items=_ORDER, description="Sort keys"),
    "RequestedTags": _said("More tags to show; may open files", _TEXTS),
    "ResponseContent": _said("What to show of whole resources", _TEXTS),
}
_RESOURCES = _said("Identifiers of resources of any level", _TEXTS)


@dataclass
class FindOperation(Operation):
    """``/tools/find``."""

    def __post_init__(self) -> None:
        self.request_body = _body("Level", "Query", **_FIND)


@dataclass
class CountOperation(Operation):
    """``/tools/count-resources``."""

    def __post_init__(self) -> None:
        self.request_body = _body("Level", "Query", **_COUNT)


@dataclass
class BulkContentOperation(Operation):
    """``/tools/bulk-content``."""

    def __post_init__(self) -> None:
        self.request_body = _body(
            "Resources",
            Resources=_RESOURCES,
            Level=_said("The level that is shown instead of their own"),
            Metadata=_said("Whether to show metadata (true)", _BOOLEAN),
            **_FORMS,
        )


@dataclass
class BulkDeleteOperation(Operation):
    """``/tools/bulk-delete``."""

    def __post_init__(self) -> None:
        self.request_body = _body("Resources", Resources=_RESOURCES)
