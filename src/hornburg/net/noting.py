"""What the audit trail is told of the DICOM door: associations, and each message that is served."""

from __future__ import annotations

from functools import lru_cache

from hornburg.archive.touched import Touched
from hornburg.dimse.commands import CommandField
from hornburg.dimse.status import Category, category
from hornburg.net.scp.request import Request
from hornburg.security.dicom_rules import Act, Caller
from hornburg.security.principals import Kind, Permission, Principal
from hornburg.security.redaction import shown
from hornburg.security.trail import Event, Outcome, Trail

__all__ = ["note_association", "note_message"]

#: What a service needs, and is called in the trail. C-ECHO touches nothing.
_ACTIONS = {
    Act.STORE: Permission.UPLOAD.value,
    Act.FIND: Permission.VIEW.value,
    Act.FIND_WORKLIST: Permission.WORKLISTS.value,
    Act.MOVE: Permission.DOWNLOAD.value,
    Act.GET: Permission.DOWNLOAD.value,
    Act.STORAGE_COMMITMENT: Permission.VIEW.value,
    Act.EVENT_REPORT: Permission.SEND.value,
}

_ROUTES: dict[int, str] = {
    CommandField.C_STORE_RQ: "C-STORE",
    CommandField.C_FIND_RQ: "C-FIND",
    CommandField.C_MOVE_RQ: "C-MOVE",
    CommandField.C_GET_RQ: "C-GET",
    CommandField.N_ACTION_RQ: "N-ACTION",
    CommandField.N_EVENT_REPORT_RQ: "N-EVENT-REPORT",
}

_NOT_AUTHORIZED = 0x0124


def note_association(trail: Trail, caller: Caller, refused: str = "") -> None:
    """Note that an association was accepted or, and why, ``refused``."""
    trail.note(
        Event(
            action="association-refused" if refused else "association",
            outcome=Outcome.REFUSED if refused else Outcome.SUCCESS,
            who=_principal("", caller.address, caller.certificate),
            door="dicom",
            aet=shown(caller.aet),
            called=shown(caller.called_aet),
            detail=refused,
        )
    )


def note_message(request: Request, act: Act | None, touched: Touched) -> None:
    """Note a message that was served; ``act`` is ``None`` when it was none of ours."""
    action = _ACTIONS.get(act) if act is not None else None
    caller, command = request.caller, request.command
    who = _principal(request.modality or "", caller.address, caller.certificate)
    touched.who, touched.door = who, "job"
    if action is None:
        return
    trail, status = request.parts.archive.trail, request.status
    destination = command.move_destination if act is Act.MOVE else ""
    event = Event(
        action=action,
        outcome=_outcome(status),
        status=status or 0,
        who=who,
        door="dicom",
        route=_ROUTES.get(command.field, ""),
        aet=shown(caller.aet),
        called=shown(caller.called_aet),
        subjects=touched.of("") + touched.of(action),
        answers=touched.answers,
        keys=tuple(touched.keys),
        what=shown(destination or ""),
        detail=f"and {touched.more} more" if touched.more else "",
    )
    for one in touched.events(event):
        trail.note(one)


@lru_cache(maxsize=1024)
def _principal(name: str, address: str, certificate: str) -> Principal:
    kind = Kind.CERTIFICATE if certificate else Kind.AET
    return Principal(name, kind, address, detail=certificate)


def _outcome(status: int | None) -> Outcome:
    if status is None:
        return Outcome.FAILED  # the association was lost before the answer
    if status == _NOT_AUTHORIZED:
        return Outcome.REFUSED
    good = category(status) in (Category.SUCCESS, Category.WARNING, Category.CANCEL)
    return Outcome.SUCCESS if good else Outcome.FAILED
