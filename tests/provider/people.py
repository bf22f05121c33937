"""Who has an account at the local provider?"""

from dataclasses import dataclass

TENANT = "11111111-2222-4333-8444-555555555555"
OTHER_TENANT = "99999999-8888-4777-8666-555555555555"
# What OIDC_NAME says in the tests.
OIDC_NAME = "keyring"
KINDS = ("github", "microsoft", "google", "oidc")
SECRET = "the-secret-of-the-tests-32-characters"


@dataclass
class Person:
    """`id` is what the provider never gives to anybody else: a number at GitHub, `oid`, `sub`."""

    kind: str
    id: str
    login: str
    name: str
    email: str
    verified: bool = True

    @property
    def pilot_id(self) -> str:
        prefix = f"oidc:{OIDC_NAME}" if self.kind == "oidc" else self.kind
        return f"{prefix}:{self.login if self.kind == 'github' else self.id}"


@dataclass
class Grant:
    """What one code, and the access token it is exchanged for, stand for."""

    kind: str
    person: Person
    asked: dict[str, str]


def everybody() -> dict[str, dict[str, Person]]:
    """By kind of provider, then by login, which is what the button says."""
    people = [
        Person("github", "583231", "octocat", "Mona Octocat", "mona@example.com"),
        Person("github", "42", "hubot", "Hu Bot", "hubot@elsewhere.example", verified=False),
        Person("microsoft", "0a1b2c3d-0000-4000-8000-000000000001", "ada", "Ada Entra", "ada@corp.example"),
        Person("google", "102938475610293847561", "grace", "Grace Hopper", "grace@corp.example"),
        Person("oidc", "u-7f3a", "noor", "Noor Keyring", "noor@corp.example"),
        Person("oidc", "u-0bad", "nobody", "No Body", "ada@corp.example", verified=False),
    ]
    return {kind: {p.login: p for p in people if p.kind == kind} for kind in KINDS}
