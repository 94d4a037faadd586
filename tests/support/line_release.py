"""A changed line, released step by step on a database with rows: expand, both versions write, contract, down, up."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.support import changed_lines as lines
from tests.support.changed_lines import Pair
from tests.support.small_service import SmallService
from toolkit.dev import resource_options
from toolkit.dev.migrations import outstanding
from toolkit.dev.migrations.intents import Intents
from toolkit.resources.line.field import Field
from toolkit.resources.line.model import Resource
from toolkit.resources.line.parser import parse

BEFORE, OLD_CODE, NEW_CODE = (0, 1, 2), (3, 4), (5, 6, 7)
REFUSALS = 10
NEEDS_VALUE = re.compile(r"\w+\.\w+ (?:is required and has no default|becomes \w+\.\w+, from).* --backfill \w+\.(\w+)=")
NEEDS_NAME = re.compile(r"\w+\.(\w+) changes its type from .*Rename the field in the same change")
NUMERIC = ("int", "bigint", "decimal")


class Unfit(Exception):
    """The rows of this test do not suit the pair."""


def require(distinct: bool) -> None:
    if not distinct:
        raise Unfit("a unique field, or a group, has too few values")


@dataclass
class Wish:
    """A change of a line, and what its author says about it. `filled`: new columns with values from a backfill."""

    pair: Pair
    filled: dict[str, str] = field(default_factory=dict)

    def follow(self, refusal: str) -> None:
        """Do what a refusal asks for: give a backfill, or another name. Any other one is a failure."""
        for reason in refusal.removeprefix("No revision was written: ").splitlines():
            if found := NEEDS_VALUE.search(reason):
                assert found[1] not in self.filled, refusal
                self.filled[found[1]] = reason
            else:
                found = NEEDS_NAME.search(reason)
                assert found, f"not a documented refusal: {reason}"
                renamed = self.pair.with_new_name(found[1])
                if renamed is None:
                    raise Unfit(refusal)
                self.pair = renamed

    def given(self) -> resource_options.Given:
        """Return the options of `resource.sync`."""
        old, new = self.pair.old, self.pair.new
        renames = [f"{new.name}.{before}={after}" for before, after in self.pair.renamed]
        renames += [f"{old.name}/{old.plural}={new.name}"] * (old.name != new.name)
        filled = [f"{new.name}.{part.name}={lines.by_row(part)}" for part in new.columns if part.name in self.filled]
        maps = [f"{new.name}.{name}:{gone}={kept}" for name, values in self.maps().items() for gone, kept in values]
        return resource_options.Given(renames, filled, maps)

    def maps(self) -> dict[str, list[tuple[str, str]]]:
        """Return the removed values of each enum, with a value that stays."""
        found: dict[str, list[tuple[str, str]]] = {}
        for part in self.pair.new.fields:
            source = self.pair.source(part)
            if source and (source.type, part.type) == ("enum", "enum") and not self.is_given(part):
                found[part.name] = [(old, part.values[0]) for old in source.values if old not in part.values]
        return found

    def is_given(self, part: Field) -> bool:
        """Return True if a new column has nothing of the old one: it is added, or a backfill gives every value."""
        asked = self.filled.get(part.name, "")
        return self.pair.source(part) is None or ("not every value" in asked and "nullable to required" not in asked)


@dataclass
class Release(Wish):
    """A change of a line on one service."""

    service: SmallService = field(kw_only=True)

    def prepare(self, *, plainly: bool = False) -> None:
        """Write the first revision and the expand revision; follow the advice of each refusal.

        `plainly`: the second one is what Alembic alone writes.
        """
        self.service.declare(lines.models(self.pair.old))
        assert self.service.new()
        self.service.upgrade()
        if plainly:
            self.service.declare(lines.models(self.pair.new))
            self.service.new_plainly()
            return
        for _ in range(REFUSALS):
            self.service.declare(lines.models(self.pair.new))
            try:
                assert self.service.new(self.intents())
            except SystemExit as refusal:
                self.follow(str(refusal))
            else:
                return
        raise AssertionError(f"{REFUSALS} refusals")

    def intents(self) -> Intents:
        target = parse(lines.TARGET_LINE)
        return resource_options.intents((*target, self.pair.old), (*target, self.pair.new), self.given())

    def require_distinct(self) -> None:
        """Reject a pair whose small fields cannot have different values in all rows."""
        for columns in lines.uniques(self.pair.old):
            parts = [part for part in self.pair.old.fields if part.name in columns and part.type != "enum"]
            rows = [tuple(self.pair.value(part, n) for part in parts) for n in (*BEFORE, *OLD_CODE)]
            require(len(set(rows)) == len(rows))
        for columns in lines.uniques(self.pair.new):
            parts = [part for part in self.pair.new.fields if part.name in columns and part.type != "enum"]
            kept = [tuple(self.expected(part, n) for part in parts) for n in (*BEFORE, *OLD_CODE, *NEW_CODE)]
            fixed = [tuple(lines.value(part, n) for part in parts) for n in (*BEFORE, *OLD_CODE, *NEW_CODE)]
            require(len(set(kept)) == len(kept) == len(set(fixed)))

    def expected(self, part: Field, n: int) -> str:
        source = self.pair.source(part)
        if source is None or n in NEW_CODE or self.is_given(part):
            return lines.value(part, n)
        return self.pair.value(source, n)

    def values(self, resource: Resource, n: int) -> dict[str, str | None]:
        """Return what a row has: NULLs in rows 1, 4 and 7, defaults in rows 2, 4 and 7."""
        unique = {name for names in lines.uniques(self.pair.new) for name in names}
        if n not in NEW_CODE:
            unique |= {name for names in lines.uniques(self.pair.old) for name in names}
            unique |= {old for old, new in self.pair.renamed if new in unique}
        values: dict[str, str | None] = {}
        for part in resource.columns:
            if part.has_default and n in (2, 4, 7) and part.name not in unique:
                continue
            of = 5 if n == 6 and part.name not in unique else n
            text = lines.value(part, of) if n in NEW_CODE else self.pair.value(part, of)
            values[part.name] = None if part.nullable and n in (1, 4, 7) else text
        return values

    def write(self, resource: Resource, rows: tuple[int, ...]) -> None:
        for n in rows:
            self.service.sql(lines.insert(resource, n, self.values(resource, n)))

    def expand(self) -> None:
        """Write rows, upgrade to the expand revision, and let the code before and after it write."""
        for n in range(lines.ROWS):
            self.service.sql(f"INSERT INTO targets_of_all (id, a) VALUES ('{lines.key(n)}', {n})")
        self.write(self.pair.old, BEFORE)
        self.service.sql("CREATE SCHEMA kept")
        self.service.sql(f'CREATE TABLE kept.before AS SELECT * FROM "{self.pair.old.table}"')
        self.service.upgrade()
        self.require_equal()
        self.check(set())
        self.write(self.pair.old, OLD_CODE)
        self.write(self.pair.new, NEW_CODE)
        self.check(set())
        self.check_both_names()
        self.check_what_new_code_wrote()

    def finish(self) -> None:
        """Correct the rows that the new line forbids, contract, go down and up again."""
        new = self.pair.new
        fixed = set()
        for part in new.fields:
            source = self.pair.source(part)
            if source is None or self.is_given(part) or part.name in self.maps():
                continue
            if not all(lines.legal(part, text) for text in self.texts(source)):
                fixed.add(part.name)
                self.service.sql(f'UPDATE "{new.table}" SET "{part.name}" = {lines.by_row(part)}')
        if outstanding.read(self.service.root):
            assert self.service.contract()
            assert outstanding.read(self.service.root) == ()
            self.service.upgrade()
            self.require_equal()
            self.check(fixed)
            if all(kept_both_ways(self.pair.source(part), part) for part in new.fields):
                self.service.downgrade("-1")
                self.service.upgrade()
                self.check(fixed)
        self.require_equal()
        assert self.service.new() is None
        self.service.sql(f'TRUNCATE "{new.table}", targets_of_all CASCADE')
        self.service.downgrade("base")
        self.service.upgrade()
        self.require_equal()

    def require_equal(self) -> None:
        """Require the database, after its outstanding steps, to be what the models make."""
        found = self.service.differences()
        assert not found, "\n".join(found)

    def texts(self, source: Field) -> Iterator[str]:
        yield from (self.pair.value(source, n) for n in (*BEFORE, *OLD_CODE))
        if source.default is not None:
            yield source.default

    def check(self, fixed: set[str]) -> None:
        """Compare the rows written before the change with what they were; `fixed` columns have been corrected since."""
        wrong: dict[str, str] = {}
        for part in self.pair.new.columns:
            source = self.pair.source(part)
            if part.name in fixed or (part.name in self.filled and self.is_given(part)):
                wrong[part.name] = f't."{part.name}" IS DISTINCT FROM {lines.by_row(part, "t.id")}'
            elif source:
                wrong[part.name] = self.lost(source, part)
        if wrong:
            counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in wrong.values())
            rows = f'"{self.pair.new.table}" t JOIN kept.before b USING (id)'
            [found] = self.service.sql(f"SELECT count(*), {counts} FROM {rows}")
            expected = {"rows": len(BEFORE), **dict.fromkeys(wrong, 0)}
            assert dict(zip(expected, found, strict=True)) == expected, "rows, and columns with lost values"

    def lost(self, source: Field, part: Field) -> str:
        """Return the condition for a row in which a column no longer has the value of its source."""
        there, then = f't."{part.name}"', f'b."{source.name}"'
        nothing = "" if part.nullable else f" AND {then} IS NOT NULL"
        if source.type not in NUMERIC or part.type not in NUMERIC:
            there, then = f"{there}::text", f"{then}::text"
        if not outstanding.read(self.service.root) and (maps := self.maps().get(part.name)):
            cases = " ".join(f"WHEN {lines.literal(old)} THEN {lines.literal(new)}" for old, new in maps)
            then = f"(CASE {then} {cases} ELSE {then} END)"
        return f"{there} IS DISTINCT FROM {then}{nothing}"

    def check_what_new_code_wrote(self) -> None:
        """Compare each value with what was written."""
        for n in NEW_CODE:
            values = self.values(self.pair.new, n)
            wrong = [f'"{name}" IS DISTINCT FROM {lines.literal(text)}' for name, text in values.items()]
            where = f"\"{self.pair.new.table}\" WHERE id = '{lines.key(n)}'"
            found = self.service.sql(f"SELECT {', '.join(['false', *wrong])} FROM {where}")
            assert found == [(False,) * (1 + len(wrong))], (n, wrong)

    def check_both_names(self) -> None:
        """Compare a renamed column with its old name, in the rows of both versions."""
        for part in self.pair.new.fields:
            source = self.pair.source(part)
            if source and source.name != part.name and lines.same_type(source, part) and part.name not in self.filled:
                differs = f'"{source.name}" IS DISTINCT FROM "{part.name}"'
                found = self.service.sql(f'SELECT count(*) FROM "{self.pair.new.table}" WHERE {differs}')
                assert found == [(0,)], (source.name, part.name)


def kept_both_ways(old: Field | None, new: Field) -> bool:
    """Return True if going down loses nothing: the old column has the same type, or is the same one."""
    return old is None or lines.same_type(old, new) or old.name == new.name
