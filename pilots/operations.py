"""What one operation of the API is: who may, what it reads, what it answers, and how that is documented.

An operation reads in this order: who is asking, may they at all, the query, the body. What it refuses it raises;
the project's exception handler turns that into a problem document.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, re_path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.views import APIView

from pilots import bodies, parameters, rate
from pilots.authentication import CallerAuthentication
from pilots.caller import Caller
from pilots.inputs import Schema, check, object_of
from pilots.tenancy import acting_in

NOTHING: Schema = object_of({})
SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"apiKey": []}, {"session": []}]


@dataclass(frozen=True, slots=True)
class Call:
    """One request as an operation sees it; `query` and `body` are checked, with their defaults."""

    request: HttpRequest
    asking: Caller | None
    query: dict[str, Any]
    body: dict[str, Any]

    @property
    def caller(self) -> Caller:
        if self.asking is None:
            raise RuntimeError("an open operation has no caller")
        return self.asking


# Takes the Call and what the address names; answers.
type Handler = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A handler with its contract. `allow` raises where the caller may not do this to anything at all.

    `public` only documents that no credential of the usual kinds is asked for; `shown_body` is the documented body
    where the handler itself checks the parts.
    """

    handler: Handler
    answers: Mapping[int, Schema | None]
    query: Schema = field(default_factory=lambda: NOTHING)
    body: Schema | None = None
    shown_body: Schema | None = None
    headers: Mapping[str, Schema] = field(default_factory=dict)
    allow: Callable[[Caller], None] | None = None
    public: bool = False
    max_body: int = bodies.MAX_BODY
    tag: str = "interventions"

    def call(self, request: HttpRequest, caller: Caller | None) -> Call:
        """Reads the request; raises what is wrong with it."""
        if self.allow is not None and caller is not None:
            self.allow(caller)
        query = parameters.read(request.META.get("QUERY_STRING", ""), self.query)
        if request.method in ("GET", "HEAD"):
            return Call(request, caller, query, {})
        given = bodies.read_json(request, self.max_body)
        return Call(request, caller, query, check(NOTHING if self.body is None else self.body, given))


def operation(**contract: Any) -> Callable[[Handler], Operation]:
    """Makes a handler an Operation; its docstring becomes the documentation."""
    return lambda handler: Operation(handler=handler, **contract)


class _AsItCame(BaseAuthentication):
    """Leaves the session's pilot in place; without any authentication the framework would make them anonymous."""

    def authenticate(self, request: Request) -> tuple[Any, None]:
        return request._request.user, None


class ApiView(APIView):
    """One address of the API. The methods are set by `view`."""

    authentication_classes = (CallerAuthentication,)

    def options(self, _request: Request, *_args: Any, **_path: Any) -> HttpResponse:  # type: ignore[override]
        return options_of()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # A browser's preflight shows no credentials; it learns only which methods there are.
        if request.method != "OPTIONS":
            super().initial(request, *args, **kwargs)


def view(*, recognise: bool = True, **operations: Operation) -> Callable[..., HttpResponseBase]:
    """The view of one address: `view(get=…, post=…)`. With `recognise` off its operations see to that themselves."""
    return _view_class(recognise, operations).as_view()


def route(pattern: str, shown: Callable[..., Any]) -> URLPattern:
    """An address, with and without a slash at its end."""
    return re_path(f"^{pattern}/?$", shown)


def documented(
    handler: Callable[..., Awaitable[HttpResponse]], **operations: Operation
) -> Callable[..., Awaitable[HttpResponse]]:
    """An async view outside the REST framework, shown to the generator of the API's document as if it were inside."""
    handler.cls = _view_class(True, operations)  # type: ignore[attr-defined]
    handler.initkwargs = {}  # type: ignore[attr-defined]
    handler.csrf_exempt = True  # type: ignore[attr-defined]
    return handler


def options_of(*methods: str) -> HttpResponse:
    """What may be asked of an address, without asking who asks: a browser's preflight shows no credentials."""
    response = HttpResponse(status=204, headers={"Allow": ", ".join([*methods, "HEAD", "OPTIONS"])})
    del response["Content-Type"]
    return response


def answer(value: object, status: int = 200) -> HttpResponse:
    """A JSON answer. Nothing in between may keep it: it is one caller's view of one moment."""
    response = HttpResponse(orjson.dumps(value), status=status, content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response


def _view_class(recognise: bool, operations: Mapping[str, Operation]) -> type[ApiView]:
    members: dict[str, Any] = {name: _method(item) for name, item in operations.items()}
    if not recognise:
        members |= {"authentication_classes": [_AsItCame], "permission_classes": []}
    return type("ApiView", (ApiView,), members)


def _method(item: Operation) -> Callable[..., HttpResponse]:
    def method(_view: ApiView, request: Request, **path: str) -> HttpResponse:
        caller = request.auth if isinstance(request.auth, Caller) else None
        if caller is not None:
            rate.count(caller.credential)
            with acting_in(caller.organization.pk):
                return _answered(item, request, caller, path)
        return _answered(item, request, None, path)

    method.__name__ = item.handler.__name__
    method.__doc__ = item.handler.__doc__
    summary, _, description = (item.handler.__doc__ or "").strip().partition("\n")
    document = extend_schema(
        operation_id=item.handler.__name__,
        summary=summary,
        description=description.strip(),
        tags=[item.tag],
        request={"application/json": item.shown_body or item.body} if item.body else None,
        responses={(status, "application/json"): schema for status, schema in item.answers.items()},
        parameters=_parameters(item),
        auth=[] if item.public else SECURITY,  # type: ignore[arg-type]
    )
    documented: Callable[..., HttpResponse] = document(method)
    return documented


def _answered(item: Operation, request: Request, caller: Caller | None, path: dict[str, str]) -> HttpResponse:
    response: HttpResponse = item.handler(item.call(request._request, caller), **path)
    return response


def _parameters(item: Operation) -> list[OpenApiParameter]:
    places: list[tuple[Literal["query", "header"], Mapping[str, Schema]]]
    places = [("query", item.query["properties"]), ("header", item.headers)]
    return [
        OpenApiParameter(name, rule, place, required=False, description=rule.get("description", ""))
        for place, rules in places
        for name, rule in rules.items()
    ]
