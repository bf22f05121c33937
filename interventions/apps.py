"""What: one request for a pilot, from asked to acted on."""

from django.apps import AppConfig


class InterventionsConfig(AppConfig):
    name = "interventions"

    def ready(self) -> None:
        # Models can be imported only now.
        from interventions import events  # noqa: PLC0415
        from interventions.actions import claiming  # noqa: PLC0415
        from interventions.live import broadcast  # noqa: PLC0415
        from pilots import actions  # noqa: PLC0415

        actions.rights_lost.connect(claiming.hear_rights_lost, dispatch_uid="claims")
        events.committed.connect(broadcast.publish, dispatch_uid="live")
