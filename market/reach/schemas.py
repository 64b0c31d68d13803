"""What goes in and out over HTTP: months, reaches, and what the public is told."""

from datetime import date
from typing import Annotated

from pydantic import Field

from market.api import BasisPoints, Count, Fen, Flag, Schema, SignedFen, form
from market.benefits.rules import Payee
from market.ledger.schemas import Month
from market.reports.schemas import CountsOut, MechanismCode, MechanismName


class MonthsQuery(Schema):
    """The months in which lines were accepted, both included."""

    month_from: Annotated[
        Month | None, Field(alias="from", description="January of the last month's year if absent")
    ] = None
    month_to: Annotated[Month | None, Field(alias="to", description="this month if absent")] = None


class CalendarQuery(Schema):
    """A calendar month or year, this year if absent: the public is told of no other periods."""

    period: Annotated[
        str | None,
        form(
            "^[12][0-9]{3}(-(0[1-9]|1[0-2]))?$",
            "a year written as YYYY or a month written as YYYY-MM",
            "年份(YYYY)或月份(YYYY-MM)",
            example="2026-03",
        ),
    ] = None


class SaidOut(Schema):
    """The figures as a sentence."""

    en: Annotated[str, Field(examples=["sold for ¥12,480.00; reached 37 households, median ¥214.00, 100 % paid"])]
    zh: Annotated[str, Field(examples=["销售额 12,480.00 元;带动 37 户,户均中位数 214.00 元,已兑付 100%"])]


class ReachFiguresOut(Schema):
    """What a group was brought. Of the accrued so much is paid, of the paid so much a file proves; null of nothing."""

    payees: Count
    accrued_fen: SignedFen
    recognised_fen: SignedFen
    disbursed_fen: SignedFen
    confirmed_fen: SignedFen
    matched_fen: Fen
    top_up_fen: SignedFen
    proven_fen: SignedFen
    median_fen: Fen | None
    paid_bp: BasisPoints | None
    proven_bp: BasisPoints | None


class ReachCellOut(ReachFiguresOut):
    """One mechanism, assisted and ordinary households apart; for collectives `assisted` is null."""

    payee: Annotated[Payee, Field(examples=["household"])]
    mechanism: MechanismCode
    mechanism_name: MechanismName
    assisted: Flag | None


class ReachOut(Schema):
    """Whom it reached, as it stands now; the sale stands beside it and is not an income."""

    name: Annotated[str, Field(examples=["骏枣"])]
    of_all: Annotated[Flag, Field(description="false: only of the orders that the reader may see")]
    orders: Count
    sale_fen: SignedFen
    sale_net_fen: SignedFen
    households: ReachFiguresOut
    assisted: ReachFiguresOut
    ordinary: ReachFiguresOut
    collectives: ReachFiguresOut
    mechanisms: list[ReachCellOut]
    said: SaidOut
    counts: list[CountsOut]


class PublicRowOut(Schema):
    """A mechanism; null for several that are told together, since too few households are in one of them."""

    mechanism: MechanismCode | None
    mechanism_name: MechanismName | None
    assisted: Flag | None
    households: Count
    accrued_fen: SignedFen


class PublicReachOut(Schema):
    """What anybody may know. Nothing is told of fewer than five households; shares are in steps of 5 %, down."""

    as_of: Annotated[date | None, Field(examples=["2026-03-31"], description="null: no month is closed")]
    accepted_in: Annotated[str | None, Field(examples=["2026"], description="the year or month; null: of one order")]
    households: Annotated[Count | None, Field(description="null: not told; 0: nobody was reached")]
    accrued_fen: Annotated[SignedFen | None, Field(description="null: not told")]
    median_fen: Fen | None
    paid_bp: BasisPoints | None
    proven_bp: BasisPoints | None
    mechanisms: list[PublicRowOut]
    left_out: Flag
    said: SaidOut
