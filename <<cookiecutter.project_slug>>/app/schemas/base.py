"""Base of all request and response models, and JSON types whose OpenAPI schema is exact."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

import orjson
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema

from app.schemas.decimals import Exact as Exact
from app.schemas.forms import BOOLEAN, DATE, MOMENT, NUMERAL, UUID, WHOLE
from app.schemas.forms import NUMBER as NUMBER

T = TypeVar("T")

# PostgreSQL's text cannot hold U+0000; a pattern shows this to clients.
NO_NUL = r"^[^\x00]*$"
INT_MIN, INT_MAX = -(2**31), 2**31 - 1
BIGINT_MIN, BIGINT_MAX = -(2**63), 2**63 - 1
QUERY_MAX = 10**38
# orjson's limit is 254 levels, and a response nests a document in an object, a list and a page.
NESTING_MAX = 100
# The longest sortable text (512 characters of 6 bytes in JSON), in base64, and the rest of the cursor.
CURSOR_MAX = 5000


class Schema(BaseModel):
    """A body: unknown members are errors, so that a misspelt field is not silently lost."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, validate_by_name=True, validate_by_alias=True)


class ReadSchema(BaseModel):
    """Members of every resource in responses."""

    id: uuid.UUID
    created_at: dt.datetime
    updated_at: dt.datetime
    version: int = Field(description="Counts changes; the source of the ETag.")


class Page(BaseModel, Generic[T]):
    """One page of a list. `next` is the cursor of the following page, null on the last one."""

    items: list[T]
    next: str | None


class PageQuery(BaseModel):
    """The query of a list. A resource adds `sort`, an allow-list, and its filters; unknown parameters are errors."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, validate_by_name=True, validate_by_alias=True)

    limit: Annotated[int, Field(ge=1, le=100), WHOLE] = Field(default=20, description="Items on a page.")
    cursor: str | None = Field(default=None, max_length=CURSOR_MAX, description="`next` of the previous page.")

    def filters(self) -> dict[str, object]:
        """Return the given filters, by the names that `Crud.page` expects."""
        return self.model_dump(exclude={"limit", "cursor", "sort"}, exclude_none=True, by_alias=True)


def omitted(alias: str | None = None) -> Any:
    """Make a member optional for a PATCH: absent is not the same as null."""
    return Field(default_factory=lambda: None, alias=alias)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def to_utc(value: dt.datetime) -> dt.datetime:
    """Check a moment. Raises ValueError when its time zone moves it outside the years of a datetime."""
    try:
        return value.astimezone(dt.UTC)
    except OverflowError:
        raise ValueError("is outside the years 1 to 9999 in UTC") from None


def _representable(value: JsonValue) -> JsonValue:
    if value is None:
        raise ValueError("must not be null")
    _inspect(value, NESTING_MAX)
    try:
        orjson.dumps(value)
    except TypeError:
        raise ValueError("holds a number beyond 64 bits") from None
    return value


def _inspect(value: JsonValue, depth: int) -> None:
    """Check a document. Raises ValueError for a NUL, which PostgreSQL cannot store, and for nesting beyond `depth`."""
    if isinstance(value, str) and "\x00" in value:
        raise ValueError("holds a NUL character, which cannot be stored")
    if isinstance(value, list | dict):
        if depth == 0:
            raise ValueError(f"is nested more than {NESTING_MAX} levels deep")
        for item in value if isinstance(value, list) else (*value, *value.values()):
            _inspect(item, depth - 1)


# The check of the form comes last, around the type: the type's own bounds stay in the OpenAPI document.
JsonDate = Annotated[dt.date, DATE]
JsonDateTime = Annotated[AwareDatetime, AfterValidator(to_utc), MOMENT]
JsonUuid = Annotated[uuid.UUID, UUID]
JsonBool = Annotated[bool, Field(strict=True)]
JsonDocument = Annotated[JsonValue, AfterValidator(_representable), Field(json_schema_extra={"not": {"type": "null"}})]
QueryInt = Annotated[int, Field(ge=INT_MIN, le=INT_MAX), WHOLE]
QueryBigInt = Annotated[int, Field(ge=BIGINT_MIN, le=BIGINT_MAX), WHOLE]
QueryDecimal = Annotated[
    Decimal,
    Field(ge=-QUERY_MAX, le=QUERY_MAX, decimal_places=400),
    NUMERAL,
    WithJsonSchema({"type": "number", "minimum": -QUERY_MAX, "maximum": QUERY_MAX}),
]
QueryBool = Annotated[bool, BOOLEAN]
QueryText = Annotated[str, Field(max_length=1000, pattern=NO_NUL)]
