"""How can the local provider misbehave? Each fault by its name, at the step where it shows."""

AUTHORIZE = {
    "authorize_error": "sends the browser back with error=server_error",
    "authorize_elsewhere": "its discovery document puts the authorize page on another origin (localhost)",
}
TOKEN = {
    "token_500": "the token endpoint fails",
    "token_hangs": "the token endpoint never answers",
    "token_garbage": "the token endpoint answers with something that is no JSON",
    "token_empty": "the token endpoint answers 200 with {}",
    "token_redirects": "the token endpoint sends the client, with its secret, somewhere else",
}
ID_TOKEN = {
    "no_id_token": "there is none",
    "wrong_nonce": "it was made for another sign-in",
    "no_nonce": "it was made for any sign-in",
    "wrong_audience": "it was made for another application",
    "two_audiences": "it was made for two applications, and the other one asked for it",
    "wrong_issuer": "another issuer made it",
    "wrong_tenant": "it is of a person of another tenant",
    "expired": "it ended an hour ago",
    "wrong_key": "it is signed with a key that the issuer does not publish",
    "unsigned": "alg is none",
    "signed_with_secret": "HS256 with the client's secret",
    "no_subject": "it names nobody",
}
USER = {
    "user_500": "the profile cannot be had",
    "emails_403": "addresses and userinfo are not for us",
    "user_garbage": "the profile is a list",
    "other_subject": "userinfo is about somebody else",
    "thin_id_token": "name and e-mail are in userinfo only",
}
DISCOVERY = {
    "discovery_500": "the discovery document cannot be had",
    "discovery_other_issuer": "the discovery document names another issuer",
    "keys_500": "the keys cannot be had",
}
FAULTS = AUTHORIZE | TOKEN | ID_TOKEN | USER | DISCOVERY
