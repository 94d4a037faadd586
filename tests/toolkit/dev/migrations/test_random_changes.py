"""Random changes of a line on a database with rows.

The database always becomes what the models make, and no value of a kept or renamed field is lost. A failure prints its
pair as a call of `pair`, which is a case for CASES.
"""

import contextlib
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, note, reject, settings

from tests.support.changed_lines import PAIRS, Pair, pair
from tests.support.line_release import Release, Unfit
from tests.support.small_service import SmallService
from toolkit.dev.postgres import run as postgres
from toolkit.dev.postgres import scratch

# Each was found by chance, and its revision was wrong.
CASES = {
    "bounds that move both ways": pair("p/ps: a:int>=5<=9", "p/ps: a:int>=-9<=7", {}),
    "a new default that the old rule forbids": pair('p/ps: a:float>0.1?="2.1"', 'p/ps: a:float="-0.4"', {}),
    "a backfill that the old reference forbids": pair("p/ps: a_id:ref(target_of_all)?", "p/ps: a_id:uuid!", {}),
    "digits that move across the point": pair("p/ps: a:decimal(9,6)?", "p/ps: a:decimal(9,2)", {}),
    "a renamed default of another type": pair('p/ps: a:bool?="true"', 'p/ps: b:int="7"', {"a": "b"}),
    "a renamed field without its default": pair('p/ps: a:int="7"', "p/ps: b:int?", {"a": "b"}),
    "a renamed resource without a field": pair("p/ps: a:int>1 b:int", "q/qs: a:int>2", {}, fits=False),
    "a renamed field that is no longer unique": pair("p/ps: a:int!", "p/ps: b:int", {"a": "b"}),
    "a renamed reference that is no longer one": pair(
        "p/ps: a:ref(target_of_all)", "p/ps: b_id:uuid", {"a_id": "b_id"}
    ),
    "names that PostgreSQL would truncate": pair(
        f"p/{'p' * 40}: abcdefghijklm_a:int",
        f"p/{'p' * 40}: abcdefghijklm_b:int abcdefghijklm_c:int",
        {"abcdefghijklm_a": "abcdefghijklm_b"},
    ),
    "a table with a reserved name": pair("a/as: b:int", "a/as: c:int", {"b": "c"}),
    "keywords of PL/pgSQL": pair("p/ps: loop:int", "p/ps: if:int exit:int", {"loop": "if"}),
    "a text that becomes a number": pair("p/ps: a:text", "p/ps: a:decimal(9,2)", {}),
    "a text that becomes an enum": pair("p/ps: a:text b:text", "p/ps: a:enum(ab|c) b:str(2..40)", {}),
    "an index that takes the name of a removed one": pair("p/ps: a:str(..40)", "p/ps: a_id:ref(target_of_all)?", {}),
    "a uuid that becomes a reference": pair("p/ps: a_id:uuid", "p/ps: a_id:ref(target_of_all)", {}, fits=False),
    "a renamed uuid that becomes a reference": pair("p/ps: a:uuid", "p/ps: b_id:ref(target_of_all)", {"a": "b_id"}),
    "a shorter enum with more values": pair("p/ps: a:enum(long|b)", "p/ps: a:enum(b|c|d)", {}),
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """One PostgreSQL for all examples, and for the writer of revisions."""
    with postgres.scratch() as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(postgres, "scratch", lambda: contextlib.nullcontext(url))
        yield url


@contextlib.contextmanager
def release(server: str, example: Pair) -> Iterator[Release]:
    """Yield the change on a service with a database of its own."""
    scratch.execute(server, "CREATE DATABASE example TEMPLATE template0")
    try:
        with tempfile.TemporaryDirectory() as root:
            yield Release(example, service=SmallService(Path(root), server.replace("/postgres?", "/example?")))
    finally:
        scratch.execute(server, "DROP DATABASE example WITH (FORCE)")


def migrate(server: str, example: Pair) -> None:
    with release(server, example) as change:
        change.prepare()
        change.require_distinct()
        change.expand()
        change.finish()


def search(server: str, examples: int, *, same: bool = False) -> None:
    """Migrate so many random changes; `same`: those of each run. Fails too if most of them could not be migrated."""
    counts: Counter[str] = Counter()

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=same,
        phases=[Phase.generate],
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(PAIRS)
    def one(example: Pair) -> None:
        counts["tried"] += 1
        note(repr(example))
        try:
            migrate(server, example)
        except Unfit:
            reject()
        counts["migrated"] += 1

    one()
    assert counts["migrated"] > counts["tried"] / 2, counts


def test_a_line_becomes_another_without_loss(server: str) -> None:
    search(server, 3, same=True)


@pytest.mark.drill(minutes=15)
def test_hundreds_of_lines_become_others_without_loss(server: str) -> None:
    search(server, 200)


@pytest.mark.drill(minutes=1)
@pytest.mark.parametrize("example", CASES.values(), ids=CASES)
def test_what_was_wrong_once(server: str, example: Pair) -> None:
    migrate(server, example)


@pytest.mark.parametrize(
    ("example", "found"),
    [
        (pair("p/ps: name:str(..40)?", "p/ps: title:str(..40)?", {"name": "title"}), "columns with lost values"),
        (pair("p/ps: a:int>=0", "p/ps: a:int>=-5", {}), "constraint ck_ps_a of ps: the models say"),
    ],
)
def test_what_alembic_alone_writes_is_found_wrong(server: str, example: Pair, found: str) -> None:
    with release(server, example) as change:
        change.prepare(plainly=True)
        with pytest.raises(AssertionError, match=found):
            change.expand()
