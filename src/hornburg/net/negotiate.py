"""What an acceptor says to each part of an association request (PS3.8 section 7.1, PS3.7 annex D).

What the caller may not do is not accepted here, and refused again when it is sent all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from hornburg.net.services import act_of
from hornburg.security.accepted import Accepted
from hornburg.security.dicom_rules import Act, Caller, DicomRules
from hornburg.ul.events import (
    AssociateAccept,
    AssociateRequest,
    ContextResult,
    PresentationContext,
    RoleSelection,
)

__all__ = ["answer_to"]

_IMPLICIT_LITTLE = "1.2.840.10008.1.2"
_EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_EXPLICIT_BIG = "1.2.840.10008.1.2.2"
_DEFLATED = "1.2.840.10008.1.2.1.99"
#: In the order in which we like them: implicit VR loses what private elements are.
_UNCOMPRESSED = (_EXPLICIT_LITTLE, _IMPLICIT_LITTLE, _EXPLICIT_BIG, _DEFLATED)

#: UIDs in one line of the log.
_TOLD = 3

# PS3.8 table 9-18
_ACCEPTANCE, _USER_REJECTION, _NO_ABSTRACT_SYNTAX, _NO_TRANSFER_SYNTAX = 0, 1, 3, 4


def answer_to(
    request: AssociateRequest,
    caller: Caller,
    rules: DicomRules,
    accepted: Accepted,
    maximum_length: int,
) -> tuple[AssociateAccept, list[str]]:
    """The acceptance of a request, and for the log why some of it was not accepted.

    Args:
        maximum_length: the largest PDU that we take, in bytes.
    """
    allowed: dict[Act, bool] = {}
    reasons: list[str] = []

    def may(act: Act) -> bool:
        known = allowed.get(act)
        if known is None:
            decision = rules.may(caller, act)
            known = allowed[act] = decision.allowed
            if not known:
                reasons.append(f"{act.word}: {decision.reason}")
        return known

    roles = {role.sop_class_uid: role for role in request.roles}
    answered: dict[str, RoleSelection] = {}
    results = []
    classes: dict[str, None] = {}
    syntaxes: dict[str, tuple[str, ...]] = {}
    taken: set[str] = set()
    for context in request.contexts:
        role = roles.get(context.abstract_syntax)
        uid = context.abstract_syntax
        act = act_of(uid)
        # The default roles: the requestor is user, the acceptor provider (PS3.7 D.3.3.4).
        user, provider = (role.scu, role.scp) if role is not None else (True, False)
        if act is None:
            if not accepted.storage_class(uid):
                classes[uid] = None
                results.append(_refused(context, _NO_ABSTRACT_SYNTAX))
                continue
            user = user and may(Act.STORE)
            provider = provider and may(Act.GET)
        elif act is Act.STORAGE_COMMITMENT:
            user = user and may(Act.STORAGE_COMMITMENT)
            provider = provider and may(Act.EVENT_REPORT)
        else:
            user = user and may(act)
            provider = False
        if not user and not provider:
            results.append(_refused(context, _USER_REJECTION))
            continue
        syntax = _choose(context.transfer_syntaxes, accepted if act is None else None)
        if syntax is None:
            syntaxes.setdefault(uid, context.transfer_syntaxes)
            results.append(_refused(context, _NO_TRANSFER_SYNTAX))
            continue
        if role is not None:
            answered[uid] = RoleSelection(uid, user, provider)
        taken.add(uid)
        results.append(ContextResult(context.context_id, _ACCEPTANCE, syntax))
    reasons += _told(classes, {uid: each for uid, each in syntaxes.items() if uid not in taken})
    accept = AssociateAccept(
        called_aet=request.called_aet,
        calling_aet=request.calling_aet,
        contexts=tuple(results),
        maximum_length=maximum_length,
        roles=tuple(answered.values()),
        # One operation at a time: what an acceptor that answers nothing has, too.
        asynchronous=(1, 1) if request.asynchronous is not None else None,
    )
    return accept, reasons


def _told(classes: Iterable[str], syntaxes: Mapping[str, Sequence[str]]) -> list[str]:
    """Why C-STORE is not accepted, for the log."""
    told = []
    if names := list(classes):
        more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
        told.append(
            f"SOP class {', '.join(names[:_TOLD])}{more} (AcceptedSopClasses, RejectedSopClasses, "
            "UnknownSopClassAccepted)"
        )
    for uid, offered in islice(syntaxes.items(), _TOLD):
        told.append(f"{uid} in {', '.join(offered[:_TOLD])} (AcceptedTransferSyntaxes)")
    return told


def _refused(context: PresentationContext, result: int) -> ContextResult:
    # PS3.8 9.3.3.2: the transfer syntax is not significant then.
    return ContextResult(context.context_id, result, context.transfer_syntaxes[0])


def _choose(offered: Sequence[str], accepted: Accepted | None) -> str | None:
    """The one that changes pixels least, as Orthanc: of a choice between JPEG and none, nobody
    should compress for our sake. Of compressed ones, the first that we take."""
    better = [syntax for syntax in _UNCOMPRESSED if syntax in offered]
    if accepted is None:
        return next((syntax for syntax in better if syntax != _DEFLATED), None)
    return next((syntax for syntax in (*better, *offered) if accepted.syntax(syntax)), None)
