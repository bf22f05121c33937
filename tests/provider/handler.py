"""The local provider as a browser and the application see it: which address answers what, at which fault."""

import base64
import hashlib
import json
import secrets
from html import escape
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.provider import id_tokens
from tests.provider.people import KINDS, SECRET, Grant

if TYPE_CHECKING:
    from tests.provider.server import Provider

# As long as a request that gets no answer is held; whoever waits gives up long before.
HANG_SECONDS = 60


class Handler(BaseHTTPRequestHandler):
    provider: "Provider"

    def log_message(self, format: str, *_arguments: Any) -> None:
        """The tests ask `provider.calls`."""

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self._answer(dict(parse_qsl(body)))

    def _answer(self, form: dict[str, str]) -> None:
        address = urlsplit(self.path)
        self.provider.calls.append(f"{self.command} {address.path}")
        first, _, rest = address.path.strip("/").partition("/")
        kind = "microsoft" if first == "azure" else first
        step = rest.rpartition("/")[2]
        if kind not in KINDS:
            self._say(404, "Nothing here.")
        elif step == "authorize":
            self._authorize(kind, dict(parse_qsl(address.query)), form)
        elif step in ("token", "access_token"):
            self._token(kind, form)
        elif step == "openid-configuration":
            self._tell(self.provider.discovery(kind), "discovery_500")
        elif step == "keys":
            self._tell(id_tokens.keys(), "keys_500")
        else:
            self._profile(kind, step)

    def _authorize(self, kind: str, asked: dict[str, str], form: dict[str, str]) -> None:
        if trouble := _trouble_with(kind, asked):
            self._say(400, f"The application asks wrongly: {trouble}")
        elif "authorize_error" in self.provider.faults:
            self._send_back(asked, error="server_error", error_description="Something <b>broke</b> here")
        elif self.command == "GET":
            self._show(kind)
        elif person := self.provider.people[kind].get(form.get("person", "")):
            code = secrets.token_urlsafe(12)
            self.provider.codes[code] = Grant(kind, person, asked)
            self._send_back(asked, code=code)
        else:
            self._send_back(asked, error="access_denied", error_description="The person said no.")

    def _show(self, kind: str) -> None:
        buttons = "".join(
            f'<p><button name="person" value="{escape(person.login)}">Continue as {escape(person.login)}</button></p>'
            for person in self.provider.people[kind].values()
        )
        buttons += '<p><button name="person" value="">Cancel</button></p>'
        page = f"<h1>Sign in at the local {kind}</h1><form method=post>{buttons}</form>"
        self._say(200, f"<!doctype html><html lang=en><title>Local {kind}</title><main>{page}</main></html>")

    def _send_back(self, asked: dict[str, str], **said: str) -> None:
        joiner = "&" if "?" in asked["redirect_uri"] else "?"
        self._redirect(f"{asked['redirect_uri']}{joiner}{urlencode(said | {'state': asked['state']})}")

    def _token(self, kind: str, form: dict[str, str]) -> None:
        faults = self.provider.faults
        if "token_hangs" in faults:
            self.provider.released.wait(HANG_SECONDS)
        elif "token_redirects" in faults:
            self._redirect(f"{self.provider.address}/nowhere")
        elif "token_garbage" in faults:
            self._say(200, "<html>Welcome to the captive portal", "application/json")
        elif "token_500" in faults or "token_empty" in faults:
            self._tell({}, "token_500")
        else:
            self._exchange(kind, form)

    def _exchange(self, kind: str, form: dict[str, str]) -> None:
        # A code works once.
        grant = self.provider.codes.pop(form.get("code", ""), None)
        if grant is None or trouble_with_exchange(grant, kind, form):
            # GitHub says so with 200.
            body = {"error": "bad_verification_code" if kind == "github" else "invalid_grant"}
            self._json(200 if kind == "github" else 400, body)
            return
        token = secrets.token_urlsafe(12)
        self.provider.tokens[token] = grant
        body = {"access_token": token, "token_type": "bearer", "scope": grant.asked["scope"]}
        if kind != "github" and "no_id_token" not in self.provider.faults:
            client, nonce = grant.asked["client_id"], grant.asked["nonce"]
            issuer = self.provider.issuer(kind)
            body["id_token"] = id_tokens.id_token(grant.person, issuer, client, SECRET, nonce, self.provider.faults)
        self._json(200, body)

    def _profile(self, kind: str, step: str) -> None:
        grant = self.provider.tokens.get(self.headers.get("Authorization", "").rpartition(" ")[2])
        if grant is None or grant.kind != kind:
            self._json(401, {"message": "Bad credentials"})
        elif "user_garbage" in self.provider.faults:
            self._json(200, ["no", "profile"])
        elif "emails_403" in self.provider.faults and step != "user":
            self._json(403, {"message": "Forbidden"})
        elif step == "user":
            # Its people keep their address to themselves, as most do.
            person = grant.person
            self._tell({"id": int(person.id), "login": person.login, "name": person.name, "email": None}, "user_500")
        elif step == "emails":
            old = {"email": f"old-{grant.person.email}", "primary": False, "verified": True}
            address = {"email": grant.person.email, "primary": True, "verified": grant.person.verified}
            self._tell([old, address], "user_500")
        else:
            claims = id_tokens.profile(grant.person, self.provider.faults)
            self._tell(
                claims | ({"sub": "somebody-else"} if "other_subject" in self.provider.faults else {}), "user_500"
            )

    def _tell(self, body: Any, fault: str) -> None:
        if fault in self.provider.faults:
            self._say(500, "<h1>Internal error</h1>")
        else:
            self._json(200, body)

    def _json(self, status: int, body: Any) -> None:
        self._say(status, json.dumps(body), "application/json")

    def _redirect(self, address: str) -> None:
        self.send_response(302)
        self.send_header("Location", address)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _say(self, status: int, text: str, kind: str = "text/html; charset=utf-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())


def _trouble_with(kind: str, asked: dict[str, str]) -> str | None:
    """What a real provider refuses before it asks the person anything."""
    wanted = {"client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method"}
    if missing := wanted - asked.keys():
        return f"no {', '.join(sorted(missing))}"
    if asked["client_id"] != f"{kind}-client" or asked["response_type"] != "code":
        return "an unknown client, or not the code flow"
    if asked["code_challenge_method"] != "S256":
        return "PKCE without S256"
    if not urlsplit(asked["redirect_uri"]).path.endswith("/callback/"):
        return "the redirect address is not registered"
    if kind != "github" and ("openid" not in asked["scope"].split() or not asked.get("nonce")):
        return "no openid scope, or no nonce"
    return None


def trouble_with_exchange(grant: Grant, kind: str, form: dict[str, str]) -> bool:
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    return not (
        grant.kind == kind
        and form.get("grant_type") == "authorization_code"
        and form.get("client_id") == grant.asked["client_id"]
        and form.get("client_secret") == SECRET
        and form.get("redirect_uri") == grant.asked["redirect_uri"]
        and base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == grant.asked["code_challenge"]
    )
