"""Which organizations does a sign-in make somebody a member of? Those that an operator opened to it, and no other.

An operator opens an organization to the verified addresses of an e-mail domain, or to everybody of a provider whose
directory is pinned in the settings. Everybody else comes by invitation.
"""

from typing import Any

import idna

from pilots import actions
from pilots.access_log import SYSTEM, Party
from pilots.database import writing
from pilots.errors import InvalidInput
from pilots.models import AccessEvent, Membership, Organization, Pilot
from pilots.roles import Role
from pilots.sign_in.identities import Identity

DOMAINS = "email_domains"
PROVIDERS = "join_by_provider"
# Whoever has an account there is known to be of one directory: Entra's tenant, or the one issuer.
PINNED_PROVIDERS = ("microsoft", "oidc")
# Anybody can have an address there.
_OPEN_DOMAINS = {
    *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "icloud.com", "me.com", "yahoo.com"),
    *("aol.com", "proton.me", "protonmail.com", "gmx.de", "gmx.net", "web.de", "mail.ru", "qq.com", "163.com"),
}


def rules_of(organization: Organization) -> dict[str, list[str]]:
    """The e-mail domains and the providers the organization is open to."""
    return {name: list(organization.settings.get(name, [])) for name in (DOMAINS, PROVIDERS)}


def allow(
    organization: Organization,
    *,
    email_domains: list[str] | None = None,
    providers: list[str] | None = None,
    by: Party = SYSTEM,
) -> dict[str, list[str]]:
    """Opens the organization to these, and closes it to those of before; None leaves the one or the other.

    Whoever has signed in already joins at the next sign-in. A domain belongs to one organization.
    """
    changes: dict[str, Any] = {}
    if email_domains is not None:
        changes[DOMAINS] = sorted({_domain(text) for text in email_domains})
    if providers is not None:
        changes[PROVIDERS] = sorted({_provider(text) for text in providers})
    with writing():
        # All of them, so that two organizations cannot take one domain at the same moment.
        rows = list(Organization.objects.select_for_update(no_key=True).order_by("pk"))
        for domain in changes.get(DOMAINS, []):
            _check_is_free(domain, [row for row in rows if row.pk != organization.pk])
        actions.change_settings(organization, changes, by=by)
    return rules_of(organization)


def at_sign_in(pilot: Pilot, identity: Identity) -> list[Membership]:
    """Makes the pilot an operator wherever the sign-in opens the door, once; who was removed stays out."""
    joined: list[Membership] = []
    for organization, how in _open_to(identity):
        with writing():
            if _was_removed(pilot, organization):
                continue
            membership, is_new = actions.join(pilot, organization, Role.OPERATOR, by=Party.of(pilot), how=how)
        if is_new:
            joined.append(membership)
    return joined


def _open_to(identity: Identity) -> list[tuple[Organization, str]]:
    """The organizations, each with the rule that opens it."""
    open_ones = Organization.objects.filter(settings__has_any_keys=[DOMAINS, PROVIDERS]).order_by("pk")
    domain = _domain_of(identity)
    by_domain = [row for row in open_ones if domain and domain in row.settings.get(DOMAINS, [])]
    found = [(row, f"email_domain:{domain}") for row in by_domain]
    # Two that claim one domain, by whatever mistake: then it says nothing.
    found = found if len(found) == 1 else []
    if identity.kind in PINNED_PROVIDERS:
        by_provider = [row for row in open_ones if identity.kind in row.settings.get(PROVIDERS, [])]
        found += [(row, f"provider:{identity.kind}") for row in by_provider if row not in [row for row, _ in found]]
    return found


def _domain_of(identity: Identity) -> str:
    """The domain of the address the provider vouches for; '' without one."""
    if not identity.email_verified:
        return ""
    try:
        return _ascii(identity.email.rpartition("@")[2])
    except idna.IDNAError:
        return ""


def _was_removed(pilot: Pilot, organization: Organization) -> bool:
    removals = AccessEvent.objects.for_organization(organization.pk).filter(type="member_removed")
    return removals.filter(subject_reference=Party.of(pilot).reference).exists()


def _domain(text: str) -> str:
    try:
        domain = _ascii(text.removeprefix("@"))
    except idna.IDNAError as error:
        raise InvalidInput.field("email_domain", f"{text!r} is no domain; write it as in acme.com") from error
    if "." not in domain:
        raise InvalidInput.field("email_domain", f"{text!r} is no domain; write it as in acme.com")
    if domain in _OPEN_DOMAINS:
        raise InvalidInput.field("email_domain", f"anybody can have an address at {domain}; invite people instead")
    return domain


def _ascii(domain: str) -> str:
    """As it stands in the DNS: münchen.example is xn--mnchen-3ya.example, in whatever capitals it was written."""
    return idna.encode(domain.strip(), uts46=True).decode().lower()


def _provider(text: str) -> str:
    if text not in PINNED_PROVIDERS:
        known = " and ".join(PINNED_PROVIDERS)
        raise InvalidInput.field(
            "provider", f"only {known} are of one directory; anybody can have an account at {text!r}: invite people"
        )
    return text


def _check_is_free(domain: str, others: list[Organization]) -> None:
    for other in others:
        if domain in other.settings.get(DOMAINS, []):
            raise InvalidInput.field("email_domain", f"{domain} belongs to the organization {other.slug}")
