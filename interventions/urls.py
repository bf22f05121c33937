"""Addresses of the pages, all below one organization."""

from django.urls import include, path

from interventions.views import (
    bulk,
    decide,
    detail,
    devices,
    history,
    kill_switch,
    notifications,
    preferences,
    profile,
    queue,
    related,
    shortcuts,
)
from interventions.views.team import chat, inviting, keys, leaving, log, members, rules

_one = [
    path("", detail.detail, name="detail"),
    path("/related", related.related, name="related"),
    path("/decide", decide.decide, name="decide"),
    path("/claim", decide.claim, name="claim"),
    path("/renew", decide.renew, name="renew"),
    path("/release", decide.release, name="release"),
    path("/assign", decide.assign, name="assign"),
    path("/extend", decide.extend, name="extend"),
    path("/comment", decide.comment, name="comment"),
]
_team = [
    path("", members.team, name="team"),
    path("/invite", inviting.invite, name="invite"),
    path("/invitations/<int:invitation_id>/revoke", inviting.revoke_invitation, name="revoke_invitation"),
    path("/members/<path:pilot_id>/role", members.change_role, name="change_role"),
    path("/members/<path:pilot_id>/remove", leaving.remove, name="remove_member"),
    path("/members/<path:pilot_id>/deactivate", leaving.deactivate, name="deactivate_member"),
    path("/members/<path:pilot_id>/reactivate", leaving.reactivate, name="reactivate_member"),
    path("/keys", keys.keys, name="team_keys"),
    path("/keys/<str:key_id>/rotate", keys.rotate, name="team_key_rotate"),
    path("/keys/<str:key_id>/revoke", keys.revoke, name="team_key_revoke"),
    path("/chat", chat.chat, name="team_chat"),
    path("/chat/<int:hook_id>/change", chat.change_chat, name="change_chat"),
    path("/chat/<int:hook_id>/test", chat.test_chat, name="test_chat"),
    path("/chat/<int:hook_id>/remove", chat.remove_chat, name="remove_chat"),
    path("/settings", rules.rules, name="team_settings"),
    path("/log", log.log, name="team_log"),
    path("/log/verify/<slug:chain>", log.verify, name="verify_log"),
]
urlpatterns = [
    path("", queue.queue, name="queue"),
    path("unclaimed", queue.unclaimed, name="unclaimed"),
    path("bulk", bulk.bulk, name="bulk"),
    path("kill-switch", kill_switch.kill_switch, name="kill_switch"),
    path("interventions/<str:request_id>", include(_one)),
    path("history", history.history, name="history"),
    path("history/export.csv", history.export, {"form": "csv"}, name="history_csv"),
    path("history/export.json", history.export, {"form": "json"}, name="history_json"),
    path("team", include(_team)),
    path("settings", profile.profile, name="profile"),
    path("settings/display", preferences.display, name="settings_display"),
    path("settings/keys", shortcuts.keys, name="settings_keys"),
    path("settings/duty", preferences.duty_page, name="settings_duty"),
    path("settings/notifications", notifications.page, name="settings_notifications"),
    path("settings/notifications/test", notifications.test, name="test_notification"),
    path("settings/ringing", preferences.ringing, name="ringing"),
    path("settings/devices", devices.page, name="settings_devices"),
    path("settings/devices/seen", devices.seen, name="seen_device"),
    path("settings/devices/<int:device_id>/test", devices.test, name="test_device"),
    path("settings/devices/<int:device_id>/remove", devices.remove, name="remove_device"),
]
