"""
An execution environment as Lambda runs it: a process of AWS's runtime client that is frozen between invocations,
stopped at its deadline, and replaced by a fresh one after it died.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .api import FUNCTION_NAME, Happening, InitFailed, Invocation, Raised, Responded, RuntimeApi, Taken

if TYPE_CHECKING:
    from collections.abc import Mapping

FUNCTIONS = Path(__file__).parent / "functions"
PACKAGE_ROOT = Path(__file__).parents[2]
INIT_LIMIT_S = 20.0

# What the function signs its requests with; DynamoDB Local takes any.
REGION = "us-east-1"
ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET_ACCESS_KEY = "secret"


class Answered(NamedTuple):
    """The function returned *payload* after *took_s*."""

    request_id: str
    payload: Any
    took_s: float


class Failed(NamedTuple):
    """The function (or the import of its module) raised; *error* has ``errorType`` and ``errorMessage``."""

    request_id: str
    error: dict[str, Any]


class TimedOut(NamedTuple):
    """The process was stopped at its deadline."""

    request_id: str


class Died(NamedTuple):
    """The process ended in the middle of the invocation; a negative *exit_code* is the signal that ended it."""

    request_id: str
    exit_code: int


Result = Answered | Failed | TimedOut | Died


class Exited(NamedTuple):
    """The process is gone."""

    exit_code: int


class ExecutionEnvironment:
    """
    Runs *handler* (``module.function``, found in `FUNCTIONS`) in a process of ``python -m awslambdaric``.

    One thread at a time may use it. The process inherits nothing of the tests' environment but PATH.

    Args:
        log: The file that takes what the process prints; it is appended to.
        variables: Environment variables of the function.
    """

    def __init__(self, handler: str, *, log: Path, variables: Mapping[str, str] | None = None) -> None:
        self._handler = handler
        self._log = log
        self._variables = dict(variables or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._api: RuntimeApi | None = None
        # Whoever signals or reaps the process holds it: a reaped process' id may be another's.
        self._process_lock = threading.Lock()
        self.cold_starts = 0
        self.is_cold = True  # the next invocation is its process' first

    @property
    def pid(self) -> int | None:
        """The process' id; None if there is none."""
        return None if self._process is None else self._process.pid

    @property
    def printed(self) -> str:
        """All that the processes of this environment have printed."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self) -> None:
        """Cold-start a process, unless there is one. Returns at once; the first `invoke` waits for its INIT."""
        if self._process is not None:
            if self._exit_code() is None:
                return
            self.stop()
        self._api = RuntimeApi(when_idle=lambda: self._signal(signal.SIGSTOP))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", self._handler],
                env=self._environ(self._api.address),
                cwd=FUNCTIONS,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.cold_starts += 1
        self.is_cold = True

    def go_on(self) -> None:
        """Let a process go on that has stopped itself."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End the process, if there is one, and reap it."""
        if self._process is not None and self._api is not None:
            self._signal(signal.SIGKILL)
            with self._process_lock:
                self._process.wait()
            self._api.close()
        self._process = self._api = None

    def invoke(
        self,
        event: Any,
        *,
        timeout_s: float = 5.0,
        kill_after_s: float | None = None,
        stall_after_s: float | None = None,
        stall_s: float = 0.0,
    ) -> Result:
        """
        Run the function on *event* and return how it ended.

        Args:
            timeout_s: The function's timeout; it counts from the moment at which the function takes the event.
            kill_after_s: Kill the process so long after it took the event, unless it has answered by then.
            stall_after_s: Stop the process so long after it took the event, and let it go on *stall_s* later.
        """
        request_id = str(uuid.uuid4())
        self.start()
        assert self._api is not None
        self._api.offer(Invocation(request_id, event, timeout_s))
        self._signal(signal.SIGCONT)
        taken = self._wait(until_s=time.monotonic() + INIT_LIMIT_S)
        if not isinstance(taken, Taken):
            self.stop()
            return self._ended_before_the_start(request_id, taken)
        self.is_cold = False
        kill_s = timeout_s if kill_after_s is None else min(kill_after_s, timeout_s)
        end = None
        if stall_after_s is not None:
            end = self._wait(until_s=taken.at_s + min(stall_after_s, kill_s))
            if end is None:
                self._stall(min(stall_s, kill_s - stall_after_s))
        if end is None:
            end = self._wait(until_s=taken.at_s + kill_s)
        match end:
            case Responded(payload):
                return Answered(request_id, payload, time.monotonic() - taken.at_s)
            case Raised(error):
                return Failed(request_id, error)
            case Exited(code):
                self.stop()
                return Died(request_id, code)
        self.stop()
        return TimedOut(request_id) if kill_s == timeout_s else Died(request_id, -signal.SIGKILL)

    def _stall(self, stall_s: float) -> None:
        self._signal(signal.SIGSTOP)
        time.sleep(max(stall_s, 0))
        self._signal(signal.SIGCONT)

    def _ended_before_the_start(self, request_id: str, end: Happening | Exited | None) -> Result:
        match end:
            case InitFailed(error):
                return Failed(request_id, error)
            case Exited(code):
                return Died(request_id, code)
        raise TimeoutError(f"INIT took more than {INIT_LIMIT_S} s; the process printed:\n{self.printed[-2000:]}")

    def _wait(self, *, until_s: float) -> Happening | Exited | None:
        """Return what happens next, or None at *until_s*. An answer that is in counts, even if the process died."""
        assert self._api is not None
        while True:
            left_s = until_s - time.monotonic()
            exit_code = self._exit_code()
            with contextlib.suppress(queue.Empty):
                return self._api.happenings.get(timeout=min(max(left_s, 0), 0.01))
            if exit_code is not None:
                return Exited(exit_code)
            if left_s <= 0:
                return None

    def _exit_code(self) -> int | None:
        assert self._process is not None
        with self._process_lock:
            return self._process.poll()

    def _signal(self, number: signal.Signals) -> None:
        with self._process_lock:
            if self._process is not None and self._process.poll() is None:
                self._process.send_signal(number)

    def _environ(self, api_address: str) -> dict[str, str]:
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{python}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_FUNCTION_NAME": FUNCTION_NAME,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{FUNCTION_NAME}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0123456789abcdef",
            "AWS_LAMBDA_RUNTIME_API": api_address,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "LAMBDA_TASK_ROOT": str(FUNCTIONS),
            "LANG": "en_US.UTF-8",
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": os.pathsep.join((str(FUNCTIONS), str(PACKAGE_ROOT))),
            # There is no SQS here. A failed message would be hidden by a request that nobody answers.
            "RESILIENT_LAMBDA_DISABLE": "visibility",
            "TZ": ":UTC",
            "_HANDLER": self._handler,
            **self._variables,
        }

    def __enter__(self) -> ExecutionEnvironment:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
