"""Stands for what takes its time."""

PAGES_IN_FULL, PAGES_IN_SHORT = 40, 4


def render(report_id: str, *, in_full: bool) -> int:
    """Render a report; return how many pages it has."""
    return PAGES_IN_FULL if in_full else PAGES_IN_SHORT
