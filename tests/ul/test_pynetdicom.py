"""What we write, pynetdicom reads, and the other way round."""

from __future__ import annotations

from hypothesis import assume, given, settings
from pynetdicom import pdu as theirs
from pynetdicom import pdu_primitives as primitives
from pynetdicom.presentation import build_context
from tests.ul import messages
from tests.ul.messages import FULL_ACCEPT, FULL_REQUEST
from tests.ul.pair import Pair

from hornburg.ul.events import (
    Abort,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    ContextResult,
    PresentationContext,
    RoleSelection,
    UserIdentity,
)
from hornburg.ul.limits import Limits
from hornburg.ul.readers import READERS
from hornburg.ul.writers import (
    RELEASE_REPLY,
    RELEASE_REQUEST,
    write_abort,
    write_accept,
    write_reject,
    write_request,
)

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"


def test_they_read_our_request() -> None:
    pdu = theirs.A_ASSOCIATE_RQ()
    pdu.decode(write_request(FULL_REQUEST))
    assert pdu.called_ae_title == "HORNBURG"
    assert pdu.calling_ae_title == "SCANNER 1"
    assert pdu.protocol_version == 1
    assert pdu.application_context_name == APPLICATION_CONTEXT
    first, second = pdu.presentation_context
    assert (first.context_id, second.context_id) == (1, 255)
    assert second.abstract_syntax == "1.2.840.10008.5.1.4.1.1.2"
    assert second.transfer_syntax == ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"]
    assert pdu.user_information.maximum_length == 4096
    assert pdu.user_information.implementation_class_uid == "1.2.3"
    assert pdu.user_information.implementation_version_name == "MADE_UP"
    roles = pdu.user_information.role_selection
    assert (roles["1.2.840.10008.5.1.4.1.1.2"].scu, roles["1.2.840.10008.1.1"].scp) == (0, 1)
    window = pdu.user_information.async_ops_window
    assert (
        window.maximum_number_operations_invoked,
        window.maximum_number_operations_performed,
    ) == (0, 5)
    identity = pdu.user_information.user_identity
    assert identity.id_type == 2
    assert identity.response_requested
    assert (identity.primary, identity.secondary) == (b"frodo", b"baggins")
    extended = pdu.user_information.ext_neg
    assert [(item.uid, item.app_info) for item in extended] == list(FULL_REQUEST.extended)
    common = pdu.user_information.common_ext_neg
    assert [item.sop_class_uid for item in common] == ["1.2.3.4", "1.2.3.7"]
    assert common[0].related_general_sop_class_identification == ["1.2.3.5", "1.2.3.6"]


@given(messages.requests)
@settings(max_examples=50)
def test_they_write_again_what_we_wrote(request: AssociateRequest) -> None:
    """Their own writer makes the same of it, item by item."""
    # They write two bytes for an empty user name.
    assume(request.identity is None or request.identity.primary)
    written = write_request(request)
    pdu = theirs.A_ASSOCIATE_RQ()
    pdu.decode(written)
    again = READERS[1](pdu.encode()[6:], Limits())
    assert again.contexts == request.contexts
    assert again.identity == request.identity
    assert again.asynchronous == request.asynchronous
    assert again.maximum_length == request.maximum_length
    assert sorted(again.extended) == sorted(request.extended)


def test_we_read_their_request() -> None:
    primitive = primitives.A_ASSOCIATE()
    primitive.application_context_name = APPLICATION_CONTEXT
    primitive.calling_ae_title = "SCANNER 1"
    primitive.called_ae_title = "HORNBURG"
    contexts = []
    for number, uid in ((1, "1.2.840.10008.1.1"), (3, "1.2.840.10008.5.1.4.1.1.2")):
        context = build_context(uid, ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
        context.context_id = number
        contexts.append(context)
    primitive.presentation_context_definition_list = contexts
    length = primitives.MaximumLengthNotification()
    length.maximum_length_received = 32768
    implementation = primitives.ImplementationClassUIDNotification()
    implementation.implementation_class_uid = "1.2.3.4"
    version = primitives.ImplementationVersionNameNotification()
    version.implementation_version_name = "THEIRS"
    role = primitives.SCP_SCU_RoleSelectionNegotiation()
    role.sop_class_uid, role.scu_role, role.scp_role = "1.2.840.10008.1.1", False, True
    window = primitives.AsynchronousOperationsWindowNegotiation()
    window.maximum_number_operations_invoked = 3
    window.maximum_number_operations_performed = 4
    identity = primitives.UserIdentityNegotiation()
    identity.user_identity_type = 2
    identity.positive_response_requested = True
    identity.primary_field, identity.secondary_field = b"frodo", b"baggins"
    extended = primitives.SOPClassExtendedNegotiation()
    extended.sop_class_uid = "1.2.3.9"
    extended.service_class_application_information = b"\1\0"
    common = primitives.SOPClassCommonExtendedNegotiation()
    common.sop_class_uid, common.service_class_uid = "1.2.3.9", "1.2.3.10"
    common.related_general_sop_class_identification = ["1.2.3.11"]
    primitive.user_information = [
        length,
        implementation,
        version,
        role,
        window,
        identity,
        extended,
        common,
    ]
    written = theirs.A_ASSOCIATE_RQ(primitive).encode()
    request = READERS[1](written[6:], Limits())
    assert request.called_aet == "HORNBURG"
    assert request.calling_aet == "SCANNER 1"
    assert request.contexts == tuple(
        PresentationContext(number, uid, ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1"))
        for number, uid in ((1, "1.2.840.10008.1.1"), (3, "1.2.840.10008.5.1.4.1.1.2"))
    )
    assert request.maximum_length == 32768
    assert request.implementation_class_uid == "1.2.3.4"
    assert request.implementation_version == "THEIRS"
    assert request.roles == (RoleSelection("1.2.840.10008.1.1", False, True),)
    assert request.asynchronous == (3, 4)
    assert request.identity == UserIdentity(2, True, b"frodo", b"baggins")
    assert request.extended == (("1.2.3.9", b"\1\0"),)
    assert request.common_extended[0].related == ("1.2.3.11",)
    assert write_request(request) == _in_our_order(written, request)


def _in_our_order(written: bytes, request: AssociateRequest) -> bytes:
    """The order of the user items is free; all else has to be the same, byte for byte."""
    ours = write_request(request)
    assert sorted(ours) == sorted(written)
    start = ours.index(b"\x51\0\0\4")
    assert ours[:start] == written[:start]
    return ours


def test_they_read_our_answer_and_we_theirs() -> None:
    written = write_accept(FULL_ACCEPT, APPLICATION_CONTEXT)
    pdu = theirs.A_ASSOCIATE_AC()
    pdu.decode(written)
    first, second = pdu.presentation_context
    assert (first.context_id, first.result, first.transfer_syntax) == (1, 0, "1.2.840.10008.1.2")
    assert (second.context_id, second.result) == (255, 3)
    assert pdu.user_information.maximum_length == 16384
    assert pdu.user_information.user_identity.server_response == b"welcome"
    assert READERS[2](pdu.encode()[6:], Limits()) == FULL_ACCEPT


def test_the_small_ones() -> None:
    reject = theirs.A_ASSOCIATE_RJ()
    reject.decode(write_reject(AssociateReject(1, 2, 2)))
    assert (reject.result, reject.source, reject.reason_diagnostic) == (1, 2, 2)
    assert READERS[3](reject.encode()[6:], Limits()) == AssociateReject(1, 2, 2)
    abort = theirs.A_ABORT_RQ()
    abort.decode(write_abort(Abort(2, 6)))
    assert (abort.source, abort.reason_diagnostic) == (2, 6)
    assert READERS[7](abort.encode()[6:], Limits()) == Abort(2, 6)
    assert theirs.A_RELEASE_RQ().encode() == RELEASE_REQUEST
    assert theirs.A_RELEASE_RP().encode() == RELEASE_REPLY


def test_they_read_our_data() -> None:
    pdu = theirs.P_DATA_TF()
    pdu.decode(Pair().requestor.data(3, True, memoryview(b"command!"), False))
    (value,) = pdu.presentation_data_value_items
    assert value.presentation_context_id == 3
    assert value.presentation_data_value == b"\1command!"


def test_a_context_that_they_refuse() -> None:
    accept = AssociateAccept("A", "B", (ContextResult(1, 4), ContextResult(3, 1)))
    pdu = theirs.A_ASSOCIATE_AC()
    pdu.decode(write_accept(accept, APPLICATION_CONTEXT))
    assert [item.result for item in pdu.presentation_context] == [4, 1]
