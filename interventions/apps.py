"""What: one request for a pilot, from asked to acted on."""

from django.apps import AppConfig


class InterventionsConfig(AppConfig):
    name = "interventions"
