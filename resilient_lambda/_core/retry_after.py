"""
The wait that an answer's headers ask for: ``Retry-After``, in seconds or as a date.

A date is held against the answer's own ``Date``, so that it does not matter whose clock is wrong.
"""

from __future__ import annotations

import re
from typing import Any

from .backoff import asked_wait_s

_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
# The one format that servers may send; the two older ones that readers may meet in archives count as nothing.
_HTTP_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{4})"
    r" (\d\d):(\d\d):(\d\d) GMT",
    re.ASCII,
)


def wait_in(headers: Any, now_s: float | None = None) -> float | None:
    """
    Return the wait that *headers* ask for, in seconds; None if they ask for none that can be understood.

    Args:
        headers: Any mapping, whether or not it knows that the case of its names means nothing.
        now_s: Wall clock, for a date in an answer that does not say when it was given.
    """
    asked = _header(headers, "retry-after")
    if not isinstance(asked, str):
        return asked_wait_s(asked)
    asked = asked.strip()
    until_s = http_date_s(asked)
    if until_s is None:
        return asked_wait_s(asked)
    given = _header(headers, "date")
    given_s = http_date_s(given.strip()) if isinstance(given, str) else None
    at_s = now_s if given_s is None else given_s
    return None if at_s is None else max(0.0, until_s - at_s)


def http_date_s(text: str) -> float | None:
    """Return the seconds since 1970 of ``Sun, 06 Nov 1994 08:49:37 GMT``; None if *text* is no such date."""
    found = _HTTP_DATE.fullmatch(text)
    if found is None:
        return None
    day, month, year = int(found[1]), _MONTHS.index(found[2]) // 3 + 1, int(found[3])
    # The day within a calendar that begins in March: a leap day is its last. H. Hinnant, "days_from_civil".
    if month <= 2:
        year -= 1
    in_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = 365 * year + year // 4 - year // 100 + year // 400 + in_year - 719_468
    return float(days * 86_400 + int(found[4]) * 3_600 + int(found[5]) * 60 + int(found[6]))


def _header(headers: Any, name: str) -> Any:
    """Return a header under its lower-case *name*, however the mapping spells it; None if there is none."""
    get = getattr(headers, "get", None)
    if not callable(get):
        return None
    for spelled in (name, name.title()):
        found: Any = get(spelled)
        if found is not None:
            return found
    if isinstance(headers, dict):
        return next((value for key, value in headers.items() if isinstance(key, str) and key.lower() == name), None)
    return None
