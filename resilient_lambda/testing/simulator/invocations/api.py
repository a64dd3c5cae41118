"""
The Invoke API, as a handler reaches it that invokes other functions of the simulation.

Sources: "Invoke", AWS Lambda API Reference, for statuses, errors and limits; "Lambda function versions" and "Lambda
function aliases", AWS Lambda Developer Guide, for what a function can be called. What they leave open is marked (?).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from ..history import Kind
from ..invocation import LATEST
from .asynchronous import MOST_EVENT_BYTES as MOST_ASYNCHRONOUS_BYTES
from .asynchronous import queue_of
from .requests import note, request
from .service_errors import Operation
from .synchronous import MOST_EVENT_BYTES as MOST_SYNCHRONOUS_BYTES

if TYPE_CHECKING:
    from ..environment import Environment
    from ..function import Function
    from ..invocation import Result
    from ..world import World

INVOKE = Operation("lambda", "Invoke", "TooManyRequestsException", "ServiceException")
LONGEST_WAIT_S = 905.0
# How far apart the looks of a caller at its connection are: the answer is found so much later at most.
FIRST_LOOK_S, LOOKS = 0.001, 0.01
ACCOUNT, REGION = "123456789012", "us-east-1"
# An ARN, an account and a name, or a name; each with a qualifier or without.
NAME = re.compile(
    r"(?:(?:arn:(?P<partition>[\w-]+):lambda:(?P<region>[\w-]+):)?(?P<account>\d{12}):function:)?"
    r"(?P<name>[\w-]+)(?::(?P<qualifier>\$LATEST|[\w-]+))?\Z"
)


class Request(NamedTuple):
    """
    What one request asks for.

    Attributes:
        function: A name, a partial or a whole ARN.
        qualifier: A version or alias, if it does not stand in *function*.
        type: "Event", "RequestResponse" or "DryRun".
        read_timeout_s: For how long the caller waits for the answer.
    """

    function: str
    qualifier: str | None
    type: str
    payload: bytes
    read_timeout_s: float = LONGEST_WAIT_S


class Answer(NamedTuple):
    """
    What Invoke answers.

    Attributes:
        status: 200, 202 or 204.
        payload: What the function returned, or its error; of a synchronous invocation only.
        function_error: "Unhandled" if the function failed, else "".
        version: The one that ran, or would.
    """

    status: int
    payload: bytes
    function_error: str
    request_id: str
    version: str


class InvokeApi:
    """Invoke, for all functions of a simulation."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._count = 0

    def answer(self, asked: Request) -> Answer:
        """
        Do what is asked for, in the environment that is running.

        Raises:
            Exception: What botocore would: Lambda refuses, was not reached, or there is no answer.
        """
        return request(self._world, INVOKE, asked.function, lambda environment: self.take(asked, environment))

    def take(self, asked: Request, environment: Environment | None = None) -> Answer:
        """Do what is asked for, without fail."""
        self._count += 1
        function, qualifier = self._find(asked.function, asked.qualifier)
        size_bytes = len(asked.payload)
        most_bytes = MOST_ASYNCHRONOUS_BYTES if asked.type == "Event" else MOST_SYNCHRONOUS_BYTES
        if size_bytes > most_bytes:
            INVOKE.refuse(
                "RequestTooLargeException", 413, f"{size_bytes} byte payload is too large, the limit is {most_bytes}"
            )
        try:
            event = json.loads(asked.payload or b"{}")
        except ValueError:
            INVOKE.refuse("InvalidRequestContentException", 400, "Could not parse request body into json")
        request_id, version = f"00000000-0000-4000-9000-{self._count:012x}", function.version_of(qualifier)
        if asked.type == "DryRun":
            return Answer(204, b"", "", request_id, version)
        if asked.type == "Event":
            return Answer(202, b"", "", queue_of(function, qualifier).accept(event), version)
        if environment is None:
            raise RuntimeError("the test itself waits for no answer: delivery.synchronous(...) has callers that do")
        results: list[Result] = []
        name = f"{function.name} invoked"
        function.invoke(
            event, results.append, source=name, ids=(request_id,), request_id=request_id, qualifier=qualifier
        )
        result = self._wait_for(results, environment, asked)
        error = "" if result.is_answered else "Unhandled"
        return Answer(200, json.dumps(result.answer).encode(), error, request_id, version)

    def _wait_for(self, results: list[Result], environment: Environment, asked: Request) -> Result:
        most_s, waited_s = asked.read_timeout_s, 0.0
        while not results:
            if waited_s >= most_s:
                note(self._world, environment, f"{asked.function} has not answered for {most_s:g} s")
                INVOKE.lose_answer()
            # Ever more rarely; each look lets pass what else goes on in the environment.
            look_s = min(max(FIRST_LOOK_S, waited_s * LOOKS), most_s - waited_s)
            environment.pass_time(look_s)
            waited_s += look_s
        if results[0].kind is Kind.THROTTLED:
            reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
            INVOKE.refuse("TooManyRequestsException", 429, "Rate Exceeded.", Reason=reason)
        return results[0]

    def _find(self, called: str, qualifier: str | None) -> tuple[Function, str]:
        match = NAME.match(called)
        if match is None:
            INVOKE.refuse("InvalidParameterValueException", 400, f"{called!r} is no name of a function")
        inside = match["qualifier"]
        if inside and qualifier and inside != qualifier:
            INVOKE.refuse(
                "InvalidParameterValueException", 400, "The derived qualifier from the function name does not match"
            )
        wanted = qualifier or inside or LATEST
        named = [each for each in self._world.functions if each.name == match["name"]]
        is_here = match["account"] in (None, ACCOUNT) and match["region"] in (None, REGION)
        found = [each for each in named if is_here and wanted in each.qualifiers]
        if not found:
            full = called if called.startswith("arn:") else f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{called}"
            INVOKE.refuse("ResourceNotFoundException", 404, f"Function not found: {full}")
        if len(found) > 1:
            raise RuntimeError(
                f"there are {len(found)} functions called {match['name']!r} in this simulation: give those that are"
                " invoked a name, delivery.function(handler, name=...)"
            )
        return found[0], wanted
