"""Further processes of the service's image, beside the one that serves: workers, and commands on a schedule."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from toolkit.deploy.inventory.pod_keys import Block, Name, Text
from toolkit.deploy.inventory.resources import Count, Resources

# Names of the service's own instances; the objects of a process are called SERVICE-NAME.
OWN = frozenset({"web", "migrate", "run", "metrics", "canary"})
LONGEST_NAME = 20
# Five fields of crontab(5): numbers, names of days and months, lists, ranges and steps.
SCHEDULE = re.compile(r"(@(hourly|daily|weekly|monthly|yearly)|([-0-9A-Za-z*,/]+ +){4}[-0-9A-Za-z*,/]+)")


class Process(Block):
    """A worker with `replicas` instances, or with `schedule` (UTC) a command that is started and ends.

    `grace_seconds`: time between SIGTERM and SIGKILL. `limit_seconds`: longest run of a scheduled command.
    """

    command: Annotated[tuple[Text, ...], Field(min_length=1)]
    replicas: int = Field(1, ge=0)
    schedule: str | None = None
    resources: Resources | None = None
    grace_seconds: Count = 30
    limit_seconds: Count = 3600

    @model_validator(mode="after")
    def _one_kind(self) -> Process:
        if self.schedule is None and "limit_seconds" in self.model_fields_set:
            raise ValueError("`limit_seconds` is for a command with a `schedule`")
        if self.schedule is not None and "replicas" in self.model_fields_set:
            raise ValueError("a command with a `schedule` has no `replicas`")
        if self.schedule is not None and not SCHEDULE.fullmatch(self.schedule.strip()):
            raise ValueError(
                f'{self.schedule!r} is not a schedule; expected five fields, as in "0 3 * * *" (03:00 UTC)'
            )
        return self


def _names(value: dict[str, Process]) -> dict[str, Process]:
    for name in value:
        if name in OWN:
            raise ValueError(f"{name} is used by the service itself; choose another name")
        if len(name) > LONGEST_NAME:
            raise ValueError(f"{name} is longer than {LONGEST_NAME} characters; choose a shorter name")
    return value


Processes = Annotated[dict[Name, Process], AfterValidator(_names)]
