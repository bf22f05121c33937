"""May this address stand behind "Send feedback"? It becomes a link on pages, so it must not be able to run anything."""

import re

from environs import ValidationError

_MAIL_OR_PAGE = re.compile(r"mailto:[^\s@]+@[^\s@]+|https://[^\s/]\S*")


def leads_there(url: str) -> None:
    """Raises ValidationError for what is neither a mail address nor a page; empty is no link at all."""
    if url and not _MAIL_OR_PAGE.fullmatch(url):
        raise ValidationError("Must begin with mailto: or https://, as in mailto:desk@example.com.")
