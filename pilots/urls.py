"""The addresses of the API about oneself; each also with a slash at its end."""

from pilots import api
from pilots.operations import route, view

urlpatterns = [
    route("api/token", view(recognise=False, post=api.get_token)),
    route("api/token/refresh", view(recognise=False, post=api.refresh_token)),
    route("api/token/revoke", view(recognise=False, post=api.revoke_token)),
    route("api/pilots/me", view(recognise=False, get=api.get_me, patch=api.change_me)),
]
