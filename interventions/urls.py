"""Addresses of the pages, all below one organization."""

from django.urls import include, path

from interventions.views import decide, detail, kill_switch, queue

_one = [
    path("", detail.detail, name="detail"),
    path("/decide", decide.decide, name="decide"),
    path("/claim", decide.claim, name="claim"),
    path("/renew", decide.renew, name="renew"),
    path("/release", decide.release, name="release"),
    path("/assign", decide.assign, name="assign"),
    path("/comment", decide.comment, name="comment"),
]
urlpatterns = [
    path("", queue.queue, name="queue"),
    path("kill-switch", kill_switch.kill_switch, name="kill_switch"),
    path("interventions/<str:request_id>", include(_one)),
]
