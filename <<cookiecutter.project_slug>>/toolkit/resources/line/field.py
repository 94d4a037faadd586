"""The data model of one field, with every name and bound for the templates. Standard library only."""

from dataclasses import dataclass
from typing import Literal

from toolkit.resources.line import names
from toolkit.resources.line.resource_names import Names

TYPES = ("str", "text", "int", "bigint", "decimal", "float", "bool", "date", "datetime", "uuid", "json", "enum", "ref")
INTEGERS = {"int": (-(2**31), 2**31 - 1), "bigint": (-(2**63), 2**63 - 1)}
NUMBERS = (*INTEGERS, "decimal", "float")
# What a delete of the referred row does to the rows that refer to it.
OnDelete = Literal["cascade", "restrict", "null"]

# A B-tree entry holds at most 2704 bytes with its header; 512 characters of 4 bytes and an id fit.
INDEX_BYTES = 2680
INDEX_LENGTH = 512
# A unique column with fewer possible values than this is full too soon.
MANY = 100
# The longest text in a query (app/schemas/base.py, QueryText).
FILTER_LENGTH = 1000


@dataclass(frozen=True)
class Check:
    """A bound, `>=0`: `operator` is one of > >= < <=, `number` its plain decimal text."""

    operator: str
    number: str

    @property
    def keyword(self) -> str:
        """Return Pydantic's name of the bound: gt, ge, lt, le."""
        return {">": "gt", ">=": "ge", "<": "lt", "<=": "le"}[self.operator]

    def __str__(self) -> str:
        return f"{self.operator}{self.number}"


@dataclass(frozen=True)
class Field:
    """One column. `name` is the column and the JSON name, `default` its canonical text (see `defaults`)."""

    name: str
    type: str
    nullable: bool = False
    unique: bool = False
    default: str | None = None
    checks: tuple[Check, ...] = ()
    min_length: int = 0
    max_length: int | None = None
    precision: int | None = None
    scale: int | None = None
    values: tuple[str, ...] = ()
    ref: Names | None = None
    on_delete: OnDelete = "restrict"

    @property
    def attribute(self) -> str:
        """Attribute of the model and the schemas; differs from `name` if Python or a base class uses that (from_)."""
        return names.attribute(self.name)

    @property
    def aliased(self) -> bool:
        """Return True if the schema needs an alias and the model a column name."""
        return self.attribute != self.name

    @property
    def filter_name(self) -> str:
        """Query parameter that filters a list by this field: `limit_` where every list has a parameter of that name."""
        return f"{self.name}_" if self.name in names.RESERVED_QUERY else self.name

    @property
    def filter_attribute(self) -> str:
        """Python's name for `filter_name`."""
        return self.filter_name if self.name in names.RESERVED_QUERY else self.attribute

    @property
    def sql_name(self) -> str:
        """The column in SQL, quoted if it is a keyword of PostgreSQL."""
        return f'"{self.name}"' if self.name in names.SQL_KEYWORDS else self.name

    @property
    def title(self) -> str:
        """For people: Total amount."""
        return self.name.replace("_", " ").capitalize()

    @property
    def has_default(self) -> bool:
        """Return True if a default was written (it may be the empty text)."""
        return self.default is not None

    @property
    def required(self) -> bool:
        """Return True if a create requires it."""
        return not self.nullable and self.default is None

    @property
    def lower(self) -> Check | None:
        """The lower bound, if any."""
        return next((check for check in self.checks if check.operator[0] == ">"), None)

    @property
    def upper(self) -> Check | None:
        """The upper bound, if any."""
        return next((check for check in self.checks if check.operator[0] == "<"), None)

    @property
    def sortable(self) -> bool:
        """Return True if a list can be ordered by it on a B-tree index and every value fits into an index entry."""
        return self.type not in ("json", "text", "bool", "ref") and (self.max_length or 0) <= INDEX_LENGTH

    @property
    def index_bytes(self) -> int:
        """Return the most bytes that a value takes in an index entry."""
        if self.type == "str":
            return 4 * (self.max_length or 255) + 8
        return max(map(len, self.values), default=0) + (self.precision or 0) + 16

    @property
    def capacity(self) -> int:
        """Return the number of its possible values; one that is large enough in any case may be an estimate."""
        if self.span:
            return self.span[1] - self.span[0] + 1
        if self.type == "bool":
            return 2
        if self.type == "str":
            return 36 ** min(self.max_length or 1, 6)
        if self.type == "float" and self.lower and self.upper and self.lower.number == self.upper.number:
            return 1
        return len(self.values) or MANY

    @property
    def distinct(self) -> bool:
        """Return True if each row of a test can have another value."""
        return bool(self.ref) or self.capacity >= MANY

    @property
    def countable(self) -> bool:
        """Return True if its values have an order in which a test can count through them."""
        return self.type in (*INTEGERS, "enum", "bool")

    @property
    def filterable(self) -> bool:
        """Return True if a list can be filtered by its exact value."""
        return self.type not in ("json", "text", "float") and self.min_length <= FILTER_LENGTH

    @property
    def ranges(self) -> tuple[str, ...]:
        """Query parameters that filter a list by a bound: price_gte, price_lte."""
        ordered = self.type in ("int", "bigint", "decimal", "date", "datetime")
        return tuple(f"{self.name}_{suffix}" for suffix in ("gte", "lte")) if ordered else ()

    @property
    def span(self) -> tuple[int, int] | None:
        """Least and greatest value of an integer or decimal column within its checks, in units of its last place."""
        if self.type in INTEGERS:
            low, high = INTEGERS[self.type]
        elif self.precision is not None:
            high = 10**self.precision - 1
            low = -high
        else:
            return None
        for check in self.checks:
            bound = scaled(check.number, self.scale or 0)
            if check.operator[0] == ">":
                low = max(low, bound + (check.operator == ">"))
            else:
                high = min(high, bound - (check.operator == "<"))
        return low, high


def scaled(number: str, scale: int) -> int:
    """Return a decimal text in units of its last place: scaled("1.5", 2) == 150. It has at most `scale` places."""
    whole, _, fraction = number.partition(".")
    return int(whole + fraction.ljust(scale, "0"))
