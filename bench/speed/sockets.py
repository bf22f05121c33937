"""Open sockets of each kind, on the product and on its floor."""

from collections.abc import Callable

from bench.cluster import Server
from bench.faults.stage import Stage
from bench.speed.wire import Listener

SUBSCRIBE = b'{"type":"subscribe"}'

type Hear = Callable[[bytes], None] | None


def program(at: Stage, hear: Hear = None) -> Listener:
    return Listener("/ws/interventions", {"Authorization": f"Bearer {at.key}"}, hear)


def bare(hear: Hear = None) -> Listener:
    return Listener("/", {}, hear)


class Console:
    """The address and headers of an open page of the stage's first pilot, who is signed in."""

    def __init__(self, server: Server, at: Stage) -> None:
        self.path = f"/ws/o/{_slug(at)}/console"
        self.headers = {"Cookie": f"sessionid={_session(at)}", "Origin": server.address}

    def listener(self, hear: Hear = None) -> Listener:
        return Listener(self.path, self.headers, hear)


def _slug(at: Stage) -> str:
    from pilots.models import Organization  # noqa: PLC0415 -- the settings are known only now

    return Organization.objects.get(pk=at.organization_id).slug


def _session(at: Stage) -> str:
    from django.conf import settings  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    from pilots.models import Pilot  # noqa: PLC0415

    browser = Client()
    pilot = Pilot.objects.get(pilot_id=next(iter(at.pilots)))
    browser.force_login(pilot, "django.contrib.auth.backends.ModelBackend")
    return browser.cookies[settings.SESSION_COOKIE_NAME].value
