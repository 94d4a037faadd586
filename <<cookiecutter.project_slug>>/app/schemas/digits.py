"""Regular expressions for the decimal numbers of a range. Pure; numbers are written as in JSON, without an exponent."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal


def pattern(least: Decimal, greatest: Decimal, scale: int) -> str:
    """Matches, without anchors, the decimals from `least` to `greatest` with at most `scale` digits after the point."""
    step = Decimal(1).scaleb(-scale)
    alternatives: list[str] = []
    if least < 0:
        alternatives += [f"-{text}" for text in _positive(max(step, -greatest), -least, scale)]
    if greatest >= 0:
        alternatives += _positive(max(Decimal(0), least), greatest, scale)
    return _either(alternatives)


def _positive(least: Decimal, greatest: Decimal, scale: int) -> list[str]:
    """For 0 <= least <= greatest, both multiples of the step."""
    (low, above), (high, below) = _split(least, scale), _split(greatest, scale)
    if low == high:
        return [f"{low}{_fraction(above, below)}"]
    found: list[str] = []
    first, last = low, high
    if above.strip("0"):
        found.append(f"{low}{_fraction(above, '9' * scale)}")
        first = low + 1
    if below.strip("9"):
        last = high - 1
    if first <= last:
        found.append(_either(list(_whole(first, last))) + (f"(?:\\.{_digit(1, scale)})?" if scale else ""))
    if last < high:
        found.append(f"{high}{_fraction('0' * scale, below)}")
    return found


def _split(value: Decimal, scale: int) -> tuple[int, str]:
    text = f"{value:.{scale}f}"
    whole, _, fraction = text.partition(".")
    return int(whole), fraction


def _fraction(least: str, greatest: str) -> str:
    """The part after an integer, point included, for fractions between two of one length; "" when there is none."""
    if not greatest.strip("0"):
        # Nothing but zeros, which may be left out.
        return f"(?:\\.0{_count(1, len(greatest))})?" if greatest else ""
    inner = _either(list(_digits(least, greatest)))
    return f"\\.{inner}" if least.strip("0") else f"(?:\\.{inner})?"


def _digits(least: str, greatest: str) -> Iterator[str]:
    """Digit strings that, padded with zeros to this length, lie between the two."""
    if not least:
        return
    rest = len(least) - 1
    if not least.strip("0") and not greatest.strip("9"):
        yield _digit(1, len(least))
        return
    low, high = least[0], greatest[0]
    if low == high:
        yield low + _more(least[1:], greatest[1:])
        return
    first, last = int(low), int(high)
    if least[1:].strip("0"):
        yield low + _more(least[1:], "9" * rest)
        first += 1
    if greatest[1:].strip("9"):
        last -= 1
    if first <= last:
        yield _class(first, last) + _digit(0, rest)
    if last < int(high):
        yield high + _more("0" * rest, greatest[1:])


def _more(least: str, greatest: str) -> str:
    """What may follow the digits so far; optional when zeros would be within the bounds."""
    if not least:
        return ""
    inner = _either(list(_digits(least, greatest)))
    return inner if least.strip("0") else f"(?:{inner})?"


def _whole(least: int, greatest: int) -> Iterator[str]:
    """Integers without leading zeros, by their number of digits; lengths that are whole go together."""
    if least == 0:
        yield "0"
        least = 1
    whole: list[int] = []
    for length in range(len(str(least)), len(str(greatest)) + 1):
        start, end = max(least, 10 ** (length - 1)), min(greatest, 10**length - 1)
        if start == 10 ** (length - 1) and end == 10**length - 1:
            whole.append(length)
        elif start <= end:
            yield from _same_length(str(start), str(end))
    if whole:
        yield f"[1-9]{_digit(whole[0] - 1, whole[-1] - 1)}"


def _same_length(least: str, greatest: str) -> Iterator[str]:
    if not least:
        yield ""
        return
    rest = len(least) - 1
    if least == greatest:
        yield least
        return
    low, high = int(least[0]), int(greatest[0])
    if low == high:
        yield from (f"{low}{tail}" for tail in [_either(list(_same_length(least[1:], greatest[1:])))])
        return
    if least[1:].strip("0"):
        yield f"{low}{_either(list(_same_length(least[1:], '9' * rest)))}"
        low += 1
    tail = ""
    if greatest[1:].strip("9"):
        tail = f"{high}{_either(list(_same_length('0' * rest, greatest[1:])))}"
        high -= 1
    if low <= high:
        yield _class(low, high) + _digit(rest, rest)
    if tail:
        yield tail


def _class(first: int, last: int) -> str:
    if first == last:
        return str(first)
    return f"[{first}-{last}]"


def _digit(least: int, most: int) -> str:
    """Between `least` and `most` digits of any kind."""
    return f"[0-9]{_count(least, most)}" if most else ""


def _count(least: int, most: int) -> str:
    if least == most:
        return "" if least == 1 else f"{{{least}}}"
    return "?" if (least, most) == (0, 1) else f"{{{least},{most}}}"


def _either(alternatives: list[str]) -> str:
    return alternatives[0] if len(alternatives) == 1 else f"(?:{'|'.join(alternatives)})"
