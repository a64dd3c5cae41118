"""Functions without the library: what the harness itself is tested with."""

from __future__ import annotations

import os
import threading
import time

_ticks = 0


def echo(event, context):
    """Return the event and what the process knows of itself and of its invocation."""
    return {
        "event": event,
        "pid": os.getpid(),
        "request_id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "remaining_ms": context.get_remaining_time_in_millis(),
    }


def obey(event, context):
    """Do as the event says: raise, exit, sleep, or say how often a thread has ticked."""
    match event["do"]:
        case "raise":
            raise LookupError("no such order")
        case "exit":
            os._exit(event["code"])
        case "sleep":
            time.sleep(event["s"])
        case "tick":
            _tick_in_the_background()
    return {"pid": os.getpid(), "ticks": _ticks}


def _tick_in_the_background():
    def tick():
        global _ticks
        while True:
            _ticks += 1
            time.sleep(0.005)

    threading.Thread(target=tick, daemon=True).start()
