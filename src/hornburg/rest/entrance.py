"""The parts that decide who comes in over HTTP, put together from the settings."""

from __future__ import annotations

import time
from dataclasses import dataclass

from litestar.datastructures import State

from hornburg.archive.parts import Archive
from hornburg.hooks.manager import Hooks
from hornburg.rest.admission import Admission
from hornburg.security.browsers import Browsers
from hornburg.security.form_tokens import FormTokens
from hornburg.security.identify import Identities
from hornburg.security.policy import Policy
from hornburg.security.private_file import PrivateFile
from hornburg.security.sessions import Sessions
from hornburg.security.throttle import Throttle
from hornburg.security.tokens import TOKENS_FILE, Tokens
from hornburg.security.users import Users

__all__ = ["Entrance"]

_SESSIONS_FILE = "hornburg-sessions.json"


@dataclass(frozen=True, slots=True)
class Entrance:
    """What handlers and the door share."""

    policy: Policy
    identities: Identities
    admission: Admission

    @classmethod
    def of(cls, archive: Archive, state: State) -> Entrance:
        """Build them.

        Args:
            state: may hold ``policy``, ``hooks`` (filters of plug-ins), ``bearer`` (who checks
                bearer tokens that aren't ours).
        """
        settings = archive.settings
        policy: Policy = state.get("policy") or Policy(settings)
        users = Users(settings.registered_users or {})
        folder = settings.index_folder
        identities = Identities(
            required=settings.authentication_required,
            access=policy.access,
            users=users,
            throttle=Throttle(time.monotonic),
            sessions=Sessions(
                PrivateFile(folder / _SESSIONS_FILE),
                idle=settings.session_idle_timeout,
                lifetime=settings.session_lifetime,
                clock=archive.clock,
                mark=users.mark,
                tasks=archive.finishing,
            ),
            tokens=Tokens(
                PrivateFile(folder / TOKENS_FILE),
                clock=archive.clock,
                is_user=users.__contains__,
                tasks=archive.finishing,
            ),
            bearer=state.get("bearer"),
        )
        hooks: Hooks = state.get("hooks") or archive.hooks
        admission = Admission(archive, identities, Browsers(settings), hooks)
        return cls(policy, identities, admission)

    def share(self, state: State) -> None:
        """Let handlers find them."""
        state.policy = self.policy
        state.identities = self.identities
        state.sessions = self.identities.sessions
        state.form_tokens = FormTokens()
