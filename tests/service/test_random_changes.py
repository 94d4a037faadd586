"""A service's own tests after random changes of a line: a small sample, as each takes a minute."""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, note, reject, settings

from tests.support.bakery import Bakery
from tests.support.changed_lines import PAIRS, TARGET_LINE, Pair
from tests.support.framework import run_tests
from tests.support.line_release import REFUSALS, Unfit, Wish
from tests.toolkit.resources.line.test_parser_properties import line_of

EXAMPLES = 3


def change(bakery: Bakery, service: Path, example: Pair) -> None:
    """Add the resource to a service, and change its line; follow the advice of each refusal."""
    wish, former = Wish(example), line_of(example.old)
    file = service / "service.toml"
    done = bakery.run([sys.executable, "tasks.py", "resource.add", former], cwd=service)
    assert done.returncode == 0, done.stdout + done.stderr
    text = file.read_text()
    written = next(line for line in text.splitlines() if f'"{former.partition(":")[0]}:' in line)
    for _ in range(REFUSALS):
        file.write_text(text.replace(written, f"    {json.dumps(line_of(wish.pair.new))},"))
        options = wish.given()
        parts = (("--rename", options.renames), ("--backfill", options.backfills), ("--map", options.maps))
        flags = [word for flag, texts in parts for one in texts for word in (flag, one)]
        done = bakery.run([sys.executable, "tasks.py", "resource.sync", *flags], cwd=service)
        if done.returncode == 0:
            return
        assert "No revision was written: " in done.stderr, done.stdout + done.stderr
        reasons = done.stderr.partition("No revision was written: ")[2]
        wish.follow(reasons.partition("Nothing was written")[0].strip())
    raise AssertionError(f"{REFUSALS} refusals")


@pytest.mark.drill(minutes=6)
def test_own_tests_pass_after_random_changes(bakery: Bakery) -> None:
    baked = bakery.bake(project_name="Shop", ci="none", resources=TARGET_LINE)  # with tokens, which have owners

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(PAIRS)
    def one(example: Pair) -> None:
        note(repr(example))
        folder = Path(tempfile.mkdtemp())
        try:
            bakery.copy(baked, folder / "shop")
            change(bakery, folder / "shop", example)
            run_tests(bakery, folder / "shop", ["tests", "--ignore=tests/integration/test_schemathesis.py"])
        except Unfit:
            reject()
        finally:
            shutil.rmtree(folder)

    one()
