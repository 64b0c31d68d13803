"""Quantities: integers of milli-units of a base unit inside, decimal strings of a named unit outside.

The base unit of mass is the kilogram (so a milli-unit is a gram), of things counted the piece. Conversions are exact
rationals: 斤 (jin) is 500 g by definition, a box is what its product says. A quantity that a unit cannot
express exactly is refused, never rounded.
"""

import re
from enum import StrEnum

MAX_MILLI = 10**13
"""Ten million tonnes, or ten thousand million pieces: nothing this market moves at once exceeds it."""

_DECIMAL = re.compile(r"(\d{1,10})(?:\.(\d{1,6}))?", re.ASCII)


class Unit(StrEnum):
    """Units in which products are sold."""

    KG = "kg"
    GRAM = "g"
    TONNE = "t"
    JIN = "jin"
    LIANG = "liang"
    PIECE = "piece"
    BOX = "box"


BASE_OF: dict[Unit, Unit] = {
    Unit.KG: Unit.KG,
    Unit.GRAM: Unit.KG,
    Unit.TONNE: Unit.KG,
    Unit.JIN: Unit.KG,
    Unit.LIANG: Unit.KG,
    Unit.PIECE: Unit.PIECE,
}
"""The base unit each fixed unit measures; a box has the base of its product."""

MILLI_OF: dict[Unit, int] = {
    Unit.KG: 1_000,
    Unit.GRAM: 1,
    Unit.TONNE: 1_000_000,
    Unit.JIN: 500,
    Unit.LIANG: 50,
    Unit.PIECE: 1_000,
}
"""Milli-units in one fixed unit; a box has no entry because its product says."""


BASE_MILLI = 1_000
"""Milli-units in one base unit, the kilogram or the piece."""
MILLI_MU = 1_000
"""Milli-mu in one mu (亩, 1/15 hectare)."""


class MeasuredIn(StrEnum):
    """What lots and contributions are measured in; never boxes: a lot is weighed or counted before it is packed."""

    KG = "kg"
    GRAM = "g"
    TONNE = "t"
    JIN = "jin"
    LIANG = "liang"
    PIECE = "piece"
    HOUR = "hour"
    MU = "mu"


MILLI_IN: dict[MeasuredIn, int] = {
    measured_in: MILLI_OF[Unit(measured_in.value)]
    for measured_in in MeasuredIn
    if measured_in not in {MeasuredIn.HOUR, MeasuredIn.MU}
} | {MeasuredIn.HOUR: 1_000, MeasuredIn.MU: MILLI_MU}
"""Milli-units of the base unit (kg, piece, hour, mu) in one of each."""


def base_of(measured_in: MeasuredIn) -> MeasuredIn:
    """Return the base unit of a unit: kg, piece, hour or mu."""
    if measured_in in {MeasuredIn.HOUR, MeasuredIn.MU}:
        return measured_in
    return MeasuredIn(BASE_OF[Unit(measured_in.value)].value)


class QuantityError(ValueError):
    """The text is no decimal number, or the unit cannot express it exactly."""


def parse(text: str, unit_milli: int) -> int:
    """Return the milli-units of a decimal string such as `12.5` in a unit of `unit_milli` milli-units.

    Raises `QuantityError` for anything but plain ASCII digits, for a part of a milli-unit, or beyond `MAX_MILLI`.
    """
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise QuantityError(text)
    decimals = (match[2] or "").ljust(6, "0")
    milli, rest = divmod(int(match[1] + decimals) * unit_milli, 10**6)
    if rest or milli > MAX_MILLI:
        raise QuantityError(text)
    return milli


def text(milli: int, unit_milli: int) -> str:
    """Return the decimal string of milli-units in a unit, without trailing zeros; a difference may be negative.

    Raises `QuantityError` when the unit has no exact decimal of at most six places for it.
    """
    scaled, rest = divmod(abs(milli) * 10**6, unit_milli)
    if rest:
        raise QuantityError(str(milli))
    whole, decimals = divmod(scaled, 10**6)
    return f"{'-' if milli < 0 else ''}{whole}.{decimals:06d}".rstrip("0").rstrip(".")


def whole_or_exact(milli: int, unit_milli: int) -> str:
    """Return what is left: exactly, or in whole units where the unit cannot say it (a third of a box)."""
    try:
        return text(milli, unit_milli)
    except QuantityError:
        return str(milli // unit_milli)


def base_units(milli: int) -> str:
    """Return milli-units as a decimal string of the base unit (kg or piece)."""
    return text(milli, BASE_MILLI)
