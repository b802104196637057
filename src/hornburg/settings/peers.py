"""Readers of peers, and the forms in which these are kept and shown.

Source: Orthanc Book, users/configuration and users/advanced-rest; the forms of Orthanc 1.10 were
watched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from hornburg.settings.errors import Refused
from hornburg.settings.outgoing import is_header_name, is_header_value, is_host
from hornburg.settings.remotes import MODALITY_NAME_ALLOWED, is_modality_name, seconds
from hornburg.settings.rows import Secret
from hornburg.settings.sections import flag, freeze, member, read_section, text
from hornburg.settings.values import Peer, Pkcs11

__all__ = [
    "peer_to_json",
    "read_peer",
    "read_peers",
    "read_pkcs11",
    "shown_peer",
]

Field = tuple[str, Callable[[object], Any]]

_LONGEST_URL = 2048
_MOST_HEADERS = 64
_MOST_PROPERTIES = 256

_URL_ALLOWED = (
    "a URL such as http://host:8042/ or https://host/path/: it starts with http:// or https://, "
    "without user and password (Username and Password are for them), without ? and #"
)
_PATH = re.compile(r"[A-Za-z0-9/._~!$&'()*+,;=:@%-]*", re.ASCII)

# Properties are the users' own; those with such a name are shown as passwords are.
_SECRET_NAME = re.compile(r"pass|secret|token|key|credential|auth|pin$", re.IGNORECASE)


def _secret(value: object) -> Secret:
    return Secret(text(value))


def _user(value: object) -> str:
    # RFC 7617 section 2: a user-id with a colon can't be told from its password.
    allowed = "a user name of at most 255 printable characters without a colon"
    user = text(value, allowed, 255)
    if ":" in user:
        raise Refused(allowed, value)
    return user


def _url(value: object) -> str:
    """The base of a REST API, with a slash at its end."""
    url = text(value, _URL_ALLOWED, _LONGEST_URL)
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        good = (
            parts.scheme in ("http", "https")
            and "@" not in parts.netloc
            and parts.port != 0
            and not ("?" in url or "#" in url or "\\" in url)
            and _PATH.fullmatch(parts.path) is not None
            and is_host(host, bracketed="[" in parts.netloc)
        )
    except ValueError:
        good = False
    if not good:
        raise Refused(_URL_ALLOWED, value)
    return url if url.endswith("/") else url + "/"


def _no_hardware_key(value: object) -> bool:
    if flag(value):
        raise Refused("false: keys in hardware (Pkcs11) are not supported", value)
    return False


def _headers(value: object) -> Mapping[str, Secret]:
    def one(name: str, content: object) -> Secret:
        if not is_header_name(name):
            raise Refused(
                "a header that is a token of RFC 9110 and not about how messages are carried "
                "(Host, Content-Length, Transfer-Encoding, Connection ...)",
                name,
            )
        if not isinstance(content, str) or not is_header_value(content):
            raise Refused("a value without control characters", content)
        return Secret(content)

    found = read_section(value, one)
    if len(found) > _MOST_HEADERS:
        raise Refused(f"at most {_MOST_HEADERS} headers", value)
    return freeze(found)


def _property(value: object) -> Secret:
    # Numbers become texts, as Orthanc makes them: true is 1.
    if isinstance(value, int):
        value = str(int(value))
    return Secret(text(value, "a string or an integer: a property of the user's own"))


_PEER: dict[str, Field] = {
    "Url": ("url", _url),
    "URL": ("url", _url),
    "Username": ("username", _user),
    "Password": ("password", _secret),
    "HttpHeaders": ("http_headers", _headers),
    "CertificateFile": ("certificate_file", text),
    "CertificateKeyFile": ("certificate_key_file", text),
    "CertificateKeyPassword": ("certificate_key_password", _secret),
    "Pkcs11": ("pkcs11", _no_hardware_key),
    "Timeout": ("timeout", seconds),
}


def read_peers(value: object) -> Mapping[str, Peer]:
    """The peers of a section, each in one of the forms of :func:`read_peer`."""

    def one(name: str, entry: object) -> Peer:
        if not is_modality_name(name):
            raise Refused(MODALITY_NAME_ALLOWED, name)
        return read_peer(entry)

    return freeze(read_section(value, one))


def read_peer(entry: object) -> Peer:
    """``[URL]``, ``[URL, user name, password]``, or an object with all fields.

    Raises:
        Refused: it is none of these. Its value may be a secret.
    """
    if not isinstance(entry, list):
        return _peer(entry)
    if len(entry) not in (1, 3):
        raise Refused("[URL] or [URL, user name, password]", entry)
    url = member("[0]", _url, entry[0])
    if len(entry) == 1:
        return Peer(url=url)
    return _signed(
        {
            "url": url,
            "username": member("[1]", _user, entry[1]),
            "password": member("[2]", _secret, entry[2]),
        },
        entry,
    )


def _peer(entry: object) -> Peer:
    given: dict[str, Any] = {}
    properties: dict[str, Secret] = {}

    def one(key: str, inner: object) -> None:
        if key in _PEER:
            attribute, read = _PEER[key]
            given[attribute] = read(inner)
        else:
            # Orthanc lets users keep properties of their own here; scripts read them.
            text(key, "a name of at most 256 printable characters", 256)
            properties[key] = _property(inner)

    read_section(entry, one)
    if "url" not in given:
        raise Refused("an object with at least Url", entry)
    if len(properties) > _MOST_PROPERTIES:
        raise Refused(f"at most {_MOST_PROPERTIES} properties of the user's own", entry)
    return _signed({**given, "properties": freeze(properties)}, entry)


def _signed(given: dict[str, Any], entry: object) -> Peer:
    """A peer without empty credentials; a password needs a name that it belongs to."""
    password = given.get("password")
    if not given.get("username"):
        if password is not None and password.reveal():
            raise Refused("a Username with the Password", entry)
        given["password"] = None
    return Peer(**given)


def peer_to_json(peer: Peer) -> dict[str, Any]:
    """All of a peer, secrets included, for the index alone; :func:`read_peer` takes it back."""
    form: dict[str, Any] = {name: one.reveal() for name, one in peer.properties.items()}
    form |= {
        "Url": peer.url,
        "HttpHeaders": {name: value.reveal() for name, value in peer.http_headers.items()},
        "Timeout": peer.timeout,
    }
    texts = {
        "Username": peer.username,
        "Password": _revealed(peer.password),
        "CertificateFile": peer.certificate_file,
        "CertificateKeyFile": peer.certificate_key_file,
        "CertificateKeyPassword": _revealed(peer.certificate_key_password),
    }
    return form | {key: value for key, value in texts.items() if value}


def _revealed(secret: Secret | None) -> str:
    return "" if secret is None else secret.reveal()


def shown_peer(peer: Peer) -> dict[str, Any]:
    """The form in which Orthanc answers ``/peers/{id}/configuration``: without passwords, and of
    the headers only the names. Properties of the user's own are shown, unless their name says
    that they are secret."""
    form: dict[str, Any] = {
        name: None if _SECRET_NAME.search(name) else value.reveal()
        for name, value in peer.properties.items()
    }
    form |= {
        "HttpHeaders": sorted(peer.http_headers),
        "Pkcs11": peer.pkcs11,
        "Timeout": peer.timeout,
        "Url": peer.url,
    }
    if peer.username:
        form |= {"Username": peer.username, "Password": None}
    if peer.certificate_file:
        form |= {
            "CertificateFile": peer.certificate_file,
            "CertificateKeyFile": None,
            "CertificateKeyPassword": None,
        }
    return dict(sorted(form.items()))


def read_pkcs11(value: object) -> Pkcs11:
    fields: dict[str, Field] = {
        "Module": ("module", text),
        "Pin": ("pin", _secret),
        "Verbose": ("verbose", flag),
    }
    given: dict[str, Any] = {}

    def one(key: str, inner: object) -> None:
        if key not in fields:
            raise Refused("one of " + ", ".join(fields), key)
        attribute, read = fields[key]
        given[attribute] = read(inner)

    read_section(value, one)
    if "module" not in given:
        raise Refused("an object with at least Module", value)
    return Pkcs11(**given)
