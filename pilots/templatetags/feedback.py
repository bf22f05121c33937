"""Where may a reader turn with what they have to say? A tag, for error pages are rendered without any context."""

from typing import Any

from django import template
from django.conf import settings

register = template.Library()


@register.inclusion_tag("components/_feedback.html")
def feedback(look: str = "button") -> dict[str, Any]:
    """The link, or nothing where the operator set none; `look` is its class."""
    address: str = settings.FEEDBACK_URL
    return {"address": address, "look": look, "is_page": address.startswith("https:")}
