"""Who is asking, and the words for what they may do.

A front door finds out who is asking (:class:`Principal`); :mod:`hornburg.security.policy` says
what they may. Nothing else decides.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["NOBODY", "Kind", "Permission", "Principal"]


class Permission(enum.Enum):
    """What may be allowed; the value is the word of configurations and of the audit trail.

    Every route of the HTTP doors states one of them, and DICOM services are held against
    ``VIEW`` (C-FIND), ``DOWNLOAD`` (C-GET, C-MOVE) and ``UPLOAD`` (C-STORE).
    """

    ANYONE = "anyone"
    """For everybody who came in: the home page, the description of the API, one's own account."""
    VIEW = "view"
    """See that resources are there: lists, tags, finds, counts, changes, statistics."""
    DOWNLOAD = "download"
    """Take files, frames, rendered images and archives."""
    UPLOAD = "upload"
    """Bring instances."""
    EDIT = "edit"
    """Change what hangs on resources: metadata, labels, attachments, protection."""
    MODIFY = "modify"
    """Make changed copies, split, merge, transcode."""
    ANONYMIZE = "anonymize"
    """Make copies without identities."""
    DELETE = "delete"
    """Remove resources."""
    SEND = "send"
    """Send resources to modalities and peers."""
    QUERY_REMOTE = "query-remote"
    """Ask other application entities and peers, and retrieve from them."""
    WORKLISTS = "worklists"
    """See and change modality worklists."""
    JOBS = "jobs"
    """See and steer the jobs of others; one's own are always one's own."""
    SETTINGS = "settings"
    """See and change the configuration: modalities, peers, log levels, the logs of changes."""
    CONTROL = "control"
    """Stop and restart the server, empty its logs of changes."""
    METRICS = "metrics"
    """Read the figures for monitoring."""
    SCRIPTS = "scripts"
    """Run scripts, write to the server's file system."""
    AUDIT = "audit"
    """Read the audit trail and the security report."""


class Kind(enum.Enum):
    """How a principal has shown who it is; the value is the word of the audit trail."""

    NOBODY = "nobody"
    PASSWORD = "password"  # noqa: S105 - a word, and no password
    SESSION = "session"
    TOKEN = "token"  # noqa: S105
    OPENID = "openid"
    CERTIFICATE = "certificate"
    AET = "aet"
    INSIDE = "inside"
    """The server itself: jobs, scripts, plug-ins."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking.

    Attributes:
        name: the user, the symbolic name of a modality, or "" when nobody had to say.
        kind: how that was shown.
        address: the IP address that the request came from, after ``TrustedProxies``.
        roles: roles that the proof itself brings (claims of a token).
        narrowed: permissions that the proof is limited to, ``None`` for no such limit.
        detail: what else the audit trail should tell: subject of a certificate, name of an API
            token, never a secret.
    """

    name: str = ""
    kind: Kind = Kind.NOBODY
    address: str = ""
    roles: tuple[str, ...] = ()
    narrowed: frozenset[Permission] | None = None
    detail: str = ""

    @property
    def account(self) -> str:
        """Whose jobs and queries are this one's own: ``user:alice`` by password, session, token
        and certificate alike. All that come without a name share one."""
        if self.kind in (Kind.NOBODY, Kind.AET, Kind.OPENID, Kind.INSIDE):
            return f"{self.kind.value}:{self.name}"
        return f"user:{self.name}"


NOBODY = Principal()
"""The one that asks where nobody has to say who they are."""
