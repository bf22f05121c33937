"""What does the access log learn of signing in and out?"""

from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from django.http import HttpRequest

from pilots import access_log
from pilots.access_log import UNKNOWN
from pilots.addresses import client_address
from pilots.models import Pilot
from pilots.sign_in import tries

# Failed tries told of one account in five minutes, and of all accounts that are not there: whoever guesses from many
# addresses shall not fill the log. The rest is counted, and the number told with the next one.
TOLD_FAILURES = 20
_DAY = 24 * 3600


def signed_in(pilot: Pilot, how: str, address: str, *, through: str, **more: str) -> None:
    """`how` is `password`, `link` or a provider's name; `through` is `page` or `token`."""
    data = {"how": how, "through": through, "address": address} | more
    access_log.record_of_pilot("signed_in", pilot, data=data)


def signed_out(pilot: Pilot, address: str, *, through: str) -> None:
    access_log.record_of_pilot("signed_out", pilot, data={"through": through, "address": address})


def failed(account: str, address: str, *, through: str) -> None:
    """Tells of a failed try. What was typed stays untold where no pilot is called so: it may be somebody's password."""
    pilot = Pilot.objects.filter(pilot_id=account).first()
    whose = f"pilot:{pilot.pk}" if pilot else "unknown"
    if tries.add(f"told:{whose}", 1) > TOLD_FAILURES:
        tries.add(f"untold:{whose}", 1, _DAY)
        return
    data: dict[str, Any] = {"through": through, "address": address}
    if untold := tries.add(f"untold:{whose}", 0, _DAY):
        tries.add(f"untold:{whose}", -untold, _DAY)
        data["untold"] = untold
    if pilot:
        access_log.record_of_pilot("sign_in_failed", pilot, UNKNOWN, data)
    else:
        access_log.record("sign_in_failed", UNKNOWN, data=data)


def hear_sign_in(request: HttpRequest, user: Pilot, **_signal: Any) -> None:
    """Hears that a session of the pages begins, by whatever way."""
    signed_in(user, _way(request, user), client_address(request), through="page")


def hear_sign_out(request: HttpRequest | None, user: Pilot | None, **_signal: Any) -> None:
    if request is not None and isinstance(user, Pilot):
        signed_out(user, client_address(request), through="page")


def hear_failure(credentials: dict[str, Any], request: HttpRequest | None = None, **_signal: Any) -> None:
    """Hears that a form of the pages was sent with a wrong name or password."""
    if request is not None:
        failed(str(credentials.get("username", "")), client_address(request), through="page")


def _way(request: HttpRequest, pilot: Pilot) -> str:
    """The first step of the sign-in; a second factor only adds to it."""
    for step in get_authentication_records(request, pilot):
        if step["method"] != "mfa":
            return str(step.get("provider") or step["method"])
    # Django's own ways leave no note of their steps.
    match = request.resolver_match
    return "link" if match and match.url_name == "sign_in_by_link" else "password"
