"""The idempotency policy: a key is run by one worker at a time, and not again once it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakSet

from .._core.keys import check_namespace
from .._core.options import number, one_of
from .._named_tuple import NamedTuple
from ..errors import ConfigurationError
from .key_finder import KeyFinder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._core.keys import KeySpec
    from .._core.model import Outcome
    from .._core.record import Record
    from .._core.reserved import Mark
    from ..stores.base import Store
    from .call import Call, Invocation
    from .compose import Policy, Proceed
    from .guard import Guard
    from .local import Done

_VERBS = ("warm", "get", "put_if", "put_many_if")

# Every policy of the process, so that `resilient_lambda.testing.in_memory` can make all of them forget.
living: WeakSet[Idempotency] = WeakSet()


class Options(NamedTuple):
    """What the user has asked for, checked; see `Idempotency`."""

    key: KeyFinder | None
    namespace: str | None
    keep_s: float
    lease_s: float | None
    skew_s: float
    fingerprint: KeyFinder | bool | None
    remember_failures_s: float | None
    skips_missing: bool
    on_in_progress: str
    runs_on_store_error: bool
    commits_each: bool
    is_powertools: bool
    observes: bool
    local_cache: int


class Idempotency:
    """
    Run each key once: one worker at a time, and not again once it is done.

    Args:
        store: Where claims and completions are kept.
        key: What makes two events the same: a dotted path into the body (``"order.id"``), a list of paths, a
            `JMESPath`, or a function of what your function gets. By default the record's id, which tells redeliveries
            apart from new messages but not two messages that ask for the same thing.
        namespace: Keys of different namespaces never meet. The name of the Lambda function by default.
        keep_s: For how long a completed key is remembered, in seconds.
        lease_s: For how long a claim is exclusive, in seconds, renewed by a heartbeat at a third of it. By default the
            remaining time of the invocation for queues, and 20 s for single events, where a crashed run would
            otherwise block the key for longer than Lambda retries.
        skew_s: By how much the clocks of two environments may differ, in seconds. By default 2; 5 beside Powertools.
        fingerprint: What must be equal in two events of one key, as for *key*; ``True`` for the whole body. Another
            payload under a used key is refused with `FingerprintMismatchError`. By default nothing is compared.
        remember_failures_s: For how long a permanent failure is remembered, in seconds. By default it is not: an event
            that comes again after a fix is run again.
        on_missing_key: ``"error"`` fails the record; ``"skip"`` runs it without protection.
        on_in_progress: What to do while another worker has the key: ``"retry"`` gives the event back, ``"wait"`` waits
            within the invocation; ``"auto"`` waits for single events and gives back messages of a queue.
        on_store_error: ``"retry"`` gives the event back; ``"run"`` runs it without protection.
        commit: ``"group"`` records the ends of a batch's runs together, beside the runs that follow: at most 50 keys or
            one second are unrecorded at any time. ``"each"`` records each before the next record starts.
        layout: ``"powertools"`` keeps items and keys as Powertools' idempotency utility does, so that both work on one
            table during a migration; *namespace* is then what its keys begin with. See docs/coming-from-powertools.md.
        mode: ``"observe"`` runs duplicates too and only reports what would have been suppressed.
        local_cache: How many completed keys each environment remembers by itself; 0 for none.

    Raises:
        ConfigurationError: An option is wrong.
    """

    kind = "idempotency"

    def __init__(
        self,
        store: Store,
        *,
        key: KeySpec | None = None,
        namespace: str | None = None,
        keep_s: float = 86_400,
        lease_s: float | None = None,
        skew_s: float | None = None,
        fingerprint: KeySpec | bool | None = None,
        remember_failures_s: float | None = None,
        on_missing_key: Literal["error", "skip"] = "error",
        on_in_progress: Literal["auto", "wait", "retry"] = "auto",
        on_store_error: Literal["retry", "run"] = "retry",
        commit: Literal["group", "each"] = "group",
        layout: Literal["native", "powertools"] = "native",
        mode: Literal["enforce", "observe"] = "enforce",
        local_cache: int = 1_000,
    ) -> None:
        if isinstance(store, type) or not all(callable(getattr(store, verb, None)) for verb in _VERBS):
            raise ConfigurationError(
                f"Idempotency({store!r}) needs a store with {', '.join(_VERBS)}, such as DynamoDBStore('table')"
            )
        one_of("on_missing_key", on_missing_key, ("error", "skip"))
        one_of("on_in_progress", on_in_progress, ("auto", "wait", "retry"))
        one_of("on_store_error", on_store_error, ("retry", "run"))
        one_of("commit", commit, ("group", "each"))
        one_of("layout", layout, ("native", "powertools"))
        one_of("mode", mode, ("enforce", "observe"))
        if skew_s is None:
            skew_s = 5.0 if layout == "powertools" else 2.0
        number("keep_s", keep_s, above=0)
        number("skew_s", skew_s, at_least=0)
        number("local_cache", local_cache, at_least=0, is_whole=True)
        if remember_failures_s is not None:
            number("remember_failures_s", remember_failures_s, above=0)
        if lease_s is not None:
            number("lease_s", lease_s, above=0)
        if lease_s is not None and lease_s < 3 * skew_s:
            raise ConfigurationError(
                f"lease_s={lease_s!r} is too short for skew_s={skew_s!r}: it is renewed at a third of its length and "
                f"trusted until skew_s before its end; give at least {3 * skew_s:g}"
            )
        if layout == "powertools":
            _refuse_beside_powertools(namespace, lease_s=lease_s, remember_failures_s=remember_failures_s)
        self.store = store
        self.key = key
        self._options = Options(
            key=None if key is None else KeyFinder("key", key),
            namespace=None if namespace is None else check_namespace(namespace),
            keep_s=keep_s,
            lease_s=lease_s,
            skew_s=skew_s,
            fingerprint=_fingerprint(fingerprint),
            remember_failures_s=remember_failures_s,
            skips_missing=on_missing_key == "skip",
            on_in_progress=on_in_progress,
            runs_on_store_error=on_store_error == "run",
            commits_each=commit == "each",
            is_powertools=layout == "powertools",
            observes=mode == "observe",
            local_cache=local_cache,
        )
        living.add(self)

    def __repr__(self) -> str:
        return f"Idempotency({self.store!r}, key={self.key!r})"

    if TYPE_CHECKING:
        _guard: Guard
    else:

        def __getattr__(self, name: str) -> Any:
            if name != "_guard":
                raise AttributeError(f"{type(self).__name__} has no {name!r}")
            from .guard import Guard  # with all that events need, and nothing at import does

            # One, whichever thread comes first: it knows by itself what the store has not got yet.
            return self.__dict__.setdefault("_guard", Guard(self, self.store, self._options))

    def forget(self) -> None:
        """Forget what this environment knows by itself, as a new environment would: for tests."""
        if "_guard" in self.__dict__:
            self._guard.forget()

    def swap_memory(self, memory: Any) -> Any:
        """Put *memory*, None for a new environment's, in the place of what is known here; return that. For tests."""
        return self._guard.swap_memory(memory)

    def warm(self) -> None:
        """Load what the first event would load."""
        from .._io.blocking import pool

        self.load()
        self.store.warm()
        pool()

    def load(self) -> None:
        """Load what the first key takes."""
        self._guard.warm()

    def expect(self, calls: Sequence[Call], invocation: Invocation) -> None:
        """Take notice of the runs to come, so that their keys can be claimed ahead in bulk."""
        self._guard.expect(calls, invocation)

    async def around(self, call: Call, proceed: Proceed) -> Outcome:
        """Run *call* unless its key is done or in progress."""
        return await self._guard.around(call, proceed)

    async def finish(self, invocation: Invocation) -> None:
        """Write what has ended and the journal, give back what was claimed without being run."""
        await self._guard.finish(invocation)

    async def close(self, invocation: Invocation) -> None:
        """Write what the sink's answers have ended, join the heartbeat, which until now kept what waited for them."""
        await self._guard.close(invocation)

    def peek(self, record: Record[Any], context: Any, now_s: float) -> Done | None:
        """Return what this environment knows to be done under the key of *record*, without I/O; None if nothing."""
        return self._guard.peek(record, context, now_s)

    async def is_to_run(self, invocation: Invocation, mark: Mark) -> bool:
        """Tell whether a re-invocation is to be run, and not the second of two; raises `StoreError` if nobody knows."""
        from .reinvocations import is_to_run  # few events are such

        return await is_to_run(self.store, self._options, invocation, mark)

    async def run_unprotected(self, call: Call, proceed: Proceed) -> Outcome:
        """Run *call* without the store, under a claim that stands for nothing."""
        return await self._guard.run_unprotected(call, proceed)

    def over_requests(self, key: Callable[[KeyFinder | None], Any], fingerprint: Any) -> Idempotency:
        """
        Return what does the same for requests, whose keys are the client's: this policy stays as it is.

        Args:
            key: Makes the finder of the keys, of the user's or None.
            fingerprint: Finds what is compared unless the user has said what.

        Raises:
            ConfigurationError: It shares its items with Powertools.
        """
        options = self._options
        if options.is_powertools:
            raise ConfigurationError(
                "layout='powertools' does not go with http=True: Powertools' keys do not say whose they are, so one "
                "caller would get another's answer. Take a new table, and the native layout"
            )
        if options.fingerprint is not None and options.fingerprint is not True:
            fingerprint = options.fingerprint
        twin: Idempotency = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.__dict__.pop("_guard", None)
        twin._options = options._replace(key=key(options.key), fingerprint=fingerprint)
        living.add(twin)
        return twin

    def switched_off(self) -> Policy:
        """Return what stands here while operators have idempotency switched off."""
        return _SwitchedOff(self)


def _fingerprint(spec: KeySpec | bool | None) -> KeyFinder | bool | None:
    return spec if spec is None or isinstance(spec, bool) else KeyFinder("fingerprint", spec)


def _refuse_beside_powertools(namespace: str | None, **options: float | None) -> None:
    if namespace is None:
        raise ConfigurationError(
            "layout='powertools' needs namespace=, what Powertools' keys begin with: its key_prefix, or by default "
            "'<Lambda function>.<module>.<function>' (docs/coming-from-powertools.md)"
        )
    for name, value in options.items():
        if value is not None:
            raise ConfigurationError(
                f"{name}={value!r} cannot be used with layout='powertools': Powertools would take over, or fail; leave "
                "it out until the migration is over"
            )


class _SwitchedOff:
    """Idempotency that operators switched off: `current_claim` goes on working, nothing is claimed."""

    def __init__(self, policy: Idempotency) -> None:
        self._policy = policy

    def warm(self) -> None:
        """Load what the first event would load; the store is not asked."""
        self._policy.load()

    async def around(self, call: Call, proceed: Proceed) -> Outcome:
        """Run *call*."""
        return await self._policy.run_unprotected(call, proceed)
