"""Schemathesis asks every route of the description, with what it allows and with what it doesn't."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    status_code_conformance,
)

from hornburg.testing.datasets import DatasetFactory

MAKE = DatasetFactory("MR")
#: These end the server.
LEFT_OUT = {"/tools/shutdown", "/tools/reset"}
FAILURES = (schemathesis.core.failures.Failure, BaseExceptionGroup)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance]


def test_every_route(server: Any) -> None:
    running = server(UserMetadata={"note": 1024}, UserContentType={"report": 1025})
    running.client.post("/instances", content=MAKE.instance(0))
    schema = schemathesis.openapi.from_url(f"{running.url}/openapi.json")
    asked, failures = 0, []
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path in LEFT_OUT:
            continue
        asked += 1
        for mode in GenerationMode:

            @given(case=operation.as_strategy(generation_mode=mode))
            @settings(
                max_examples=2,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            def ask(case: Any) -> None:
                case.call_and_validate(checks=CHECKS)

            try:
                ask()
            except Unsatisfiable:
                # Where there is nothing to say, nothing wrong can be said.
                assert mode is GenerationMode.NEGATIVE
            except (AssertionError, *FAILURES) as error:
                failures.append(f"{operation.label}: {error}")
    assert not failures, "\n\n".join(failures[:20])
    assert asked > 150
    assert running.client.get("/system").status_code == 200
    assert not [line for line in running.lines if "unexpected error" in line]


def test_the_description_holds_every_route_but_those_of_browsers(server: Any) -> None:
    running = server()
    document = running.client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.")
    assert "/studies/{public_id}" in document["paths"]
    assert "/" not in document["paths"]
    for path in document["paths"].values():
        for verb, operation in path.items():
            if verb in ("get", "put", "post", "delete"):
                assert operation["summary"]
                assert "default" in operation["responses"]


def test_the_page(server: Any) -> None:
    running = server(Name="<script>alert(1)</script>")
    response = running.client.get("/")
    assert response.status_code == 200
    assert "<script>" not in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert server(OrthancExplorerEnabled=False).client.get("/").status_code == 404
