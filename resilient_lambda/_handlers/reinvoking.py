"""
What `timeout_reinvoker` does with each record. Only events need this: it loads in INIT, or with the first of them.

It is a policy and the function within it, around which `batch_handler` and `resilient_handler` stand: they acknowledge,
claim, set aside and deliver again as for any other function.
"""

from __future__ import annotations

import os
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from .._core.allowed_functions import home_of
from .._core.cas import ABSENT
from .._core.classify import Classifier
from .._core.describe import describe
from .._core.destination_envelopes import ObjectFound
from .._core.model import Failure
from .._core.reinvoke import Park, Reinvoke
from .._core.reinvoke_items import counted_item, counted_key, counted_mark
from .._io.ambient import ambient_io
from .._io.blocking import drive
from .._named_tuple import NamedTuple
from .._policies.call import logger
from .._policies.retry import Retry
from .._policies.store_calls import attempt
from ..errors import ConfigurationError, NotReinvokedError, RememberedFailureError, StoreError
from ..events import ReinvocationParked, Reinvoked
from ..invoke.invoker import LambdaInvoker
from .reinvoker_objects import Objects
from .reinvoker_work import Desk, Uncounted, Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.destination_envelopes import NothingFound, RecordFound
    from .._core.model import Outcome
    from .._core.record import Record
    from .._core.reinvoke import Rules
    from .._core.reserved import Mark
    from .._policies.call import Call, Invocation
    from .._policies.compose import Proceed
    from ..stores.base import Store
    from .delay import Delay


class Options(NamedTuple):
    """What the user has asked for, checked; see `timeout_reinvoker`."""

    rules: Rules
    delay: Delay | None
    store: Store | None
    namespace: str | None
    keep_s: float
    client: Any
    s3_client: Any


_works: ContextVar[_Works] = ContextVar("resilient_lambda_reinvoker")


class Reinvoking:
    """The re-invoker's function, and the policy around it."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._objects = Objects(options.s3_client)
        self._invoker = LambdaInvoker(client=options.client)
        self._retry = Retry(attempts=3)
        self._classifier = Classifier()

    def warm(self) -> None:
        """Load what the first record would load."""
        self._invoker.warm()
        if self._options.delay is not None:
            self._options.delay.warm()

    async def around(self, call: Call, proceed: Proceed) -> Outcome:
        """Run *call*, once it is known what is to be done, and tell what came of it."""
        works = self._works_of(call.invocation)
        token = _works.set(works)
        try:
            try:
                work = works.find(call.record) or works.keep(call.record, await self._read(call, works.desk))
            except Exception as unread:  # S3, the store, or the user's predicate
                outcome: Outcome = Failure(unread, call.classify(unread), ran=False)
            else:
                outcome = await proceed(call)
                found = work.decision
                if isinstance(found, Reinvoke) and work.request_id and not found.carries_mark:
                    await self._count(found.mark, work.request_id, call.invocation)
        finally:
            _works.reset(token)
        error = outcome.error if isinstance(outcome, Failure) and not outcome.classification.is_retryable else None
        if error is not None and not isinstance(error, RememberedFailureError):  # that one was told of
            function, failed = getattr(error, "function", ""), getattr(error, "attempt", 0)
            call.invocation.emit(ReinvocationParked(call.record.id, function, failed, describe(error)))
        return outcome

    async def close(self, invocation: Invocation) -> None:
        """Let go of what was worked out: a success in the journal may keep the invocation."""
        invocation.sessions.pop(self, None)

    def key_of(self, record: Record[Any]) -> Any:
        """
        Return what makes two deliveries the same: the event, and which attempt at it.

        Raises:
            LookupError: That is not known before somebody was asked: it is not to be claimed ahead.
        """
        works = _works.get()
        work = works.find(record)
        if work is None:
            found = works.desk.look(record)
            if not isinstance(found, Work):
                raise LookupError("not known yet")
            work = works.keep(record, found)
        return work.key

    def handle(self, record: Record[Any]) -> None:
        """
        Have a function invoked again, or say why not.

        Raises:
            NotReinvokedError: *record* is to be set aside.
            Exception: It is to be delivered again.
        """
        works = _works.get()
        work = works.find(record)
        assert work is not None  # `around` has made it
        found = work.decision
        if found is None:
            return
        if isinstance(found, Park):
            raise NotReinvokedError(found.reason, function=found.function, attempt=found.attempt)
        delay = None if work.has_waited else self._options.delay
        if delay is None:
            work.request_id = self._do(found, lambda: self._send(found))
        else:
            self._do(found, lambda: self._put_off(delay, found))
        arn = f"{found.function}:{found.qualifier}" if found.qualifier else found.function
        mark = found.mark
        works.invocation.emit(Reinvoked(record.id, arn, mark.root, mark.attempt, work.request_id))

    def _works_of(self, invocation: Invocation) -> _Works:
        works: _Works | None = invocation.sessions.get(self)
        if works is None:
            region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
            home = home_of(getattr(invocation.context, "invoked_function_arn", None), region)
            works = invocation.sessions[self] = _Works(invocation, Desk(self._options.rules, home))
        return works

    async def _read(self, call: Call, desk: Desk) -> Work:
        """Return what is to be done with *call*, once S3 and the store have said what they know."""
        record, invocation = call.record, call.invocation
        found = desk.look(record)
        if isinstance(found, ObjectFound):
            found = desk.look_at(await self._content_of(found, invocation), record)
        if isinstance(found, Uncounted):
            found = desk.judge(found.record, record, await self._counted(found.request_id, invocation))
        return found

    async def _content_of(self, named: ObjectFound, invocation: Invocation) -> RecordFound | NothingFound:
        io = invocation.io

        async def once() -> RecordFound | NothingFound:
            return await io.call(self._objects.read, named)

        try:
            return await self._retry.repeat(io, once, until_s=invocation.stop_at_s, name="get_object")
        except ConfigurationError:
            raise
        except Exception as error:  # botocore's errors have no common root that could be named without importing it
            if self._classifier.is_retryable(error):
                raise
            raise NotReinvokedError(f"the object that holds the record cannot be read: {describe(error)}") from error

    def _do(self, found: Reinvoke, act: Callable[[], Any]) -> Any:
        """Do *act*; what is refused for good is said in an error that has the record set aside."""
        try:
            return act()
        except (NotReinvokedError, ConfigurationError):
            raise
        except Exception as error:  # botocore's errors have no common root that could be named without importing it
            if self._classifier.is_retryable(error):  # also a lost answer: better twice than never
                raise
            reason = f"it was refused for good: {describe(error)}"
            raise NotReinvokedError(reason, function=found.function, attempt=found.mark.attempt - 1) from error

    def _send(self, found: Reinvoke) -> str:
        # Where the answer was lost, a second start harms only if the receiver cannot know it as one.
        return self._invoker.send(
            found.function,
            found.payload,
            qualifier=found.qualifier,
            tenant_id=found.tenant_id,
            idempotent=found.carries_mark,
        )

    def _put_off(self, delay: Delay, found: Reinvoke) -> None:
        # The Io of the user's functions: a wait between two tries must not suspend here.
        io = ambient_io(is_asynchronous=False)

        async def once() -> None:
            delay.put_off(found, now_s=io.now(), rand=io.random())

        drive(self._retry.repeat(io, once, name="delay"))

    async def _counted(self, request_id: str, invocation: Invocation) -> Mark | None:
        store = self._options.store
        assert store is not None  # or nothing is counted
        key = counted_key(self._namespace(invocation), request_id)
        items = await attempt(invocation, store.get, [key])
        return counted_mark(items.get(key), invocation.io.now())

    async def _count(self, mark: Mark, request_id: str, invocation: Invocation) -> None:
        """Note which attempt *request_id* is; if that cannot be noted, counting begins anew with its failure."""
        store, io = self._options.store, invocation.io
        assert store is not None  # or nothing is counted
        item = counted_item(mark, token=io.token(), now_s=io.now(), keep_s=self._options.keep_s)
        try:
            await attempt(invocation, store.put_if, counted_key(self._namespace(invocation), request_id), item, ABSENT)
        except StoreError as error:  # the invocation has been accepted: it must not be made a failure
            logger.warning("attempt %d of %s could not be noted (%s)", mark.attempt, mark.root, type(error).__name__)

    def _namespace(self, invocation: Invocation) -> str:
        return self._options.namespace or invocation.function_name


class _Works:
    """What is to be done with the records of one invocation."""

    def __init__(self, invocation: Invocation, desk: Desk) -> None:
        self.invocation = invocation
        self.desk = desk
        self._found: dict[int, tuple[Record[Any], Work]] = {}

    def find(self, record: Record[Any]) -> Work | None:
        found = self._found.get(id(record))
        return None if found is None else found[1]

    def keep(self, record: Record[Any], work: Work) -> Work:
        self._found[id(record)] = record, work  # the record, so that its id stays its own
        return work
