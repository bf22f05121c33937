"""A local provider that speaks the real HTTP of GitHub, Entra ID, Google and any OpenID Connect issuer.

It runs in a thread of the tests and shows a real page: "Continue as …" for each person it knows, and "Cancel". In a
browser test

    def test_…(provider: Provider, signing_server: str, chromium: Browser) -> None:

`signing_server` is the address of the application, with all four providers set up at `provider`; another server is
started with `server.running(database_url, **provider.environment())`. In a test without a browser the fixture
`provider_settings` sets the providers up in this process, and `provider.answer(address, "octocat")` presses a button.

Who can sign in, by the name on the button: `provider.people["github"]`, a dict that a test may change (new e-mail,
another name, a login that was re-used). The pilots are `github:octocat`, `microsoft:<oid>`, `google:<sub>`,
`oidc:keyring:<sub>`; `person.pilot_id` says which. Misbehaviour: `provider.faults.add("wrong_nonce")`; the names are in
tests/provider/faults.py. `provider.calls` lists what was asked, as "POST /google/token".
"""

from tests.provider.people import Person
from tests.provider.server import Provider

__all__ = ["Person", "Provider"]
