"""What is said of connections that are refused."""

from __future__ import annotations

import logging
import ssl

import pytest

from hornburg.security.complaints import Complaints, tls_words


def test_a_few_are_told_and_many_are_counted(caplog: pytest.LogCaptureFixture):
    now = 100.0
    complaints = Complaints(logging.getLogger("hornburg.test"), lambda: now)
    for number in range(1000):
        complaints.tell(f"192.0.2.{number % 250}", f"reason {number}")
    assert caplog.messages == [
        f"refused a connection of 192.0.2.{number}: reason {number}" for number in range(20)
    ]
    now += 10
    complaints.tell("192.0.2.7", "others wait")
    complaints.tell("192.0.2.8", "others wait")
    assert caplog.messages[20:] == [
        "refused a connection of 192.0.2.7: others wait (980 others before)",
        "refused a connection of 192.0.2.8: others wait",
    ]


def said(code: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {code}] something (_ssl.c:1)")
    error.reason = code
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (said("HTTP_REQUEST"), "the other side does not speak TLS (http request)"),
        (said("NO_SHARED_CIPHER"), "no shared cipher"),
        (TimeoutError("late"), "the handshake took too long"),
        (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer"),
        (OSError(), "OSError"),
    ],
)
def test_why_a_handshake_failed(error: Exception, words: str):
    assert tls_words(error) == words
