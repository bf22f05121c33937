"""Pages about who is here: where a pilot starts, and what one without an organization sees."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from pilots.memberships import last_used
from pilots.models import Pilot


@require_GET
@never_cache
@login_required
def home(request: HttpRequest, path: str = "") -> HttpResponse:
    """To the same page in the organization last used; without a membership a page that says so."""
    membership = last_used(request.user, request.session) if isinstance(request.user, Pilot) else None
    if membership is None:
        return render(request, "pilots/no_organization.html", status=403)
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    return redirect(f"/o/{membership.organization.slug}/{path}{query}")
