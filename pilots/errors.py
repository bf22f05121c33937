"""Why a rule refuses: each class is one kind of refusal; the door that was used turns it into its own answer."""

from typing import Any


class DomainError(Exception):
    """A refusal with a stable `code` for programs and a `detail` that tells a person what to do."""

    code = "error"

    def __init__(self, detail: str, *, code: str | None = None, errors: dict[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.errors = errors


class InvalidInput(DomainError, ValueError):
    """What was sent cannot be taken; `errors` maps each field to what would be right."""

    code = "invalid"

    @classmethod
    def field(cls, name: str, message: str, *, code: str | None = None) -> "InvalidInput":
        return cls(f"{name}: {message}", code=code, errors={name: [message]})


class NotAuthenticated(DomainError):
    code = "not_authenticated"


class NotAllowed(DomainError):
    code = "forbidden"


class NotFound(DomainError):
    code = "not_found"


class LastAdmin(DomainError):
    """Without this one nobody could let others into the organization any more."""

    code = "last_admin"


class TooLarge(DomainError):
    code = "too_large"


class Unsupported(DomainError):
    """The body is of a kind that is not read here."""

    code = "unsupported_media_type"


class TooMany(DomainError):
    """Asked too often; `retry_after` is in seconds."""

    code = "rate_limited"

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unavailable(DomainError):
    """The database cannot answer now; trying again in a moment is right."""

    code = "unavailable"
    retry_after = 1
