"""Functions that are invoked by others, on ministack."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any


def handler(event: dict[str, Any], context: Any) -> Any:
    """Do what the event says: return it, fail, take too long, or note that it ran."""
    if "notes" in event:
        Path(event["notes"]).write_text("ran", "utf-8")
    if "sleeps_s" in event:
        time.sleep(event["sleeps_s"])
    if "raises" in event:
        raise ValueError(event["raises"])
    return {"echo": event, "request_id": context.aws_request_id}
