"""A reader who follows a README: runs its shell blocks unchanged, in order, on an empty machine."""

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from toolkit.dev import ports, serve, subprocesses
from workshop import documents
from workshop.documents import Block

PORT = "8000"
SERVE_SECONDS = 600  # including all downloads
OF_THIS_MACHINE = ("HOME", "VIRTUAL_ENV", "PYTHONPATH", "DATABASE_URL", "POSTGRES_SERVER", "ENVIRONMENT", "BASE_URL")


class Misled(AssertionError):
    """A block failed: its place, its text, and its output."""


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return this machine's environment without the variables of an installation."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in OF_THIS_MACHINE and not name.startswith(("XDG_", "UV_", "PYTEST_", "JWT_", "COV_"))
    }
    outside = [
        part for part in kept.get("PATH", os.defpath).split(os.pathsep) if not (Path(part) / "activate").exists()
    ]
    git = {"GIT_AUTHOR_NAME": "Reader", "GIT_AUTHOR_EMAIL": "reader@example.com"}
    git |= {"GIT_COMMITTER_NAME": "Reader", "GIT_COMMITTER_EMAIL": "reader@example.com"}
    return {**kept, **git, "HOME": str(home), "PATH": os.pathsep.join(outside), **more}


def run(block: Block, folder: Path, variables: Mapping[str, str], typed: str = "") -> str:
    """Run a block to its end, and return its output. Raises Misled when its exit code is not 0."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.text],
        cwd=folder,
        env=dict(variables),
        input=typed,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        raise Misled(f"line {block.line}, exit code {done.returncode}:\n{block.text}\n{done.stdout[-6000:]}")
    return done.stdout


def follow(blocks: Iterable[Block], folder: Path, variables: Mapping[str, str]) -> list[str]:
    """Run the commands, write the files and apply the diffs, in the order in which they are printed.

    Skips blocks that serve, or need a part such as a cluster. Returns the names of the written files. Raises Misled.
    """
    written: list[str] = []
    for block in blocks:
        if block.language == "sh" and not block.mark:
            run(block, folder, variables)
        try:
            written += documents.write(folder, block)
        except subprocess.CalledProcessError as error:
            raise Misled(f"line {block.line}: the diff does not apply:\n{block.text}") from error
    return list(dict.fromkeys(written))


@contextmanager
def serving(block: Block, folder: Path, variables: Mapping[str, str], until: str) -> Iterator[str]:
    """Run a block that serves, wait until it has printed `until`, and end it with SIGINT; yields its output."""
    log = folder / ".serving.log"
    with log.open("wb") as out:
        child = subprocess.Popen(
            shlex.split(block.text),
            cwd=folder,
            env=dict(variables),
            stdout=out,
            stderr=subprocess.STDOUT,
            preexec_fn=subprocesses.die_with_parent,
        )
        try:
            _wait(lambda: until in log.read_text() or child.poll() is not None)
            if until not in log.read_text():
                raise Misled(f"line {block.line}: {block.text}did not print `{until}`:\n{log.read_text()[-6000:]}")
            yield log.read_text()
        finally:
            child.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                child.wait(60)
            subprocesses.stop(child)
            log.unlink()
    if child.returncode != 128 + signal.SIGINT:
        raise Misled(f"line {block.line}: {block.text}ended with {child.returncode} on Ctrl-C")


def _wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + SERVE_SECONDS
    while time.monotonic() < end and not condition():
        time.sleep(0.1)


def on_a_free_port(blocks: Iterable[Block]) -> list[Block]:
    """Return the blocks unchanged, or with another port where 8000 is in use on this machine."""
    blocks = list(blocks)
    if ports.is_free(serve.HOST, int(PORT)):
        return blocks
    port = str(ports.next_free(serve.HOST, int(PORT) + 1))
    return [Block(b.language, _moved(b.text, port), b.mark, b.line) for b in blocks]


def _moved(text: str, port: str) -> str:
    served = text.replace("tasks.py dev\n", f"tasks.py dev --port {port}\n")
    return served.replace(f":{PORT}", f":{port}")
