"""Exact decimals in JSON: as a string of digits, or as a number for clients without decimals.

The OpenAPI document describes a number by bounds and step, a string by its form: JSON Schema has no bounds for a number
in a string. A number has 15 digits at most: JSON readers use floats, here and in clients, and these keep no more.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cached_property
from typing import Any, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

T = TypeVar("T")
Bound = Decimal | int | None
NUMBER_DIGITS = 15
# Decimal places of a number for a column with more digits; the other digits are for the whole part.
NUMBER_SCALE = 7
# Precision for arithmetic on bounds, which have 60 digits at most.
PRECISION = 120
_FORM = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")


@dataclass(frozen=True)
class Exact:
    """Annotation of `Decimal` for a column numeric(precision, scale) with its checks."""

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
        if self.scale < self.precision:
            bounds["max_digits"] = self.precision
        else:  # Pydantic counts the zero before the point as a digit
            bounds = {"ge": self._least, "le": self._greatest}
        number = core_schema.decimal_schema(decimal_places=self.scale, **bounds)
        return core_schema.no_info_before_validator_function(self._parse, number)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        text = {"type": "string", "format": "decimal", "pattern": f"^{self._form()}$"}
        # FastAPI requests the schema of responses in the mode "serialization": they hold decimals as exact strings.
        number = None if handler.mode == "serialization" else self._number()
        return {"anyOf": [text, number]} if number else text

    def _parse(self, value: object) -> object:
        if isinstance(value, str):
            if not _FORM.fullmatch(value):
                raise ValueError("must be a number, or a string of digits such as 12.50")
            return value
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
            raise ValueError("must be a number or a string of digits")
        if self.precision > NUMBER_DIGITS and not isinstance(value, Decimal) and not self._is_exact(value):
            raise ValueError(f"has more than {NUMBER_DIGITS} digits; send it as a string")
        return value

    def _is_exact(self, value: float) -> bool:
        number = Decimal(str(value))
        if not number.is_finite():
            return True  # validation of the number itself rejects it
        places = -int(number.normalize().as_tuple().exponent)
        return abs(number) <= self._longest and places <= self._number_scale

    @cached_property
    def _number_scale(self) -> int:
        return self.scale if self.precision <= NUMBER_DIGITS else min(self.scale, NUMBER_SCALE)

    @cached_property
    def _longest(self) -> Decimal:
        """Return the greatest number with the allowed count of digits."""
        return _reckon(lambda: (10 ** min(self.precision, NUMBER_DIGITS) - 1) * _step(self._number_scale))

    @cached_property
    def _least(self) -> Decimal:
        """Return the least value of the column that the checks allow."""

        def reckon() -> Decimal:
            step = _step(self.scale)
            room = [-(10**self.precision - 1) * step]
            if self.ge is not None:
                room.append(_ceiling(Decimal(self.ge), step))
            if self.gt is not None:
                room.append(-_ceiling(-Decimal(self.gt), step) + step)
            return max(room)

        return _reckon(reckon)

    @cached_property
    def _greatest(self) -> Decimal:
        mirrored = Exact(self.precision, self.scale, gt=_negated(self.lt), ge=_negated(self.le))
        return _reckon(lambda: -mirrored._least)

    def _form(self) -> str:
        """Return the regular expression for the column's digits before and after the point."""
        whole = self.precision - self.scale
        integer = f"(?:0|[1-9][0-9]{{0,{whole - 1}}})" if whole else "0"
        return f"-?{integer}" + (rf"(?:\.[0-9]{{1,{self.scale}}})?" if self.scale else "")

    def _number(self) -> dict[str, Any] | None:
        """Return the schema of a number; None when every allowed value has too many digits for one."""
        step = _step(self._number_scale)
        least = _reckon(lambda: max(_ceiling(self._least, step), -self._longest))
        greatest = _reckon(lambda: min(-_ceiling(-self._greatest, step), self._longest))
        if least > greatest:
            return None
        return {
            "type": "number",
            "minimum": _plain(least),
            "maximum": _plain(greatest),
            "multipleOf": _plain(step),
        }


def _reckon(formula: Callable[[], T]) -> T:
    """Multiply exactly: the default context rounds to 28 digits."""
    with localcontext(prec=PRECISION):
        return formula()


def _step(scale: int) -> Decimal:
    return Decimal(1).scaleb(-scale)


def _negated(bound: Bound) -> Bound:
    return None if bound is None else Decimal(bound).copy_negate()


def _ceiling(value: Decimal, step: Decimal) -> Decimal:
    """Return the least multiple of `step` that is not below `value`."""
    return Decimal(math.ceil(value / step)) * step


def _plain(value: Decimal) -> float | int:
    """Return a number for JSON. A float with 15 digits is printed and parsed as the same value."""
    return int(value) if value == int(value) else float(value)
