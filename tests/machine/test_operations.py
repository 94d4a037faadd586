"""Daily operations on a service that is released to a machine."""

import os
import re
import shlex
import signal
import subprocess
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.support.accessories import AccessoryStage
from tests.support.machines import IDLE, PASSWORD, MachineStage
from tests.support.processes import at_a_terminal, under_way
from tests.support.running import PATIENCE
from tests.support.stage import until

pytestmark = pytest.mark.drill(minutes=1)

SHOW = "import os, sys; print(os.environ['IMAGE_DIGEST'], *sys.argv[1:]); sys.exit(7)"


def started(stage: MachineStage, task: str, *arguments: str) -> AbstractContextManager[subprocess.Popen[str]]:
    return under_way(stage.command(task, *arguments), stage.project, stage.variables)


def commands(stage: MachineStage) -> dict[str, str]:
    """Status of the containers of one-off commands."""
    return {name: status for name, status in stage.containers().items() if name.startswith("run-")}


def test_run_shows_the_lines_and_returns_the_exit_code(running: MachineStage) -> None:
    ended = running.task("run", "--", "python", "-c", SHOW, "two words", "$HOME;")
    assert ended.out == f"{running.images['v1']} two words $HOME;\n"
    assert ended.code == 7, ended
    reached = running.task("run", "--", "alembic", "current")
    assert running.sql("select version_num from alembic_version") in reached.out, reached
    assert reached.code == 0
    assert not commands(running)


def test_run_without_a_release_or_with_a_command_that_cannot_start(running: MachineStage, actor: MachineStage) -> None:
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


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_an_ended_run_leaves_no_container(running: MachineStage, number: int, code: int) -> None:
    with started(running, "run", "--", "sleep", "600") as child:
        until(lambda: list(commands(running).values()) == ["running"], PATIENCE, "the command")
        os.killpg(child.pid, number)
        assert child.wait(PATIENCE) == code
    until(lambda: not commands(running), PATIENCE, "its removal")


def test_a_command_outlives_a_deploy(running: MachineStage) -> None:
    wait = "trap 'exit 3' TERM; for i in $(seq 20); do sleep 1; done; exit 5"
    with started(running, "run", "--", "sh", "-c", wait) as child:
        until(lambda: bool(commands(running)), PATIENCE, "the command")
        assert running.deploy("v2").code == 0
        out, _ = child.communicate(timeout=PATIENCE)
    assert child.returncode == 5, out
    assert running.deploy("v1").code == 0


def test_control_without_the_guard_a_killed_run_leaves_its_container(running: MachineStage, tmp_path: Path) -> None:
    stage = running.copy(tmp_path)
    code = stage.project / "toolkit" / "deploy" / "places" / "machine" / "one_off.py"
    before = code.read_text()
    code.write_text(before.replace("; docker rm -fv {name}", "; true {name}"))
    assert code.read_text() != before
    with started(stage, "run", "--", "sleep", "600") as child:
        until(lambda: bool(commands(stage)), PATIENCE, "the command")
        os.killpg(child.pid, signal.SIGKILL)
        child.wait(PATIENCE)
    time.sleep(5)  # the others are gone in a second
    (left,) = commands(stage)
    stage.hosts[0].run(f"docker rm -f {stage.name}-{left}")


def test_a_shell(running: MachineStage) -> None:
    line = b"echo $((40+2)) ${IMAGE_DIGEST%%:*}; exit 9\n"
    out, code = at_a_terminal(running.command("shell"), running.project, running.variables, line, PATIENCE)
    assert b"42 sha256" in out, out
    assert code == 9, out
    assert not commands(running)


def test_a_tunnel_to_the_database(running: MachineStage) -> None:
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
        port = words[2].partition("port=")[2].partition(" ")[0]
        taken = running.task("connect", "db", "--port", port)
        assert taken.code == 6, taken
        assert "PORT_TAKEN" in taken.out
        os.killpg(child.pid, signal.SIGINT)
        assert child.wait(PATIENCE) == 130
    assert not passwords.exists()
    assert not commands(running)


@pytest.mark.alone  # serves under load
def test_a_restart_replaces_the_instances_under_load(running: MachineStage) -> None:
    before = ids(running)
    with running.load(rate=60) as load:
        ended = running.task("restart", "--yes")
    print(f"{load.sent} requests, failures {dict(load.failures)}")
    assert ended.code == 0, ended
    replaced = ids(running)
    assert replaced
    assert not before & replaced
    assert not load.failures
    assert running.history()[-1]["outcome"] == "restarted"
    again = running.deploy("v1")
    assert "changed=0" in again.out, again
    assert ids(running) == replaced


@pytest.mark.alone  # serves under load
def test_control_a_restart_by_docker_fails_requests(running: MachineStage) -> None:
    (name,) = (name for name, status in running.containers().items() if status == "running" and name != "proxy")
    with running.load(rate=60) as load:
        running.hosts[0].run(f"docker kill {running.name}-{name}; sleep 7; docker start {running.name}-{name}; sleep 5")
    assert load.failures


def test_a_restart_that_fails_is_taken_back(running: MachineStage) -> None:
    """The database accepts no new connections; the instances that serve keep theirs."""
    before, history = ids(running), running.history()
    postgres = f"docker exec -e PGPASSWORD={PASSWORD} {running.name}-postgres psql -h 127.0.0.1 -U postgres -c"
    running.hosts[0].run(f"{postgres} 'alter database shop allow_connections false'")
    try:
        failed = running.task("restart", "--yes", "-e", "rollout_seconds=25")
        assert failed.code == 3, failed
        assert re.search(r"rescued +undo", failed.out), failed
    finally:
        running.hosts[0].run(f"{postgres} 'alter database shop allow_connections true'")
    assert ids(running) == before
    assert running.served() == running.images["v1"]
    assert running.history() == history


def test_the_number_of_the_inventory_comes_back_and_is_told(running: MachineStage) -> None:
    ended = running.task("scale", "3", "--yes")
    assert ended.code == 0, ended
    assert len(ids(running)) == 3
    assert "`replicas: 1`" in ended.out
    assert "3 of 3 ready" in running.task("status").out
    assert running.task("restart", "--yes").code == 0
    assert len(ids(running)) == 3  # a restart keeps the number
    back = running.deploy("v1")
    assert back.code == 0, back
    assert len(ids(running)) == 1
    too_many = running.task("scale", "9", "--yes")
    assert too_many.code == 6, too_many
    assert "TOO_MANY" in too_many.out


def test_a_secret_is_refused_with_the_way(running: MachineStage) -> None:
    done = subprocess.run(
        running.command("secrets.set", "DATABASE_URL"),
        cwd=running.project,
        env=running.variables,
        input="postgresql://a-value",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 6, said
    assert "SECRET_ELSEWHERE" in said
    assert "export DATABASE_URL=" in said
    assert "a-value" not in said


def test_an_operation_waits_for_no_deploy(running: MachineStage) -> None:
    with running.deploying("v2", "-e", "hold_seconds=20"):
        until(lambda: "green-1" in running.containers() or "blue-1" in running.containers(), PATIENCE, "the deploy")
        until(lambda: locked(running), PATIENCE, "a lock")
        refused = running.task("restart", "--yes")
    assert refused.code == 5, refused
    assert "LOCKED" in refused.out
    assert running.deploy("v1").code == 0


def test_a_removal_lists_asks_and_deletes_this_project_alone(running: MachineStage, actor: MachineStage) -> None:
    with actor.fresh() as stage:
        assert stage.deploy("v1").code == 0
        stage.sql("create table kept (id int)")
        # A container of the project that no release has made, such as a database.
        label = f"--label deploy.project={stage.name} --label deploy.role=other --network {stage.name}"
        stage.hosts[0].run(f"docker run -d --name {stage.name}-other {label} {IDLE}")
        before, others = found(stage), found(running)
        for arguments in ((), ("--yes", "production")):
            refused = stage.task("remove", *arguments)
            assert refused.code == 6, refused
            assert "NOT_CONFIRMED" in refused.out
            assert f"delete container {stage.name}-proxy" in refused.out
        assert found(stage) == before
        database = stage.task("remove", "--yes", "staging", "--database")
        assert database.code == 6, database
        assert "DATABASE_NOT_OURS" in database.out
        ended = stage.task("remove", "--yes", "staging")
        assert ended.code == 0, ended
        assert found(stage) == [f"{stage.name}", f"{stage.name}-other", f"{stage.name}-postgres"], ended
        assert stage.sql("select count(*) from kept") == "0"
        again = stage.task("remove", "--yes", "staging")
        assert again.code == 0, again
        assert "ok=0  changed=0" in again.out
        assert found(running) == others  # the other project on the same host
        assert running.served() == running.images["v1"]


def test_a_database_of_the_toolkits_goes_only_when_asked(actor: MachineStage) -> None:
    with AccessoryStage("", actor.project, actor.images, actor.environment).fresh() as stage:
        assert stage.deploy("v1").code == 0
        with started(stage, "connect", "db") as child:  # the host cannot resolve the container's name
            assert child.stdout
            words = shlex.split(next(line for line in child.stdout if "psql" in line))
            variables = {**os.environ, "PGPASSFILE": words[0].removeprefix("PGPASSFILE=")}
            query = [*words[1:], "-Atc", "create table kept (id int)"]
            done = subprocess.run(query, env=variables, capture_output=True, text=True, check=False, timeout=PATIENCE)
            assert done.returncode == 0, done.stderr
        assert stage.task("backup").code == 0
        ended = stage.task("remove", "--yes", "staging")
        assert ended.code == 0, ended
        assert stage.sql("select count(*) from kept") == "0"
        assert f"/var/lib/deploy/{stage.name}/database/password" in found(stage)
        again = stage.task("remove", "--yes", "staging", "--database")
        assert again.code == 0, again
        folder = f"/var/lib/deploy/{stage.name}"
        left = found(stage)
        assert left[:2] == [folder, f"{folder}/backups"], left  # no network, no container, no volume
        assert any(name.endswith(".dump") for name in left)
        assert not [name for name in left if "password" in name]


def ids(stage: MachineStage) -> set[str]:
    """Ids of the instances that run."""
    script = f"docker ps -q --no-trunc --filter label=deploy.project={stage.name} --filter label=deploy.role=web"
    return set(stage.hosts[0].run(script).split())


def locked(stage: MachineStage) -> bool:
    return bool(stage.hosts[0].run(f"cat /var/lib/deploy/{stage.name}/holder 2>/dev/null || true").strip())


def found(stage: MachineStage) -> list[str]:
    """Everything on the host whose name begins with the project's: networks, containers, volumes and files."""
    script = (
        f"docker network ls --filter name={stage.name} --format '{{{{.Name}}}}' | sort; "
        f"docker ps -a --filter name={stage.name} --format '{{{{.Names}}}}' | sort; "
        f"docker volume ls --filter name={stage.name} --format '{{{{.Name}}}}'; "
        f"find /var/lib/deploy/{stage.name} ! -name holder 2>/dev/null | sort; true"
    )
    return stage.hosts[0].run(script).splitlines()
