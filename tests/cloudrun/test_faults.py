"""Faults on the way to Google's API: throttled requests, tokens that are no longer accepted, cut connections."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.support.cloudrun import ENDPOINT, CloudRunStage
from tests.support.google_front import GoogleFront
from tests.support.running import PATIENCE

pytestmark = [pytest.mark.drill(minutes=1), pytest.mark.alone]  # serves under load


@pytest.fixture
def front() -> Iterator[GoogleFront]:
    with GoogleFront(ENDPOINT) as made:
        yield made


@pytest.fixture
def behind(running: CloudRunStage, front: GoogleFront) -> CloudRunStage:
    """The stage, whose deployers reach the API by the front alone."""
    return replace(running, apis={**running.apis, "CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN": front.url})


def other(stage: CloudRunStage) -> str:
    """Name of the version that is not served."""
    return "v2" if stage.served() == stage.images["v1"] else "v1"


def interrupted(stage: CloudRunStage, image: str, step: str, fault: Callable[[], object]) -> tuple[int, str]:
    """Deploy; `fault` begins at the first line of a step. Returns the exit code and the further output."""
    with stage.deploying(image) as child:
        assert child.stdout
        for line in child.stdout:
            if f" {step} " in line:
                break
        thread = threading.Thread(target=fault)
        thread.start()
        out, _ = child.communicate(timeout=PATIENCE)
        thread.join(PATIENCE)
    assert "Traceback" not in out
    return child.returncode, out


def converges(stage: CloudRunStage, image: str) -> None:
    ended = stage.deploy(image)
    assert ended.code == 0, ended
    assert stage.traffic() == {stage.images[image]: 100}
    assert stage.history()[-1]["digest"] == stage.images[image]
    assert "changed=0" in stage.deploy(image).out


def test_throttled_requests_are_repeated(running: CloudRunStage, behind: CloudRunStage, front: GoogleFront) -> None:
    image, front.every, records = other(running), 5, len(running.history())
    with running.load(rate=30, threads=2) as load:
        ended = behind.deploy(image)
    front.every = 0
    print(f"{front.answered} of {front.requests} in {ended.seconds:.0f} s, {load.sent} requests, {front.writes}")
    assert ended.code == 0, ended
    assert front.answered[429] > 5
    assert not load.failures, f"{load.failures} of {load.sent}"
    # Two revisions and one more record: what was repeated has happened once.
    assert len(running.kubectl("get", "revisions.serving.knative.dev", "-o", "name").split()) == 2
    assert len(running.history()) == records + 1
    converges(behind, image)


def test_throttled_first_release_runs_its_migration_once(actor: CloudRunStage, front: GoogleFront) -> None:
    apis = {**actor.apis, "CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN": front.url}
    with replace(actor, apis=apis).fresh() as stage:
        front.every = 3
        ended = stage.deploy("v1")
        print(f"{front.answered} of {front.requests} in {ended.seconds:.0f} s, {front.writes}")
        assert ended.code == 0, ended
        assert front.answered[429] > 5
        assert front.writes["POST jobs/shop-migrate:run"] == 1, front.writes
        assert len(stage.history()) == 1


def test_constant_throttling_is_named_and_nothing_changes(behind: CloudRunStage, front: GoogleFront) -> None:
    before, front.every = behind.versions(), 1
    ended = behind.deploy(other(behind))
    assert ended.code == 70, ended
    assert "THROTTLED" in ended.out
    assert "Quota exceeded" in ended.out
    assert not front.writes
    assert behind.versions() == before


def test_expired_token_is_named_before_anything_changes(behind: CloudRunStage, front: GoogleFront) -> None:
    before, front.expired = behind.versions(), True
    ended = behind.deploy(other(behind))
    assert ended.code == 6, ended
    assert "GOOGLE_NOT_LOGGED_IN" in ended.out
    assert "gcloud auth application-default login" in ended.out
    assert not front.writes
    assert behind.versions() == before


def test_token_that_expires_during_the_release(
    running: CloudRunStage, behind: CloudRunStage, front: GoogleFront
) -> None:
    """Nothing can be taken back then, which the exit code says; the next deploy completes the release."""
    image = other(running)
    with running.load(rate=30, threads=2) as load:
        code, out = interrupted(behind, image, "release", lambda: setattr(front, "expired", True))
        assert code == 4, out
        assert "GOOGLE_NOT_LOGGED_IN" in out
        front.expired = False
        converges(behind, image)
    assert not load.failures, f"{load.failures} of {load.sent}"


@pytest.mark.drill(minutes=2)
@pytest.mark.parametrize("seconds", [10, 60])
@pytest.mark.parametrize("kind", ["refuse", "hang"])
def test_cut_network_is_survived(
    running: CloudRunStage, behind: CloudRunStage, front: GoogleFront, kind: str, seconds: int
) -> None:
    image = other(running)
    cut = front.refuse if kind == "refuse" else front.hang
    with running.load(rate=30, threads=2) as load:
        code, out = interrupted(behind, image, "release", lambda: cut(seconds))
    assert code == 0, out
    assert running.traffic() == {running.images[image]: 100}
    assert not load.failures, f"{load.failures} of {load.sent}"
    converges(behind, image)


@pytest.mark.drill(minutes=3)
def test_network_that_stays_cut_is_named(running: CloudRunStage, behind: CloudRunStage, front: GoogleFront) -> None:
    """The release stays as it is, half done; the next deploy takes it over."""
    image = other(running)
    with running.load(rate=30, threads=2) as load:
        code, out = interrupted(behind, image, "release", front.cut)
        front.reconnect()
        assert code == 4, out
        assert "GOOGLE_UNREACHABLE" in out
        converges(running, image)
    assert not load.failures, f"{load.failures} of {load.sent}"
