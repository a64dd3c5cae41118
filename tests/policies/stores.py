"""A store that goes wrong on demand, and what lies in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilient_lambda._core.cas import refuse_repeated_keys
from resilient_lambda._core.idempotency import Entry, Status, owner_of, parse, render
from resilient_lambda._core.keys import key_prefix, stored_key
from resilient_lambda.errors import StoreError, StoreUnavailableError
from resilient_lambda.stores import ABSENT, AsRead, MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilient_lambda.stores import Write

NAMESPACE = "orders"


def key_of(value: object, namespace: str = NAMESPACE) -> str:
    """Return the stored key of *value*."""
    return stored_key(key_prefix(namespace), value)


KEY = key_of("a")


def step_of(item: Any, expected: Any) -> str:
    """Return what a write is to the protocol: claim, renew, complete, release or fail."""
    if item["status"] == "IN_PROGRESS":
        before = dict(expected.fields) if isinstance(expected, AsRead) else {}
        same = owner_of(str(before.get("version", ""))) == owner_of(item["version"])
        return "renew" if same else "claim"
    return {"COMPLETED": "complete", "RELEASED": "release", "FAILED": "fail"}[item["status"]]


class Fault:
    """What goes wrong with the next *times* calls of a step."""

    def __init__(self, step: str, times: float, has_effect: bool, error: Exception) -> None:
        self.step, self.times, self.has_effect, self.error = step, times, has_effect, error


class FaultyStore:
    """
    A `MemoryStore` whose calls fail on demand, before or after they took effect.

    Attributes:
        steps: The steps that were asked for, in order, failed ones included.
        requests: How often the store was called; 25 steps of a bulk write are one request.
        tokens: Those of the transactions that were asked for.
    """

    def __init__(self) -> None:
        self.memory = MemoryStore()
        self.steps: list[str] = []
        self.requests = 0
        self.tokens: list[str] = []
        self.before_call: Callable[[str], object] = lambda step: None
        self._faults: list[Fault] = []

    def fail(
        self, step: str = "any", *, times: float = 1, has_effect: bool = False, error: Exception | None = None
    ) -> None:
        """Have the next *times* calls of *step* fail; with *has_effect* only the answer is lost."""
        self._faults.append(Fault(step, times, has_effect, error or StoreUnavailableError("away")))

    def heal(self) -> None:
        """Let everything work again."""
        self._faults.clear()

    def warm(self) -> None:
        """Do nothing."""

    def get(self, keys: Any, *, consistent: bool = True) -> Any:
        """Read, or fail."""
        return self._call("read", lambda: self.memory.get(keys, consistent=consistent))

    def put_if(self, key: str, item: Any, expected: Any) -> Any:
        """Write, or fail."""
        return self._call(step_of(item, expected), lambda: self.memory.put_if(key, item, expected))

    def put_many_if(self, writes: list[Write]) -> Any:
        """Write each, or have it fail by itself: 25 make a request."""
        refuse_repeated_keys(writes)
        answers: list[Any] = []
        for number, write in enumerate(writes):
            step = step_of(write.item, write.expected)
            try:
                answers.append(
                    self._call(
                        step,
                        lambda write=write: self.memory.put_if(write.key, write.item, write.expected),
                        is_request=number % 25 == 0,
                    )
                )
            except StoreError as error:
                answers.append(error)
        return answers

    def delete_if(self, key: str, expected: Any) -> Any:
        """Delete, or fail."""
        return self._call("delete", lambda: self.memory.delete_if(key, expected))

    def transact(self, own: Any, items: Any, *, token: str) -> Any:
        """Commit, or fail."""
        self.tokens.append(token)
        return self._call("commit", lambda: self.memory.transact(own, items, token=token))

    def add(self, key: str, deltas: Any, *, expires_at_s: int, remove: Any = ()) -> Any:
        """Add, or fail."""
        return self._call("add", lambda: self.memory.add(key, deltas, expires_at_s=expires_at_s, remove=remove))

    def _call(self, step: str, effect: Callable[[], Any], *, is_request: bool = True) -> Any:
        self.steps.append(step)
        if is_request:
            self.requests += 1
            self.before_call(step)
        for fault in self._faults:
            if fault.times > 0 and fault.step in (step, "any"):
                fault.times -= 1
                if fault.has_effect:
                    effect()
                raise fault.error
        return effect()

    def entry(self, key: str = KEY) -> Entry | None:
        """Return what lies under *key*."""
        return parse(self.memory.get([key]).get(key))

    def status(self, key: str = KEY) -> str | None:
        """Return where *key* stands."""
        entry = self.entry(key)
        return None if entry is None else entry.status.value

    def lay(self, now_s: float, status: str = "IN_PROGRESS", *, key: str = KEY, **fields: Any) -> None:
        """Lay an entry of another environment under *key*, over whatever is there."""
        entry = Entry(Status(status), **{"version": "other.0", "expires_at_s": int(now_s) + 90_000, **fields})
        self.take_away(key)
        self.memory.put_if(key, render(entry), ABSENT)

    def take_away(self, key: str = KEY) -> None:
        """Remove *key*, as TTL or somebody would."""
        self.memory.delete_if(key, AsRead(()))
