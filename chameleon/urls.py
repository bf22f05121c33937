"""The whole map of addresses: pages, API, pilot commands, operations."""

from django.contrib import admin
from django.urls import include, path, re_path

from chameleon import health

urlpatterns = [
    re_path(r"^health/?$", health.health),
    re_path(r"^ready/?$", health.ready),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.account.urls")),
]
