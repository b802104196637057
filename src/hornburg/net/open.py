"""Opening an association as its requestor."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from hornburg.archive.remote import (
    FindNotOfferedError,
    NotOfferedError,
    RemoteError,
    Target,
)
from hornburg.net.association import ARTIM, Association
from hornburg.net.errors import AssociationLostError
from hornburg.net.services import act_of
from hornburg.security.complaints import tls_words
from hornburg.security.dicom_rules import Act
from hornburg.security.dicom_tls import client_context
from hornburg.settings import Settings
from hornburg.ul.events import (
    AssociateReject,
    AssociateRequest,
    PresentationContext,
    RoleSelection,
)
from hornburg.ul.limits import Limits
from hornburg.ul.negotiation import AcceptedContext, agreed
from hornburg.ul.rejections import reject_sentence

__all__ = ["associate", "context_for", "contexts_of"]

log = logging.getLogger("hornburg.dicom")

#: Presentation contexts in one request: odd numbers up to 255 (PS3.8 section 9.3.2.2).
MOST_CONTEXTS = 128


def contexts_of(wanted: Sequence[tuple[str, tuple[str, ...]]]) -> tuple[PresentationContext, ...]:
    """Presentation contexts, numbered, for pairs of abstract syntax and transfer syntaxes."""
    return tuple(
        PresentationContext(2 * number + 1, abstract, syntaxes)
        for number, (abstract, syntaxes) in enumerate(wanted[:MOST_CONTEXTS])
    )


@asynccontextmanager
async def associate(
    settings: Settings,
    target: Target,
    contexts: tuple[PresentationContext, ...],
    roles: tuple[RoleSelection, ...] = (),
) -> AsyncGenerator[Association, None]:
    """An association with another application entity; released at the end, aborted on an error.

    Raises:
        RemoteError: it can't be reached, does not want to, or breaks off.
    """
    association = await _open(settings, target)
    try:
        await _request(settings, association, target, contexts, roles)
        yield association
    except AssociationLostError as error:
        if not association.why:
            # Another one: that of the C-MOVE behind this.
            association.abort("given up")
            raise
        raise RemoteError(f"{target.described}: {error}") from None
    except BaseException:
        association.abort("given up")
        raise
    else:
        await association.release()
    finally:
        if not association.ended.done():
            association.abort("given up")


async def _open(settings: Settings, target: Target) -> Association:
    modality = target.modality
    association = Association(
        requestor=True,
        limits=Limits(maximum_length=settings.maximum_pdu_length),
        timeout=target.timeout,
        artim=min(ARTIM, target.timeout or ARTIM),
    )
    tls = client_context(settings, modality) if modality.use_dicom_tls else None
    loop = asyncio.get_running_loop()
    seconds = target.timeout or None
    try:
        async with asyncio.timeout(seconds):
            await loop.create_connection(
                lambda: association,
                modality.host,
                modality.port,
                ssl=tls,
                server_hostname=modality.host if tls is not None else None,
                ssl_handshake_timeout=(seconds or ARTIM) if tls is not None else None,
            )
    except TimeoutError:
        raise RemoteError(f"{target.described}: no connection in {target.timeout} s") from None
    except ssl.SSLError as error:
        reason = tls_words(error)
        raise RemoteError(f"{target.described}: TLS: {reason}") from None
    except socket.gaierror:
        raise RemoteError(f"{target.described}: {modality.host} is not known") from None
    except OSError as error:
        # Each event loop has words of its own; a host with several addresses has no number.
        words = os.strerror(error.errno) if error.errno else "none of its addresses answers"
        raise RemoteError(f"{target.described}: {words}") from None
    return association


async def _request(
    settings: Settings,
    association: Association,
    target: Target,
    contexts: tuple[PresentationContext, ...],
    roles: tuple[RoleSelection, ...],
) -> None:
    request = AssociateRequest(
        called_aet=target.modality.aet,
        calling_aet=target.local_aet,
        contexts=contexts,
        maximum_length=settings.maximum_pdu_length,
        roles=roles,
    )
    try:
        async with asyncio.timeout(target.timeout or None):
            answer = await association.request(request)
    except TimeoutError:
        raise RemoteError(
            f"{target.described}: no answer to the association request in {target.timeout} s"
        ) from None
    if isinstance(answer, AssociateReject):
        words = reject_sentence(answer.result, answer.source, answer.reason)
        raise RemoteError(f"{target.described}: association rejected: {words}")
    association.contexts = agreed(request, answer, we_are_requestor=True)


def context_for(association: Association, target: Target, abstract_syntax: str) -> AcceptedContext:
    """The context that was accepted for an abstract syntax.

    Raises:
        NotOfferedError: none was.
    """
    for context in association.contexts.values():
        if context.abstract_syntax == abstract_syntax:
            return context
    is_find = act_of(abstract_syntax) in (Act.FIND, Act.FIND_WORKLIST)
    missing = FindNotOfferedError if is_find else NotOfferedError
    raise missing(f"{target.described}: does not offer this service ({abstract_syntax})")
