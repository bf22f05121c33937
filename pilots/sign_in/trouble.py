"""What goes wrong at a provider, by one word each: for the page, and for a log line that holds no secret."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from requests import RequestException
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import Timeout

# begun_elsewhere: the state is forged, used up, too old, or of another browser. cancelled: the person said no.
# refused: the provider says no. unreachable: it does not answer. unusable: what it says cannot be understood.
# untrusted: it can be understood, and is not to be believed. directory: somebody of another Entra directory.
# moved: the same number at another issuer is another person. inactive: the pilot may not sign in any more.
type Reason = Literal[
    "begun_elsewhere",
    "cancelled",
    "refused",
    "unreachable",
    "unusable",
    "untrusted",
    "directory",
    "moved",
    "inactive",
]


class Trouble(OAuth2Error):
    """`detail` is for the operator's log: which check failed. It never holds what the provider or browser sent."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


@contextmanager
def understood(step: str) -> Iterator[None]:
    """Around everything that reads a provider's answer: whatever it is, what comes out is Trouble."""
    try:
        yield
    except Trouble:
        raise
    except RequestException as error:
        raise trouble_of(error, step) from error
    except OAuth2Error as error:
        # allauth's texts hold the whole answer.
        raise Trouble("refused", step) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Trouble("unusable", step) from error


def trouble_of(error: Exception | None, step: str = "") -> Trouble:
    if isinstance(error, Trouble):
        return error
    if isinstance(error, Timeout | NoConnection):
        return Trouble("unreachable", step)
    return Trouble("unusable", step)
