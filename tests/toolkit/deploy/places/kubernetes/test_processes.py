"""The last run of a scheduled command, and the summary of a release with processes."""

from typing import Any

import pytest

from toolkit.deploy.places.kubernetes.pods import View
from toolkit.deploy.places.kubernetes.processes import last_run
from toolkit.deploy.places.kubernetes.rollout import summary_of
from toolkit.deploy.places.kubernetes.template_values import process_name


def job(name: str, started: str, kind: str | None, owner: str = "cron") -> dict[str, Any]:
    conditions = [{"type": kind, "status": "True"}] if kind else []
    metadata = {"name": name, "ownerReferences": [{"uid": owner}]}
    return {"metadata": metadata, "status": {"startTime": started, "conditions": conditions}}


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ([], None),
        ([job("a", "2026-01-01T00:00:00Z", None)], None),
        ([job("a", "2026-01-01T00:00:00Z", "Complete"), job("b", "2026-01-02T00:00:00Z", "Failed")], "b"),
        ([job("b", "2026-01-02T00:00:00Z", "Failed"), job("c", "2026-01-03T00:00:00Z", None)], "b"),
        ([job("b", "2026-01-02T00:00:00Z", "Failed", owner="another")], None),
    ],
)
def test_the_last_run_is_the_newest_that_has_ended(jobs: list[dict[str, Any]], expected: str | None) -> None:
    found = last_run(jobs, "cron")
    assert (found and found["metadata"]["name"]) == expected


def test_the_summary_names_processes() -> None:
    views = [View({"metadata": {"name": name}, "spec": {"replicas": 2}}) for name in ("shop", "shop-worker")]
    assert summary_of("shop", views) == "0/2 ready, worker 0/2 ready"
    assert summary_of("shop", [View(None)]) == "no Deployment"


def test_names_fit_the_limit_of_a_cronjob() -> None:
    assert process_name("shop", "worker") == "shop-worker"
    long = process_name("s" * 53, "nightly-report")
    assert len(long) == 52
    assert long.endswith("-nightly-report")
