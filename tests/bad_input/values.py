"""Amounts, quantities and days that are none."""

from typing import Any

from tests.bad_input.fair import INVALID, LINE, Case

MONEY: list[tuple[str, Any]] = [
    ("a float", 1.5),
    ("a whole float", 1000.0),
    ("text", "1000"),
    ("negative", -1),
    ("zero", 0),
    ("huge", 10**14),
    ("huger than any column", 10**30),
    ("true", True),
    ("null", None),
    ("a list", [1000]),
]
QUANTITIES: list[tuple[str, Any]] = [
    ("a number", 10),
    ("a float", 1.5),
    ("true", True),
    ("negative", "-1"),
    ("signed", "+1"),
    ("an exponent", "1e3"),
    ("not a number", "NaN"),
    ("infinite", "Infinity"),
    ("of eleven digits", "99999999999"),
    ("finer than any unit", "1.0000001"),
    ("in full-width digits", "１０"),
    ("in Arabic digits", "١٠"),
    ("in Chinese", "十"),
    ("with a comma", "1,000"),
    ("with a blank", " 1"),
    ("with a line feed", "1\n"),
    ("with a null", "1\x00"),
    ("empty", ""),
    ("hexadecimal", "0x10"),
]
PARTS: list[tuple[str, Any]] = [
    ("a float", 1.5),
    ("a whole float", 7_000.0),
    ("text", "7000"),
    ("negative", -1),
    ("more than the whole", 10_001),
    ("true", True),
]
DAYS: list[tuple[str, Any]] = [
    ("an integer", 20260302),
    ("a timestamp", 1772409600),
    ("a timestamp in text", "1772409600"),
    ("a float", 1772409600.0),
    ("true", True),
    ("an instant", "2026-03-02T04:00:00Z"),
    ("midnight", "2026-03-02T00:00:00"),
    ("the month 13", "2026-13-01"),
    ("30 February", "2026-02-30"),
    ("slashed", "2026/03/02"),
    ("the first of the calendar", "0001-01-01"),
    ("the last of the calendar", "9999-12-31"),
    ("empty", ""),
]

CASES: list[Case] = [
    *(
        (f"a receipt of {name}", lambda f, v=v: f.receive(amount_fen=v), 422, INVALID, ["/amount_fen"])
        for name, v in MONEY
    ),
    *(
        (f"a payment of {name}", lambda f, v=v: f.disburse(amount_fen=v), 422, INVALID, ["/payments/0/amount_fen"])
        for name, v in MONEY
    ),
    *(
        (
            f"an expected price that is {name}",
            lambda f, v=v: f.place_line(unit_price_fen=v),
            422,
            INVALID,
            [f"{LINE}/unit_price_fen"],
        )
        for name, v in MONEY
        if v is not None and v != 0
    ),
    *(
        (f"a quantity that is {name}", lambda f, v=v: f.place_line(quantity=v), 422, INVALID, [f"{LINE}/quantity"])
        for name, v in QUANTITIES
    ),
    *(
        (
            f"an accepted quantity that is {name}",
            lambda f, v=v: f.accept(accepted=v),
            422,
            INVALID,
            [f"{LINE}/accepted"],
        )
        for name, v in QUANTITIES
    ),
    *(
        (f"a day that is {name}", lambda f, v=v: f.receive(received_on=v), 422, INVALID, ["/received_on"])
        for name, v in DAYS
    ),
]
