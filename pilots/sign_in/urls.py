"""The addresses of sign-in by provider, as an operator registers them there, and of signing in anew; at /accounts/."""

from django.urls import include, path, re_path

from pilots.sign_in.pages import again, done
from pilots.sign_in.provider_views import back, begin

NAMED = r"^(?P<provider_id>github|microsoft|google)/login/"

urlpatterns = [
    path("again", again, name="sign_in_again"),
    path("done", done, name="sign_in_done"),
    re_path(NAMED + "$", begin, name="provider_login"),
    re_path(NAMED + "callback/$", back, name="provider_callback"),
    path("oidc/<str:provider_id>/login/", begin, name="issuer_login"),
    path("oidc/<str:provider_id>/login/callback/", back, name="issuer_callback"),
    path("3rdparty/", include("allauth.socialaccount.urls")),
]
