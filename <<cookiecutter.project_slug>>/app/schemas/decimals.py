"""Exact decimals in JSON: as a string of digits, or as a number where a client has nothing better.

The OpenAPI document says precisely which of them a column takes: a number by its bounds and its step, a string by a
pattern that knows the bounds. So whatever fits the document is taken, and clients can check before they send.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from app.schemas import digits

Bound = Decimal | int | None
_FORM = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")


@dataclass(frozen=True)
class Exact:
    """An annotation of `Decimal` for a column numeric(precision, scale) with its checks."""

    precision: int
    scale: int
    gt: Bound = None
    ge: Bound = None
    lt: Bound = None
    le: Bound = None

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        bounds: dict[str, Any] = {
            name: Decimal(value)
            for name, value in (("gt", self.gt), ("ge", self.ge), ("lt", self.lt), ("le", self.le))
            if value is not None
        }
        number = core_schema.decimal_schema(max_digits=self.precision, decimal_places=self.scale, **bounds)
        return core_schema.no_info_before_validator_function(_parse, number)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        text = {"type": "string", "pattern": f"^{self._pattern()}$"}
        # FastAPI asks for the schema of answers in the mode "serialization": they hold decimals as strings, exactly.
        return text if handler.mode == "serialization" else {"anyOf": [text, self._number()]}

    @property
    def _step(self) -> Decimal:
        return Decimal(1).scaleb(-self.scale)

    @property
    def _least(self) -> Decimal:
        """The least value of the column that the checks let in."""
        room = [-(10**self.precision - 1) * self._step]
        if self.ge is not None:
            room.append(_ceiling(Decimal(self.ge), self._step))
        if self.gt is not None:
            room.append(-_ceiling(-Decimal(self.gt), self._step) + self._step)
        return max(room)

    @property
    def _greatest(self) -> Decimal:
        mirrored = Exact(self.precision, self.scale, gt=_negated(self.lt), ge=_negated(self.le))
        return -mirrored._least

    def _pattern(self) -> str:
        return digits.pattern(self._least, self._greatest, self.scale)

    def _number(self) -> dict[str, Any]:
        return {
            "type": "number",
            "minimum": _inside(self._least, math.inf),
            "maximum": _inside(self._greatest, -math.inf),
            "multipleOf": float(self._step) if self.scale else 1,
        }


def _parse(value: object) -> object:
    if isinstance(value, str):
        if not _FORM.fullmatch(value):
            raise ValueError("must be a number, or a string of digits such as 12.50")
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise ValueError("must be a number or a string of digits")
    return value


def _negated(bound: Bound) -> Bound:
    return None if bound is None else -bound


def _ceiling(value: Decimal, step: Decimal) -> Decimal:
    """The least multiple of `step` that is not below `value`."""
    return Decimal(math.ceil(value / step)) * step


def _inside(value: Decimal, towards: float) -> float | int:
    """The nearest number of JSON that does not lie beyond `value`: floats cannot hold every bound."""
    if value == int(value) and abs(value) <= 2**53:
        return int(value)
    number = float(value)
    exact = Decimal(number)
    beyond = exact < value if towards > 0 else exact > value
    # A float that is the value's nearest prints as the value, and is read as it.
    return math.nextafter(number, towards) if beyond and Decimal(repr(number)) != value else number
