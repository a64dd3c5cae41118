"""
Requests as Lambda gets them: from API Gateway (REST and HTTP APIs), function URLs and load balancers.

    form    how it is known                                   method               route        path
    REST    ``httpMethod`` and ``resource``                   httpMethod           resource     path
    HTTP    ``version`` "2.0" and ``requestContext.http``     http.method          routeKey     rawPath
    ALB     ``requestContext.elb``                            httpMethod           none         path

A function URL sends what an HTTP API sends; an HTTP API with payload format 1.0 sends what a REST API sends. Who calls
is in http_caller.py, what is answered in http_answer.py.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Any

from .._named_tuple import NamedTuple
from ..errors import InvalidRecordError, MalformedRequestError, UnknownEventError
from .source_fields import from_base64, is_object, part, part_text

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER = "Idempotency-Key"
MAX_KEY_CHARACTERS = 255

# A string of "Structured Field Values for HTTP", RFC 9651, section 3.3.3: what the IETF's draft of this header wants.
_QUOTED = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_PRINTABLE = re.compile(r"[\x20-\x7e]*")


class Form(Enum):
    """What kind of event a request is, and so what kind of answer it needs."""

    REST = "rest"
    HTTP = "http"
    ALB = "alb"


class HttpRequest(NamedTuple):
    """
    What a request asks for.

    Attributes:
        form: What kind of event it is.
        method: ``"POST"``.
        route: The template that it matched, ``"/orders/{id}"`` or ``"POST /orders/{id}"``; "" if there is none.
        path: The path itself.
        parameters: What the template's names stand for.
        query: The query: a text, or an object of lists.
        takes_many: True if the answer's headers must be lists, as the event's are.
    """

    form: Form
    method: str
    route: str
    path: str
    parameters: dict[str, Any]
    query: Any
    takes_many: bool


def read_request(event: Any) -> HttpRequest:
    """
    Return what the request *event* asks for.

    Raises:
        UnknownEventError: It is no request.
    """
    context = part(event, "requestContext")
    if not is_object(event) or not is_object(context):
        raise _unknown("has no requestContext")
    if "methodArn" in event or "routeArn" in event:
        raise _unknown("asks an authorizer, whose answer is a policy")
    if event.get("version") == "2.0" and is_object(context.get("http")):
        form, route, path = Form.HTTP, part_text(event, "routeKey"), part_text(event, "rawPath")
        method, query = part_text(context, "http", "method"), event.get("rawQueryString") or ""
    elif is_object(context.get("elb")):
        form, route, path = Form.ALB, "", part_text(event, "path")
        method, query = part_text(event, "httpMethod"), _query(event)
    elif isinstance(event.get("resource"), str):
        # The context's has the stage, or what a custom domain has in its place: "/prod/orders/1".
        form, route, path = Form.REST, event["resource"], part_text(context, "path") or part_text(event, "path")
        method, query = part_text(event, "httpMethod"), _query(event)
    else:
        raise _unknown("is of no kind that is known")
    if not method:
        raise _unknown("has no method")
    takes_many = form is Form.ALB and is_object(event.get("multiValueHeaders"))
    return HttpRequest(form, method, route, path, _object(event.get("pathParameters")), query, takes_many)


def header_values(event: Mapping[str, Any], name: str) -> list[str]:
    """Return the values of the header *name*, whatever its case, without spaces around them."""
    found: list[str] = []
    headers = _object(event.get("multiValueHeaders")) or _object(event.get("headers"))
    for given, values in headers.items():
        if isinstance(given, str) and given.lower() == name.lower():
            listed = values if isinstance(values, list) else [values]
            found += [value.strip() for value in listed if isinstance(value, str)]
    return found


def idempotency_key(event: Mapping[str, Any]) -> str | None:
    """
    Return what the client has put into the Idempotency-Key header, None if nothing.

    Quotes around it are taken off: the IETF's draft has them, most clients leave them out, and both mean the same key.

    Raises:
        MalformedRequestError: There are several, or it is no text that can be one.
    """
    values = header_values(event, HEADER)
    if event.get("version") == "2.0":  # which has the values of headers that were sent several times in one text
        values = [part for value in values for part in _apart(value)]
    given = set(values) - {""}
    if not given:
        return None
    if len(given) > 1:
        raise MalformedRequestError(f"there are several {HEADER} headers; send one")
    (value,) = given
    if value.startswith('"'):
        quoted = _QUOTED.fullmatch(value)
        if quoted is None:
            raise MalformedRequestError(f"the {HEADER} header begins with a quote, and is no quoted text")
        value = re.sub(r"\\(.)", r"\1", quoted[1])
    if len(value) > MAX_KEY_CHARACTERS or not _PRINTABLE.fullmatch(value):
        raise MalformedRequestError(f"the {HEADER} header must be 1 to {MAX_KEY_CHARACTERS} printable ASCII characters")
    return value or None


def _apart(value: str) -> list[str]:
    return [value] if _QUOTED.fullmatch(value) else [part.strip() for part in value.split(",")]


def body_of(event: Mapping[str, Any]) -> str | bytes:
    """
    Return the body as it was sent, "" if there is none.

    Raises:
        MalformedRequestError: It cannot be read.
    """
    body = event.get("body")
    if body is None:
        return ""
    if not isinstance(body, str):
        raise MalformedRequestError("the body is no text")
    if event.get("isBase64Encoded") is not True:
        return body
    try:
        return from_base64("the body", body)
    except InvalidRecordError as error:
        raise MalformedRequestError(str(error)) from None


def _query(event: Mapping[str, Any]) -> dict[str, Any]:
    return _object(event.get("multiValueQueryStringParameters")) or _object(event.get("queryStringParameters"))


def _object(found: Any) -> dict[str, Any]:
    return dict(found) if is_object(found) else {}


def _unknown(why: str) -> UnknownEventError:
    return UnknownEventError(
        f"the event {why}; http=True takes requests of API Gateway (REST and HTTP APIs), function URLs and load "
        "balancers. Leave it out for anything else"
    )
