"""
`resilient_handler(http=True)`: whatever becomes of a request, its caller is answered.

The function's own response is recorded and replayed as it is. What says by its status that it failed goes to the
caller, too, but counts as a failure: nothing is recorded, and the next request with its key runs.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from .._core import http_answer
from .._core.backoff import asked_wait_s
from .._core.http_request import header_values, read_request
from .._core.http_row import HTTP, HttpRecord
from .._core.model import Category, Classification, Disposition, Failure, Success, Verdict
from .._io.blocking import drive
from .._policies import deadline
from .._policies.call import logger
from .._policies.compose import close, finish
from .._policies.results import as_json
from ..errors import (
    CallerUnknownError,
    ConfigurationError,
    FailedAnswerError,
    InvalidRecordError,
    MalformedRequestError,
    RememberedFailureError,
    StoreError,
)
from ..events import RecordSettled
from .entry import entry_point
from .plan import Plan
from .settling import settled

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.http_request import HttpRequest
    from .._core.model import Outcome
    from .._policies.call import Call
    from .._policies.compose import Proceed
    from .http_options import HttpOptions

# Of Lambda: the runtime and its Python, layers, packages beside the function.
_LIBRARIES = (
    "/site-packages/",
    "/dist-packages/",
    "/opt/python/",
    "/var/runtime/",
    "/lib/python3",
    __file__.rpartition("_handlers")[0],
)


def _number(value: Any) -> float:
    if hasattr(value, "as_integer_ratio"):  # Lambda writes Decimals as floats
        return float(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


_encode = json.JSONEncoder(default=_number).encode


def http_entry_point(function: Callable[..., Any], options: HttpOptions, **plan_options: Any) -> Any:
    """
    Return the Lambda handler of requests around *function*.

    Args:
        plan_options: Those of `Plan` that are the same for every event.
    """
    answering = _Answering(options)
    policies: Any = options.policies(plan_options.pop("policies"))
    if isinstance(policies, list):  # or else the plan refuses it
        policies.append(answering)
    plan = Plan(
        function,
        policies=policies,
        dead_letter=None,
        max_attempts=None,
        raw=False,
        is_event=True,
        **plan_options,
    )
    handling = _Handling(plan, options, answering)
    return entry_point(plan, run_blocking=handling.run_blocking, run=handling.run, attribute="event_handler")


class _Answering:
    """The innermost policy: makes what the function returns a response, and a failure of what says that it failed."""

    def __init__(self, options: HttpOptions) -> None:
        self._options = options

    def __repr__(self) -> str:
        return "<what makes responses>"

    def warm(self) -> None:
        """Load what the first request would load."""
        from .._core.keys import digest
        from .._core.source_fields import from_base64

        from_base64("nothing", "")
        digest("")

    async def around(self, call: Call, proceed: Proceed) -> Outcome:
        """Run *call*; return its response, or what it failed of."""
        outcome = await proceed(call)
        if not isinstance(outcome, Success):
            return outcome
        try:
            answer = self.response(call.record.request, outcome.value)  # type: ignore[attr-defined]  # an HttpRecord
        except Exception:  # the border to user code: no JSON. It is done, so it is not to be run again (D4).
            return outcome
        if not self._options.has_failed(answer):
            return Success(answer, ran=outcome.ran)
        status = http_answer.status_of(answer)
        error = FailedAnswerError(f"the function answered {status}", answer=answer)
        category = Category.THROTTLING if status == 429 else Category.TRANSIENT
        asked = next(iter(header_values(answer, "Retry-After")), None)  # for a Retry around this
        return Failure(error, Classification(Verdict.RETRYABLE, category, asked_wait_s(asked), f"answered {status}"))

    def response(self, request: HttpRequest, value: Any) -> dict[str, Any]:
        """
        Return the response that *value* is, or is the body of.

        Raises:
            Exception: It is no JSON.
        """
        if http_answer.is_response(value):
            # What Lambda could not write would be a bare 502. A text can be written, and the body is a long one.
            _encode({name: part for name, part in value.items() if not isinstance(part, str)})
            return value  # type: ignore[no-any-return]
        if value is None:
            return http_answer.response(request, 204, "", self._options.headers)
        text = json.dumps(value, default=as_json, separators=(",", ":"), allow_nan=False)
        headers = {"content-type": "application/json", **self._options.headers}
        return http_answer.response(request, 200, text, headers)


class _Handling:
    """Handles requests."""

    def __init__(self, plan: Plan, options: HttpOptions, answering: _Answering) -> None:
        self._plan = plan
        self._options = options
        self._answering = answering
        # A duplicate that this environment knows to be done is answered without a coroutine: design decision 3.
        outermost = plan.policies[0]
        self._peek = None if plan.observers else getattr(outermost, "peek", None)

    def run_blocking(self, event: Any, context: Any) -> Any:
        """Handle *event* for ``def``."""
        record = _record_of(event, context)
        if self._peek is not None:
            done = self._peek(record, context, self._plan.current_io().now())
            if done is not None:
                return self._answer(record, Success(done.value(), ran=False))
        return drive(self._run(record, context))

    async def run(self, event: Any, context: Any) -> Any:
        """
        Handle *event*.

        Raises:
            UnknownEventError: It is no request. Nothing else is raised.
        """
        return await self._run(_record_of(event, context), context)

    async def _run(self, record: HttpRecord, context: Any) -> Any:
        try:
            outcome = await self._outcome(record, context)
        except Exception as error:  # nothing that is known; but the caller must have an answer
            outcome = Failure(error, self._plan.classifier.classify(error))
        return self._answer(record, outcome)

    async def _outcome(self, record: HttpRecord, context: Any) -> Outcome:
        plan = self._plan
        invocation = plan.open(HTTP, context)
        call = plan.call(record, invocation, before_suspect=_nothing_waits, argument_of=self._argument_of)
        call.answer_of = lambda failure: self._refusal(record, failure)
        token = deadline.current.set(invocation.deadline)
        try:
            outcome = await plan.run(call)
            await finish(plan.policies, invocation)
        finally:
            await close(plan.policies, invocation)
            deadline.current.reset(token)
        if invocation.observers:
            if isinstance(outcome, Success):
                invocation.emit(RecordSettled(record.id, Disposition.ACK, None, None, outcome.ran))
            else:
                again = Disposition.RETRY if outcome.classification.is_retryable else Disposition.ACK
                invocation.emit(settled(record.id, outcome, again))
        return outcome

    def _argument_of(self, record: HttpRecord) -> Any:
        try:
            return self._plan.parameter.convert(record)
        except InvalidRecordError as error:
            if not isinstance(error, MalformedRequestError):
                record.json()  # a body that is no JSON is malformed, rather than JSON that does not fit
            raise

    def _answer(self, record: HttpRecord, outcome: Outcome) -> dict[str, Any]:
        if isinstance(outcome, Success):
            try:
                return self._answering.response(record.request, outcome.value)
            except Exception as error:  # the border to user code
                outcome = Failure(error, self._plan.classifier.classify(error))
        answer = self._refusal(record, outcome)
        if logger.isEnabledFor(logging.WARNING):
            self._report(record, outcome, http_answer.status_of(answer))
        return answer

    def _refusal(self, record: HttpRecord, failure: Failure) -> dict[str, Any]:
        error = failure.error
        if isinstance(error, FailedAnswerError):
            return error.answer
        if isinstance(error, RememberedFailureError) and http_answer.is_response(error.answer):
            return error.answer  # type: ignore[no-any-return]
        problem = http_answer.problem_of(failure, self._options.status_of(error))
        body = json.dumps(http_answer.problem_body(problem, record.id))
        headers = {**http_answer.problem_headers(problem), **self._options.headers}
        return http_answer.response(record.request, problem.status, body, headers)

    def _report(self, record: HttpRecord, failure: Failure, status: int | None) -> None:
        """Write the one warning line of a request that failed: id, class, category, status, place. Never a payload."""
        error, found = failure.error, failure.classification
        # These texts are the library's own and hold no data.
        is_told = isinstance(error, ConfigurationError | StoreError | CallerUnknownError)
        logger.warning(
            "request %s %s %s%s (%s, %s)%s; it is answered %s",
            record.id or "without id",
            "failed with" if failure.ran else "is not done because of",
            type(error).__name__,
            f": {error}" if is_told else "",
            found.category.value,
            found.verdict.value,
            _place_of(error) if failure.ran else "",
            status,
        )


def _record_of(event: Any, context: Any) -> HttpRecord:
    return HttpRecord(event, str(getattr(context, "aws_request_id", "") or ""), read_request(event))


def _place_of(error: BaseException) -> str:
    """Return where *error* was raised: the deepest place that is not in a library."""
    place, trace, is_known = "", error.__traceback__, False
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        is_library = any(folder in file for folder in _LIBRARIES)
        if not is_library or not is_known:
            is_known = is_known or not is_library
            place = f" at {trace.tb_frame.f_code.co_name}, line {trace.tb_lineno} of {file.rpartition('/')[2]}"
        trace = trace.tb_next
    return place


async def _nothing_waits() -> None:
    """Bring nothing to safety: a request stands alone."""
