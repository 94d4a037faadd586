"""Keywords of PostgreSQL, from a real one: each is quoted where it has to be, or no name."""

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest
from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from toolkit.dev.postgres import run
from toolkit.resources.line import names
from toolkit.resources.line.parser import ResourceErrors, parse

UNRESERVED = "U"


def _table(name: str, column: str) -> str:
    table = Table(name, MetaData(), Column("id", Integer, primary_key=True), Column(column, Integer))
    return str(CreateTable(table).compile(dialect=postgresql.dialect()))


async def _read(url: str) -> tuple[dict[str, str], set[str]]:
    """Return the keywords with their category, and those that SQLAlchemy leaves unquoted where PostgreSQL refuses."""
    connection = await asyncpg.connect(url)
    try:
        categories = {
            word: category.decode()
            for word, category in await connection.fetch("SELECT word, catcode FROM pg_get_keywords()")
        }
        refused: set[str] = set()
        for word in categories:
            for sql in (_table(word, "a"), _table(f"column_{word}", word)):
                try:
                    await connection.execute(sql)
                except asyncpg.PostgresSyntaxError:
                    refused.add(word)
    finally:
        await connection.close()
    return categories, refused


@pytest.fixture(scope="module")
def keywords() -> Iterator[tuple[dict[str, str], set[str]]]:
    with run.scratch() as url:
        yield asyncio.run(_read(url))


def test_keywords_are_those_of_postgresql(keywords: tuple[dict[str, str], set[str]]) -> None:
    categories, refused = keywords
    assert {word for word, category in categories.items() if category != UNRESERVED} == names.SQL_KEYWORDS
    assert refused == set(names.UNQUOTED_KEYWORDS)


@pytest.mark.parametrize("word", names.UNQUOTED_KEYWORDS)
def test_a_keyword_that_is_not_quoted_is_refused(word: str) -> None:
    for line, what in ((f"r: {word}:int", "name"), (f"r/{word}: a:int", "plural")):
        with pytest.raises(ResourceErrors, match=f"the {what} `{word}` is reserved: it is a keyword of PostgreSQL"):
            parse(line)
