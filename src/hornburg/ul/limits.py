"""How much a peer may ask of the upper layer, before anything is known of it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one association may hold; each is checked before memory is taken.

    ``maximum_length`` is the largest P-DATA-TF that we announce and take, without its first 6
    bytes (PS3.8 D.1.1). ``association_pdu`` is the same for A-ASSOCIATE-RQ and -AC: 128 contexts
    with all 50 transfer syntaxes of PS3.6 come to 170 KB. ``contexts`` is what 128 odd numbers
    of one byte allow (PS3.8 9.3.2.2). ``transfer_syntaxes`` is for one context; PS3.6 lists
    some 50, old ones included. ``user_items`` leaves room for a role selection and an extended
    negotiation of each context. ``identity`` is the longest field of a user identity in bytes:
    SAML assertions and Kerberos tickets stay below it.

    ``sent_length`` is the largest P-DATA-TF that we send, without its first 6 bytes, to a peer
    that announces more or no limit (0). ``least_length`` is the smallest announcement that we
    work with: below it the heads of P-DATA would outweigh the data; real peers start at 4096.
    """

    maximum_length: int = 16384
    association_pdu: int = 1 << 18
    contexts: int = 128
    transfer_syntaxes: int = 128
    user_items: int = 512
    identity: int = 1 << 15
    sent_length: int = 1 << 17
    least_length: int = 128
