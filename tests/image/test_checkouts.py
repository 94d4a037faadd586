"""Two checkouts of one service on one engine, and what an interrupted task leaves."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.image.conftest import POSTGRES_VERSION, Checkout, docker
from tests.image.test_mistakes import nothing_runs, told
from tests.support.running import wait_for


@pytest.fixture
def second(compose: Checkout, tmp_path: Path) -> Iterator[Checkout]:
    """A git worktree of the same service, with nothing of its own."""
    folder = tmp_path / "worktree"
    compose.git("worktree", "add", "--quiet", "--detach", str(folder))
    yield Checkout(folder, compose.environment, {"POSTGRES_VERSION": POSTGRES_VERSION})
    compose.git("worktree", "remove", "--force", str(folder))


@pytest.mark.drill
def test_a_worktree_leaves_the_stack_of_the_other_checkout_alone(compose: Checkout, second: Checkout) -> None:
    compose.ok("up")
    name = compose.variables["COMPOSE_PROJECT_NAME"]
    before = _containers(name)

    # As if both had the default name, and .env were copied along
    copied = {"COMPOSE_PROJECT_NAME": name}
    for task in (["up"], ["logs"], ["down", "--volumes"]):
        (second.folder / ".env").write_text((compose.folder / ".env").read_text())
        said = told(second.task(*task, **copied), "STACK_ELSEWHERE")
        assert str(compose.folder) in said
    ended = second.task("verify", **copied)
    assert ended.code == 1
    assert "STACK_ELSEWHERE" in ended.out
    assert not any(line.startswith("ok         api") for line in ended.out.splitlines())
    assert _containers(name) == before
    compose.ok("down")

    # The data outlive the containers, and so does whose they are.
    assert "STACK_ELSEWHERE" in second.task("down", "--volumes", **copied).out
    assert docker("volume", "ls", "--quiet", "--filter", f"name={name}_database") == f"{name}_database"


@pytest.mark.drill
def test_a_worktree_gets_a_stack_of_its_own(compose: Checkout, second: Checkout) -> None:
    """The name is that of docker-compose.yml, as on a person's machine."""
    own_name = {"COMPOSE_PROJECT_NAME": ""}
    first = Checkout(compose.folder, compose.environment, {**compose.variables, **own_name})
    if docker("ps", "--all", "--quiet", "--filter", "label=com.docker.compose.project=shop"):
        pytest.skip("another stack of this name is on this engine")
    try:
        first.ok("up")
        ended = second.ok("up")
        assert f"because the stack 'shop' belongs to {first.folder}" in ended.out
        second.ok("verify")
        second.ok("down", "--volumes")
        assert _containers("shop"), "the first one still runs"
    finally:
        first.task("down", "--volumes")
        second.task("down", "--volumes")
        names = docker("image", "ls", "--format", "{{.Repository}}", "--filter", "reference=shop*-development").split()
        docker("image", "rm", "--force", *names, check=False)


def _containers(project: str) -> list[str]:
    return sorted(docker("ps", "--quiet", "--filter", f"label=com.docker.compose.project={project}").split())


def _interrupted(checkout: Checkout, *task: str, when: Callable[[], object]) -> tuple[int, str]:
    """Exit code and output of a task that gets Ctrl-C as soon as `when` is true."""
    log = checkout.folder / ".dev" / "task.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, "tasks.py", *task],
            cwd=checkout.folder,
            env={**checkout.environment, **checkout.variables},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_for(lambda: when() or child.poll() is not None, "the task has come so far")
            assert child.poll() is None, log.read_text()
        finally:
            os.killpg(child.pid, signal.SIGINT)
            code = child.wait(120)
    return code, log.read_text()


@pytest.mark.drill
def test_an_interrupted_up_leaves_nothing_half_started(compose: Checkout) -> None:
    code, said = _interrupted(compose, "up", when=lambda: _containers(compose.variables["COMPOSE_PROJECT_NAME"]))
    assert code == 130, said
    assert "Traceback" not in said
    assert nothing_runs(compose)


@pytest.mark.drill
def test_an_interrupted_verify_leaves_no_tests_running(compose: Checkout) -> None:
    compose.ok("up")
    name = compose.variables["COMPOSE_PROJECT_NAME"]
    before = _containers(name)

    def testing() -> bool:
        """Return True if pytest has started its workers, in a new container."""
        new = [container for container in _containers(name) if container not in before]
        return bool(new) and "exec(eval" in docker("top", new[0], check=False)

    code, said = _interrupted(compose, "verify", "--tests", when=testing)
    assert code == 130, said
    assert _containers(name) == before, "what ran before still does, and nothing else"
    assert "exec(eval" not in docker("top", *compose.compose("ps", "--quiet", "app").split())
