"""The order of the drills in a run with a time budget, and which of them still fit into it.

Drills that test changed files come first, those of a narrow concern before those of a broad one. In each rank the order
is a rotation by date: each day starts a golden section of the list further on, so that the starts are spread evenly and
every drill reaches the front of its rank within days.
"""

import datetime as dt
import fnmatch
import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

GOLDEN_SECTION = (5**0.5 - 1) / 2
MINUTES = 1.0  # default of a drill, on a normal machine
SERVICE = "<<cookiecutter.project_slug>>"
# Changed files (a pattern of paths) -> their tests (a pattern of paths). The first match counts.
CONCERNS = (
    ("tests/cluster/conftest.py", "tests/cluster/*"),
    ("tests/image/conftest.py", "tests/image/*"),
    ("tests/framework/owners/*", "tests/service/test_owners.py"),
    ("tests/framework/accounts/*", "tests/service/test_accounts.py"),
    ("tests/framework/*", "tests/service/test_framework.py"),
    ("tests/*/test_*.py", ""),  # a test file concerns itself
    (f"{SERVICE}/toolkit/deploy/places/kubernetes/lock.py", "tests/cluster/test_lock.py"),
    (f"{SERVICE}/toolkit/deploy/interrupts.py", "tests/cluster/test_interrupts.py"),
    (f"{SERVICE}/toolkit/deploy/release/steps/migrate.py", "tests/cluster/test_migrations.py"),
    (f"{SERVICE}/toolkit/deploy/places/kubernetes/migration.py", "tests/cluster/test_migrations.py"),
    (f"{SERVICE}/toolkit/deploy/places/kubernetes/helm*.py", "tests/cluster/test_helm.py"),
    (f"{SERVICE}/helm/*", "tests/cluster/test_helm.py"),
    (f"{SERVICE}/toolkit/deploy/places/kubernetes/pod_failures.py", "tests/cluster/test_verdicts.py"),
    (f"{SERVICE}/toolkit/deploy/places/kubernetes/pod_verdict.py", "tests/cluster/test_verdicts.py"),
    (f"{SERVICE}/toolkit/deploy/places/kubernetes/rollout.py", "tests/cluster/test_verdicts.py"),
    (f"{SERVICE}/toolkit/deploy/places/machine/*", "tests/machine/*"),
    (f"{SERVICE}/toolkit/deploy/scheduler.py", "tests/machine/test_processes.py"),
    (f"{SERVICE}/toolkit/deploy/page.py", "tests/*/test_page.py"),
    (f"{SERVICE}/toolkit/deploy/release/traffic.py", "tests/*/test_page.py"),
    (f"{SERVICE}/toolkit/deploy/operations/preview*", "tests/*/test_previews.py"),
    (f"{SERVICE}/toolkit/deploy/places/ecs/*", "tests/ecs/*"),
    ("tests/support/ecs*", "tests/ecs/*"),
    (f"{SERVICE}/toolkit/deploy/places/cloudrun/*", "tests/cloudrun/*"),
    (f"{SERVICE}/toolkit/deploy/places/containerapps/*", "tests/azure/*"),
    (f"{SERVICE}/toolkit/deploy/inventory/containerapps*", "tests/azure/*"),
    ("tests/support/azure*", "tests/azure/*"),
    ("tests/support/arm*.py", "tests/azure/*"),
    (f"{SERVICE}/toolkit/deploy/places/azure/*", "tests/azure/*"),
    (f"{SERVICE}/toolkit/deploy/places/instances/*", "tests/azure/test_instances.py"),
    (f"{SERVICE}/toolkit/deploy/inventory/instances*", "tests/azure/test_instances.py"),
    ("tests/support/instances.py", "tests/azure/test_instances.py"),
    (f"{SERVICE}/toolkit/deploy/places/traffic/canary.py", "tests/cloudrun/test_canary.py"),
    (f"{SERVICE}/toolkit/deploy/places/traffic/lease.py", "tests/cloudrun/test_interruptions.py"),
    (f"{SERVICE}/toolkit/deploy/places/traffic/*", "tests/cloudrun/*"),
    (f"{SERVICE}/infra/*", "tests/infra/*"),
    (f"{SERVICE}/toolkit/deploy/infrastructure/*", "tests/infra/*"),
    (f"{SERVICE}/toolkit/deploy/places/kubernetes/canary.py", "tests/cluster/test_canary.py"),
    (f"{SERVICE}/toolkit/deploy/places/kubernetes/gateway.py", "tests/cluster/test_canary.py"),
    (f"{SERVICE}/toolkit/deploy/places/metrics.py", "tests/cluster/test_canary.py"),
    (f"{SERVICE}/toolkit/deploy/release/canary.py", "tests/cluster/test_canary.py"),
    (f"{SERVICE}/toolkit/deploy/stores/*", "tests/cluster/test_stores.py"),
    (f"{SERVICE}/toolkit/deploy/places/kubernetes/client.py", "tests/cluster/test_faults.py"),
    (f"{SERVICE}/toolkit/deploy/places/kubernetes/requests.py", "tests/cluster/test_faults.py"),
    (f"{SERVICE}/toolkit/deploy/places/kubernetes/retry.py", "tests/cluster/test_faults.py"),
    (f"{SERVICE}/toolkit/deploy/compose/up.py", "tests/image/test_compose.py"),
    (f"{SERVICE}/toolkit/deploy/compose/config.py", "tests/image/test_compose.py"),
    (f"{SERVICE}/docker-compose*", "tests/image/test_compose.py"),
    (f"{SERVICE}/Dockerfile", "tests/image/*"),
    (f"{SERVICE}/toolkit/deploy/image/build.py", "tests/image/test_build.py"),
    (f"{SERVICE}/toolkit/deploy/image/buildx.py", "tests/image/test_build.py"),
    (f"{SERVICE}/app/server/draining.py", "tests/cluster/test_rolling.py"),
    (f"{SERVICE}/.git*", "tests/service/test_pipeline.py"),
    (f"{SERVICE}/toolkit/resources/templates/app/*/owned.py.j2", "tests/service/test_owners.py"),
    (f"{SERVICE}/toolkit/resources/templates/tests/integration/test_owners.py.j2", "tests/service/test_owners.py"),
    (f"{SERVICE}/toolkit/resources/*", "tests/service/test_domains.py"),
    (f"{SERVICE}/toolkit/dev/migrations/*", "tests/toolkit/dev/migrations/*"),
    (f"{SERVICE}/toolkit/dev/serve.py", "tests/service/test_dev.py"),
    (f"{SERVICE}/toolkit/dev/postgres/*", "tests/service/test_dev.py"),
    (f"{SERVICE}/observability/*", "tests/service/test_alerts.py"),
    (f"{SERVICE}/README.md", "tests/docs/*"),
    ("README.md", "tests/docs/*"),
    ("workshop/pictures/*", "tests/*/test_pictures.py"),
    ("workshop/demo.py", "tests/docs/test_pictures.py"),
    ("hooks/*", "tests/generate/*"),
    (f"{SERVICE}/toolkit/deploy/*", "tests/cluster/*"),
    (f"{SERVICE}/k8s/*", "tests/cluster/*"),
    (f"{SERVICE}/app/accounts/*", "tests/*/test_account*.py"),
    ("tests/support/account_guards.py", "tests/service/test_account_guards.py"),
    (f"{SERVICE}/app/*", "tests/service/*"),
    (f"{SERVICE}/tests/*", "tests/service/*"),
)


@dataclass(frozen=True)
class Schedule:
    """Facts shared by all processes of a run.

    `deadline` is in Unix seconds, `slowness` a factor, `first` are patterns of test files, `day` is an ISO date.
    """

    deadline: float
    slowness: float
    first: tuple[str, ...]
    day: str

    def ordered(self, drills: Sequence[str]) -> list[str]:
        return ordered(drills, self.first, dt.date.fromisoformat(self.day))

    def fits(self, minutes: float, now: float) -> bool:
        """Return True if a drill of so many minutes on a normal machine ends before the deadline on this one."""
        return now + 60 * minutes * self.slowness <= self.deadline

    def dump(self) -> str:
        return json.dumps(asdict(self))


def load(text: str) -> Schedule:
    content = json.loads(text)
    return Schedule(content["deadline"], content["slowness"], tuple(content["first"]), content["day"])


def concerned(changed: Iterable[str]) -> list[str]:
    """Return patterns of the test files for these paths, the narrow ones (a single file) first."""
    patterns = {pattern for path in changed if (pattern := _concern(path))}
    return sorted(patterns, key=lambda pattern: (_breadth(pattern), pattern))


def _concern(path: str) -> str:
    for pattern, tests in CONCERNS:
        if fnmatch.fnmatchcase(path, pattern):
            return tests or path
    return ""


def ordered(drills: Sequence[str], first: Sequence[str], day: dt.date) -> list[str]:
    """Return node ids of drills by rank: files that match a narrow pattern of `first`, a broad one, or none.

    Within a rank the order rotates daily, so that every drill gets its turn even when everything changes daily. The
    drills of a file stay together, because they share its fixtures.
    """
    turned = rotated(sorted(drills), day)
    files = list(dict.fromkeys(_file(name) for name in turned))
    place = {file: (_rank(file, first), number) for number, file in enumerate(files)}
    return sorted(turned, key=lambda name: place[_file(name)])  # stable: the rotation stays within a file


def _file(name: str) -> str:
    return name.partition("::")[0]


def _rank(path: str, first: Sequence[str]) -> int:
    """Return 0 for a test file that matches a narrow pattern, 1 for only a broad one, 2 for the others."""
    ranks = [_breadth(pattern) for pattern in first if fnmatch.fnmatchcase(path, pattern)]
    return min(ranks, default=2)


def _breadth(pattern: str) -> int:
    return 1 if "*" in pattern else 0


def rotated(names: Sequence[str], day: dt.date) -> list[str]:
    """Return the same names, rotated by date."""
    start = int(day.toordinal() * GOLDEN_SECTION % 1 * len(names))
    return [*names[start:], *names[:start]]


def changed_files(root: Path, since: str = "") -> list[str]:
    """Return paths that differ from the commit `since`, or from the newest commit that is older than a day.

    Empty when git cannot tell: in a shallow clone, or without that commit.
    """
    base = since or _git(root, "rev-list", "-1", "--before=1.day.ago", "HEAD")
    return _git(root, "diff", "--name-only", base).splitlines() if base else []


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, check=False, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""
