"""The alert rules, judged by Prometheus itself: its unit tests, and a real one while the database is cut."""

import re
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml

from tests.support import prometheus
from tests.support.bakery import Bakery
from tests.support.running import free_port, wait_for
from toolkit.dev import bootstrap
from toolkit.dev.postgres import run

pytestmark = pytest.mark.needs("docker")


@pytest.fixture(autouse=True)
def there() -> None:
    if reason := prometheus.missing():
        pytest.skip(reason)


@pytest.fixture
def rules(bakery: Bakery, tmp_path: Path) -> Path:
    """A copy of the service's folder for Prometheus."""
    shutil.copytree(bakery.bake() / "observability" / "prometheus", tmp_path / "prometheus")
    return tmp_path / "prometheus"


def promtool(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*prometheus.command("promtool", folder), *arguments]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, timeout=120)


def test_the_configuration_is_valid(rules: Path) -> None:
    done = promtool(rules, "check", "config", "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_pass_their_unit_tests(rules: Path) -> None:
    names = [str(path.relative_to(rules)) for path in sorted(rules.glob("tests/*.yml"))]
    done = promtool(rules, "test", "rules", *names)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_order_of_the_groups_is_left_to_chance(rules: Path) -> None:
    """promtool takes groups that `group_eval_order` does not name in any order (prometheus/prometheus#5241)."""
    for path in rules.glob("tests/*.yml"):
        test = yaml.safe_load(path.read_text())
        files = [yaml.safe_load((path.parent / name).read_text()) for name in test["rule_files"]]
        groups = [group["name"] for file in files for group in file["groups"]]
        assert len(groups) == 1 or test["group_eval_order"] == groups, path.name


def test_a_changed_rule_fails_its_unit_tests(rules: Path) -> None:
    path = rules / "rules" / "service-level.yml"
    path.write_text(path.read_text().replace("> 14.4 * 0.001", "> 144 * 0.001"))
    assert promtool(rules, "test", "rules", "tests/service-level.yml").returncode != 0


def test_every_alert_has_a_unit_test(rules: Path) -> None:
    tested = {
        case["alertname"]
        for path in rules.glob("tests/*.yml")
        for test in yaml.safe_load(path.read_text())["tests"]
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert tested == {rule["alert"] for rule in _rules(rules) if "alert" in rule}


@pytest.mark.drill
def test_an_alert_fires_when_the_database_is_cut(
    bakery: Bakery, rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rules are the ones of production; only how often they are looked at, and the wait in `for:`, is shortened."""
    before = [rule["expr"] for rule in _rules(rules)]
    service = bakery.bake()
    with ExitStack() as database:
        url = database.enter_context(run.scratch())
        with _serving(bakery, service, url) as address, _traffic(bakery, service, address):
            _hasten(rules, address)
            assert [rule["expr"] for rule in _rules(rules)] == before
            with prometheus.running(rules) as watcher:
                wait_for(watcher.targets_up, "a scrape")
                _several_evaluations(watcher)
                expected = {"AvailabilityBurnsFast", "DatabaseFailing"}
                assert not expected & watcher.alerts()
                database.close()
                cut = time.monotonic()
                wait_for(lambda: _paused(expected <= watcher.alerts()), f"{expected} to fire")
                seconds = time.monotonic() - cut
    with capsys.disabled():
        print(f"\n  an alert {seconds:.1f} s after the database was cut")


def _paused(condition: bool) -> bool:
    if not condition:
        time.sleep(0.3)
    return condition


def _several_evaluations(watcher: prometheus.Prometheus) -> None:
    """Until the shares of failed and of slow requests are known, and what they set off has waited out its `for:`."""

    def known() -> bool:
        found = watcher.get("/api/v1/query?query=job:http_slow:ratio_rate1h")["result"]
        return _paused(bool(found) and found[0]["value"][1] != "NaN")

    wait_for(known, "a share of slow requests")
    time.sleep(3)


def _rules(folder: Path) -> Iterator[dict[str, str]]:
    for path in sorted(folder.glob("rules/*.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            yield from group["rules"]


def _hasten(folder: Path, address: str) -> None:
    for path in folder.glob("rules/*.yml"):
        path.write_text(re.sub(r"^( +for:) .*$", r"\1 1s", path.read_text(), flags=re.MULTILINE))
    path = folder / "prometheus.yml"
    settings = path.read_text().replace("interval: 15s", "interval: 1s")
    path.write_text(settings.replace("app:8000", address.removeprefix("http://")))


@contextmanager
def _serving(bakery: Bakery, service: Path, url: str) -> Iterator[str]:
    """The service as in production, but for its environment, on a migrated database."""
    port = free_port()
    variables = {**bakery.environment, "DATABASE_URL": url, "PORT": str(port), "HOST": "127.0.0.1"}
    python = str(bootstrap.python_of(service))
    subprocess.run([python, "-m", "toolkit.dev.migrations.upgrade", "upgrade"], cwd=service, env=variables, check=True)
    child = subprocess.Popen([python, "-m", "app"], cwd=service, env=variables, stdout=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: _paused(_status(f"{address}/ready") == 200), "the service to be ready")
        yield address
    finally:
        child.terminate()
        child.wait(60)


@contextmanager
def _traffic(bakery: Bakery, service: Path, address: str) -> Iterator[None]:
    """Ten reads a second or so, whatever they are answered."""
    command = [str(bootstrap.python_of(service)), "tasks.py", "token", "--all"]
    done = subprocess.run(command, cwd=service, env=bakery.environment, check=True, capture_output=True, text=True)
    ended = threading.Event()

    def read() -> None:
        while not ended.wait(0.1):  # is to run out
            _status(f"{address}/api/v1/products", done.stdout.split()[-1])

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield
    finally:
        ended.set()
        reader.join(60)


def _status(url: str, token: str = "") -> int:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0
