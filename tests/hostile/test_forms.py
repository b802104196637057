"""``multipart/form-data`` bodies with too much of something, or too little."""

from __future__ import annotations

import gzip
import json

import pytest
from tests.hostile.target import Target

MB = 1 << 20
START = b'--B\r\nContent-Disposition: form-data; name="f"; filename="../../<script>"\r\n\r\n'
END = b"\r\n--B--\r\n"


def form(target: Target, body: bytes, kind: str = "multipart/form-data; boundary=B", **more: str):
    return target.upload(body, Content_Type=kind, **more)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x" * MB,
        (START + b"\r\n") * 120_000 + b"--B--\r\n",
        b"--B\r\nX: " + b"a" * 4 * MB,
        b"--B\r\n" + b"X: a\r\n" * 1_000_000,
        START + b"\0" * 2000,
        START + b"\r\n--" * MB,
        START + b"\r" * 4 * MB,
        b"--B\r\n\xff\xfe: \xff\r\n\r\nx" + END,
        b"--B\r\nContent-Length: 99999999999999999999\r\n\r\nx" + END,
        b"--B\r\nContent-Length: abc\r\n\r\nx" + END,
        b"--B\r\nContent-Disposition: " + b"form-data;" * 1000 + b"\r\n\r\nx" + END,
    ],
)
def test_no_forms(target: Target, body: bytes) -> None:
    with target.growing_at_most(16 * MB):
        assert form(target, body).status == 400


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=\xff\xfe",
        'multipart/form-data; boundary="' + "a" * 50_000 + '"',
        "multipart/form-data; boundary=A; boundary=C",
        "multipart/form-data; xboundary=B",
        "multipart/form-data;" + ' boundary="' * 5000,
        "multipart/form-data; boundary*=utf-8''%ff",
    ],
)
def test_no_boundaries(target: Target, instance: bytes, kind: str) -> None:
    assert form(target, START + instance + END, kind).status == 400


def test_a_gzip_of_a_form_is_no_form(target: Target, instance: bytes) -> None:
    body = gzip.compress(START + instance + END)
    assert form(target, body, Content_Encoding="gzip").status == 400


def test_names_of_files_are_nothing(target: Target, instance: bytes) -> None:
    answer = form(target, START + instance + END)
    assert answer.status == 200
    assert len(json.loads(answer.body)) == 1
    assert not [path for path in target.folder.rglob("*") if "script" in path.name]
