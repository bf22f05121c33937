"""When does a session of the web pages end? After hours in which no page was open, and in any case after some days."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.utils import timezone

# When the pilot signed in, in seconds; written once, by sessions.begin.
BEGUN = "signed_in_at"


class SessionStore(db.SessionStore):
    """Its row ends when nobody was there for hours; its cookie may stay until the last moment a row could live."""

    def get_expiry_date(self, **_given: Any) -> datetime:
        return expiry_date(self.deadline())

    async def aget_expiry_date(self, **_given: Any) -> datetime:
        # The session is in memory when it is about to be saved: nothing waits here.
        return self.get_expiry_date()

    def get_expiry_age(self, **_given: Any) -> int:
        """In seconds, for the cookie, which is written once: the row tells when it is over."""
        end = self.deadline() or expiry_date(None)
        return max(0, int((end - timezone.now()).total_seconds()))

    def get_expire_at_browser_close(self) -> bool:
        return False

    def deadline(self) -> datetime | None:
        """The moment nothing moves; None while nobody is signed in."""
        if SESSION_KEY not in self:
            return None
        begun = datetime.fromtimestamp(self.get(BEGUN, 0), UTC)
        return begun + timedelta(seconds=settings.SESSION_ABSOLUTE_AGE)


def expiry_date(deadline: datetime | None) -> datetime:
    """When a session seen now ends, if it is not seen again."""
    idle = timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    return min(idle, deadline) if deadline else idle
