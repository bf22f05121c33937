"""What does a browser keep for the time without a network? The shell, its files, and the worker that gives them out.

Nothing else: no page, no answer of the API, nothing of an organization (docs/console.md, "Without a network").
"""

import json
from pathlib import Path

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.csp import CSP
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_safe

from chameleon.static_files import release

# All that the shell names: kept with it, for the browser may have thrown away what pages loaded.
_FILES = (
    "css/tokens.css",
    "css/base.css",
    "css/plain.css",
    "js/theme.js",
    "js/restored.js",
    "js/offline/shell.js",
    "icon.svg",
)
_POLICY = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    # What a notification shows.
    "img-src": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}


@require_safe
@csp_override(_POLICY)
def worker(_request: HttpRequest) -> HttpResponse:
    """The service worker, another one with each release. At the root: it answers for addresses below its own only."""
    kept = {"release": release(), "shell": reverse("offline"), "files": [static(name) for name in _FILES]}
    kept |= {"icon": static("icons/192.png")}
    response = HttpResponse(f"const KEPT = {json.dumps(kept)};\n{_script()}", content_type="text/javascript")
    response["Cache-Control"] = "no-cache"
    return response


@require_safe
def shell(_request: HttpRequest) -> HttpResponse:
    """The same page for everybody: rendered without the request, and so without session, pilot or organization."""
    response = HttpResponse(render_to_string("offline.html", {"release": release()}))
    response["Cache-Control"] = "no-cache"
    return response


def _script() -> str:
    path = finders.find("js/offline/worker.js")
    return Path(str(path)).read_text()
