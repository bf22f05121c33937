"""Fields of the back office's forms, where Django's own break at what nobody can mean."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput

from pilots.errors import InvalidInput
from pilots.strict_json import loads


class StrictJSONField(forms.JSONField):
    """JSON as everywhere here, of the kind that stands there already: an object stays an object."""

    def to_python(self, value: Any) -> Any:
        stands: type = type(self.initial() if callable(self.initial) else self.initial)
        kind = stands if stands in (dict, list) else None
        if not isinstance(value, str) or not value.strip():
            return kind() if kind and value in self.empty_values else super().to_python(value)
        try:
            found = loads(value)
        except InvalidInput as error:
            raise ValidationError(error.detail, code="invalid") from error
        if kind and not isinstance(found, kind):
            raise ValidationError(f"A JSON {'object' if kind is dict else 'list'}, please.", code="invalid")
        return found

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            return super().bound_data(data, initial)
        except RecursionError:
            return InvalidJSONInput(data)


class ForgivingAutocomplete(AutocompleteSelect):
    """Shows a form again in which something was chosen that is no row's number; Django's own fails at it."""

    def optgroups(self, name: str, value: Sequence[Any], attrs: Any = None) -> Any:
        numbers = [text for text in value if str(text).isascii() and str(text).isdigit() and len(str(text)) < 19]
        return super().optgroups(name, numbers, attrs)
