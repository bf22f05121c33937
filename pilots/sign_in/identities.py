"""Who somebody is at a provider, and which pilot that makes them: found by the provider's own id, never by e-mail."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

from allauth.socialaccount.models import SocialAccount
from django.db import IntegrityError, transaction

from pilots import access_log
from pilots.database import writing
from pilots.models import Pilot
from pilots.sign_in.trouble import Trouble

# What `SocialAccount.uid` holds.
LONGEST_ID = 191


@dataclass(frozen=True, slots=True)
class Identity:
    """What a provider vouches for. `provider` is github, microsoft, google, or the name of the generic issuer; `id` is
    never given to anybody else there; `login` is a name that may be; `email_verified` only where the provider knows."""

    provider: str
    issuer: str
    id: str
    login: str = ""
    name: str = ""
    email: str = ""
    email_verified: bool = False

    @property
    def kind(self) -> str:
        """One of the four kinds of provider."""
        return self.provider if self.provider in ("github", "microsoft", "google") else "oidc"

    def kept(self) -> dict[str, Any]:
        """What is stored beside the account: no more than is asked for later."""
        return {name: value for name, value in asdict(self).items() if name not in ("provider", "id")}


def identity_of(account: SocialAccount) -> Identity:
    """What the provider said of this account when it was last used."""
    known = {name: account.extra_data[name] for name in Identity.__slots__ if name in account.extra_data}
    return Identity(**{"issuer": "", **known, "provider": account.provider, "id": account.uid})


def check(identity: Identity) -> dict[str, Any]:
    """What was known of this account before, {} where it is new; raises Trouble for one that cannot be a pilot."""
    if not identity.id or len(identity.id) > LONGEST_ID or (identity.kind == "github" and not identity.login):
        raise Trouble("unusable", "the id of the account")
    rows = SocialAccount.objects.filter(provider=identity.provider, uid=identity.id)
    known: dict[str, Any] = rows.values_list("extra_data", flat=True).first() or {}
    if known.get("issuer", identity.issuer) != identity.issuer:
        # Number 42 of the company's own GitHub is not number 42 of github.com.
        raise Trouble("moved", "the account is known from another issuer")
    return known


def verified_emails(pilot: Pilot) -> set[str]:
    """The addresses that providers vouched for at the pilot's sign-ins, in lower case."""
    known = [identity_of(account) for account in SocialAccount.objects.filter(user=pilot)]
    return {identity.email.lower() for identity in known if identity.email and identity.email_verified}


def make_pilot(identity: Identity) -> SocialAccount:
    """The pilot of a first sign-in, with the account; of two who sign in at the same moment the later
    gets the pilot of the earlier."""
    try:
        with writing():
            pilot = _new_pilot(identity)
            account = SocialAccount.objects.create(
                user=pilot, provider=identity.provider, uid=identity.id, extra_data=identity.kept()
            )
            access_log.record_of_pilot("pilot_created", pilot, data={"provider": identity.provider})
    except IntegrityError:
        return SocialAccount.objects.select_related("user").get(provider=identity.provider, uid=identity.id)
    return account


def refresh(pilot: Pilot, identity: Identity, known: dict[str, Any]) -> None:
    """Takes over what the provider says anew. A name the pilot chose here stays until it changes there."""
    if (pilot.oauth_provider, pilot.oauth_id) != (identity.kind, identity.id):
        return  # an account connected later does not rename the pilot
    name = identity.name if identity.name and identity.name != known.get("name") else pilot.name
    email = identity.email or pilot.email
    if (name, email) != (pilot.name, pilot.email):
        pilot.name, pilot.email = name[:255], email
        pilot.save(update_fields=["name", "email"])


def _new_pilot(identity: Identity) -> Pilot:
    for pilot_id in _free_ids(identity):
        try:
            # A savepoint, for whoever takes the same name at the same moment.
            with transaction.atomic():
                return Pilot.objects.create_user(
                    pilot_id,
                    name=(identity.name or identity.login)[:255],
                    email=identity.email,
                    oauth_provider=identity.kind,
                    oauth_id=identity.id,
                )
        except IntegrityError:
            continue
    raise Trouble("unusable", "no free pilot id")


def _free_ids(identity: Identity) -> Iterator[str]:
    """`github:octocat`, then `github:octocat~2` …: a login somebody gave up may be somebody else's now."""
    stem = {"github": f"github:{identity.login}", "oidc": f"oidc:{identity.provider}:{identity.id}"}.get(
        identity.kind, f"{identity.kind}:{identity.id}"
    )
    # Ids are printable and hold no space.
    stem = "".join(c if c.isprintable() and not c.isspace() else quote(c) for c in stem)[:240]
    for number in range(1, 1000):
        pilot_id = stem if number == 1 else f"{stem}~{number}"
        # Two names that differ in capitals only would be taken for one another by people.
        if not Pilot.objects.filter(pilot_id__iexact=pilot_id).exists():
            yield pilot_id
