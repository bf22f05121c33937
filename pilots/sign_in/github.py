"""How GitHub is asked who somebody is: github.com, GitHub Enterprise in the cloud, or a company's own server."""

from typing import Any

from pilots.sign_in.asking import Asking, email_in
from pilots.sign_in.identities import Identity


class AskingGitHub(Asking):
    @property
    def web(self) -> str:
        url: str = self.app.settings["url"]
        return url

    @property
    def api(self) -> str:
        host = self.web.removeprefix("https://")
        # A company's own server has its API below itself, GitHub's own sites beside them.
        is_own_site = host == "github.com" or host.endswith(".ghe.com")
        return f"https://api.{host}" if is_own_site else f"{self.web}/api/v3"

    @property
    def authorize_url(self) -> str:
        return f"{self.web}/login/oauth/authorize"

    @property
    def access_token_url(self) -> str:
        return f"{self.web}/login/oauth/access_token"

    def identify(self, access_token: str, _answer: dict[str, Any]) -> Identity:
        user = self.fetch(f"{self.api}/user", access_token)
        if not isinstance(user["id"], int | str):
            raise TypeError("the id")
        # Whoever does not let us see the addresses has none, and can sign in all the same.
        email, is_verified = _best_of(self.fetch_if_allowed(f"{self.api}/user/emails", access_token) or [])
        return Identity(
            "github",
            self.web,
            str(user["id"]),
            login=str(user["login"]),
            name=str(user.get("name") or ""),
            email=email_in(email or user.get("email")),
            email_verified=is_verified,
        )


def _best_of(emails: list[dict[str, Any]]) -> tuple[str, bool]:
    """The primary address, where there is one, and whether GitHub verified it."""
    for email in sorted(emails, key=lambda email: (email.get("primary") is True, email.get("verified") is True))[-1:]:
        return str(email["email"]), email.get("verified") is True
    return "", False
