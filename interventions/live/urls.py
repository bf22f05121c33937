"""The addresses of the sockets."""

from typing import Any

from channels.routing import URLRouter
from django.urls import re_path

from interventions.live.consumers import console_consumer, nowhere, program_consumer

# URLRouter takes Django's patterns, with ASGI applications where Django's types expect views.
urlpatterns: list[Any] = [
    re_path(r"^ws/interventions/?$", program_consumer),  # type: ignore[arg-type]
    re_path(r"^ws/?$", program_consumer),  # type: ignore[arg-type]
    re_path(r"^ws/o/(?P<slug>[-\w]+)/console/?$", console_consumer),  # type: ignore[arg-type]
    re_path(r"", nowhere),  # type: ignore[arg-type]
]
router = URLRouter(urlpatterns)
