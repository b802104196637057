"""``/tools/find``, ``count-resources``, ``lookup`` and the bulk routes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.archive.making import dicom
from tests.rest.anything import examples
from tests.rest.conftest import Serve, Served

FILES = (
    dicom(1, PatientName="Müller^Jürgen", StudyDate="20200101", Modality="CT", Rows=512),
    dicom(2, PatientName="Meier^Anna", StudyDate="20200615", Modality="MR", Rows=256),
    dicom(3, PatientName="Miller^Bob", StudyDate="20211231", Modality="CT", AccessionNumber="A3"),
)


@pytest.fixture
async def studies(served: Served) -> list[str]:
    return [stored["ParentStudy"] for stored in await served.upload(*FILES)]


async def post(served: Served, path: str, body: Any, status: int = 200) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = await served.client.post(path, content=content)
    assert response.status_code == status, response.text
    return response.json() if response.content else None


async def find(served: Served, status: int = 200, **body: Any) -> Any:
    return await post(served, "/tools/find", {"Level": "Study", "Query": {}, **body}, status)


async def test_identifiers_and_resources(served: Served, studies: list[str]) -> None:
    assert await find(served) == studies
    assert await find(served, Query={"PatientName": "muller*"}) == studies[:1]
    single = (await served.client.get(f"/studies/{studies[0]}")).json()
    query = {"PatientName": "muller*"}
    assert await find(served, Query=query, Expand=True) == [single]
    assert await find(served, Query=query, Expand=1) == [single]
    full = (await served.client.get(f"/studies/{studies[0]}?full")).json()
    assert await find(served, Query=query, Expand=True, Full=True) == [full]
    short = (await served.client.get(f"/studies/{studies[0]}?short")).json()
    assert await find(served, Query=query, Expand=True, Full=True, Short=True) == [short]


async def test_words_for_levels(served: Served, studies: list[str]) -> None:
    for kind, words in (
        ("Patient", ("patient", "Patients")),
        ("Study", ("STUDY", "studies")),
        ("Series", ("Series",)),
        ("Instance", ("instance", "Instances", "Image")),
    ):
        for word in words:
            answers = await find(served, Level=word, Expand=True)
            assert [answer["Type"] for answer in answers] == [kind] * len(studies)


async def test_pages_and_order(served: Served, studies: list[str]) -> None:
    newest_first = [{"Type": "DicomTag", "Key": "StudyDate", "Direction": "DESC"}]
    assert await find(served, OrderBy=newest_first) == studies[::-1]
    by_name = [{"Type": "dicomtag", "Key": "0010,0010", "Direction": "asc"}]
    assert await find(served, OrderBy=by_name) == [studies[1], studies[2], studies[0]]
    by_metadata = [{"Type": "Metadata", "Key": "LastUpdate"}, *newest_first]
    assert sorted(await find(served, OrderBy=by_metadata)) == sorted(studies)
    assert await find(served, Limit=2) == studies[:2]
    assert await find(served, Limit=1, Since=1) == studies[1:2]
    assert await find(served, Since=2) == studies[2:]
    assert await find(served, Since=99, Limit=10**30) == []
    assert await find(served, Limit=0) == studies


async def test_labels(served: Served, studies: list[str]) -> None:
    for study, labels in zip(studies, (("a",), ("a", "b"), ()), strict=True):
        for label in labels:
            assert (await served.client.put(f"/studies/{study}/labels/{label}")).is_success
    assert await find(served, Labels=["a"]) == studies[:2]
    assert await find(served, Labels=["a", "b"]) == studies[1:2]
    assert await find(served, Labels=["a", "b"], LabelsConstraint="Any") == studies[:2]
    assert await find(served, Labels=["b"], LabelsConstraint="None") == [studies[0], studies[2]]
    assert await find(served, LabelsConstraint="None") == studies[2:]
    (answer,) = await find(served, Labels=["b"], Expand=True)
    assert answer["Labels"] == ["a", "b"]


async def test_metadata_and_parents(served: Served, studies: list[str]) -> None:
    answers = await find(served, Level="Instance", MetadataQuery={"Origin": "Rest*"})
    assert len(answers) == 3
    assert await find(served, Level="Instance", MetadataQuery={"Origin": "Lua"}) == []
    (series,) = await find(served, Level="Series", ParentStudy=studies[1])
    (instance,) = await find(served, Level="Instance", ParentSeries=series)
    patient = (await served.client.get(f"/studies/{studies[1]}")).json()["ParentPatient"]
    assert await find(served, ParentPatient=patient) == studies[1:2]
    assert await find(served, Level="Instance", ParentPatient=patient) == [instance]
    assert await find(served, Level="Instance", ParentPatient="nope") == []


async def test_requested_tags_and_contents(served: Served, studies: list[str]) -> None:
    answers = await find(served, Expand=True, RequestedTags=["Rows", "ModalitiesInStudy"])
    assert [answer["RequestedTags"] for answer in answers] == [
        {"Rows": "512", "ModalitiesInStudy": "CT"},
        {"Rows": "256", "ModalitiesInStudy": "MR"},
        {"ModalitiesInStudy": "CT"},
    ]
    (first, *_) = await find(served, ResponseContent=["Children", "Metadata"])
    assert set(first) == {"ID", "Type", "Series", "Metadata"}
    assert set((await find(served, ResponseContent=[]))[0]) == {"ID", "Type"}
    # Naming the content is asking for it, whatever Expand says.
    assert isinstance((await find(served, ResponseContent=["Labels"], Expand=False))[0], dict)


async def test_counts(served: Served, studies: list[str]) -> None:
    async def count(**body: Any) -> Any:
        return await post(served, "/tools/count-resources", {"Level": "Study", **body})

    assert await count(Query={}) == {"Count": 3}
    assert await count(Query={"ModalitiesInStudy": "CT"}) == {"Count": 2}
    assert await count(Query={"Rows": "256"}) == {"Count": 1}
    await post(served, "/tools/count-resources", {"Level": "Study"}, 400)


async def test_limits_hold_on_every_road(serve: Serve) -> None:
    served = await serve(LimitFindResults=2)
    await served.upload(*FILES)
    in_files = {"SpecificCharacterSet": "ISO*"}
    for more in ({}, {"Since": 0}, {"Limit": 0}, {"Limit": 99}, {"Query": in_files}):
        for expand in (False, True):
            body = {"Level": "Study", "Query": {}, "Expand": expand, **more}
            response = await served.client.post("/tools/find", json=body)
            assert len(response.json()) == 2
            assert "LimitFindResults" in response.headers["warning"]
    body = {"Level": "Study", "Query": {}, "Limit": 2}
    response = await served.client.post("/tools/find", json=body)
    assert "warning" not in response.headers
    assert await post(served, "/tools/count-resources", body) == {"Count": 3}


BAD_BODIES: tuple[tuple[Any, int, str], ...] = (
    ([], 8, "The body must contain a JSON object"),
    ("a", 8, "The body must contain a JSON object"),
    (b"nojson", 8, "The body must contain a JSON object; "),
    (b"", 8, "The body must contain a JSON object; "),
    ({"Query": {}}, 8, 'Field "Level" is missing, or should be a string'),
    ({"Level": 1, "Query": {}}, 8, 'Field "Level" is missing, or should be a string'),
    ({"Level": "nope", "Query": {}}, 3, "Level: 'nope'"),
    ({"Level": "Study"}, 8, 'Field "Query" is missing, or should be a JSON object'),
    ({"Query": []}, 8, 'Field "Query" is missing, or should be a JSON object'),
    ({"Query": {"PatientID": 5}}, 8, 'Tag "PatientID" should be associated with a string'),
    ({"Query": {"PatientID": None}}, 8, 'Tag "PatientID" should be associated with a string'),
    ({"Query": {"Nope": ""}}, 27, "'Nope' is no DICOM tag"),
    ({"Query": {"StudyDate": "2020*"}}, 3, "Wildcards are not allowed on tag 0008,0020"),
    ({"Query": {"StudyDate": "2020-01-01"}}, 3, "StudyDate"),
    ({"Query": {"Rows": "1"}, "Since": 1}, 8, "Since"),
    ({"Limit": -1}, 3, 'Field "Limit" should be a positive integer'),
    ({"Limit": "2"}, 8, 'Field "Limit" should be an integer'),
    ({"Since": 1.5}, 8, 'Field "Since" should be an integer'),
    ({"Since": True}, 8, 'Field "Since" should be an integer'),
    ({"Full": 1}, 15, "Boolean value expected in field: Full"),
    ({"Short": "x"}, 15, "Boolean value expected in field: Short"),
    ({"CaseSensitive": 1}, 8, 'Field "CaseSensitive" should be a Boolean'),
    ({"Expand": "yes"}, 8, 'Field "Expand" should be a Boolean'),
    ({"Expand": 2}, 8, 'Field "Expand" should be a Boolean'),
    ({"Labels": "a"}, 15, "List of strings expected in field: Labels"),
    ({"Labels": [1]}, 15, "List of strings expected in field: Labels"),
    ({"LabelsConstraint": "Some"}, 3, "LabelsConstraint"),
    ({"MetadataQuery": {"Origin": 1}}, 8, 'Metadata "Origin"'),
    ({"MetadataQuery": {"Nope": "1"}}, 3, "MetadataQuery: 'Nope'"),
    ({"OrderBy": {}}, 8, 'Field "OrderBy"'),
    ({"OrderBy": [{"Type": "x", "Key": "y"}]}, 3, "OrderBy"),
    ({"OrderBy": [{"Type": "DicomTag"}]}, 8, 'Field "Key"'),
    ({"OrderBy": [{"Type": "DicomTag", "Key": "Rows"}]}, 8, "OrderBy: Rows"),
    (
        {"OrderBy": [{"Type": "DicomTag", "Key": "StudyDate", "Direction": "up"}]},
        3,
        "Direction",
    ),
    ({"ParentSeries": "a"}, 3, "ParentSeries"),
    ({"ParentPatient": 1}, 8, 'Field "ParentPatient"'),
    ({"ParentPatient": "a", "ParentStudy": "b"}, 8, "Only one of"),
    ({"ResponseContent": ["Nope"]}, 3, "ResponseContent: 'Nope'"),
    ({"ResponseContent": "Labels"}, 15, "ResponseContent"),
    ({"Expand": True, "RequestedTags": ["Nope"]}, 27, "'Nope'"),
    ({"Expand": True, "RequestedTags": "PatientID"}, 15, "RequestedTags"),
)


async def test_bad_bodies(served: Served) -> None:
    for wrong, status, details in BAD_BODIES:
        body = wrong
        if isinstance(wrong, dict) and "Level" not in wrong and wrong != {"Query": {}}:
            body = {"Level": "Study", "Query": {}, **wrong}
        answer = await post(served, "/tools/find", body, 400)
        assert answer["OrthancStatus"] == status, wrong
        assert details in answer["Details"], wrong


async def test_unknown_members_are_nobodys_business(served: Served, studies: list[str]) -> None:
    assert await find(served, Nope=1) == studies


# -- lookup and bulk --------------------------------------------------------------------------


async def test_lookup(served: Served) -> None:
    stored = (await served.upload(*FILES))[2]
    for value, level, word, public_id in (
        ("P3", "patients", "Patient", stored["ParentPatient"]),
        (" p3\n", "patients", "Patient", stored["ParentPatient"]),
        ("1.2.3", "studies", "Study", stored["ParentStudy"]),
        ("1.2.3.1", "series", "Series", stored["ParentSeries"]),
        ("1.2.3.1.1", "instances", "Instance", stored["ID"]),
    ):
        answer = await post(served, "/tools/lookup", value.encode())
        assert answer == [{"ID": public_id, "Path": f"/{level}/{public_id}", "Type": word}]
    for value in (b"", b" ", b"nope", b"A3", b'"P3"', b"\xff\xfe", b"%", b"P3' OR 1=1"):
        assert await post(served, "/tools/lookup", value) == []
    await post(served, "/tools/lookup", b"P*", 400)
    await post(served, "/tools/lookup", b"1" * 5000, 413)


async def test_one_value_that_names_several(served: Served) -> None:
    await served.upload(dicom(1, PatientID="1.2.2"), dicom(2))
    answer = await post(served, "/tools/lookup", b"1.2.2")
    assert [one["Type"] for one in answer] == ["Patient", "Study"]


async def test_bulk_content(served: Served) -> None:
    stored = await served.upload(*FILES)
    first, second = stored[0]["ParentStudy"], stored[1]["ID"]
    ids = [second, "nope", first, second]
    answers = await post(served, "/tools/bulk-content", {"Resources": ids})
    assert [answer["ID"] for answer in answers] == [second, first, second]
    assert answers[0]["Metadata"]["Origin"] == "RestApi"
    body = {"Resources": ids, "Metadata": False}
    answers = await post(served, "/tools/bulk-content", body)
    assert answers[1] == (await served.client.get(f"/studies/{first}")).json()
    body = {"Resources": ids, "Level": "Study", "Short": True}
    answers = await post(served, "/tools/bulk-content", body)
    assert [answer["ID"] for answer in answers] == sorted([first, stored[1]["ParentStudy"]])
    assert "0008,0020" in answers[0]["MainDicomTags"]
    body = {"Resources": ids, "Level": "instances"}
    answers = await post(served, "/tools/bulk-content", body)
    assert [answer["ID"] for answer in answers] == sorted([stored[0]["ID"], second])


async def test_bulk_delete(served: Served) -> None:
    stored = await served.upload(*FILES)
    ids = [stored[0]["ID"], stored[0]["ParentPatient"], "nope", stored[1]["ParentStudy"]]
    response = await served.client.post("/tools/bulk-delete", json={"Resources": ids})
    assert (response.status_code, response.text) == (200, "")
    assert (await served.client.get("/instances")).json() == [stored[2]["ID"]]


async def test_bad_bulk_bodies(served: Served) -> None:
    for route in ("bulk-content", "bulk-delete"):
        for body, status in (([], 8), ({}, 15), ({"Resources": "a"}, 15), ({"Resources": [1]}, 15)):
            answer = await post(served, f"/tools/{route}", body, 400)
            assert answer["OrthancStatus"] == status


async def test_too_many_at_once(served: Served) -> None:
    await post(served, "/tools/bulk-content", {"Resources": [""] * 100_001}, 400)
    await post(served, "/tools/bulk-content", {"Resources": [], "Level": "nope"}, 400)


# -- anything ---------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
TAGS = st.sampled_from(["PatientName", "StudyDate", "Rows", "ModalitiesInStudy", "0010,0020"])
TEXTS = st.text(max_size=10) | st.text("aA*?\\-12 '\"%", max_size=6)
MEMBERS = {
    "Limit": JSON | st.integers(0, 5),
    "Since": JSON | st.integers(0, 5),
    "Labels": JSON | st.lists(TEXTS, max_size=3),
    "LabelsConstraint": JSON | st.sampled_from(["All", "Any", "None"]),
    "MetadataQuery": JSON | st.dictionaries(st.sampled_from(["Origin", "1024"]), TEXTS, max_size=2),
    "OrderBy": JSON
    | st.lists(
        st.fixed_dictionaries(
            {"Type": st.sampled_from(["DicomTag", "Metadata"]), "Key": TAGS | TEXTS}
        ),
        max_size=2,
    ),
    "RequestedTags": JSON | st.lists(TAGS | TEXTS, max_size=3),
    "ResponseContent": JSON | st.lists(st.sampled_from(["Labels", "Metadata", "Status"])),
    "Expand": JSON | st.just(True),
    "Full": JSON | st.just(True),
    "CaseSensitive": JSON | st.just(True),
    "ParentPatient": JSON | TEXTS,
}
BODIES = st.fixed_dictionaries(
    {
        "Level": st.sampled_from(["Patient", "Study", "Series", "Instance"]) | TEXTS,
        "Query": st.dictionaries(TAGS | TEXTS, TEXTS, max_size=3) | JSON,
    },
    optional=MEMBERS,
)


def test_any_body_is_answered_or_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    with examples(tmp_path_factory.mktemp("archive")) as (served, run):
        run(served.upload(*FILES))

        @settings(max_examples=300, deadline=None)
        @given(
            st.sampled_from(["find", "count-resources", "bulk-content", "lookup"]), BODIES | JSON
        )
        def ask(route: str, body: Any) -> None:
            content = json.dumps(body).encode()
            response = run(served.client.post(f"/tools/{route}", content=content))
            assert response.status_code in (200, 400), response.text
            response.json()

        ask()


def test_any_argument_is_answered_or_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    with examples(tmp_path_factory.mktemp("archive")) as (served, run):
        stored = run(served.upload(*FILES))[0]
        arguments = st.dictionaries(
            st.sampled_from(
                ["since", "limit", "expand", "full", "short", "requested-tags", "response-content"]
            ),
            TEXTS | TAGS | st.integers(-2, 5).map(str),
            max_size=4,
        )
        paths = st.sampled_from(
            [
                "/studies",
                "/instances",
                f"/series/{stored['ParentSeries']}",
                f"/patients/{stored['ParentPatient']}/instances",
                f"/instances/{stored['ID']}/study",
            ]
        )

        @settings(max_examples=200, deadline=None)
        @given(paths, arguments)
        def ask(path: str, query: dict[str, str]) -> None:
            response = run(served.client.get(path, params=query))
            assert response.status_code in (200, 400), response.text
            response.json()

        ask()
