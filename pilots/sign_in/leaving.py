"""What does signing out take away from the browser?"""

from django.http import HttpResponse

from pilots.tokens import REFRESH_COOKIE, REFRESH_PATH

# Also what open pages keep and what the back button would show. The theme goes with it: it is stored.
EVERYTHING = '"cache", "cookies", "storage"'


def clear(response: HttpResponse) -> HttpResponse:
    """The answer, which also clears the browser. Of a browser that does not heed the header the tokens go anyway."""
    response.delete_cookie(REFRESH_COOKIE, path=REFRESH_PATH, samesite="Strict")
    response["Clear-Site-Data"] = EVERYTHING
    return response
