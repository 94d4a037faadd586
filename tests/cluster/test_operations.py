"""Daily operations on a released service: run, shell, connect, restart, scale, secrets.set and remove."""

import json
import os
import re
import shlex
import signal
import subprocess
import time
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.processes import at_a_terminal, under_way
from tests.support.running import PATIENCE
from tests.support.stage import PASSWORD, Ended, Stage, until

pytestmark = pytest.mark.drill(minutes=1)

URL = f"postgresql://postgres:{PASSWORD}@postgres:5432/shop"
SHOW = "import os, sys; print(os.environ['IMAGE_DIGEST'], *sys.argv[1:]); sys.exit(7)"


def feed(stage: Stage, task: str, *arguments: str, stdin: str = "") -> Ended:
    """A task with this standard input."""
    began = time.monotonic()
    done = subprocess.run(
        stage.command(task, *arguments),
        cwd=stage.project,
        env=stage.environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Ended(done.returncode, done.stdout + done.stderr, time.monotonic() - began)


def started(stage: Stage, task: str, *arguments: str) -> AbstractContextManager[subprocess.Popen[str]]:
    return under_way(stage.command(task, *arguments), stage.project, stage.environment)


def telling(stage: Stage, line: str, *command: str) -> Ended:
    """A command whose output has this line; see `Stage.deploy_telling` for why it may be missing."""
    for _ in range(3):
        ended = stage.task("run", "--", *command)
        if line in ended.out:
            return ended
    raise AssertionError(f"{line!r} was never shown: {ended}")


def runs(stage: Stage) -> bool:
    """Return True once the pod of a one-off command runs."""
    found = stage.get("pods", "-l", "deploy/run=shop")["items"]
    return any(pod["status"]["phase"] == "Running" and not pod["metadata"].get("deletionTimestamp") for pod in found)


def commands(stage: Stage) -> list[str]:
    """The Jobs of one-off commands that have not been deleted."""
    found = stage.get("jobs", "-l", "deploy/run=shop")["items"]
    return [item["metadata"]["name"] for item in found if not item["metadata"].get("deletionTimestamp")]


def stale(stage: Stage) -> bool:
    return "changed since the pods started" in stage.task("status").out


def test_run_shows_the_lines_and_returns_the_exit_code(running: Stage) -> None:
    ended = telling(running, f"{running.images['v1']} two words $HOME;\n", "python", "-c", SHOW, "two words", "$HOME;")
    assert ended.code == 7, ended
    reached = telling(running, running.sql("select version_num from alembic_version"), "alembic", "current")
    assert reached.code == 0, reached
    assert not commands(running)


def test_run_without_a_release_or_with_a_command_that_cannot_start(running: Stage, actor: Stage) -> None:
    with actor.fresh() as empty:
        refused = empty.task("run", "--", "true")
    assert refused.code == 6, refused
    assert "NOT_DEPLOYED" in refused.out
    assert "python3 tasks.py deploy staging" in refused.out
    unknown = running.task("run", "--", "no-such-program")
    assert unknown.code == 6, unknown
    assert "START_ERROR" in unknown.out
    assert "no-such-program" in unknown.out
    assert not commands(running)


def test_ctrl_c_ends_the_command_and_its_instance(running: Stage) -> None:
    with started(running, "run", "--", "sleep", "600") as child:
        until(lambda: runs(running), PATIENCE, "the command")
        assert commands(running)
        os.killpg(child.pid, signal.SIGINT)
        assert child.wait(PATIENCE) == 130
    assert not commands(running)


def test_control_a_killed_run_leaves_its_job_which_the_cluster_ends(running: Stage) -> None:
    with started(running, "run", "--", "sleep", "600") as child:
        until(lambda: runs(running), PATIENCE, "the command")
        os.killpg(child.pid, signal.SIGKILL)
        child.wait(PATIENCE)
    (left,) = commands(running)
    spec = running.get("job", left)["spec"]
    assert spec["activeDeadlineSeconds"] == 86_400
    assert spec["ttlSecondsAfterFinished"] == 60
    running.kubectl("delete", "job", left, "--wait=false")


def test_a_command_outlives_a_deploy(running: Stage) -> None:
    with started(
        running, "run", "--", "sh", "-c", "trap 'exit 3' TERM; for i in $(seq 40); do sleep 1; done; exit 5"
    ) as child:
        until(lambda: runs(running), PATIENCE, "the command")
        assert running.deploy("v2").code == 0
        out, _ = child.communicate(timeout=PATIENCE)
    assert child.returncode == 5, out
    assert running.deploy("v1").code == 0


def test_a_shell(running: Stage) -> None:
    line = b"echo $((40+2)) ${IMAGE_DIGEST%%:*}; exit 9\n"
    out, code = at_a_terminal(running.command("shell"), running.project, running.environment, line, PATIENCE)
    assert b"42 sha256" in out, out
    assert code == 9, out
    assert not commands(running)
    refused = feed(running, "shell")
    assert refused.code == 6
    assert "NO_TERMINAL" in refused.out


def test_a_tunnel_to_the_database(running: Stage) -> None:
    with started(running, "connect", "db") as child:
        assert child.stdout
        line = next(line for line in child.stdout if "psql" in line)
        assert PASSWORD not in line
        words = shlex.split(line)
        passwords = Path(words[0].removeprefix("PGPASSFILE="))
        assert passwords.stat().st_mode & 0o777 == 0o600
        query = [*words[1:], "-Atc", "select current_database(), 40 + 2"]
        variables = {**os.environ, "PGPASSFILE": str(passwords)}
        done = subprocess.run(query, env=variables, capture_output=True, text=True, check=False, timeout=PATIENCE)
        assert done.stdout == "shop|42\n", done.stderr
        # The control: the password comes from that file alone.
        without = subprocess.run(
            [*query[:2], "-w", *query[2:]], capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        assert without.returncode != 0
        os.killpg(child.pid, signal.SIGINT)
        assert child.wait(PATIENCE) == 130
    assert not passwords.exists()
    assert not commands(running)


def test_a_restart_replaces_the_pods_under_load(running: Stage) -> None:
    before, replaced = running.pods(), {}
    with running.load(rate=60) as load:
        ended = running.task("restart", "-e", "drain_seconds=4")
    replaced = running.pods()
    print(f"{load.sent} requests, failures {dict(load.failures)}")
    assert ended.code == 0, ended
    assert not before & replaced
    assert not load.failures
    assert running.history()[-1]["outcome"] == "restarted"
    again = running.deploy("v1")
    assert re.search(r"ok=8 +changed=0", again.out), again
    assert running.pods() == replaced


def test_a_restart_that_fails_is_taken_back(running: Stage) -> None:
    before = running.pods()
    nowhere = URL.replace("postgres:5432", "postgres:1")
    feed(running, "secrets.set", "DATABASE_URL", stdin=nowhere)
    failed = running.task("restart", "-e", "rollout_seconds=25")
    assert failed.code == 3, failed
    assert re.search(r"rescued +undo", failed.out), failed
    until(lambda: running.pods() == before, PATIENCE, "the pods that were there before")
    assert running.http("/health")["image_digest"] == running.images["v1"]
    assert feed(running, "secrets.set", "DATABASE_URL", stdin=URL).code == 0
    assert not running.get("leases")["items"]


def test_a_secret_is_set_and_never_shown(running: Stage) -> None:
    secret = URL.replace("postgresql:", "postgres:")
    ended = feed(running, "secrets.set", "DATABASE_URL", stdin=f"{secret}\n")
    assert ended.code == 0, ended
    assert PASSWORD not in ended.out
    assert "python3 tasks.py restart staging" in ended.out
    assert stale(running)  # the control of the last line
    assert running.task("restart").code == 0
    assert telling(running, "scheme", "sh", "-c", 'echo "scheme ${DATABASE_URL%%:*}"').out == "scheme postgres\n"
    assert not stale(running)
    assert PASSWORD not in json.dumps(running.history())
    assert running.history()[-2]["reason"] == "DATABASE_URL"
    for arguments, stdin, code in ((("OTHER",), "x", "UNKNOWN_KEY"), (("DATABASE_URL",), "", "NO_VALUE")):
        refused = feed(running, "secrets.set", *arguments, stdin=stdin)
        assert refused.code == 6, refused
        assert code in refused.out
    assert feed(running, "secrets.set", "DATABASE_URL", stdin=URL).code == 0
    assert running.deploy("v1").code == 0


def test_the_first_secret_makes_the_namespace(actor: Stage) -> None:
    stage = replace(actor, namespace=f"test-{os.urandom(4).hex()}")
    try:
        ended = feed(stage, "secrets.set", "DATABASE_URL", stdin=URL)
        assert ended.code == 0, ended
        assert stage.get("secret", "shop")["data"].keys() == {"DATABASE_URL"}
    finally:
        stage.kubectl("delete", "namespace", stage.namespace, "--wait=false", "--ignore-not-found")


def test_the_number_of_the_inventory_comes_back_and_is_told(running: Stage) -> None:
    ended = running.task("scale", "3")
    assert ended.code == 0, ended
    assert len(running.pods()) == 3
    assert "`replicas: 2`" in ended.out
    shown = running.task("deploy", "--check", "--diff", image="v1")
    assert "-  replicas: 3" in shown.out, shown
    assert running.deploy("v1").code == 0
    until(lambda: len(running.pods()) == 2, PATIENCE, "two pods")
    # The control: a change of the same field by another tool is drift.
    running.kubectl("scale", "deployment", "shop", "--replicas=3")
    drift = running.deploy("v1")
    assert drift.code == 6, drift
    assert "DRIFT" in drift.out
    assert running.deploy("v1", "--correct-drift").code == 0


def test_an_autoscaler_keeps_its_number(running: Stage) -> None:
    for arguments, owner in (
        (("-e", "autoscale.max=4"), "`autoscale` of staging"),
        ((), "HorizontalPodAutoscaler/by-hand"),
    ):
        if not arguments:
            running.kubectl("autoscale", "deployment", "shop", "--name=by-hand", "--max=4")
        refused = running.task("scale", *arguments, "3")
        assert refused.code == 6, refused
        assert owner in refused.out
    running.kubectl("delete", "hpa", "by-hand")
    assert running.deployment()["spec"]["replicas"] == 2


def test_a_scale_that_fails_is_taken_back(running: Stage) -> None:
    pods = json.dumps(
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": "6"}}}
    )
    running.kubectl("apply", "-f", "-", stdin=pods)
    try:
        failed = running.task("scale", "9")
    finally:
        running.kubectl("delete", "quota", "few")
    assert failed.code == 3, failed
    assert "QUOTA" in failed.out
    assert running.deployment()["spec"]["replicas"] == 2


def test_an_operation_waits_for_no_deploy(running: Stage) -> None:
    """The lock is that of a deploy: the holder is named."""
    with running.deploying("v2", "-e", "hold_seconds=20"):
        until(lambda: running.get("leases")["items"], PATIENCE, "a lock")
        refused = running.task("restart")
    assert refused.code == 5, refused
    assert "LOCKED" in refused.out
    assert running.deploy("v1", "-e", "lease_seconds=4").code == 0


@pytest.mark.parametrize("driver", ["manifests", "helm"])
def test_a_removal_lists_asks_and_deletes(actor: Stage, charted: Path, driver: str) -> None:
    with actor.fresh() as fresh:
        stage = fresh if driver == "manifests" else replace(fresh, project=charted)
        assert stage.deploy("v1").code == 0
        stage.sql("create table kept (id int)")
        before = stage.versions()
        for arguments in ((), ("--yes", "production")):
            refused = feed(stage, "remove", *arguments)
            assert refused.code == 6, refused
            assert "NOT_CONFIRMED" in refused.out
            assert ("HelmRelease/shop" if driver == "helm" else "delete Deployment/shop") in refused.out
        assert stage.versions() == before
        ended = feed(stage, "remove", "--yes", "staging")
        assert ended.code == 0, ended
        assert "the database" in ended.out
        left = {name for name in stage.versions() if "shop" in name}
        assert left == {"Secret/shop"}, ended
        assert stage.sql("select count(*) from kept") == "0"
        again = feed(stage, "remove", "--yes", "staging")
        assert again.code == 0, again
        assert "ok=0  changed=0" in again.out


def test_a_chart_keeps_a_restart_and_takes_its_number_back(actor: Stage, charted: Path) -> None:
    """Helm applies as another manager: a field with an owner of ours would be a conflict for its next upgrade."""
    with replace(actor, project=charted).fresh() as stage:
        assert stage.deploy("v1").code == 0
        before = stage.pods()
        assert stage.task("restart").code == 0
        restarted = stage.pods()
        assert not before & restarted
        again = stage.deploy("v1")
        assert "changed=0" in again.out, again
        assert stage.pods() == restarted
        assert stage.task("scale", "3").code == 0
        assert len(stage.pods()) == 3
        ended = stage.deploy("v1")
        assert ended.code == 0, ended
        until(lambda: len(stage.pods()) == 2, PATIENCE, "two pods")


def test_the_page_of_a_deploy_that_fails(running: Stage, tmp_path: Path) -> None:
    page = tmp_path / "pages" / "deploy.html"
    failed = running.deploy("crash", "--page", str(page))
    assert failed.code == 3, failed
    text = page.read_text()
    assert "CRASH_LOOP" in text
    assert "failed and rolled back" in text
    for step in ("preflight", "rollout", "undo"):
        assert f"<td>{step}</td>" in text
    assert "<h2>Instances</h2>" in text
    assert re.search(r">shop-[-a-z0-9]+</td>.*failed \d", text)
    assert PASSWORD not in text
    again = running.deploy("v1", "--page", str(page))  # the control: nothing to do is a good page
    assert again.code == 0, again
    assert "<strong>succeeded</strong>" in page.read_text()
