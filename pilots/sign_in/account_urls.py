"""Which of allauth's pages there are, below /accounts/: no sign-up and no list of e-mail addresses."""

from allauth.account import views as account
from django.urls import include, path, re_path

from pilots.sign_in import account_pages as pages
from pilots.sign_in.pages import sign_out

_reset = [
    path("", pages.where(pages.can_reset, account.password_reset), name="account_reset_password"),
    path("done/", pages.where(pages.can_reset, account.password_reset_done), name="account_reset_password_done"),
    path(
        "key/done/",
        pages.where(pages.can_reset, account.password_reset_from_key_done),
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        pages.where(pages.can_reset, account.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
]
urlpatterns = [
    path("login/", pages.SignIn.as_view(), name="account_login"),
    path("logout/", sign_out, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", pages.PasswordAgain.as_view(), name="account_reauthenticate"),
    path("password/change/", pages.change_password, name="account_change_password"),
    path("password/reset/", include(_reset)),
    path("sessions/", pages.list_sessions, name="usersessions_list"),
    # Ours stand before allauth's of the same address.
    path("2fa/authenticate/", pages.SecondStep.as_view(), name="mfa_authenticate"),
    path("2fa/reauthenticate/", pages.CodeAgain.as_view(), name="mfa_reauthenticate"),
    path("2fa/webauthn/reauthenticate/", pages.PasskeyAgain.as_view(), name="mfa_reauthenticate_webauthn"),
    path("2fa/", include("allauth.mfa.urls")),
]
