"""Names of hosts and origins in the configuration."""

from __future__ import annotations

import pytest

from hornburg.settings.errors import Refused
from hornburg.settings.names import read_hosts, read_origins


def test_hosts() -> None:
    assert read_hosts(["PACS.example", "pacs"]) == ("pacs.example", "pacs")
    assert read_hosts([]) == ()


@pytest.mark.parametrize(
    "value", ["pacs", [1], ["*"], ["*.example"], ["a:80"], ["a/b"], [""], ["a."], None, {}]
)
def test_no_hosts(value: object) -> None:
    with pytest.raises(Refused):
        read_hosts(value)


def test_origins() -> None:
    """As browsers write them, so that they can be compared byte by byte."""
    given = ["https://V.example:443", "http://[::1]:80", "http://x:8080", "http://x:443"]
    assert read_origins(given) == (
        "https://v.example",
        "http://[::1]",
        "http://x:8080",
        "http://x:443",
    )


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "null",
        "https://*",
        "https://a/",
        "https://a/b",
        "ftp://a",
        "a.example",
        "https://",
        "https://a:0",
        "https://a:70000",
        "https://u@a",
        "http://[::g]",
        "http://[1:2]",
        "https://a b",
    ],
)
def test_no_origins(text: str) -> None:
    with pytest.raises(Refused) as caught:
        read_origins(["https://fine.example", text])
    assert caught.value.path == "[1]"
