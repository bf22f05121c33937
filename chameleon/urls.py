"""The whole map of addresses: pages, API, pilot commands, operations."""

from django.contrib import admin
from django.urls import include, path, re_path

from chameleon import health, offline, openapi, prometheus
from interventions.admin import report_page
from interventions.views.devices import moved
from interventions.views.queue import without_slash
from pilots.views import home, invitation, sign_in_by_link

urlpatterns = [
    re_path(r"^health/?$", health.health),
    re_path(r"^ready/?$", health.ready),
    re_path(r"^metrics/?$", prometheus.metrics),
    path("sw.js", offline.worker),
    path("offline", offline.shell, name="offline"),
    path("push/moved", moved),
    path("", include("interventions.api.urls")),
    path("", include("pilots.urls")),
    re_path(r"^api/schema/?$", openapi.schema, name="api_schema"),
    re_path(r"^api/docs/?$", openapi.docs),
    path("admin/report/", admin.site.admin_view(report_page), name="organizations_report"),
    path("admin/", admin.site.urls),
    path("accounts/link/<str:token>", sign_in_by_link, name="sign_in_by_link"),
    path("accounts/", include("pilots.sign_in.urls")),
    path("accounts/", include("pilots.sign_in.account_urls")),
    path("invitations/<str:token>", invitation, name="invitation"),
    path("", home, name="home"),
    re_path(r"^(?P<path>interventions/[^/]+)$", home),
    path("o/<slug:slug>", without_slash),
    path("o/<slug:slug>/", include("interventions.urls")),
]
