"""Addresses of the pages, all below one organization."""

from django.urls import include, path

from interventions.views import bulk, decide, detail, kill_switch, profile, queue, related
from interventions.views.team import inviting, keys, log, members, rules

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
    path("/members/<path:pilot_id>/remove", members.remove, name="remove_member"),
    path("/keys", keys.keys, name="team_keys"),
    path("/keys/<str:key_id>/rotate", keys.rotate, name="team_key_rotate"),
    path("/keys/<str:key_id>/revoke", keys.revoke, name="team_key_revoke"),
    path("/settings", rules.rules, name="team_settings"),
    path("/log", log.log, name="team_log"),
]
urlpatterns = [
    path("", queue.queue, name="queue"),
    path("unclaimed", queue.unclaimed, name="unclaimed"),
    path("bulk", bulk.bulk, name="bulk"),
    path("kill-switch", kill_switch.kill_switch, name="kill_switch"),
    path("interventions/<str:request_id>", include(_one)),
    path("team", include(_team)),
    path("settings", profile.profile, name="profile"),
]
