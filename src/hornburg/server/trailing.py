"""The audit trail that the settings describe."""

from __future__ import annotations

from hornburg.security.audit_message import Source, messages_of
from hornburg.security.syslog import Syslog, syslog_context
from hornburg.security.trail import NO_TRAIL, Event, Outcome, Trail
from hornburg.security.trail.writer import Writer
from hornburg.settings import Settings

__all__ = ["open_trail"]


def open_trail(settings: Settings) -> Trail:
    """The trail, not begun yet.

    Raises:
        SettingsError: the certificates for the syslog server can't be used.
    """
    asked = settings.trail
    if not asked.enabled:
        return NO_TRAIL
    folder = asked.folder(settings.storage_directory)
    writer = Writer(
        folder,
        asked.key(settings.storage_directory),
        asked.maximum_file_size_mb << 20,
        asked.retention_days,
    )
    syslog = None
    if asked.syslog is not None:
        source = Source(settings.dicom_aet, settings.name)
        syslog = Syslog(
            asked.syslog.host,
            asked.syslog.port,
            syslog_context(asked.syslog),
            lambda entries, known: messages_of(source, entries, known),
        )
    trail = Trail(writer, flush=asked.flush / 1000, required=asked.required, forward=syslog)
    if syslog is not None:
        place = f"{syslog.host}:{syslog.port}"
        syslog.on_lost = lambda count: trail.note(
            Event(action="syslog-lost", outcome=Outcome.FAILED, count=count, what=place)
        )
    return trail
