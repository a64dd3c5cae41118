"""
Many conditional writes at once, by one of two engines behind the same answer.

*PartiQL*: 25 statements a request, several requests at a time, each statement with a result of its own. *Single*:
a PutItem for each write, several at a time. What PartiQL cannot say or DynamoDB will not do as a statement is written
singly beside it. A write that was perhaps done already may be repeated by the other engine: it is recognised by its
version (protocols.md B1).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from .._core.cas import STORED, AsRead, judge
from .._named_tuple import NamedTuple
from ..errors import ItemTooLargeError, ResilienceError, StoreError, StoreUnavailableError
from ._dynamodb_errors import response_of, translate_entry
from ._dynamodb_read import KEYS_PER_READ
from ._parallel import do_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .._core.cas import Item, PutResult, Write
    from ._bulk_engine import Engine
    from ._dynamodb_read import Send
    from ._dynamodb_wire import Layout

    Result = PutResult | StoreError

STATEMENTS_PER_REQUEST = 25
# Well under the 16 MB of a request and what a read timeout of 2 s allows for.
LARGEST_REQUEST = 4_000_000
# An item of 400 KB in base64, and then some: a larger one is refused, which a PutItem tells best.
LARGEST_STATEMENT = 700_000

# The smallest request that botocore takes, in place of the real one.
STAND_IN: dict[str, Any] = {"Statements": [{"Statement": "-"}]}

REFUSED_CODES = frozenset({"DuplicateItem", "ConditionalCheckFailed"})


class Calls(NamedTuple):
    """What a bulk write needs of its store."""

    table: str
    layout: Layout
    put: Callable[[Write], PutResult]
    get: Callable[[Sequence[str]], dict[str, Item]]
    send: Send


def put_many(writes: Sequence[Write], engine: Engine, calls: Calls) -> list[Result]:
    """Do *writes*, at least two of different keys, and return one result for each."""
    return _Bulk(writes, engine, calls).run()


class _Bulk:
    # One call. Its tasks run in several threads; each writes the results of its own entries only, and logs nothing.

    def __init__(self, writes: Sequence[Write], engine: Engine, calls: Calls) -> None:
        self._writes = writes
        self._engine = engine
        self._calls = calls
        self._statements = engine.statements(calls.table, calls.layout)
        self._results: list[Result | None] = [None] * len(writes)
        self._refused: dict[int, Item | None] = {}  # what is there, where DynamoDB sent it along
        self._again: list[int] = []
        self._reason: tuple[str, bool] | None = None  # for giving statements up, and whether the user can do something

    def run(self) -> list[Result]:
        do_all(self._tasks(), at_most=self._most_tasks())
        if self._reason is not None:
            self._engine.give_up_statements(self._reason[0], is_the_users_to_change=self._reason[1])
        if self._again:
            do_all([partial(self._put, index) for index in self._again], at_most=len(self._again))
        unknown = [index for index, current in self._refused.items() if current is None]
        parts = [unknown[start : start + KEYS_PER_READ] for start in range(0, len(unknown), KEYS_PER_READ)]
        do_all([partial(self._read, part) for part in parts], at_most=len(parts))
        for index, current in self._refused.items():
            if self._results[index] is None:
                self._results[index] = judge(self._writes[index].item, current)
        return [_no_answer(self._calls.table) if result is None else result for result in self._results]

    def _most_tasks(self) -> int:
        # Most likely: what PartiQL cannot say for other reasons is rare, and only asks for fewer threads than it could.
        if self._statements is None:
            return len(self._writes)
        singles = sum(1 for write in self._writes if write.may_hold is None and isinstance(write.expected, AsRead))
        return singles - (singles - len(self._writes)) // STATEMENTS_PER_REQUEST

    def _tasks(self) -> Iterator[Callable[[], None]]:
        # A generator, so that only the requests under way are in memory, however many there will be.
        group: list[tuple[int, str]] = []
        size = 0
        for index, write in enumerate(self._writes):
            if self._statements is None or self._reason is not None:
                yield partial(self._put, index)
                continue
            try:
                statement = self._statements.render(write)
            except StoreError as error:
                self._results[index] = error
                continue
            if statement is None or len(statement) > LARGEST_STATEMENT:
                yield partial(self._put, index)
                continue
            if len(group) == STATEMENTS_PER_REQUEST or (group and size + len(statement) > LARGEST_REQUEST):
                yield partial(self._execute, group)
                group, size = [], 0
            group.append((index, statement))
            size += len(statement)
        if len(group) == 1:
            yield partial(self._put, group[0][0])
        elif group:
            yield partial(self._execute, group)

    def _put(self, index: int) -> None:
        try:
            self._results[index] = self._calls.put(self._writes[index])
        except StoreError as error:
            self._results[index] = error

    def _read(self, indexes: Sequence[int]) -> None:
        keys = [self._writes[index].key for index in indexes]
        try:
            found = self._calls.get(keys)
        except StoreError as error:
            for index in indexes:
                self._results[index] = error
            return
        for index, key in zip(indexes, keys, strict=True):
            self._refused[index] = found.get(key)

    def _execute(self, group: Sequence[tuple[int, str]]) -> None:
        if self._reason is not None:
            self._again.extend(index for index, _ in group)
            return
        try:
            body = f'{{"Statements":[{",".join([statement for _, statement in group])}]}}'
            answer = self._calls.send("BatchExecuteStatement", "batch_execute_statement", body, STAND_IN)
        except StoreError as error:
            self._take_failure(group, error)
        except ResilienceError:
            raise  # a wrong configuration is the caller's
        except Exception as error:  # a fake without this method, or that raises what went wrong inside of it
            self._reason = (f"this client cannot do BatchExecuteStatement ({type(error).__name__})", False)
            self._again.extend(index for index, _ in group)
        else:
            responses = answer.get("Responses") or ()
            for (index, _), response in zip(group, responses, strict=False):
                self._take(index, response)

    def _take_failure(self, group: Sequence[tuple[int, str]], error: StoreError) -> None:
        # The whole request failed.
        answer = response_of(error.__cause__) if error.__cause__ is not None else {}
        code = str(answer.get("Error", {}).get("Code", ""))
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code.startswith("AccessDenied"):
            self._reason = (self._denied(), True)
        elif code.startswith("UnknownOperation") or (code == str(status) == "500"):
            # DynamoDB itself always gives a name to its errors; a server of moto's answers a page of HTML.
            self._reason = (f"the endpoint cannot do BatchExecuteStatement ({code})", False)
        elif isinstance(error, ItemTooLargeError) or code == "ValidationException":
            pass  # DynamoDB took offence at one of them and did none (protocols.md B10)
        else:
            for index, _ in group:
                self._results[index] = error
            return
        self._again.extend(index for index, _ in group)

    def _take(self, index: int, response: Mapping[str, Any]) -> None:
        failure = response.get("Error")
        if not failure:
            self._results[index] = STORED
            return
        code = failure.get("Code", "")
        if code in REFUSED_CODES:
            attributes = failure.get("Item")
            self._refused[index] = self._calls.layout.to_item(attributes) if attributes else None
            return
        if code.startswith("AccessDenied"):
            self._reason = (self._denied(), True)
            self._again.append(index)
            return
        error = translate_entry(failure, table=self._calls.table, layout=self._calls.layout)
        if code == "ValidationError" and not isinstance(error, ItemTooLargeError):
            self._again.append(index)  # a PutItem either can do it or says best what is wrong
            return
        self._results[index] = error

    def _denied(self) -> str:
        return (
            f"BatchExecuteStatement on table {self._calls.table!r} is not allowed: the function's role lacks"
            " dynamodb:PartiQLInsert or dynamodb:PartiQLUpdate on this table"
            " (python -m resilient_lambda table iam prints the whole policy; bulk='single' needs neither)"
        )


def _no_answer(table: str) -> StoreUnavailableError:
    return StoreUnavailableError(f"BatchExecuteStatement on table {table!r}: no answer for this statement; try again")
