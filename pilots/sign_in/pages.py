"""Pages around a sign-in that ends while one works: the dialog over the page, the window it opens, and the way out."""

from allauth.account import views as allauth
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from pilots.sign_in import leaving


@require_safe
@never_cache
def again(request: HttpRequest) -> HttpResponse:
    """What the dialog shows. Its CSRF token comes with it: signing out elsewhere has cleared the page's."""
    return render(request, "account/_again.html", {"has_passwords": settings.LOCAL_ACCOUNTS})


@require_safe
@never_cache
@login_required
def done(request: HttpRequest) -> HttpResponse:
    """Where a sign-in in a window of its own ends: it tells the page that waits, and closes."""
    return render(request, "account/done.html")


def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the session and with it every token and socket of it, and clears the browser."""
    response: HttpResponse = allauth.logout(request)
    return leaving.clear(response) if request.method == "POST" else response
