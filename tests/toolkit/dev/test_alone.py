"""Tasks that write revisions, in two terminals."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from invoke import Config, Context

from tests.support.small_service import SmallService
from toolkit.dev.alone import alone
from toolkit.tasks import migrate


@pytest.mark.parametrize(
    "task",
    [
        lambda context: migrate.migrate_contract(context),
        lambda context: migrate.migrate_merge(context),
        lambda context: migrate.migrate_new(context, "x", [], [], [], empty=True),
    ],
)
def test_a_task_waits_for_another_that_writes_revisions(tmp_path: Path, task: Callable[[Context], None]) -> None:
    service = SmallService(tmp_path, "")
    context = Context(Config({"project": str(service.root)}))
    task(context)  # imports take longer than the task
    second = threading.Thread(target=task, args=(context,))
    with alone(service.root):
        second.start()
        second.join(2)  # is to run out
        assert second.is_alive()
    second.join()
