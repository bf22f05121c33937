"""What: one request for a pilot, from asked to acted on."""

from django.apps import AppConfig


class InterventionsConfig(AppConfig):
    name = "interventions"

    def ready(self) -> None:
        # Models can be imported only now.
        from allauth.account.signals import password_changed  # noqa: PLC0415

        from interventions import events  # noqa: PLC0415
        from interventions.actions import claiming  # noqa: PLC0415
        from interventions.delivery import devices  # noqa: PLC0415
        from interventions.live import broadcast  # noqa: PLC0415
        from pilots import actions  # noqa: PLC0415
        from pilots.sign_in import sessions  # noqa: PLC0415

        actions.rights_lost.connect(claiming.hear_rights_lost, dispatch_uid="claims")
        actions.rights_lost.connect(devices.hear_rights_lost, dispatch_uid="devices")
        sessions.ended.connect(devices.hear_ended, dispatch_uid="devices")
        password_changed.connect(devices.hear_password_changed, dispatch_uid="devices")
        events.committed.connect(broadcast.publish, dispatch_uid="live")
