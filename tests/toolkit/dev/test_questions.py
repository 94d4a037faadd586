"""Questions, asked of an input that cannot answer."""

import os
import pty
import subprocess
import sys

import pytest

from tests.support.template import SERVICE

ASKS = [sys.executable, "-c", "from toolkit.dev.questions import ask; print('answer:', repr(ask('Go on? ')))"]


def asked(stdin: int) -> str:
    done = subprocess.run(ASKS, cwd=SERVICE, stdin=stdin, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.rpartition("answer: ")[2].strip()


def at_a_terminal(typed: bytes) -> str:
    ours, theirs = pty.openpty()
    try:
        os.write(ours, typed)
        return asked(theirs)
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(("typed", "answer"), [(b"production\n", "'production'"), (b" \n", "''"), (b"\x04", "''")])
def test_at_a_terminal(typed: bytes, answer: str) -> None:
    """The last one is Ctrl-D, the end of the input."""
    assert at_a_terminal(typed) == answer


def test_without_one_nobody_answers() -> None:
    assert asked(subprocess.DEVNULL) == "''"


def test_a_closed_input_is_no_answer() -> None:
    """As with `<&-` in a shell: Python has no sys.stdin then."""
    shell = ["/bin/sh", "-c", 'exec "$0" "$@" <&-', *ASKS]
    done = subprocess.run(shell, cwd=SERVICE, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "answer: ''"), done.stderr
