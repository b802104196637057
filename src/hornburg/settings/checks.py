"""What several options say together: refused, or told to the operator."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence

from hornburg.settings.errors import Refused, SettingsError, show
from hornburg.settings.remotes import refuse_host_name
from hornburg.settings.rules import refuse_unknown_roles
from hornburg.settings.settings import Settings
from hornburg.settings.transport import crosses_in_clear, wide_networks
from hornburg.settings.values import SecurityProfile

__all__ = ["check"]

#: How many one line names.
_MOST_NAMED = 10


def check(settings: Settings) -> Iterator[str]:
    """Notes for the operator.

    Raises:
        SettingsError: options contradict each other.
    """
    _check_roles(settings)
    strangers = settings.strangers_in_rules
    if strangers:
        where = settings.origins.get("AccessRules", "configuration")
        yield f"{where}: AccessRules name {_some(strangers)}, and nobody is called so"
    yield from _check_http(settings)
    yield from _check_dicom(settings)
    _check_openid(settings)
    if settings.security_profile is SecurityProfile.HARDENED:
        _check_transport(settings)


def _check_roles(settings: Settings) -> None:
    try:
        refuse_unknown_roles(settings.roles, settings.access_rules or ())
    except Refused as no:
        raise SettingsError(
            settings.origins.get("AccessRules", "configuration"),
            f"allowed is {no.allowed}",
            option=f"AccessRules{no.path}",
            value=show(no.value),
        ) from None


def _check_openid(settings: Settings) -> None:
    if settings.open_id_connect is not None and settings.access_rules is None:
        raise SettingsError(
            settings.origins.get("OpenIdConnect", "configuration"),
            "every user of the provider would be an administrator; add AccessRules, such as "
            '[ { "TokenRoles": ["radiologist"], "Role": "reader" } ]',
            option="OpenIdConnect",
        )


def _check_transport(settings: Settings) -> None:
    """The profile wants TLS wherever other machines may come in or are sent something, and
    nobody but proxies to speak for others.

    A reverse proxy on this machine needs none, because it comes in without RemoteAccessAllowed.
    """
    if settings.remote_access_allowed and not settings.ssl_enabled:
        _refuse(
            settings,
            "SslEnabled",
            "other machines may come in (RemoteAccessAllowed), so allowed is true",
            "false",
        )
    if settings.serves_dicom_to_others and not settings.dicom_tls_enabled:
        _refuse(
            settings,
            "DicomTlsEnabled",
            "other machines may come in (DicomBindAddresses), so allowed is true",
            "false",
        )
    for name, peer in settings.orthanc_peers.items():
        if crosses_in_clear(peer.url):
            why = f"images cross the network to {name!r}, so allowed is a URL with https://"
            _refuse(settings, "OrthancPeers", why)
    for network in wide_networks(settings.trusted_proxies):
        why = "everybody there may claim any address, so allowed are the proxies alone"
        _refuse(settings, "TrustedProxies", why, f'"{network}"')


def _refuse(settings: Settings, option: str, why: str, value: str | None = None) -> None:
    if option in settings.hardened_exceptions:
        return
    raise SettingsError(
        settings.origins.get(option) or settings.origins.get("SecurityProfile", "configuration"),
        f'{why}; or give the reason in "HardenedExceptions": {{ "{option}": "..." }} '
        "(SecurityProfile is Hardened)",
        option=option,
        value=value,
    )


def _check_http(settings: Settings) -> Iterable[str]:
    """The rules that several options share: raises, or gives notes for the operator."""
    if not settings.http_server_enabled:
        return
    origins = settings.origins
    if not settings.authentication_required or _has_other_proofs(settings):
        pass
    elif settings.registered_users is None:
        if settings.remote_access_allowed:
            raise SettingsError(
                origins.get("RemoteAccessAllowed", "configuration"),
                'nobody could log in: add "RegisteredUsers": { "name": "password" }, '
                'or set "AuthenticationEnabled" to false to let everybody in',
                option="RemoteAccessAllowed",
                value="true",
            )
        yield "authentication is on and there are no RegisteredUsers: nobody can log in"
    elif not settings.registered_users:
        yield "authentication is on and RegisteredUsers is empty: nobody can log in"
    if settings.serves_http_to_others and not settings.authentication_required:
        yield "remote access is allowed without authentication: everybody can read and delete"
    if settings.authentication_required and settings.uses_well_known_passwords:
        yield "RegisteredUsers holds a password that is printed in manuals: change it"
    elif settings.authentication_required:
        yield from _check_passwords(settings)
    asked = settings.http_bind_addresses or ()
    outside = [each for each in asked if not ipaddress.ip_address(each).is_loopback]
    if outside and not settings.remote_access_allowed:
        yield (
            f"HttpBindAddresses: {', '.join(outside)} left out because RemoteAccessAllowed "
            f"is false; listening on {', '.join(settings.http_binds())}"
        )


def _has_other_proofs(settings: Settings) -> bool:
    """Whether users can show who they are without a password."""
    return settings.open_id_connect is not None or bool(
        settings.ssl_verify_peers and settings.ssl_certificate_users
    )


def _check_passwords(settings: Settings) -> Iterable[str]:
    plain = sorted(
        name
        for name, secret in (settings.registered_users or {}).items()
        if not secret.reveal().startswith("$argon2")
    )
    if plain:
        names = _some([ascii(name) for name in plain])
        yield (
            f"RegisteredUsers: the password of {names} is in plain text; "
            "'hornburg hash-password' prints what to write instead"
        )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} others" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _check_dicom(settings: Settings) -> Iterable[str]:
    """The same for the options of the DICOM network."""
    known = settings.dicom_modalities
    if known and settings.dicom_modalities_in_database:
        yield (
            "DicomModalities is left out: DicomModalitiesInDatabase is true, and modalities come "
            "from the index"
        )
    elif settings.dicom_check_modality_host:
        for name, modality in known.items():
            try:
                refuse_host_name(modality)
            except Refused as no:
                raise SettingsError(
                    settings.origins.get("DicomModalities", "configuration"),
                    f"allowed is {no.allowed}",
                    option=f"DicomModalities.{name}{no.path}",
                    value=show(no.value),
                ) from None
