"""Every kind of PDU with everything in it, and hypothesis strategies for made-up ones."""

from __future__ import annotations

from hypothesis import strategies as st

from hornburg.ul.events import (
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    CommonExtended,
    ContextResult,
    PresentationContext,
    RoleSelection,
    UserIdentity,
)

FULL_REQUEST = AssociateRequest(
    "HORNBURG",
    "SCANNER 1",
    (
        PresentationContext(1, "1.2.840.10008.1.1", ("1.2.840.10008.1.2",)),
        PresentationContext(
            255, "1.2.840.10008.5.1.4.1.1.2", ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")
        ),
    ),
    maximum_length=4096,
    implementation_class_uid="1.2.3",
    implementation_version="MADE_UP",
    roles=(
        RoleSelection("1.2.840.10008.5.1.4.1.1.2", False, True),
        RoleSelection("1.2.840.10008.1.1", True, True),
    ),
    asynchronous=(0, 5),
    identity=UserIdentity(2, True, b"frodo", b"baggins"),
    extended=(("1.2.840.10008.5.1.4.1.2.1.1", b"\1\1\0"), ("1.2.840.10008.1.1", b"")),
    common_extended=(
        CommonExtended("1.2.3.4", "1.2.840.10008.4.2", ("1.2.3.5", "1.2.3.6")),
        CommonExtended("1.2.3.7", "1.2.840.10008.4.2"),
    ),
)

FULL_ACCEPT = AssociateAccept(
    "HORNBURG",
    "SCANNER 1",
    (ContextResult(1, 0, "1.2.840.10008.1.2"), ContextResult(255, 3)),
    maximum_length=16384,
    implementation_class_uid="1.2.3",
    implementation_version="MADE_UP",
    roles=(RoleSelection("1.2.840.10008.5.1.4.1.1.2", False, True),),
    asynchronous=(1, 1),
    identity_response=b"welcome",
    extended=(("1.2.840.10008.5.1.4.1.2.1.1", b"\1\0\0"),),
)

uids = st.integers(1, 10**60 - 1).map("1.2.{}".format)
titles = st.from_regex(r"[!-[\]-~]{1,8}|[!-[\]-~][ -[\]-~]{1,14}[!-[\]-~]", fullmatch=True)
words = st.text("ABCxyz019_.-", max_size=16)
lengths = st.integers(128, 16384)
peer_lengths = st.one_of(st.just(0), st.integers(128, 0xFFFFFFFF))
windows = st.none() | st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
context_ids = st.integers(0, 127).map(lambda number: 2 * number + 1)
roles = st.lists(st.builds(RoleSelection, uids, st.booleans(), st.booleans()), max_size=4).map(
    tuple
)
extended = st.lists(st.tuples(uids, st.binary(max_size=20)), max_size=3).map(tuple)

contexts = st.lists(
    st.builds(
        PresentationContext,
        context_ids,
        uids,
        st.lists(uids, min_size=1, max_size=4).map(tuple),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda context: context.context_id,
).map(tuple)

results = st.lists(
    st.one_of(
        st.builds(ContextResult, context_ids, st.just(0), uids),
        st.builds(ContextResult, context_ids, st.integers(1, 4)),
    ),
    max_size=6,
    unique_by=lambda result: result.context_id,
).map(tuple)

identities = st.builds(
    UserIdentity,
    st.integers(1, 5),
    st.booleans(),
    st.binary(max_size=30),
    st.binary(max_size=30),
)

common_extended = st.lists(
    st.builds(CommonExtended, uids, uids, st.lists(uids, max_size=3).map(tuple)), max_size=2
).map(tuple)

requests = st.builds(
    AssociateRequest,
    titles,
    titles,
    contexts,
    maximum_length=peer_lengths,
    implementation_class_uid=uids,
    implementation_version=words,
    roles=roles,
    asynchronous=windows,
    identity=st.none() | identities,
    extended=extended,
    common_extended=common_extended,
    application_context=uids,
)

accepts = st.builds(
    AssociateAccept,
    titles,
    titles,
    results,
    maximum_length=peer_lengths,
    implementation_class_uid=uids,
    implementation_version=words,
    roles=roles,
    asynchronous=windows,
    identity_response=st.none() | st.binary(max_size=30),
    extended=extended,
)

bytes_of_one = st.integers(0, 255)
rejects = st.builds(AssociateReject, bytes_of_one, bytes_of_one, bytes_of_one)
