"""`rollback`: the last good release in 30 s, and the record equals what runs."""

import pytest

from tests.support.stage import Stage


@pytest.mark.drill
def test_rollback_and_back_to_a_number(running: Stage) -> None:
    assert running.deploy("v2").code == 0
    ended = running.task("rollback", "--yes")
    print(f"rollback: {ended.seconds:.1f} s")
    assert ended.code == 0, ended
    assert running.image_of_deployment() == running.images["v1"]
    assert running.http("/health")["image_digest"] == running.images["v1"]
    last = running.history()[-1]
    assert (last["digest"], last["rollback_of"]) == (running.images["v1"], 1)

    again = running.task("rollback", "--yes", "--to", "2")
    assert again.code == 0, again
    assert running.image_of_deployment() == running.images["v2"]

    unknown = running.task("rollback", "--yes", "--to", "99")
    assert unknown.code == 6
    assert "NO_SUCH_RELEASE" in unknown.out
    assert running.deploy("v1").code == 0
