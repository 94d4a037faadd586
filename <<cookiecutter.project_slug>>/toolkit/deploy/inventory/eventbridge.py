"""Schedules of crontab(5) as expressions of EventBridge Scheduler. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from toolkit.deploy import scheduler

LONGEST = 256  # characters of a ScheduleExpression


def expression(schedule: str) -> str:
    """Return `cron(...)`, in which one of day and weekday is `?`. Raises ValueError for what EventBridge cannot say."""
    found = scheduler.parse(schedule)
    if len(found.days) < 31 and len(found.weekdays) < 7:
        raise ValueError("EventBridge takes a day or a weekday, not both; make it two processes")
    names = [scheduler.WEEKDAYS[day].upper() for day in sorted(found.weekdays)]
    by_weekday = len(names) < 7
    fields = (
        _listed(found.minutes, range(60)),
        _listed(found.hours, range(24)),
        "?" if by_weekday else _listed(found.days, range(1, 32)),
        _listed(found.months, range(1, 13)),
        ",".join(names) if by_weekday else "?",
        "*",
    )
    text = f"cron({' '.join(fields)})"
    if len(text) > LONGEST:
        raise ValueError(f"its expression for EventBridge has {len(text)} characters, and {LONGEST} are allowed")
    return text


def _listed(chosen: Collection[int], every: Sequence[int]) -> str:
    return "*" if len(chosen) == len(every) else ",".join(map(str, sorted(chosen)))
