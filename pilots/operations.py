"""What one operation of the API is: who may, what it reads, what it answers, and how that is documented.

An operation reads in this order: who is asking, may they at all, the query, the body. What it refuses it raises;
the project's exception handler turns that into a problem document.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.views import APIView

from pilots import bodies, parameters
from pilots.authentication import CallerAuthentication
from pilots.caller import Caller
from pilots.inputs import Schema, check, object_of

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


type Handler = Callable[..., HttpResponse]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A handler with its contract. `allow` raises where the caller may not do this to anything at all."""

    handler: Handler
    answers: Mapping[int, Schema | None]
    query: Schema = field(default_factory=lambda: NOTHING)
    body: Schema | None = None
    headers: Mapping[str, Schema] = field(default_factory=dict)
    allow: Callable[[Caller], None] | None = None
    max_body: int = bodies.MAX_BODY
    tag: str = "interventions"

    def run(self, request: HttpRequest, caller: Caller | None, **path: str) -> HttpResponse:
        return self.handler(self.call(request, caller), **path)

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


class ApiView(APIView):
    """One address of the API. The methods are set by `view`."""

    def options(self, _request: Request, **_path: str) -> HttpResponse:
        return HttpResponse(status=204)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # A browser's preflight shows no credentials; it learns only which methods there are.
        if request.method != "OPTIONS":
            super().initial(request, *args, **kwargs)


def view(*, public: bool = False, **operations: Operation) -> Callable[..., HttpResponseBase]:
    """The view of one address: `view(get=…, post=…)`. A public one recognises nobody by itself."""
    return _view_class(public, operations).as_view()


def documented(
    handler: Callable[..., Awaitable[HttpResponseBase]], **operations: Operation
) -> Callable[..., Awaitable[HttpResponseBase]]:
    """An async view outside the REST framework, shown to the generator of the API's document as if it were inside."""
    handler.cls = _view_class(False, operations)  # type: ignore[attr-defined]
    handler.initkwargs = {}  # type: ignore[attr-defined]
    handler.csrf_exempt = True  # type: ignore[attr-defined]
    return handler


def answer(value: object, status: int = 200) -> HttpResponse:
    """A JSON answer. Nothing in between may keep it: it is one caller's view of one moment."""
    response = HttpResponse(orjson.dumps(value), status=status, content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response


def _view_class(public: bool, operations: Mapping[str, Operation]) -> type[ApiView]:
    authentication: list[type[BaseAuthentication]] = [] if public else [CallerAuthentication]
    members: dict[str, Any] = {name: _method(item, public) for name, item in operations.items()}
    members["authentication_classes"] = authentication
    if public:
        members["permission_classes"] = []
    return type("ApiView", (ApiView,), members)


def _method(item: Operation, public: bool) -> Callable[..., HttpResponse]:
    def method(_view: ApiView, request: Request, **path: str) -> HttpResponse:
        return item.run(request._request, request.auth, **path)

    method.__name__ = item.handler.__name__
    method.__doc__ = item.handler.__doc__
    document = extend_schema(
        operation_id=item.handler.__name__,
        summary=(item.handler.__doc__ or "").strip().partition("\n")[0],
        description=(item.handler.__doc__ or "").strip().partition("\n")[2].strip(),
        tags=[item.tag],
        request={"application/json": item.body} if item.body else None,
        responses={(status, "application/json"): schema for status, schema in item.answers.items()},
        parameters=_parameters(item),
        auth=[] if public else SECURITY,
    )
    return document(method)


def _parameters(item: Operation) -> list[OpenApiParameter]:
    places = [(OpenApiParameter.QUERY, item.query["properties"]), (OpenApiParameter.HEADER, item.headers)]
    return [
        OpenApiParameter(name, rule, place, required=False, description=rule.get("description", ""))
        for place, rules in places
        for name, rule in rules.items()
    ]
